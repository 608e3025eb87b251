package tfevents

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

func at(seconds float64) time.Time {
	whole, rest := math.Modf(seconds)
	return time.Unix(int64(whole), int64(rest*1e9))
}

// The bytes are those that TensorBoard's own writer has written of the same events
// (testdata/generate/tfevents.py).
func TestRecorded(t *testing.T) {
	want, err := os.ReadFile("testdata/events.out.tfevents.recorded")
	if err != nil {
		t.Fatal(err)
	}
	var e Event
	got := Version(at(1700000000.5))
	for _, step := range []int{0, 1, 300, 70000} {
		e.Begin(step)
		e.Scalar("train", "loss", 0.75/float64(1+step))
		e.Scalar("train", "learning_rate", 0)
		e.Scalar("eval", strings.Repeat("long ", 30), -1e-5)
		got = append(got, e.Record(at(1700000001.25+float64(step)))...)
	}
	values := make([]float64, 101)
	for i := range values {
		values[i] = float64(i*37%101-60) / 8
	}
	e.Begin(7)
	e.Histogram("log_std/layer 0", NewHistogram(values[:40], values[40:]))
	got = append(got, e.Record(at(1700000002))...)
	e.Begin(8)
	e.Scalar("log_std", "head", math.NaN())
	got = append(got, e.Record(at(1700000003))...)
	if !bytes.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		t.Errorf("%d bytes, want %d; the first that differs is %d", len(got), len(want), i)
	}
}

// Every value is in the bucket whose limits hold it.
func TestHistogram(t *testing.T) {
	values := []float32{-8, -7.5, -7.25, -3, 2}
	h := NewHistogram(values)
	if h.Min != -8 || h.Max != 2 || h.Num != 5 || h.Sum != -23.75 || h.SumSquares != 64+56.25+52.5625+9+4 {
		t.Errorf("%+v", h)
	}
	low := math.Inf(-1)
	for i, limit := range h.Limits {
		n := 0.0
		for _, v := range values {
			if x := float64(v); x >= low && x < limit || x == limit && i == len(h.Limits)-1 {
				n++
			}
		}
		if h.Counts[i] != n {
			t.Errorf("bucket %d, from %v to %v, has %v values, want %v", i, low, limit, h.Counts[i], n)
		}
		low = limit
	}
	if h := NewHistogram([]float64{3, 3}); len(h.Limits) != 1 || h.Limits[0] != 3 || h.Counts[0] != 2 {
		t.Errorf("two equal values: %+v", h)
	}
}

func TestScalarsAllocateNothing(t *testing.T) {
	var e Event
	now := time.Now()
	write := func() {
		e.Begin(12345)
		for range 20 {
			e.Scalar("train", "loss", 1.5)
		}
		e.Record(now)
	}
	write()
	if n := testing.AllocsPerRun(100, write); n != 0 {
		t.Errorf("%v allocations in an event", n)
	}
}
