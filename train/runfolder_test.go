package train

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// listing names everything below a folder, folders with a slash.
func listing(t *testing.T, root string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && path != root {
			name, _ := filepath.Rel(root, path)
			if d.IsDir() {
				name += "/"
			}
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestFolderRefusals(t *testing.T) {
	root := t.TempDir()
	full, model, file := filepath.Join(root, "full"), filepath.Join(root, "model"), filepath.Join(root, "file")
	os.Mkdir(full, 0o755)
	os.Mkdir(model, 0o755)
	os.WriteFile(filepath.Join(full, "keep.txt"), nil, 0o644)
	os.WriteFile(file, nil, 0o644)
	before := listing(t, root)
	for _, test := range []struct{ dir, says string }{
		{full, "is not empty (keep.txt)"},
		{full + "/../full/", "is not empty"},
		{model, "folder of the model"},
		{filepath.Join(root, ".", "full", "..", "model"), "folder of the model"},
		{file, "is a file"},
		{filepath.Join(file, "below"), "--output_dir"},
	} {
		c := &Config{OutputDir: test.dir, ModelNameOrPath: model}
		for _, err := range []error{CheckOutput(c), second(NewFolder(c)), second(NewRun(c, ""))} {
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v, want a usage error with %q", test.dir, err, test.says)
			}
		}
	}
	if after := listing(t, root); after != before {
		t.Errorf("refusals left %s, before %s", after, before)
	}
}

func second(_ *Folder, err error) error { return err }

// A run that fails before its first result leaves nothing, not even parents.
func TestFolderDiscard(t *testing.T) {
	root := t.TempDir()
	empty := filepath.Join(root, "empty")
	os.Mkdir(empty, 0o755)
	for _, dir := range []string{filepath.Join(root, "a", "b", "run"), empty} {
		f, err := NewRun(&Config{OutputDir: dir}, "")
		if err != nil {
			t.Fatal(err)
		}
		f.Start(&Plan{Steps: 1, LogEvery: 1})
		f.Step(pacRecord(1), Timing{})
		if err := f.WriteJSON("config.json", 2, map[string]any{}); err != nil {
			t.Fatal(err)
		}
		f.Discard()
	}
	if left := listing(t, root); left != "empty/" {
		t.Errorf("left behind: %s", left)
	}
	f, err := NewRun(&Config{OutputDir: filepath.Join(root, "kept")}, "")
	if err != nil {
		t.Fatal(err)
	}
	f.Start(&Plan{Steps: 1, LogEvery: 1})
	if err := f.Eval(&EvalRecord{Step: 1}); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if left := listing(t, filepath.Join(root, "kept")); left != "metrics.jsonl timings.jsonl" {
		t.Errorf("a run with a result kept %q", left)
	}
}

// Runs that name no folder are numbered, past gaps, running ones included.
func TestFolderNumbers(t *testing.T) {
	old, _ := os.Getwd()
	defer os.Chdir(old)
	os.Chdir(t.TempDir())
	first, err := NewRun(&Config{Method: "pac"}, "my data.csv")
	if err != nil || filepath.ToSlash(first.Path()) != "runs/001-my-data-pac" {
		t.Fatalf("%v, %v", first, err)
	}
	other, err := NewRun(&Config{Method: "pac+cwgnc"}, "rte")
	if err != nil || filepath.ToSlash(other.Path()) != "runs/002-rte-pac-cwgnc" {
		t.Fatalf("%v, %v", other, err)
	}
	if err := other.Publish(); err != nil {
		t.Fatal(err)
	}
	first.Discard()
	third, err := NewRun(&Config{Method: "pac"}, "")
	if err != nil || filepath.ToSlash(third.Path()) != "runs/003-run-pac" {
		t.Fatalf("%v, %v", third, err)
	}
	third.Discard()
	other.Discard()
	if left := listing(t, "."); left != "runs/ runs/002-rte-pac-cwgnc/" {
		t.Errorf("left %s", left)
	}
}

// Runs that start at once, in numbered folders or in one, get a folder each or
// are refused.
func TestFoldersAtOnce(t *testing.T) {
	old, _ := os.Getwd()
	defer os.Chdir(old)
	os.Chdir(t.TempDir())
	const n = 16
	for _, dir := range []string{"", "named"} {
		folders, errs := make([]*Folder, n), make([]error, n)
		var all sync.WaitGroup
		for i := range n {
			all.Add(1)
			go func() {
				defer all.Done()
				folders[i], errs[i] = NewRun(&Config{OutputDir: dir, Method: []string{"pac", "adamw"}[i%2]}, "")
			}()
		}
		all.Wait()
		seen := map[string]bool{}
		for i, f := range folders {
			if errs[i] == nil {
				seen[filepath.Base(f.Path())[:3]] = true
			} else if fault.KindOf(errs[i]) != fault.Usage || dir == "" {
				t.Errorf("%q: %v", dir, errs[i])
			}
		}
		if want := map[string]int{"": n, "named": 1}[dir]; len(seen) != want {
			t.Errorf("%q: %d folders, want %d: %v", dir, len(seen), want, seen)
		}
		for _, f := range folders {
			if f != nil {
				f.Discard()
			}
		}
	}
	if left := listing(t, "."); left != "" && left != "runs/" { // which each may think another's
		t.Errorf("left %s", left)
	}
}

// meanwhile is a disk on which something else happens when a folder has been made.
type meanwhile struct {
	files.FS
	do func()
}

func (m meanwhile) Mkdir(name string) error {
	err := m.FS.Mkdir(name)
	m.do()
	return err
}

// A run that finds a folder which another has made and not yet locked leaves it to
// that one, which removes it.
func TestFolderBeingMade(t *testing.T) {
	root := t.TempDir()
	c := &Config{OutputDir: filepath.Join(root, "out")}
	f := &Folder{disk: meanwhile{files.OS, func() {
		if _, err := NewRun(c, ""); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "is writing there") {
			t.Errorf("while the folder is made: %v", err)
		}
	}}, sums: map[string]string{}}
	f, err := f.opened(f.named(c.OutputDir, ""))
	if err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if left := listing(t, root); left != "" {
		t.Errorf("left %s", left)
	}
}

// Two processes cannot write one folder, whether it was there before or not, and
// what keeps the second out goes with the first. What a process leaves that was
// killed at its start keeps nobody out.
func TestFolderTwice(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{filepath.Join(t.TempDir(), "out"), empty} {
		for _, name := range []string{files.LockName, ".tmp-0-run.json"} {
			os.WriteFile(filepath.Join(empty, name), nil, 0o644)
		}
		c := &Config{OutputDir: dir}
		f, err := NewRun(c, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.WriteJSON(manifestName, 2, map[string]any{}); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{CheckOutput(c), second(NewRun(c, "")), second(NewFolder(c)), second(ReopenFolder(dir))} {
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) {
				t.Errorf("%s: a second run: %v", dir, err)
			}
		}
		f.Discard()
		again, err := NewRun(c, "")
		if err != nil {
			t.Fatalf("%s: after the first run: %v", dir, err)
		}
		again.Discard()
	}
	if left := listing(t, empty); left != "" {
		t.Errorf("left %q", left)
	}
	finish := t.TempDir()
	f, err := NewFolder(&Config{OutputDir: finish})
	if err == nil {
		err = f.Finish(testFinish())
		f.Discard()
	}
	if err != nil || strings.Contains(listing(t, finish), files.LockName) {
		t.Errorf("a finished run: %v, %s", err, listing(t, finish))
	}
}

func testFinish() *Finish {
	c := NewConfig()
	c.Set("method", "pac")
	c.Set("model_name_or_path", "./models/tiny")
	c.Set("train_file", "my <b>.csv")
	c.Resolve(Facts{TrainRows: 100})
	e := &EvalRecord{Step: 2, Epoch: 2, Stage: 1, Loss: math.NaN(), Samples: 10, Elapsed: time.Second,
		Metrics:   []Metric{{"accuracy", 0.75}, {"f1", math.NaN()}},
		Majority:  Majority{Label: "no", Share: 0.5, Value: map[string]float64{"accuracy": 0.5}},
		Classes:   []ClassScore{{"no", 1, 0.5, 2.0 / 3, 5}, {"y|es", 0.7, 1, 0.82, 5}},
		Confusion: [][]int{{2, 3}, {0, 5}}}
	return &Finish{Config: c, Plan: &Plan{Steps: 2, StepsPerEpoch: 1, LogEvery: 1, TrainRows: 100, Method: "pac"},
		Result: &Result{Steps: 2, TrainLoss: 0.7, Evals: []*EvalRecord{e}, Best: e, Elapsed: 5 * time.Second, Predicting: 3 * time.Second},
		Data:   []DataFile{{Path: "my.csv", SHA256: "00", Rows: 100, Use: "train"}},
		Argv:   []string{"pactune", "--token", "hf_secret"}, Exit: "finished", KSigma: []float64{0.1}, K: []float64{0.2}}
}

// A finished folder has the files of run_glue with their keys, all of them
// valid JSON, and checksums of everything.
func TestFolderFinish(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f, err := NewFolder(&Config{OutputDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s := testFinish()
	f.Start(s.Plan)
	f.Step(pacRecord(1), Timing{})
	f.Step(pacRecord(2), Timing{})
	if err := f.Eval(s.Result.Evals[0]); err != nil {
		t.Fatal(err)
	}
	if err := f.WritePredictions("", []Prediction{{ID: 1, Line: 2, Label: "no", Predicted: "y|es", Scores: []float64{0.1, math.NaN()}}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(s); err != nil {
		t.Fatal(err)
	}
	read := func(name string) (v map[string]any) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return v
	}
	all := read("all_results.json")
	for _, key := range strings.Fields("epoch train_loss train_runtime train_samples train_samples_per_second train_steps_per_second " +
		"eval_accuracy eval_loss eval_runtime eval_samples eval_samples_per_second eval_steps_per_second") {
		if _, there := all[key]; !there {
			t.Errorf("all_results.json lacks %s", key)
		}
	}
	if all["eval_loss"] != nil || len(all["nonfinite"].([]any)) != 2 || read("eval_results.json")["eval_accuracy"] != 0.75 || read("train_results.json")["train_loss"] != 0.7 {
		t.Errorf("results %v", all)
	}
	if all["train_runtime"] != 2.0 || all["train_steps_per_second"] != 1.0 {
		t.Errorf("2 updates in 5 s, of which 3 s answered the test files: %v", all)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "all_results.json"))
	if !strings.HasPrefix(string(text), "{\n    \"epoch\"") {
		t.Errorf("all_results.json is not indented by 4 and sorted:\n%s", text)
	}
	checkState(t, read("trainer_state.json"))
	if args := read("training_args.json"); args["learning_rate"] != 5e-5 || args["method"] != "pac" {
		t.Errorf("training_args.json %v", args)
	}
	run := read("run.json")
	if run["exit"] != "finished" || run["argv"].([]any)[2] != "…" {
		t.Errorf("run.json %v", run)
	}
	card, _ := os.ReadFile(filepath.Join(dir, "README.md"))
	for _, want := range []string{"model-index:", "base_model: \"tiny\"", "generated_from_trainer", "y\\|es", "proofread", "majority line 0.5000"} {
		if !strings.Contains(string(card), want) {
			t.Errorf("README.md lacks %q:\n%s", want, card)
		}
	}
	checkSums(t, dir)
}

// A run in a named folder is not repeated into that folder, which is not empty.
func TestCardRepeatsElsewhere(t *testing.T) {
	for dir, want := range map[string]string{"": "`pactune train training_args.json` repeats", "out": "`pactune train training_args.json --output_dir NEW` repeats"} {
		s := testFinish()
		s.Config.OutputDir = dir
		var card strings.Builder
		if err := writeCard(&card, s, &history{}); err != nil || !strings.Contains(card.String(), want) {
			t.Errorf("output_dir %q: %v, lacks %q\n%s", dir, err, want, card.String())
		}
	}
}

// trainer_state.json has the keys of transformers' TrainerState, as versions 4.46
// and later have it, and no other: its loader refuses those.
func checkState(t *testing.T, state map[string]any) {
	t.Helper()
	known := strings.Fields("best_metric best_model_checkpoint epoch eval_steps global_step is_hyper_param_search " +
		"is_local_process_zero is_world_process_zero log_history logging_steps max_steps num_input_tokens_seen num_train_epochs " +
		"save_steps stateful_callbacks total_flos train_batch_size trial_name trial_params")
	for key := range state {
		if !contains(known, key) {
			t.Errorf("trainer_state.json has %s, which TrainerState does not know", key)
		}
	}
	history := state["log_history"].([]any)
	if len(history) != 4 {
		t.Fatalf("log_history %v", history)
	}
	step, eval, end := history[1].(map[string]any), history[2].(map[string]any), history[3].(map[string]any)
	if step["pactune_kl"] != 1234.5 || step["step"] != 2.0 || eval["eval_accuracy"] != 0.75 || end["train_loss"] != 0.7 || end["step"] == nil {
		t.Errorf("log_history %v", history)
	}
}

func checkSums(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	listed := map[string]bool{"SHA256SUMS": true}
	for s := bufio.NewScanner(f); s.Scan(); {
		sum, name, _ := strings.Cut(s.Text(), "  ")
		if have, err := files.Hash(files.OS, filepath.Join(dir, name)); err != nil || have.SHA256 != sum {
			t.Errorf("%s: %s, %v, listed %s", name, have.SHA256, err, sum)
		}
		listed[name] = true
	}
	for _, name := range strings.Fields(listing(t, dir)) {
		if !listed[name] {
			t.Errorf("SHA256SUMS lacks %s", name)
		}
	}
}
