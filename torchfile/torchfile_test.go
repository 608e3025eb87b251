package torchfile

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/safetensors"
)

// zip.bin and legacy.bin are files of torch 2.4.1, recorded with what PyTorch
// reads in them by testdata/generate/torch_fixture.py.
func TestFilesOfTorch(t *testing.T) {
	want, err := safetensors.Open("testdata/values.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	for _, name := range []string{"zip.bin", "legacy.bin"} {
		f, err := Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(f.Names()); got != 18 || got != len(want.Names()) {
			t.Errorf("%s: %d tensors, want %d", name, got, len(want.Names()))
		}
		for _, tensor := range want.Names() {
			w, _ := want.Tensor(tensor)
			g, ok := f.Tensor(tensor)
			if !ok || g.DType != w.DType || len(g.Shape)+len(w.Shape) > 0 && !reflect.DeepEqual(g.Shape, w.Shape) || !bytes.Equal(g.Data, w.Data) {
				t.Errorf("%s: tensor %s is %s %v %x, want %s %v %x", name, tensor, g.DType, g.Shape, g.Data, w.DType, w.Shape, w.Data)
			}
		}
		a, _ := f.Tensor("words")
		b, _ := f.Tensor("tied")
		if &a.Data[0] != &b.Data[0] {
			t.Errorf("%s: tied tensors were copied", name)
		}
		x, _ := f.Tensor("half")
		if err := x.Float32s(make([]float32, 5)); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A mapped file that somebody cuts short ends in an error, not in a signal.
func TestFileCutWhileOpen(t *testing.T) {
	const n = 1 << 14
	path := filepath.Join(t.TempDir(), "m.bin")
	write(t, path, model{elements: n}.zip())
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, _ := f.Tensor("w")
	if err := x.Float32s(make([]float32, n)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if err := x.Float32s(make([]float32, n)); fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("got the error %v", err)
	}
}

// Every cut of a file is refused. So is a flipped bit in the layout with
// checksums, or it changes nothing that is read.
func TestDamagedFiles(t *testing.T) {
	for _, name := range []string{"zip.bin", "legacy.bin"} {
		whole, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		served := func([]byte) {}
		want, err := parse(append([]byte(nil), whole...), served)
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			if _, err := parse(whole[:n], served); err == nil {
				t.Errorf("%s: accepted the first %d bytes of %d", name, n, len(whole))
			}
		}
		for i := range whole {
			whole[i] ^= 1 << (i % 8)
			got, err := parse(whole, served)
			if err == nil && name == "zip.bin" && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: a bit of byte %d changes what is read", name, i)
			}
			whole[i] ^= 1 << (i % 8)
		}
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// check holds what was accepted against the rules of safetensors: it can be
// written and read again.
func check(t *testing.T, tensors []safetensors.Tensor, err error) {
	t.Helper()
	if err != nil {
		return
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	again, err := safetensors.Parse(b.Bytes(), "again")
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Names()) != len(tensors) {
		t.Fatalf("%d tensors, want %d", len(again.Names()), len(tensors))
	}
}
