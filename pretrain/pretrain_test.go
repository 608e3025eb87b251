package pretrain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/checkpoint"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/fmath"
	"pactune/internal/rng"
	"pactune/tensor"
	"pactune/train"
)

// story writes bytes of plain text in which words depend on each other: whoever
// is the subject takes its own tool to its own place, and what the tool is tells
// the next sentence's verb. Frequencies alone say little.
func story(bytes int) string {
	people := strings.Fields("baker miller sailor smith tailor farmer painter doctor teacher hunter gardener cook")
	tools := strings.Fields("oven stone rope hammer needle plough brush bottle chalk trap spade pan")
	places := strings.Fields("bakery mill harbour forge shop field studio clinic school forest garden kitchen")
	verbs := strings.Fields("heats turns pulls strikes threads drives wets opens breaks sets lifts warms")
	key, text := rng.NewKey(7, 97, 0), strings.Builder{}
	for i := uint64(0); text.Len() < bytes; i++ {
		p, q := key.Intn(2*i, len(people)), key.Intn(2*i+1, len(people))
		fmt.Fprintf(&text, "The %s takes the %s to the %s. ", people[p], tools[p], places[p])
		if i%3 == 0 {
			fmt.Fprintf(&text, "There the %s meets the %s. ", people[p], people[q])
		}
		fmt.Fprintf(&text, "In the %s the %s %s the %s.", places[q], people[q], verbs[q], tools[q])
		if i%5 == 4 {
			text.WriteString("\n\n")
		} else {
			text.WriteString(" ")
		}
	}
	return text.String()
}

// files writes text and its vocabulary, every word a token.
func write(t *testing.T, text string) (textFile, vocab string) {
	t.Helper()
	dir := t.TempDir()
	textFile, vocab = filepath.Join(dir, "text.txt"), filepath.Join(dir, "vocab.txt")
	tokens := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] .")
	seen := map[string]bool{}
	for _, w := range strings.Fields(strings.ToLower(strings.ReplaceAll(text, ".", " "))) {
		if !seen[w] {
			seen[w] = true
			tokens = append(tokens, w)
		}
	}
	for path, content := range map[string]string{textFile: text, vocab: strings.Join(tokens, "\n") + "\n"} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return textFile, vocab
}

// pretrain runs the command line of pactune pretrain.
func pretrain(t *testing.T, hooks train.Hooks, ctx context.Context, args ...string) *Result {
	t.Helper()
	c, err := ParseArgs(args)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(ctx, c, hooks)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A model of the recipe learns what stands beside what: its held-out loss falls
// far below that of the frequencies, which no model without attention can pass.
func TestLossFallsBelowUnigrams(t *testing.T) {
	if testing.Short() {
		t.Skip("plain loops take minutes")
	}
	text, vocab := write(t, story(200_000))
	dir := filepath.Join(t.TempDir(), "run")
	r := pretrain(t, train.Hooks{}, context.Background(), "--model_config", "2x64/4", "--vocab", vocab, "--train_files", text,
		"--validation_split_percentage", "5", "--max_seq_length", "32", "--per_device_train_batch_size", "16", "--max_steps", "300",
		"--learning_rate", "3e-3", "--eval_strategy", "no", "--output_dir", dir)
	t.Logf("held-out loss %.3f, unigrams %.3f, %d tokens", r.Loss, r.Unigram, r.Tokens)
	if !(r.Loss < r.Unigram-1) {
		t.Errorf("held-out loss %.3f after %d tokens: expected it at least 1 below that of the unigrams, %.3f", r.Loss, r.Tokens, r.Unigram)
	}
	var results map[string]float64
	data, err := os.ReadFile(filepath.Join(dir, "all_results.json"))
	if err == nil {
		err = json.Unmarshal(data, &results)
	}
	if err != nil || results["eval_loss"] != r.Loss || results["perplexity"] != fmath.Exp(r.Loss) {
		t.Errorf("all_results.json: %v, %v; expected the loss %v", results, err, r.Loss)
	}
	checkpoint, err := bert.Open(dir) // and it goes on from there, as a fine-tuning does
	if err != nil {
		t.Fatal(err)
	}
	checkpoint.Close()
	again := pretrain(t, train.Hooks{}, context.Background(), "--model_name_or_path", dir, "--train_files", text, "--max_seq_length", "32",
		"--per_device_train_batch_size", "16", "--max_steps", "1", "--learning_rate", "0", "--validation_split_percentage", "5",
		"--output_dir", filepath.Join(t.TempDir(), "more"))
	if again.Loss != r.Loss {
		t.Errorf("the model that was saved has the held-out loss %v, the one in the run had %v", again.Loss, r.Loss)
	}
}

// small are the options of a run of 12 updates over more than one epoch's window,
// with dropout, accumulation and checkpoints at every update.
func small(text, vocab, dir string, more ...string) []string {
	return append([]string{"--model_config", "1x32/2", "--vocab", vocab, "--train_files", text, "--max_seq_length", "24",
		"--per_device_train_batch_size", "70", "--gradient_accumulation_steps", "2", "--max_steps", "12", "--dropout", "0.1",
		"--validation_split_percentage", "20", "--eval_tokens", "2000", "--eval_steps", "4", "--save_every", "1ns", "--output_dir", dir}, more...)
}

// A run that is interrupted after any update and goes on, on another number of
// threads, leaves what one leaves that was never interrupted.
func TestResumedEqualsUninterrupted(t *testing.T) {
	text, vocab := write(t, story(150_000)) // two epochs and more
	whole := filepath.Join(t.TempDir(), "whole")
	pretrain(t, train.Hooks{}, context.Background(), small(text, vocab, whole)...)
	stops := []int{1, 4, 7, 11}
	if testing.Short() {
		stops = stops[2:3]
	}
	for _, stop := range stops {
		dir := filepath.Join(t.TempDir(), "stopped")
		ctx, cancel := context.WithCancel(context.Background())
		hooks := train.Hooks{OnStep: func(r *train.StepRecord, _ train.Timing) {
			if r.Step == stop {
				cancel()
			}
		}}
		if r := pretrain(t, hooks, ctx, small(text, vocab, dir)...); !r.Interrupted || r.Steps != stop {
			t.Fatalf("stopped after update %d: %+v", stop, r)
		}
		// What a killed process leaves: lines after the checkpoint, half a checkpoint.
		appendTo(t, filepath.Join(dir, "metrics.jsonl"), "{\"step\":99}\n{\"st")
		if stop > 1 {
			damage(t, dir, stop)
		}
		own := train.NewConfig()
		own.Threads = 1 + stop%3
		if _, err := Resume(context.Background(), dir, own, train.Hooks{}); err != nil {
			t.Fatalf("stopped after update %d: %v", stop, err)
		}
		for _, name := range []string{"model.safetensors", "metrics.jsonl", "config.json", "all_results.json", "vocab.txt"} {
			equalFiles(t, stop, filepath.Join(whole, name), filepath.Join(dir, name))
		}
		if r, err := Resume(context.Background(), dir, own, train.Hooks{}); err != nil || r.Steps != 0 {
			t.Errorf("resuming a finished run: %+v, %v", r, err)
		}
	}
}

// damage flips a bit of the newest checkpoint every second time.
func damage(t *testing.T, dir string, stop int) {
	if stop%2 == 0 {
		return
	}
	path := filepath.Join(dir, fmt.Sprintf("checkpoint-%d", stop), checkpoint.Optimizer)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func equalFiles(t *testing.T, stop int, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	y, err2 := os.ReadFile(b)
	if err != nil || err2 != nil || !bytes.Equal(x, y) {
		t.Errorf("stopped after update %d: %s differs from that of the whole run (%v, %v)", stop, filepath.Base(a), err, err2)
	}
}

// Resume refuses what would not give the same run, and changes nothing.
func TestResumeRefuses(t *testing.T) {
	text, vocab := write(t, story(150_000))
	dir := filepath.Join(t.TempDir(), "run")
	args := filepath.Join(dir, "training_args.json")
	ctx, cancel := context.WithCancel(context.Background())
	hooks := train.Hooks{OnStep: func(*train.StepRecord, train.Timing) { cancel() }}
	pretrain(t, hooks, ctx, small(text, vocab, dir)...)
	for _, saved := range []bool{true, false} {
		if !saved {
			os.RemoveAll(filepath.Join(dir, "checkpoint-1"))
		}
		for _, c := range []struct {
			path, old, new string
			kind           fault.Kind
			says           string
		}{
			{text, "The ", "A ", fault.Data, "text.txt: its SHA-256 is "},
			{vocab, "[MASK]\n.\nthe\n", "[MASK]\nthe\n.\n", fault.Model, "its vocabulary is not the one"},
			{args, `"adam_beta1": 0.9`, `"adam_beta1": 0.8`, fault.Usage, "--adam_beta1 is 0.8, was 0.9"},
			{args, `"mlm_probability": 0.15`, `"mlm_probability": 0.2`, fault.Usage, "--mlm_probability is 0.2, was 0.15"},
			{args, `"1x32/2"`, `"1x32/4"`, fault.Model, "the base model has changed"},
		} {
			was, err := os.ReadFile(c.path)
			if err != nil || !bytes.Contains(was, []byte(c.old)) {
				t.Fatalf("%s: %v, lacks %q", c.path, err, c.old)
			}
			os.WriteFile(c.path, bytes.Replace(was, []byte(c.old), []byte(c.new), 1), 0o666)
			before := logs(t, dir)
			_, err = Resume(context.Background(), dir, train.NewConfig(), train.Hooks{})
			if fault.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("saved %v, %s for %s: %v", saved, c.new, c.old, err)
			}
			if logs(t, dir) != before {
				t.Errorf("saved %v, %s for %s: changed the folder", saved, c.new, c.old)
			}
			os.WriteFile(c.path, was, 0o666)
		}
	}
	if _, err := Resume(context.Background(), t.TempDir(), train.NewConfig(), train.Hooks{}); fault.KindOf(err) != fault.Usage {
		t.Errorf("a folder without a run: %v", err)
	}
}

// logs is the log of a run and the names of its checkpoints.
func logs(t *testing.T, dir string) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	steps, err2 := checkpoint.Steps(files.OS, dir)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return fmt.Sprint(steps, string(log))
}

// A log that was changed or cut is found before anything is removed.
func TestResumeChecksTheLogFirst(t *testing.T) {
	text, vocab := write(t, story(150_000))
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	hooks := train.Hooks{OnStep: func(r *train.StepRecord, _ train.Timing) {
		if r.Step == 2 {
			cancel()
		}
	}}
	pretrain(t, hooks, ctx, small(text, vocab, dir)...)
	log := filepath.Join(dir, "metrics.jsonl")
	was, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	edited := bytes.Clone(was)
	edited[bytes.Index(was, []byte(`"loss":`))+7] ^= 1 // another digit
	for says, text := range map[string][]byte{
		"expected at least the ":  was[:10],
		"bytes have the SHA-256 ": edited,
	} {
		os.WriteFile(log, text, 0o666)
		before := logs(t, dir)
		_, err := Resume(context.Background(), dir, train.NewConfig(), train.Hooks{})
		if fault.KindOf(err) != fault.Model || !strings.Contains(fmt.Sprint(err), says) || logs(t, dir) != before {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// A run that cannot save keeps its folder and says what is lost; gone on with it leaves
// what any other does.
func TestFailedCheckpoint(t *testing.T) {
	text, vocab := write(t, story(150_000))
	whole := filepath.Join(t.TempDir(), "whole")
	pretrain(t, train.Hooks{}, context.Background(), small(text, vocab, whole)...)
	for at, says := range map[int]string{
		1: "its work of 1 update cannot be saved and is lost; the log is in DIR, and pactune resume DIR starts again",
		3: "1 update after update 2 cannot be saved, and will be made again; the checkpoint of update 2 is in DIR: pactune resume DIR",
	} {
		dir := filepath.Join(t.TempDir(), "run")
		inTheWay := filepath.Join(dir, fmt.Sprintf("checkpoint-%d", at))
		c, err := ParseArgs(small(text, vocab, dir))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Run(context.Background(), c, train.Hooks{OnStep: func(r *train.StepRecord, _ train.Timing) {
			if r.Step == at {
				os.Mkdir(inTheWay, 0o777)
			}
		}})
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(says, "DIR", dir)) {
			t.Errorf("checkpoint %d: %v", at, err)
		}
		os.Remove(inTheWay)
		if _, err := Resume(context.Background(), dir, train.NewConfig(), train.Hooks{}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"model.safetensors", "metrics.jsonl"} {
			equalFiles(t, at, filepath.Join(whole, name), filepath.Join(dir, name))
		}
	}
}

// A run that would not fit is refused before anything is written.
func TestRefusesTooLittleMemory(t *testing.T) {
	text, vocab := write(t, story(150_000))
	dir := filepath.Join(t.TempDir(), "run")
	c, err := ParseArgs(small(text, vocab, dir, "--max_memory", "10MiB"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(context.Background(), c, train.Hooks{})
	if fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), "--gradient_checkpointing") {
		t.Errorf("10 MiB: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there: %v", err)
	}
}

// A steady update allocates nothing.
func TestSteadyStepAllocatesNothing(t *testing.T) {
	text, vocab := write(t, story(150_000))
	dir := filepath.Join(t.TempDir(), "run")
	for _, precision := range []string{"f32", "bf16"} {
		if precision == "bf16" && tensor.F64 {
			continue
		}
		args := []string{"--model_config", "2x32/2", "--vocab", vocab, "--train_files", text, "--max_seq_length", "24", "--precision", precision,
			"--per_device_train_batch_size", "4", "--max_steps", "50", "--eval_strategy", "no", "--output_dir", dir}
		c, err := ParseArgs(args)
		if err != nil {
			t.Fatal(err)
		}
		r := &run{cfg: c}
		_, err = r.do(context.Background(), func() error {
			step := 0
			one := func() {
				if _, err := r.t.step(step); err != nil {
					t.Fatal(err)
				}
				step++
			}
			one()
			one()
			if n := testing.AllocsPerRun(20, one); n != 0 {
				t.Errorf("%s: %v allocations an update", precision, n)
			}
			return errDone
		})
		if err != errDone {
			t.Fatal(err)
		}
	}
}

var errDone = fault.Errorf(fault.Internal, "done")
