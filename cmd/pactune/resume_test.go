//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pactune/checkpoint"
	"pactune/internal/files"
)

var (
	kills     = flag.Int("kills", 2, "runs that TestKilledRuns kills")
	signalled = flag.Int("signals", 1, "runs that TestSignals ends by each signal")
)

// killed are the methods whose runs are killed.
var killed = []string{"--method pac --pac_k_samples 5", "--method adamw --dropout 0.1", "--method cwgnc"}

// A run that is killed at any moment and gone on with gives the weights of a run
// that was never killed. Where it was killed before it had a folder, it starts.
func TestKilledRuns(t *testing.T) {
	dir := job(t)
	updates, every := 10, "50ms"
	if *kills > 3 {
		updates, every = 400, "200ms"
	}
	args := func(method, out string) []string {
		return strings.Fields(fmt.Sprintf("train train.txt --validation_file dev.txt --model_name_or_path model %s --max_steps %d --per_device_train_batch_size 3 --gradient_accumulation_steps 2 --eval_strategy steps --eval_steps 0.2 --save_every %s --threads 1 --quiet --output_dir %s", method, updates, every, out))
	}
	var whole [3][32]byte
	var said [3]string // a kill leaves no damaged checkpoint: only what the whole run warns of
	var took [3]time.Duration
	for i, method := range killed[:min(3, *kills)] {
		start := time.Now()
		r := pactune(t, dir, "", args(method, fmt.Sprint("whole", i))...)
		if r.code != 0 {
			t.Fatalf("%+v", r)
		}
		said[i] = r.stderr
		took[i], whole[i] = time.Since(start), hashOf(t, filepath.Join(dir, fmt.Sprint("whole", i)))
	}
	r, found := rand.New(rand.NewSource(1)), map[string]int{}
	for i := range *kills {
		out := filepath.Join(dir, fmt.Sprint("run", i))
		c := command1(dir, args(killed[i%3], out)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int63n(int64(took[i%3]))))
		c.Process.Kill()
		c.Wait()
		again := []string{"resume", out, "--threads", fmt.Sprint(1 + i%3), "--quiet"}
		steps, _ := checkpoint.Steps(files.OS, out)
		switch _, err := os.Stat(filepath.Join(out, "run.json")); {
		case err != nil:
			found["without a run"]++
			again = args(killed[i%3], out)
		case len(steps) == 0:
			found["before a checkpoint"]++
		default:
			found["after a checkpoint"]++
		}
		if r := pactune(t, dir, "", again...); r.code != 0 || !strings.HasSuffix(said[i%3], r.stderr) {
			t.Errorf("run %d (%s), killed %v: %+v", i, killed[i%3], steps, r)
		} else if hashOf(t, out) != whole[i%3] {
			t.Errorf("run %d (%s), killed with the checkpoints %v: other weights", i, killed[i%3], steps)
		}
		os.RemoveAll(out)
	}
	t.Logf("%d runs of %v killed: %v", *kills, took, found)
}

func hashOf(t *testing.T, folder string) [32]byte {
	t.Helper()
	return sha256.Sum256(append(readFile(t, filepath.Join(folder, "model.safetensors")), readFile(t, filepath.Join(folder, "metrics.jsonl"))...))
}

// SIGINT and SIGTERM end a run after its update, with a checkpoint and the exit
// code of the signal. A second SIGINT stops it at once and leaves no checkpoint
// that is not whole. While it runs, nobody else has its folder.
func TestSignals(t *testing.T) {
	dir := job(t)
	r := rand.New(rand.NewSource(2))
	n := 0
	start := func(method string) (out string, end func(...os.Signal) int) {
		n++
		out = filepath.Join(dir, fmt.Sprint("run", n))
		c := command1(dir, strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --num_train_epochs 100000 --eval_strategy no --save_every 50ms --threads 1 --quiet --output_dir "+out+" "+method)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		wait(t, filepath.Join(out, "metrics.jsonl"))
		if n == 1 {
			again := pactune(t, dir, "", "resume", out)
			if want := fmt.Sprintf("process %d on ", c.Process.Pid); again.code != 2 || !strings.Contains(again.stderr, want) {
				t.Errorf("a second process: %+v, want %s", again, want)
			}
			again = pactune(t, dir, "", strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --output_dir "+out)...)
			if again.code != 2 || !strings.Contains(again.stderr, fmt.Sprintf("process %d on ", c.Process.Pid)) {
				t.Errorf("a second run: %+v", again)
			}
		}
		return out, func(signals ...os.Signal) int {
			time.Sleep(time.Duration(r.Intn(150)) * time.Millisecond)
			for i, s := range signals {
				if i > 0 {
					time.Sleep(time.Duration(r.Intn(20_000)) * time.Microsecond)
				}
				c.Process.Signal(s)
			}
			stop := time.AfterFunc(60*time.Second, func() { c.Process.Kill() })
			defer stop.Stop()
			c.Wait()
			return c.ProcessState.ExitCode()
		}
	}
	for i := range *signalled {
		for s, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
			out, end := start(killed[i%3])
			got := end(s)
			m := manifestOf(t, out)
			found, damaged, err := checkpoint.Latest(files.OS, out)
			if got != code || err != nil || found == nil || len(damaged) > 0 || m.Exit != "interrupted" || m.Steps != found.Step {
				t.Errorf("%v: exit %d, run.json %+v, checkpoint %v, %v, %v", s, got, m, found, damaged, err)
			}
			if hidden, _ := filepath.Glob(filepath.Join(out, ".*")); len(hidden) > 0 {
				t.Errorf("%v: left %v", s, hidden)
			}
			os.RemoveAll(out)
		}
		if i%2 == 0 {
			out, end := start(killed[i/2%3])
			got := end(syscall.SIGINT, syscall.SIGINT)
			if _, damaged, err := checkpoint.Latest(files.OS, out); got != 130 || err != nil || len(damaged) > 0 {
				t.Errorf("SIGINT twice: exit %d, %v, %v", got, damaged, err)
			}
			os.RemoveAll(out)
		}
	}
}

// A second SIGINT does not wait for the update that the first one lets end.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	dir := job(t)
	rows := bytes.Repeat(readFile(t, filepath.Join(dir, "train.txt")), 100) // of one update
	if err := os.WriteFile(filepath.Join(dir, "long.txt"), rows, 0o644); err != nil {
		t.Fatal(err)
	}
	c := command1(dir, strings.Fields("train long.txt --validation_file dev.txt --model_name_or_path model --method adamw --gradient_accumulation_steps 500 --threads 1 --quiet --output_dir run")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	wait(t, filepath.Join(dir, "run", "run.json"))
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	c.Process.Signal(os.Interrupt)
	select {
	case err := <-ended:
		t.Fatalf("the first signal did not wait for the update: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	c.Process.Signal(os.Interrupt)
	select {
	case <-ended:
		if code := c.ProcessState.ExitCode(); code != 130 {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(time.Second):
		c.Process.Kill()
		t.Errorf("goes on after the second signal: %v", <-ended)
	}
}

// Options of the start cannot be given again, and the message says so.
func TestResumeWithOptions(t *testing.T) {
	for option, says := range map[string]string{"--learning_rate": "keeps the options with which the run was started", "--mlm_probability": "keeps the options", "--nonsense": "unknown option --nonsense: --help lists"} {
		r := pactune(t, t.TempDir(), "", "resume", "run", option, "1")
		if r.code != 2 || !strings.Contains(r.stderr, "unknown option "+option) || !strings.Contains(r.stderr, says) {
			t.Errorf("%+v", r)
		}
	}
}

// A run goes on when its terminal is closed and nobody reads its output.
func TestRunOutlivesItsTerminal(t *testing.T) {
	dir := job(t)
	args := "train train.txt --validation_file dev.txt --model_name_or_path model --method adamw --num_train_epochs 3 --logging_steps 1 --threads 1 --output_dir "
	if r := pactune(t, dir, "", strings.Fields(args+"whole")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	c := command1(dir, strings.Fields(args+"run")...)
	out, err1 := c.StdoutPipe()
	errs, err2 := c.StderrPipe()
	if err1 != nil || err2 != nil || c.Start() != nil {
		t.Fatal(err1, err2)
	}
	io.ReadFull(errs, make([]byte, 1))
	out.Close()
	errs.Close()
	c.Process.Signal(syscall.SIGHUP)
	c.Wait()
	if m := manifestOf(t, filepath.Join(dir, "run")); c.ProcessState.ExitCode() != 1 || m.Exit != "finished" { // 1: its result is not read
		t.Errorf("exit %v, run.json %+v", c.ProcessState, m)
	}
	if !bytes.Equal(readFile(t, filepath.Join(dir, "run", "model.safetensors")), readFile(t, filepath.Join(dir, "whole", "model.safetensors"))) {
		t.Error("other weights")
	}
}

// wait returns when a file has content.
func wait(t *testing.T, path string) {
	t.Helper()
	for range 3000 { // a minute: a machine may be busy
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s did not come", path)
}

// Nobody reads the messages of a run, and they no longer fit into the pipe: it ends
// all the same.
func TestSignalWithoutReader(t *testing.T) {
	dir := job(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := w.Write(make([]byte, 1<<24)); err == nil {
		t.Fatalf("a pipe holds %d bytes", n)
	}
	out := filepath.Join(dir, "run")
	c := command1(dir, strings.Fields("train train.txt --model_name_or_path model --num_train_epochs 100000 --threads 1 --quiet --output_dir "+out)...)
	c.Stderr = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	defer time.AfterFunc(time.Minute, func() { c.Process.Kill() }).Stop()
	for i := 0; i < 4000 && len(readLog(out)) == 0; i++ {
		time.Sleep(5 * time.Millisecond)
	}
	for range 2 {
		c.Process.Signal(os.Interrupt)
		time.Sleep(300 * time.Millisecond)
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

// readLog is what a run has logged so far.
func readLog(run string) []byte {
	log, _ := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	return log
}
