package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// run is a model of two arrays, its optimiser and its state.
type run struct {
	weights, moments []float32
	sums             []float64
	state            runState
}

type runState struct {
	Step int
	Log  Mark
	Best map[string]float64
}

// at is the run after a step: every number says which.
func at(step int) *run {
	r := &run{weights: make([]float32, 6), moments: make([]float32, 600), sums: make([]float64, 3),
		state: runState{Step: step, Log: logOf(strings.Repeat(line, step)), Best: map[string]float64{"loss": float64(step) / 3}}}
	for i := range r.weights {
		r.weights[i] = float32(step) + float32(i)/7
	}
	for i := range r.moments {
		r.moments[i] = float32(step) - float32(i)/3
	}
	r.weights[0], r.sums[0], r.sums[1] = float32(math.Copysign(0, -1)), math.Inf(-1), float64(step)+1e-9
	return r
}

// logOf is the mark of a log with that text.
func logOf(text string) Mark {
	sum := sha256.Sum256([]byte(text))
	return Mark{int64(len(text)), hex.EncodeToString(sum[:])}
}

func (r *run) arrays() (model, optimizer []Array) {
	return []Array{Of("w", []int{2, 3}, r.weights)}, []Array{Of("w.m", []int{600}, r.moments), Of("sums", []int{3}, r.sums)}
}

func (r *run) content() Content {
	model, optimizer := r.arrays()
	return Content{Model: model, Optimizer: optimizer, State: r.state, Files: []File{
		{"vocab.txt", func(w io.Writer) error { _, err := io.WriteString(w, "[PAD]\n"); return err }}}}
}

// load reads a checkpoint into a run.
func load(f *Found) (*run, error) {
	r := at(0)
	r.state = runState{}
	model, optimizer := r.arrays()
	return r, errors.Join(f.State(&r.state), f.Load(Model, model), f.Load(Optimizer, optimizer))
}

func save(t *testing.T, fsys files.FS, dir string, step int) string {
	t.Helper()
	path, err := Save(fsys, dir, step, at(step).content())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// differs tells how a loaded run is not that of a step, to the bit.
func (r *run) differs(step int) error {
	if want := at(step); !reflect.DeepEqual(r, want) || !math.Signbit(float64(r.weights[0])) {
		return fmt.Errorf("step %d: loaded\n%v\nsaved\n%v", step, r, want)
	}
	return nil
}

// same fails unless a checkpoint is that of its step.
func same(t *testing.T, f *Found) {
	t.Helper()
	r, err := load(f)
	if err == nil {
		err = r.differs(f.Step)
	}
	if err != nil {
		t.Fatalf("%s: %v", f.Path, err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	if f, damaged, err := Latest(files.OS, dir); f != nil || damaged != nil || err != nil {
		t.Fatalf("an empty folder has %v, %v, %v", f, damaged, err)
	}
	if f, _, err := Latest(files.OS, filepath.Join(dir, "none")); f != nil || err != nil {
		t.Fatalf("no folder has %v, %v", f, err)
	}
	os.Mkdir(filepath.Join(dir, ".checkpoint-9.partial"), 0o777) // of a save that was killed
	for _, step := range []int{0, 9, 10, 200} {
		if path := save(t, files.OS, dir, step); path != filepath.Join(dir, folder(step)) {
			t.Errorf("saved %s", path)
		}
		f, damaged, err := Latest(files.OS, dir)
		if err != nil || damaged != nil || f.Step != step {
			t.Fatalf("after step %d: %v, %v, %v", step, f, damaged, err)
		}
		same(t, f)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "checkpoint-9", completeName))
	if lines := strings.Split(string(text), "\n"); lines[0] != "# pactune checkpoint 1, step 9" || lines[7] != "# 6 bytes" ||
		lines[8] != "cd66c3d348c719ac791d8a6bd5c74cce2e1966c7b4a1fe00c1ef4c30b8d30ce7  vocab.txt" {
		t.Errorf("COMPLETE is\n%s", text)
	}
	if _, err := Save(files.OS, dir, 9, at(9).content()); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "checkpoint-9: is there already") {
		t.Errorf("saved twice: %v", err)
	}
	if got := listing(t, dir); got != "checkpoint-0 checkpoint-10 checkpoint-200 checkpoint-9" {
		t.Errorf("left %s", got)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestLimitAndRewind(t *testing.T) {
	dir := t.TempDir()
	for step := range 8 {
		save(t, files.OS, dir, step)
	}
	for _, name := range []string{".checkpoint-9.partial", ".checkpoint-1.removed", ".other.partial", "checkpoint-x", "checkpoint-07"} {
		os.Mkdir(filepath.Join(dir, name), 0o777)
	}
	os.WriteFile(filepath.Join(dir, ".tmp-0-model.safetensors"), []byte("a killed process wr"), 0o666)
	steps := func() []int { s, _ := Steps(files.OS, dir); return s }
	for _, do := range []struct {
		do   func() error
		want []int
	}{
		{func() error { return Limit(files.OS, dir, 3, 1, 2) }, []int{1, 2, 5, 6, 7}},
		{func() error { return Limit(files.OS, dir, 0) }, []int{7}},
		{func() error { return Rewind(files.OS, dir, 7) }, []int{7}},
		{func() error { return Rewind(files.OS, dir, -1) }, nil},
	} {
		if err := do.do(); err != nil || !slices.Equal(steps(), do.want) {
			t.Errorf("%v: left %v, want %v", err, steps(), do.want)
		}
	}
	if got := listing(t, dir); got != ".other.partial checkpoint-07 checkpoint-x" {
		t.Errorf("left %s", got)
	}
}

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	l, err := OpenLog(files.OS, path, Mark{})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(l, "one\n")
	mark, err := l.Sync()
	if mark != logOf("one\n") || err != nil {
		t.Fatal(mark, err)
	}
	io.WriteString(l, "two, never sav")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = OpenLog(files.OS, path, mark); err != nil {
		t.Fatal(err)
	}
	io.WriteString(l, "2\n")
	if got := l.Mark(); got != logOf("one\n2\n") {
		t.Errorf("%+v", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "one\n2\n" {
		t.Errorf("%q", text)
	}
	for _, p := range []string{path, path + ".none"} {
		if _, err := OpenLog(files.OS, p, Mark{Length: 7}); fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), "at least the 7") {
			t.Errorf("a log that is too short: %v", err)
		}
	}
	os.WriteFile(path, []byte("One\n2\n"), 0o666)
	if err := CheckLog(files.OS, path, mark); fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), path+": its first 4 bytes have the SHA-256 ") {
		t.Errorf("a log that was changed: %v", err)
	}
	if err := CheckLog(files.OS, path, Mark{Length: 4}); err != nil {
		t.Errorf("without a sum: %v", err)
	}
}

// A mark without a sum is the number that it was before sums were kept.
func TestMarkAsJSON(t *testing.T) {
	for text, want := range map[string]Mark{`17`: {Length: 17}, `{"bytes":17,"sha256":"ab"}`: {17, "ab"}} {
		var m Mark
		err := json.Unmarshal([]byte(text), &m)
		again, err2 := json.Marshal(m)
		if err != nil || err2 != nil || m != want || string(again) != text {
			t.Errorf("%s: %+v, %s, %v, %v", text, m, again, err, err2)
		}
	}
	if err := json.Unmarshal([]byte(`{"bytes":"x"}`), &Mark{}); err == nil {
		t.Error("no error")
	}
}

const line = "a line of the log\n"
