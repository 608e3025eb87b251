package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pactune/classify"
	"pactune/internal/fault"
)

// repeated gives a text so many times without holding it more than once.
type repeated struct {
	text  []byte
	times int
	rest  []byte
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(r.rest) == 0 {
			if r.times == 0 {
				return n, io.EOF
			}
			r.times--
			r.rest = r.text
		}
		m := copy(p[n:], r.rest)
		n, r.rest = n+m, r.rest[m:]
	}
	return n, nil
}

// heaps records the live heap at every batch of answers.
type heaps struct{ live []uint64 }

func (h *heaps) Write(p []byte) (int, error) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	h.live = append(h.live, m.HeapAlloc)
	return len(p), nil
}

// tuned is a predictor of a small fine-tuned model that reads 8 tokens a text.
func tuned(t *testing.T) *predictor {
	t.Helper()
	dir := job(t)
	finished(t, dir, "train.txt", "--validation_file", "dev.txt", "--method", "adamw", "--max_steps", "1")
	model, err := classify.Load(filepath.Join(dir, "run"), classify.WithMaxLength(8))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return &predictor{model: model, name: "lines", labels: model.Labels(), out: bufio.NewWriter(io.Discard), note: func(string) {}}
}

// Six megabytes of text take no more memory than two: batches of a megabyte come
// and go, of which three are there at a time.
func TestPredictInConstantMemory(t *testing.T) {
	p, h := tuned(t), &heaps{}
	line := append(bytes.Repeat([]byte("pan "), 1000), '\n')
	p.in, p.out = bufio.NewReaderSize(&repeated{text: line, times: 1500}, 1<<16), bufio.NewWriter(h)
	if err := p.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	n := len(h.live)
	if p.line != 1500 || p.cut != 1500 || n < 5 {
		t.Fatalf("%d lines, %d cut, %d batches", p.line, p.cut, n)
	}
	early, late := uint64(0), uint64(0)
	for i, v := range h.live {
		if i < n/3 {
			early = max(early, v)
		} else {
			late = max(late, v)
		}
	}
	if late > early+batchBytes {
		t.Errorf("the live heap grows from %d to %d bytes", early, late)
	}
}

// A line without end is refused before it fills the memory.
func TestPredictOfALineWithoutEnd(t *testing.T) {
	p := tuned(t)
	p.in = bufio.NewReader(io.MultiReader(strings.NewReader("a pan\n"), io.LimitReader(zeros{}, 1<<40)))
	err := p.run(context.Background())
	if fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), "lines: line 2: is longer than 16 MiB") {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// Who reads labels alone is told that a text was cut, before a stream ends, and at
// its end how many were.
func TestPredictTellsOfTruncation(t *testing.T) {
	p := tuned(t)
	long, out := strings.Repeat("pan ", 9), &bytes.Buffer{}
	var notes []string
	p.note = func(text string) { notes = append(notes, text) }
	in, lines := io.Pipe()
	p.in, p.out = bufio.NewReader(in), bufio.NewWriter(out)
	go func() {
		defer lines.Close()
		for _, line := range []string{"the pan", long, long} { // a pipe takes a line when it is read
			io.WriteString(lines, line+"\n")
		}
	}()
	if err := p.run(context.Background()); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "lines: line 2: the end of the text was not read") || p.cut != 2 {
		t.Errorf("%v: %q, %d cut", err, notes, p.cut)
	}
	dir := job(t)
	finished(t, dir, "train.txt", "--validation_file", "dev.txt", "--method", "adamw", "--max_steps", "1")
	for stdin, count := range map[string]int{"the pan\n" + strings.Repeat(long, 60) + "\nthe plant\n": 0, strings.Repeat(strings.Repeat(long, 60)+"\n", 2): 1} {
		r := pactune(t, dir, stdin, "predict", "run")
		if r.code != 0 || strings.Count(r.stdout, "\n") != strings.Count(stdin, "\n") || strings.Count(r.stderr, "the end of the text was not read") != 1 ||
			strings.Count(r.stderr, "the end of 2 of 2 texts was not read") != count {
			t.Errorf("%+v", r)
		}
	}
	r := pactune(t, dir, fmt.Sprintf("{\"text\":%q}\n", strings.Repeat(long, 60)), "predict", "run")
	if !strings.Contains(r.stdout, `"truncated":true`) {
		t.Errorf("%+v", r)
	}
}

// A label, which comes from a file, does not steer a terminal; a pipe gets it as it is.
func TestPredictedLabelsOnATerminal(t *testing.T) {
	for screen, want := range map[bool]string{true: "?[31mred\t0.5000\n", false: "\x1b[31mred\t0.5000\n"} {
		var b bytes.Buffer
		p := &predictor{out: bufio.NewWriter(&b), labels: []string{"a", "b"}, screen: screen}
		if err := p.write(question{}, classify.Result{Label: "\x1b[31mred", Score: 0.5}); err != nil {
			t.Fatal(err)
		}
		p.out.Flush()
		if b.String() != want {
			t.Errorf("terminal %v: %q, want %q", screen, b.String(), want)
		}
	}
}
