//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A signal ends a run after its update, with the model saved and the exit code
// of the signal.
func TestSignalSaves(t *testing.T) {
	dir := job(t)
	for _, test := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		out := filepath.Join(dir, test.signal.String())
		c := command1(dir, strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --method cwgnc --num_train_epochs 100000 --eval_strategy no --threads 1 --output_dir")...)
		c.Args = append(c.Args, out)
		var errs bytes.Buffer
		c.Stderr = &errs
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		wait(t, filepath.Join(dir, "."+test.signal.String()+".partial", "metrics.jsonl"))
		c.Process.Signal(test.signal)
		c.Wait()
		if code := c.ProcessState.ExitCode(); code != test.code {
			t.Errorf("%v: exit %d, want %d\n%s", test.signal, code, test.code, errs.String())
		}
		manifest, err := os.ReadFile(filepath.Join(out, "run.json"))
		if err != nil || !bytes.Contains(manifest, []byte(`"exit": "interrupted"`)) {
			t.Errorf("%v: %v\n%s\n%s", test.signal, err, manifest, errs.String())
		}
		if !strings.Contains(errs.String(), "ended early: saved are the weights after update ") {
			t.Errorf("%v: does not say what is saved\n%s", test.signal, errs.String())
		}
		if _, err := os.Stat(filepath.Join(out, "model.safetensors")); err != nil {
			t.Error(err)
		}
	}
}

// wait returns when a file has content.
func wait(t *testing.T, path string) {
	t.Helper()
	for range 500 {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s did not come", path)
}
