//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pactune/tensor"
)

// A run whose weights go bad keeps those of the last update that gave a finite
// loss: to the bit the weights of a run that ended there. The rate of the first
// update of a warm-up is 0, that of the second is absurd.
func TestDivergedRunKeepsGoodWeights(t *testing.T) {
	if tensor.F64 {
		t.Skip("float64 overflows later")
	}
	dir := job(t)
	args := "train train.txt --validation_file dev.txt --model_name_or_path model --quiet --method adamw --learning_rate 1e30 --lr_scheduler_type constant_with_warmup --warmup_steps 3 "
	good := pactune(t, dir, "", strings.Fields(args+"--max_steps 1 --output_dir good")...)
	bad := pactune(t, dir, "", strings.Fields(args+"--max_steps 9 --output_dir kept/run")...)
	if good.code != 0 || bad.code != 6 || bad.stdout != "" {
		t.Fatalf("%+v\n%+v", good, bad)
	}
	for _, part := range []string{"update 3: the loss is NaN", "in the tensor ", "the last good weights, those after update 1, are in kept/run"} {
		if !strings.Contains(bad.stderr, part) {
			t.Errorf("the message lacks %q:\n%s", part, bad.stderr)
		}
	}
	want, err1 := os.ReadFile(filepath.Join(dir, "good", "model.safetensors"))
	found, err2 := os.ReadFile(filepath.Join(dir, "kept/run", "model.safetensors"))
	if err1 != nil || err2 != nil || !bytes.Equal(want, found) {
		t.Errorf("the weights are not those after update 1: %v, %v", err1, err2)
	}
	if m := manifestOf(t, filepath.Join(dir, "kept/run")); m.Steps != 1 || !strings.HasPrefix(m.Exit, "diverged: update 3") {
		t.Errorf("run.json: %+v", m)
	}
	if r := pactune(t, dir, "", "evaluate", "kept/run", "dev.txt"); r.code != 0 {
		t.Errorf("the kept model: %+v", r)
	}
}

type runManifest struct {
	Exit  string
	Steps int
}

func manifestOf(t *testing.T, folder string) (m runManifest) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "run.json"))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		t.Error(err)
	}
	return m
}

// watched collects what a process writes, and tells when a text has come.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (w *watched) wait(t *testing.T, text string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(w.String(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%q did not come:\n%s", text, w.String())
}

// interrupt starts a command, sends SIGINT when text is on stderr, and returns
// how it ended.
func interrupt(t *testing.T, dir, text string, args ...string) outcome {
	t.Helper()
	c := command1(dir, args...)
	var out, errs watched
	c.Stdout, c.Stderr = &out, &errs
	in, err := c.StdinPipe() // open, and nothing comes
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if text == "" {
		io.WriteString(in, "a pan\n")
		out.wait(t, "\n")
	}
	errs.wait(t, text)
	c.Process.Signal(syscall.SIGINT)
	stop := time.AfterFunc(20*time.Second, func() { c.Process.Kill() })
	c.Wait()
	if !stop.Stop() {
		t.Errorf("%v: went on after the signal", args)
	}
	return outcome{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// Before the first update there is nothing to save, and no folder stays.
func TestSignalDuringKTable(t *testing.T) {
	dir := job(t)
	before := tree(t, dir)
	args := "train train.txt --validation_file dev.txt --model_name_or_path model --method pac --threads 1 --per_device_eval_batch_size 1 --output_dir new/parents/run"
	rows := bytes.Repeat(firstLines(readFile(t, filepath.Join(dir, "train.txt")), 40), 20)
	if err := os.WriteFile(filepath.Join(dir, "train.txt"), rows, 0o644); err != nil {
		t.Fatal(err)
	}
	r := interrupt(t, dir, "plan ", strings.Fields(args)...)
	if r.code != 130 || r.stdout != "" || !strings.HasSuffix(r.stderr, "ended before the first update: there is nothing to save\n") {
		t.Errorf("%+v", r)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("files before\n%s\nafter\n%s", before, after)
	}
}

// Between updates and in evaluations a signal leaves a checkpoint, which is a model
// that loads. Half
// of the time here is evaluation.
func TestSignalDuringEvaluation(t *testing.T) {
	dir := job(t)
	args := "train train.txt --validation_file train.txt --model_name_or_path model --method cwgnc --threads 1 --eval_strategy steps --eval_steps 1 --logging_steps 1 --num_train_epochs 100000 --output_dir run"
	r := interrupt(t, dir, "accuracy", strings.Fields(args)...)
	if r.code != 130 {
		t.Errorf("%+v", r)
	}
	folder := filepath.Join(dir, "run")
	if m := manifestOf(t, folder); m.Exit != "interrupted" || m.Steps < 1 {
		t.Errorf("run.json: %+v", m)
	}
	for _, name := range names(t, folder) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("left %s", name)
		}
	}
	model := fmt.Sprintf("run/checkpoint-%d", manifestOf(t, folder).Steps)
	if r := pactune(t, dir, "", "evaluate", model, "dev.txt"); r.code != 0 {
		t.Errorf("the interrupted model: %+v", r)
	}
}

// predict waits for its next line, and ends at the first signal all the same.
func TestSignalDuringPredict(t *testing.T) {
	dir := job(t)
	if r := pactune(t, dir, "", strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --method cwgnc --max_steps 1 --output_dir run")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := interrupt(t, dir, "", "predict", "run")
	if r.code != 130 || strings.Count(r.stdout, "\n") != 1 {
		t.Errorf("%+v", r)
	}
}

// Files and folders without permission end in the code of their kind. Root may
// read and write everything, so the commands are then run by somebody else.
func TestNoPermission(t *testing.T) {
	f := newBadFiles(t)
	run := command1
	if os.Geteuid() == 0 {
		run = f.giveAway(65534) // nobody
	}
	f.write("closed.txt", "a\tb\n")
	f.copyModel("model", "closed")
	f.mkdir("locked")
	f.mkdir("begun")
	f.write("begun/run.json", `{"program": "pactune", "exit": "running", "origin": {}}`)
	for name, mode := range map[string]os.FileMode{"closed.txt": 0, "closed/config.json": 0, "locked": 0o555, "begun": 0o555} {
		f.must(os.Chmod(f.path(name), mode))
	}
	for _, row := range []badInput{
		{"data", "TRAIN --train_file closed.txt", 3, []string{"closed.txt", "permission denied"}},
		{"model", "MODEL closed", 4, []string{"closed/config.json", "permission denied"}},
		{"output", "OUT locked/run", 2, []string{"locked/run", "permission denied"}},
		{"text", "vocab closed.txt --out new", 3, []string{"closed.txt", "permission denied"}},
		{"run", "resume begun", 2, []string{"begun: cannot take the folder", "make that writable, or go on with a copy"}},
		{"vocabulary", "vocab train.txt --out locked/vocab", 2, []string{"locked/vocab", "permission denied"}},
	} {
		row.check(t, outcomeOf(t, run(f.dir, strings.Fields(forms.Replace(row.args)+" --quiet")...), ""))
	}
}

// A checkpoint that cannot be saved at a signal is a failure, not an end in good order,
// and the folder stays.
func TestSignalWithoutCheckpoint(t *testing.T) {
	f := newBadFiles(t)
	run := command1
	if os.Geteuid() == 0 {
		run = f.giveAway(65534) // nobody
	}
	c := run(f.dir, strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --num_train_epochs 100000 --eval_strategy no --save_strategy no --threads 1 --quiet --output_dir run")...)
	var errs watched
	c.Stderr = &errs
	f.must(c.Start())
	log := f.path("run/metrics.jsonl")
	// With the second update's line there, all files of the log are open: what is denied is the checkpoint.
	for i := 0; i < 3000 && bytes.Count(readLog(f.path("run")), []byte("\n")) < 2; i++ {
		time.Sleep(20 * time.Millisecond)
	}
	f.must(os.Chmod(f.path("run"), 0o555))
	c.Process.Signal(syscall.SIGINT)
	c.Wait()
	f.must(os.Chmod(f.path("run"), 0o755))
	text := errs.String()
	if code := c.ProcessState.ExitCode(); code != 2 || !strings.Contains(text, ": not saved (it needs ") || !strings.Contains(text, "permission denied") ||
		!strings.Contains(text, "cannot be saved and is lost; the log is in run, and pactune resume run starts again") {
		t.Errorf("exit %d: %s", code, text)
	}
	if _, err := os.Stat(log); err != nil {
		t.Error(err)
	}
}

// giveAway makes the folder with all that is in it another user's, and returns his
// way of running pactune, from a copy that he may execute.
func (f *badFiles) giveAway(user int) func(dir string, args ...string) *exec.Cmd {
	program, err := os.ReadFile(os.Args[0])
	f.must(err)
	f.must(os.WriteFile(f.path("pactune"), program, 0o755))
	f.must(os.Chmod(filepath.Dir(f.dir), 0o755)) // of t.TempDir, private to root
	f.must(filepath.WalkDir(f.dir, func(path string, _ os.DirEntry, err error) error {
		f.must(err)
		return os.Chown(path, user, user)
	}))
	return func(dir string, args ...string) *exec.Cmd {
		c := command1(dir, args...)
		c.Path = f.path("pactune")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
		return c
	}
}
