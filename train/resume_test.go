package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/autograd"
	"pactune/bert"
	"pactune/checkpoint"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/nn"
	"pactune/tensor"
)

var stops = flag.Int("stops", 2, "updates of a run after which TestResumedEqualsUninterrupted stops it, up to 50")

// rows are labelled texts of the words that the model of modelFolder reads.
func rows(n int) string {
	var b strings.Builder
	for i := range n {
		for j := range 1 + i%5 {
			fmt.Fprintf(&b, "%c ", "abcd"[(i*7+j*i+j)%4])
		}
		fmt.Fprintf(&b, "\t%s\n", []string{"no", "yes"}[i%3%2])
	}
	return b.String()
}

// resumed are runs of 51 updates: 17 an epoch, of three micro-batches, the last
// of which is short; evaluations every 5 updates; the first stage has 28.
var resumed = map[string]string{
	"adamw":    "method adamw dropout 0.1 lr_scheduler_type cosine warmup_steps 5",
	"cwgnc":    "method cwgnc",
	"pac":      "method pac",
	"tensor":   "method pac+cwgnc pac_granularity tensor pac_gamma_min 1 pac_gamma_max 10 head pooler freeze_embeddings false dropout 0.1",
	"unfreeze": "method unfreeze unfreeze_epochs 0.7",
	"best":     "method adamw load_best_model_at_end true learning_rate 3e-2 metric_for_best_model loss",
}

type resumable struct {
	t           *testing.T
	model, data string
	options     string
}

// deeper gives a model a second layer, which can be unfrozen after the first.
func deeper(m *bert.Model) {
	c := m.Config
	c.Layers = 2
	two, err := bert.New(c, bert.HeadNone, 0)
	if err != nil {
		panic(err)
	}
	two.Initialise(3)
	*m = *two
}

func newResumable(t *testing.T, method string) *resumable {
	change := map[string]func(*bert.Model){"unfreeze": deeper}[method]
	r := &resumable{t: t, model: modelFolder(t, "", nil, change), data: writeText(t, "train.txt", rows(100))}
	r.options = "model_name_or_path " + r.model + " train_file " + r.data + " validation_file " + writeText(t, "dev.txt", rows(30)) +
		" per_device_train_batch_size 2 gradient_accumulation_steps 3 num_train_epochs 3 eval_strategy steps eval_steps 5 logging_steps 7 component_steps 4 " + resumed[method] + " "
	if strings.HasPrefix(resumed[method], "method pac") {
		r.options += "pac_stage1_epochs 1.6 pac_k_samples 5 "
	}
	return r
}

// run makes a run in dir, or goes on with it; it is interrupted after an update
// or, with inEval, in the evaluation that follows it.
func (r *resumable) run(dir, more string, stop int, inEval bool) (*Result, []string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at := 0
	var notes []string
	hooks := Hooks{
		OnNote: func(text string) { notes = append(notes, text) },
		OnWarn: func(text string) { notes = append(notes, "warning: "+text) },
		OnStep: func(s *StepRecord, _ Timing) {
			if at = s.Step; at == stop && !inEval {
				cancel()
			}
		},
		OnWork: func(what string, _, _ int) {
			if what == "evaluation" && at == stop && inEval {
				cancel()
			}
		},
	}
	c := settings(r.t, r.options+more+" output_dir "+dir)
	res, err := Run(ctx, c, nil, hooks)
	return res, notes, err
}

func (r *resumable) must(dir, more string, stop int, inEval bool) *Result {
	r.t.Helper()
	res, _, err := r.run(dir, more, stop, inEval)
	if err != nil {
		r.t.Fatalf("%s, stopped after update %d: %v", more, stop, err)
	}
	return res
}

// results are the files that do not depend on the clock.
var results = []string{"model.safetensors", "noise.safetensors", "metrics.jsonl", "components.jsonl", "eval_predictions.jsonl", "README.md", "config.json", "training_args.json"}

// equal compares what two runs left.
func (r *resumable) equal(what, a, b string) {
	r.t.Helper()
	for _, name := range results {
		x, errX := os.ReadFile(filepath.Join(a, name))
		y, errY := os.ReadFile(filepath.Join(b, name))
		x, y = bytes.ReplaceAll(x, []byte(a), nil), bytes.ReplaceAll(y, []byte(b), nil)
		if name == "training_args.json" { // on which no result depends
			x, y = without(x, "save_", "threads"), without(y, "save_", "threads")
		}
		if name == "README.md" {
			x, y = without(x, "name:", "# "), without(y, "name:", "# ")
		}
		if (errX == nil) != (errY == nil) || !bytes.Equal(x, y) {
			r.t.Errorf("%s: %s differs from that of the whole run (%v, %v)", what, name, errX, errY)
		}
	}
}

// without leaves out the lines with one of the words.
func without(text []byte, words ...string) []byte {
	var kept [][]byte
next:
	for _, line := range bytes.Split(text, []byte("\n")) {
		for _, w := range words {
			if bytes.Contains(line, []byte(w)) {
				continue next
			}
		}
		kept = append(kept, line)
	}
	return bytes.Join(kept, []byte("\n"))
}

// A run that is interrupted after any update, or in an evaluation, and goes on, on
// another number of threads, leaves to the byte what a run leaves that was never
// interrupted. With -stops 50, that is after each of the 50 updates.
func TestResumedEqualsUninterrupted(t *testing.T) {
	for method := range resumed {
		t.Run(method, func(t *testing.T) {
			r, root := newResumable(t, method), t.TempDir()
			whole := filepath.Join(root, "whole")
			r.must(whole, "save_strategy no threads 2", 0, false)
			for i := range min(*stops, 50) {
				stop := (i + 1) * 28 % 51 // each once
				inEval := stop%5 == 0 && stop%10 > 0
				dir := filepath.Join(root, fmt.Sprint(stop))
				save := []string{"save_steps 3", "save_strategy best", "save_strategy no", "save_every 1ns save_total_limit 1", "save_strategy epoch"}[stop%5]
				if res := r.must(dir, save+" threads 1", stop, inEval); !res.Interrupted || res.Steps != stop {
					t.Fatalf("stopped after update %d: %+v", stop, res)
				}
				appendTo(t, filepath.Join(dir, "metrics.jsonl"), "{\"step\":99}\n{\"st") // of a process that was killed
				r.must(dir, fmt.Sprintf("%s resume %s threads %d", save, []string{"auto", dir}[stop%2], 1+stop%4), 0, false)
				r.equal(fmt.Sprintf("stopped after update %d", stop), whole, dir)
				if res, notes, err := r.run(dir, save+" resume auto", 0, false); err != nil || res.Steps != 51 || !strings.Contains(strings.Join(notes, "\n"), "nothing is left to do") {
					t.Errorf("resuming a finished run: %+v, %v, %v", res, notes, err)
				}
				os.RemoveAll(dir)
			}
		})
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged checkpoint is passed over with a warning.
func TestResumePassesOverDamage(t *testing.T) {
	r, root := newResumable(t, "pac"), t.TempDir()
	r.options += "max_steps 21 "
	whole, dir := filepath.Join(root, "whole"), filepath.Join(root, "run")
	r.must(whole, "", 0, false)
	r.must(dir, "save_steps 8", 18, false)
	path := filepath.Join(dir, "checkpoint-18", checkpoint.Optimizer)
	data, err := os.ReadFile(path)
	if err == nil {
		data[len(data)/2] ^= 4
		err = os.WriteFile(path, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, notes, err := r.run(dir, "save_steps 8 resume auto", 0, false)
	text := strings.Join(notes, "\n")
	if err != nil || !strings.Contains(text, "warning: a damaged checkpoint is passed over: "+path) || !strings.Contains(text, "goes on after update 16") ||
		!strings.Contains(text, "warning: "+dir+": removed, because the run goes on from before it: checkpoint-18\n") {
		t.Errorf("%v: %s", err, text)
	}
	r.equal("damaged", whole, dir)
}

// What would not give the same run is refused, with what differs, and changes
// nothing.
func TestResumeRefuses(t *testing.T) {
	for _, saved := range []bool{true, false} {
		r, dir := newResumable(t, "adamw"), filepath.Join(t.TempDir(), "run")
		r.must(dir, "save_steps 4", 9, false)
		if !saved {
			for _, step := range []string{"8", "9"} {
				os.RemoveAll(filepath.Join(dir, "checkpoint-"+step))
			}
		}
		before := listing(t, dir)
		other := modelFolder(t, "", nil, nil)
		os.WriteFile(filepath.Join(other, "vocab.txt"), []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nb\na\nc\nd\n"), 0o666)
		os.Remove(filepath.Join(other, "tokenizer.json"))
		wide := modelFolder(t, "", nil, nil)
		os.WriteFile(filepath.Join(wide, "config.json"), bytes.Replace(readAll(t, filepath.Join(wide, "config.json")), []byte("0.125"), []byte("0.25"), 1), 0o666)
		for more, want := range map[string]struct {
			kind fault.Kind
			says string
		}{
			"learning_rate 1e-3 seed 7":                                  {fault.Usage, "--learning_rate is 0.001, was 5e-05; --seed is 7, was 42"},
			"train_file " + writeText(t, "train.txt", rows(99)):          {fault.Data, "train.txt: its SHA-256 is "},
			"validation_file " + writeText(t, "dev.txt", rows(31)):       {fault.Data, "dev.txt: its SHA-256 is "},
			"model_name_or_path " + other:                                {fault.Model, "vocabulary has changed"},
			"model_name_or_path " + wide:                                 {fault.Model, "the base model has changed"},
			"model_name_or_path " + r.model + " output_dir " + dir + "2": {fault.Usage, "stays in its folder"},
		} {
			c := settings(t, r.options+" output_dir "+dir+" resume "+dir+" "+more)
			_, err := Run(context.Background(), c, nil, Hooks{})
			if fault.KindOf(err) != want.kind || !strings.Contains(fmt.Sprint(err), want.says) {
				t.Errorf("%s: %v", more, err)
			}
			if after := listing(t, dir); after != before {
				t.Errorf("%s: left %s, before %s", more, after, before)
			}
		}
	}
	twice := t.TempDir()
	os.WriteFile(filepath.Join(twice, "run.json"), []byte(`{"program":"pactune","exit":"finished","exit":"running"}`), 0o666)
	if _, err := ReadRun(twice, NewConfig()); !strings.Contains(fmt.Sprint(err), `found the key "exit" twice`) {
		t.Errorf("a key twice: %v", err)
	}
	unread := t.TempDir()
	os.Mkdir(filepath.Join(unread, "run.json"), 0o777)
	if _, err := ReadRun(unread, NewConfig()); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "cannot be read: ") {
		t.Errorf("a run.json that is a folder: %v", err)
	}
	os.WriteFile(filepath.Join(twice, "run.json"), []byte(`{"program":"pactune","exit":"running","origin":{},"config":{"quiet":true,"json":true,"threads":3,"seed":7},"config_from":{"quiet":"option","json":"option","threads":"option","seed":"option"}}`), 0o666)
	if c, err := ReadRun(twice, NewConfig()); err != nil || c.Quiet || c.JSON || c.Threads != 3 || c.Seed != 7 {
		t.Errorf("what is of the process: %+v, %v", c, err)
	}
	if _, err := ReadRun(t.TempDir(), NewConfig()); fault.KindOf(err) != fault.Usage {
		t.Errorf("a folder without a run: %v", err)
	}
}

// Files may have moved: what they hold is what counts.
func TestResumeWithMovedFiles(t *testing.T) {
	r, root := newResumable(t, "adamw"), t.TempDir()
	r.options += "max_steps 4 do_predict true test_file " + writeText(t, "test.txt", rows(9)) + " "
	whole, dir := filepath.Join(root, "whole"), filepath.Join(root, "run")
	r.must(whole, "", 0, false)
	r.must(dir, "", 2, false)
	moved := " test_file " + writeText(t, "moved.txt", rows(9)) + " train_file " + writeText(t, "rows.txt", rows(100)) + " cache_dir " + root + " "
	r.must(dir, moved+"resume auto", 0, false)
	for _, name := range []string{"model.safetensors", "metrics.jsonl"} {
		if !bytes.Equal(readAll(t, filepath.Join(whole, name)), readAll(t, filepath.Join(dir, name))) {
			t.Errorf("%s differs", name)
		}
	}
	os.RemoveAll(dir)
	r.must(dir, "", 2, false)
	_, _, err := r.run(dir, "resume auto train_file rows.txt", 0, false)
	here, _ := os.Getwd()
	if fault.KindOf(err) != fault.Data || !strings.Contains(fmt.Sprint(err), "paths from the folder where that was done, "+here) {
		t.Errorf("in another folder: %v", err)
	}
	_, _, err = r.run(dir, "resume auto test_file "+writeText(t, "test.txt", rows(8)), 0, false)
	if fault.KindOf(err) != fault.Data || !strings.Contains(fmt.Sprint(err), "test.txt: its SHA-256 is ") {
		t.Errorf("another test file: %v", err)
	}
}

// A folder that another process has is refused before anything is read; a run that
// has ended while one waited for its folder is left as it is.
func TestResumeTakesTheFolderFirst(t *testing.T) {
	r, dir := newResumable(t, "adamw"), filepath.Join(t.TempDir(), "run")
	r.options += "max_steps 4 "
	r.must(dir, "", 2, false)
	lock, err := files.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.run(dir, "resume auto train_file not/there.txt", 0, false)
	if fault.KindOf(err) != fault.Usage || !strings.Contains(fmt.Sprint(err), "is writing there") {
		t.Errorf("while it is locked: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	stale, err := readEarlier(dir)
	if err != nil || stale.ended() {
		t.Fatalf("%+v, %v", stale, err)
	}
	r.must(dir, "resume auto", 0, false)
	late := &run{cfg: settings(t, r.options+"output_dir "+dir+" resume "+dir)}
	now, err := late.earlier()
	if err != nil || !now.ended() || now.Steps != 4 {
		t.Errorf("after its end: %+v, %v", now, err)
	}
}

// A run is not finished before the last of its files is there: one that could not
// write it goes on, and leaves what any other does.
func TestFailedAtTheLastFile(t *testing.T) {
	r, root := newResumable(t, "adamw"), t.TempDir()
	r.options += "max_steps 3 save_strategy no "
	whole, dir := filepath.Join(root, "whole"), filepath.Join(root, "run")
	r.must(whole, "", 0, false)
	c := settings(t, r.options+"output_dir "+dir)
	inTheWay := filepath.Join(dir, "SHA256SUMS", "x")
	if _, err := Run(context.Background(), c, nil, Hooks{OnStep: func(*StepRecord, Timing) { os.MkdirAll(inTheWay, 0o777) }}); err == nil {
		t.Fatal("no error")
	}
	os.RemoveAll(filepath.Dir(inTheWay))
	if res := r.must(dir, "resume auto", 0, false); res.Steps != 3 {
		t.Errorf("%+v", res)
	}
	r.equal("gone on with", whole, dir)
	for _, line := range strings.Split(strings.TrimSpace(string(readAll(t, filepath.Join(dir, "SHA256SUMS")))), "\n") {
		sum, name, _ := strings.Cut(line, "  ")
		if w, err := files.Hash(files.OS, filepath.Join(dir, name)); err != nil || w.SHA256 != sum {
			t.Errorf("%s: %v, %v", line, w, err)
		}
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A run that leaves updates out goes on like one that was never interrupted: those
// before count neither for Adam nor for the noise, nor as losses.
func TestResumedAfterSkips(t *testing.T) {
	if tensor.FloatBytes == 8 {
		t.Skip("float64 holds whatever comes of the float32 numbers of a file")
	}
	for _, method := range []string{"adamw", "pac"} {
		r := newResumable(t, method)
		large := modelFolder(t, "", nil, func(m *bert.Model) {
			words := m.Store.Param("bert.embeddings.word_embeddings.weight")
			for i := range words.Shape[1] {
				words.Clean[words.Shape[1]+i] = 3e38 // of [UNK], which one text has
			}
		})
		r.options = strings.Replace(r.options, r.model, large, 1)
		r.options = strings.Replace(r.options, r.data, writeText(t, "train.txt", rows(100)+"a ? b\tno\n"), 1) + "on_nan skip save_strategy steps save_steps 4 "
		whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
		r.must(whole, "", 0, false)
		r.must(parts, "", 30, false)
		r.must(parts, "resume auto", 0, false)
		r.equal(method, whole, parts)
		text, err := os.ReadFile(filepath.Join(whole, "metrics.jsonl"))
		if n := bytes.Count(text, []byte(`"skipped":`)); err != nil || n != 3 {
			t.Errorf("%s: %d updates were left out, want one an epoch (%v)", method, n, err)
		}
	}
}

// The weights are known by the SHA-256 of their float32 bytes, one after another; more
// than one buffer of them too.
func TestHashOfWeights(t *testing.T) {
	m := &bert.Model{Store: &nn.Store{}}
	whole := sha256.New()
	for i, n := range []int{3, 40000, 0, 16384} {
		p := &autograd.Param{Clean: make([]tensor.Float, n)}
		for j := range p.Clean {
			p.Clean[j] = tensor.Float(float32(j+1) / float32(i+3))
		}
		m.Store.Params = append(m.Store.Params, p)
		for _, w := range p.Clean {
			binary.Write(whole, binary.LittleEndian, float32(w))
		}
	}
	if got, want := hashModel(m), hex.EncodeToString(whole.Sum(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
