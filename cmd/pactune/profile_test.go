package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Profiles change nothing of a run but what stderr shows and the files that
// were asked for, and they are written when a run fails, too.
func TestProfilesOfCommands(t *testing.T) {
	dir := job(t)
	args := "train train.txt --validation_file dev.txt --model_name_or_path model --method pac --max_steps 2 --per_device_train_batch_size 4 --pac_k_samples 1 --max_eval_samples 4 --output_dir "
	if r := pactune(t, dir, "", strings.Fields(args+"plain")...); r.code != 0 || strings.Contains(r.stderr, "GFLOP/s") {
		t.Fatalf("%+v", r)
	}
	r := pactune(t, dir, "", strings.Fields(args+"timed --quiet --profile --cpuprofile cpu.prof --memprofile mem.prof")...)
	if r.code != 0 || r.stdout != "timed\n" {
		t.Fatalf("%+v", r)
	}
	for _, want := range []string{"forward    linear", "backward   attention", "inference  attention", "noise: step", "AdamW", "reading", "writing", "rest", "100.0 %"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in\n%s", want, r.stderr)
		}
	}
	for _, name := range []string{"metrics.jsonl", "components.jsonl", "model.safetensors", "noise.safetensors"} {
		if !bytes.Equal(readFile(t, filepath.Join(dir, "plain", name)), readFile(t, filepath.Join(dir, "timed", name))) {
			t.Errorf("%s differs", name)
		}
	}
	r = pactune(t, dir, "", strings.Fields("evaluate plain dev.txt --max_eval_samples 4 --profile --cpuprofile cpu2.prof")...)
	if r.code != 0 || !strings.Contains(r.stderr, "inference  linear") || strings.Contains(r.stdout, "linear") {
		t.Errorf("evaluate: %+v", r)
	}
	if r = pactune(t, dir, "a pan\n", strings.Fields("predict plain --memprofile mem2.prof")...); r.code != 0 {
		t.Errorf("predict: %+v", r)
	}
	r = pactune(t, dir, "", strings.Fields("train none.txt --model_name_or_path model --profile --cpuprofile cpu3.prof --memprofile mem3.prof")...)
	if r.code != 3 || !strings.Contains(r.stderr, "none.txt") || !strings.Contains(r.stderr, "share") {
		t.Errorf("a run that fails: %+v", r)
	}
	for _, name := range []string{"cpu.prof", "mem.prof", "cpu2.prof", "mem2.prof", "cpu3.prof", "mem3.prof"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r = pactune(t, dir, "", strings.Fields(args+"new --cpuprofile no/such/x.prof")...); r.code != 2 || !strings.Contains(r.stderr, "--cpuprofile no/such/x.prof") {
		t.Errorf("a bad place: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a run started though its profile had no place")
	}
}
