package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pactune/internal/fault"
	"pactune/safetensors"
)

// convert writes the tensors of a file of torch.save, of a folder with one, or
// of its parts; nothing that is there already is touched.
func TestConvert(t *testing.T) {
	dir := t.TempDir()
	for model, values := range map[string]string{
		"../../torchfile/testdata/zip.bin":    "../../torchfile/testdata/values.safetensors",
		"../../bert/testdata/torch/sharded":   "../../bert/testdata/torch/safe/model.safetensors",
		"../../torchfile/testdata/legacy.bin": "../../torchfile/testdata/values.safetensors",
	} {
		out := filepath.Join(dir, filepath.Base(model)+".safetensors")
		if code := run([]string{"convert", model, out}); code != 0 {
			t.Fatalf("%s: exit code %d", model, code)
		}
		got, err := safetensors.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		want, err := safetensors.Open(values)
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		for _, name := range want.Names() {
			a, _ := got.Tensor(name)
			b, _ := want.Tensor(name)
			if a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) || !bytes.Equal(a.Data, b.Data) {
				t.Errorf("%s: tensor %s differs", model, name)
			}
		}
	}
	out := filepath.Join(dir, "zip.bin.safetensors")
	before, _ := os.ReadFile(out)
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"convert", "../../torchfile/testdata/legacy.bin", out}, int(fault.Usage)},
		{[]string{"convert", "none.bin", filepath.Join(dir, "new")}, int(fault.Model)},
		{[]string{"convert", "convert.go", filepath.Join(dir, "new")}, int(fault.Model)},
		{[]string{"convert", "convert.go"}, int(fault.Usage)},
	} {
		if code := run(c.args); code != c.code {
			t.Errorf("%q: exit code %d, want %d", c.args, code, c.code)
		}
	}
	after, _ := os.ReadFile(out)
	if entries, _ := os.ReadDir(dir); !bytes.Equal(before, after) || len(entries) != 3 {
		t.Errorf("a refused conversion changed the folder: %v", entries)
	}
}
