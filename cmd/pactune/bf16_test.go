package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/tensor"
)

// Training, evaluation and prediction in bf16: the same bytes on one thread and
// on three, another model than in float32, and the kernel's name in run.json.
func TestBF16(t *testing.T) {
	if asm.Best() == asm.Reference && testing.Short() {
		t.Skip("too slow without vector kernels, with -short")
	}
	dir := job(t)
	train := "train train.txt --validation_file dev.txt --model_name_or_path model --method cwgnc --max_steps 2 "
	run := func(args string) string {
		t.Helper()
		r := pactune(t, dir, "", strings.Fields(args)...)
		if r.code != 0 {
			t.Fatalf("%s: %+v", args, r)
		}
		return r.stdout
	}
	if tensor.F64 {
		if r := pactune(t, dir, "", strings.Fields(train+"--bf16")...); r.code != 2 || !strings.Contains(r.stderr, "float64") {
			t.Errorf("bf16 in the float64 build: %+v", r)
		}
		return
	}
	file := func(folder, name string) string {
		data, err := os.ReadFile(filepath.Join(dir, folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	run(train + "--bf16 --threads 1 --output_dir one")
	run(train + "--precision bf16 --threads 3 --output_dir three")
	run(train + "--output_dir f32")
	if file("one", "model.safetensors") != file("three", "model.safetensors") || file("one", "metrics.jsonl") != file("three", "metrics.jsonl") {
		t.Error("one thread and three give different weights or logs")
	}
	if file("one", "model.safetensors") == file("f32", "model.safetensors") {
		t.Error("bf16 and f32 give the same weights")
	}
	if want := `"kernel": "` + asm.ActiveBF16Kernel().String() + `"`; !strings.Contains(file("one", "run.json"), want) {
		t.Errorf("run.json lacks %s", want)
	}
	for _, command := range []string{"evaluate one --validation_file dev.txt --json", "predict one dev.txt --probs"} {
		if run(command+" --bf16") == run(command) {
			t.Errorf("%s: the same with --bf16 and without", command)
		}
	}
}
