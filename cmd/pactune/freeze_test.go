package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"pactune/safetensors"
)

// With --freeze_encoder the layers come out as they went in, and the head has learnt.
func TestFreezeEncoder(t *testing.T) {
	dir := job(t)
	r := pactune(t, dir, "", "train", "train.txt", "--validation_file", "dev.txt", "--model_name_or_path", "model",
		"--method", "adamw", "--learning_rate", "1e-2", "--freeze_encoder", "--max_steps", "3", "--output_dir", "run")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if !strings.Contains(r.stderr, "16.8k trained") { // 128·128 + 128 of the pooler, 2·128 + 2 of the head
		t.Errorf("stderr: %s", r.stderr)
	}
	was, is := openTensors(t, filepath.Join(dir, "model")), openTensors(t, filepath.Join(dir, "run"))
	for _, name := range is.Names() {
		now, _ := is.Tensor(name)
		before, there := was.Tensor(strings.TrimPrefix(name, "bert.")) // the base has no head, and no prefix
		if frozen := strings.HasPrefix(name, "bert.e"); frozen && !(there && bytes.Equal(now.Data, before.Data)) {
			t.Errorf("%s has changed", name)
		} else if !frozen && there && bytes.Equal(now.Data, before.Data) {
			t.Errorf("%s has not changed", name)
		}
	}
}

func openTensors(t *testing.T, dir string) *safetensors.File {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
