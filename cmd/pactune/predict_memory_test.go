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
	return &predictor{model: model, name: "lines", labels: model.Labels(), out: bufio.NewWriter(io.Discard)}
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
	if p.line != 1500 || p.cut != 1500 || p.first != 1 || n < 5 {
		t.Fatalf("%d lines, %d cut from %d, %d batches", p.line, p.cut, p.first, n)
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

// Who reads labels alone is told that texts were cut, and where it began.
func TestPredictTellsOfTruncation(t *testing.T) {
	dir := job(t)
	finished(t, dir, "train.txt", "--validation_file", "dev.txt", "--method", "adamw", "--max_steps", "1")
	text := "the pan\n" + strings.Repeat("pan ", 900) + "\nthe plant\n"
	r := pactune(t, dir, text, "predict", "run")
	if r.code != 0 || strings.Count(r.stdout, "\n") != 3 || !strings.Contains(r.stderr, "the end of 1 of 3 texts was not read, first in line 2") {
		t.Errorf("%+v", r)
	}
	r = pactune(t, dir, fmt.Sprintf("{\"text\":%q}\n", text), "predict", "run")
	if !strings.Contains(r.stdout, `"truncated":true`) {
		t.Errorf("%+v", r)
	}
}
