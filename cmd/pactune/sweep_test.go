//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"pactune/checkpoint"
	"pactune/internal/files"
	"pactune/tensor"
	"pactune/train"
)

var (
	sweepRuns  = flag.Int("sweepruns", 3, "runs of TestKilledSweep")
	sweepKills = flag.Int("sweepkills", 2, "how often TestKilledSweep kills them")
)

// sweepGrid is a sweep whose last cell diverges.
const sweepGrid = `seeds: 1..%d
options:
  model_name_or_path: model
  train_file: train.txt
  validation_file: dev.txt
  max_steps: %d
  save_every: 200ms
grid:
  method:
    pac: {method: pac, pac_k_samples: 5}
    wild: {method: adamw, learning_rate: 1e30}
`

// sweepResults is what a sweep leaves: the table, and the weights and logs of every run
// that finished.
func sweepResults(t *testing.T, out string) string {
	t.Helper()
	text := string(readFile(t, filepath.Join(out, "results.csv")))
	runs, err := filepath.Glob(filepath.Join(out, "pac", "seed*", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		text += fmt.Sprintf("%s %x\n", filepath.Base(filepath.Dir(run)), hashOf(t, filepath.Dir(run)))
	}
	return text
}

// A sweep that is killed again and again, by kill -9 or by a signal, and gone on with
// by the same command gives the results of one that was left alone, to the byte.
func TestKilledSweep(t *testing.T) {
	if tensor.F64 {
		t.Skip("float64 overflows later")
	}
	dir := job(t)
	steps := 6
	if *sweepKills > 3 {
		steps = 30
	}
	grid := fmt.Sprintf(sweepGrid, (*sweepRuns+1)/2, steps)
	if err := os.WriteFile(filepath.Join(dir, "grid.yaml"), []byte(grid), 0o644); err != nil {
		t.Fatal(err)
	}
	args := func(out string) []string {
		return strings.Fields("sweep --jobs 2 grid.yaml --threads 2 --quiet --output_dir " + out)
	}
	begin := time.Now()
	if r := pactune(t, dir, "", args("whole")...); r.code != 0 || r.stdout != "whole/results.csv\n" {
		t.Fatalf("%+v", r)
	}
	took, r := time.Since(begin), rand.New(rand.NewSource(1))
	ends := map[int]int{}
	for i := range *sweepKills {
		c := command1(dir, args("killed")...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int63n(int64(took) / int64(*sweepKills))))
		c.Process.Signal([]os.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT}[i%4])
		c.Wait()
		ends[c.ProcessState.ExitCode()]++
	}
	if r := pactune(t, dir, "", args("killed")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	whole, killed := sweepResults(t, filepath.Join(dir, "whole")), sweepResults(t, filepath.Join(dir, "killed"))
	if whole != killed || !strings.Contains(whole, "pac/seed1,pac,1,42,finished,") || !strings.Contains(whole, "wild/seed1,wild,1,42,diverged,0") {
		t.Errorf("alone\n%s\nkilled\n%s", whole, killed)
	}
	describedRuns(t, dir)
	t.Logf("ended by exit code: %v; %d runs\n%s", ends, strings.Count(whole, "seed")-1, whole)
}

// describedRuns holds that what is left of a run that diverged at once names what train
// names, and is enough for a page.
func describedRuns(t *testing.T, dir string) {
	var runs [2]struct {
		Config map[string]any    `json:"config"`
		Data   []train.DataFile  `json:"data"`
		Model  map[string]any    `json:"model"`
		Seeds  map[string]uint64 `json:"seeds"`
	}
	for i, name := range []string{"whole/pac/seed1", "whole/wild/seed1"} {
		if err := json.Unmarshal(readFile(t, filepath.Join(dir, name, "run.json")), &runs[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, run := range runs { // pac's model has no pooler
		delete(run.Model, "parameters")
		delete(run.Model, "trainable")
	}
	if a, b := runs[0], runs[1]; !reflect.DeepEqual(a.Model, b.Model) || !reflect.DeepEqual(a.Data, b.Data) || !reflect.DeepEqual(a.Seeds, b.Seeds) || len(a.Config) != len(b.Config) {
		t.Errorf("run.json of a finished run %+v, of one that diverged %+v", a, b)
	}
	if r := pactune(t, dir, "", "report", "whole/pac", "whole/wild"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	page := string(readFile(t, filepath.Join(dir, "report.html")))
	_, page, _ = strings.Cut(page, "Options that differ")
	if !strings.Contains(page, "learning_rate") || strings.Contains(page, "adam_epsilon") {
		t.Errorf("options that differ: %.3000s", page)
	}
}

// Two processes share a sweep, and one of another grid is refused.
func TestTwoSweepsOnOneFolder(t *testing.T) {
	dir := job(t)
	args := strings.Fields("train train.txt --seeds 1,2,3 --model_name_or_path model --validation_file dev.txt --method adamw --max_steps 4 --threads 1 --output_dir out")
	first := command1(dir, args...)
	var said bytes.Buffer
	first.Stderr = &said
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	wait(t, filepath.Join(dir, "out", "sweep.json"))
	second := pactune(t, dir, "", args...)
	other := pactune(t, dir, "", append(args, "--learning_rate", "1e-3")...)
	first.Wait()
	if code := first.ProcessState.ExitCode(); code != 0 || second.code != 0 || second.stdout != "out/results.csv\n" {
		t.Errorf("first: %d, %s\nsecond: %+v", code, said.String(), second)
	}
	made := said.String() + second.stderr
	for seed := 1; seed <= 3; seed++ {
		if n := strings.Count(made, fmt.Sprintf("seed%d finished", seed)); n != 1 {
			t.Errorf("seed %d was made %d times:\n%s", seed, n, made)
		}
	}
	args[3] = "1..4"
	more := pactune(t, dir, "", args...)
	if results := readFile(t, filepath.Join(dir, "out", "results.csv")); more.code != 0 || strings.Count(more.stderr, " finished") != 1 || strings.Count(string(results), "finished") != 4 {
		t.Errorf("with another seed: %+v\n%s", more, results)
	}
	if other.code != 2 || !strings.Contains(other.stderr, "holds a sweep over another grid: found seed1, now seed1 with --learning_rate=0.001") {
		t.Errorf("another grid: %+v", other)
	}
}

// However a sweep ends, its runs end with it, in good order: after a signal, and when
// nobody is left to tell them.
func TestRunsEndWithTheirSweep(t *testing.T) {
	dir := job(t)
	for _, end := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGTERM, 143}, {syscall.SIGKILL, -1}} {
		out := filepath.Join(dir, end.signal.String())
		c := command1(dir, "sweep", "train.txt", "--seeds", "1,2", "--jobs", "2", "--model_name_or_path", "model", "--validation_file", "dev.txt",
			"--method", "adamw", "--num_train_epochs", "5000", "--eval_strategy", "no", "--threads", "2", "--output_dir", out)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		runs := []string{filepath.Join(out, "seed1"), filepath.Join(out, "seed2")}
		for _, run := range runs {
			wait(t, filepath.Join(run, "metrics.jsonl"))
		}
		c.Process.Signal(end.signal)
		c.Wait()
		if code := c.ProcessState.ExitCode(); code != end.code {
			t.Errorf("%v: exit code %d, want %d", end.signal, code, end.code)
		}
		for _, run := range runs {
			for i := 0; i < 1000 && files.LockedBy(run) != ""; i++ {
				time.Sleep(20 * time.Millisecond)
			}
			m := manifestOf(t, run)
			found, _, err := checkpoint.Latest(files.OS, run)
			if m.Exit != "interrupted" || err != nil || found == nil || found.Step != m.Steps {
				t.Errorf("%v: %s: %+v, %v, %v", end.signal, run, m, found, err)
			}
		}
	}
}

// A run that the memory does not hold ends the sweep before it starts; where it holds
// fewer than were asked for, fewer are made side by side.
func TestSweepWithinMemory(t *testing.T) {
	dir := job(t)
	before := tree(t, dir)
	args := strings.Fields("train train.txt --seeds 1..4 --jobs 4 --model_name_or_path model --validation_file dev.txt --method adamw --max_steps 1 --threads 1 --output_dir out --max_memory")
	r := pactune(t, dir, "", append(args, "1MiB")...)
	if r.code != 5 || !strings.HasPrefix(r.stderr, "pactune: seed1: the run needs ") || !strings.Contains(r.stderr, "--max_memory allows 1.00 MiB") {
		t.Errorf("%+v", r)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("files before\n%s\nafter\n%s", before, after)
	}
	_, need, _ := strings.Cut(r.stderr, "the run needs ")
	var mib float64
	if _, err := fmt.Sscanf(need, "%f MiB", &mib); err != nil {
		t.Fatal(err)
	}
	r = pactune(t, dir, "", append(args, fmt.Sprintf("%.0fMiB", 2.5*mib))...)
	if r.code != 0 || !strings.Contains(r.stderr, ": 2 side by side instead of 4") {
		t.Errorf("%+v", r)
	}
}
