package main

import (
	"bytes"
	"math"
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
		{[]string{"convert", "../../torchfile/testdata/zip.bin", filepath.Join(dir, "new"), "--dtype", "int8"}, int(fault.Usage)},
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

// With --dtype f16 and bf16 a folder's tensors are each element rounded, and
// the file is half as long.
func TestConvertNarrows(t *testing.T) {
	const model = "../../bert/testdata/torch/safe"
	wide, err := safetensors.Open(filepath.Join(model, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	for name, dtype := range map[string]safetensors.DType{"f16": safetensors.F16, "bf16": safetensors.BF16} {
		out := filepath.Join(t.TempDir(), "model.safetensors")
		if code := run([]string{"convert", model, out, "--dtype", name}); code != 0 {
			t.Fatalf("%s: exit code %d", name, code)
		}
		narrow, err := safetensors.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer narrow.Close()
		if !slices.Equal(narrow.Names(), wide.Names()) {
			t.Errorf("%s: tensors %v, want %v", name, narrow.Names(), wide.Names())
		}
		for _, tensor := range wide.Names() {
			a, _ := narrow.Tensor(tensor)
			b, _ := wide.Tensor(tensor)
			x, y := make([]float32, len(a.Data)/2), make([]float32, len(a.Data)/2)
			if a.DType != dtype || a.Float32s(x) != nil || b.Float32s(y) != nil {
				t.Fatalf("%s: tensor %s is of type %s with %d bytes", name, tensor, a.DType, len(a.Data))
			}
			for i := range x {
				if e := math.Abs(float64(x[i] - y[i])); e > math.Abs(float64(y[i]))/256+0x1p-25 { // half a unit in the last place of bfloat16, or of subnormal halves
					t.Fatalf("%s: element %d of %s: %v, from %v", name, i, tensor, x[i], y[i])
				}
			}
		}
	}
}
