package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"pactune/asm"
	"pactune/autograd"
	"pactune/internal/par"
	"pactune/safetensors"
	"pactune/tensor"
)

// goldenRecord is what PyTorch and transformers did; see
// testdata/generate/optim_golden.py.
type goldenRecord struct {
	Updates int
	Groups  []struct{ LR, Decay float64 }
	Tensors []struct {
		Name     string
		N, Group int
		Size     float64
	}
	Traces    []goldenTrace
	Schedules []struct {
		Name   string
		Kwargs map[string]float64
	}
	Runs  [][2]int
	LR    float64
	After int

	numbers *safetensors.File
}

type goldenTrace struct {
	Name, Form, Schedule string
	Eps                  float64
	Correct              bool
	Micro, Warmup        int
	Component, Whole     float64
}

func golden(t *testing.T) *goldenRecord {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var r goldenRecord
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.numbers, err = safetensors.Open("testdata/golden.safetensors"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.numbers.Close() })
	return &r
}

// get returns recorded numbers, nil when there are none of that name.
func (r *goldenRecord) get(t *testing.T, name string) []float64 {
	x, ok := r.numbers.Tensor(name)
	if !ok {
		return nil
	}
	out := make([]float64, x.Elements())
	if err := x.Float64s(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// goldenUniform repeats the generator's `uniform`: odd multiples of 2⁻¹⁶ in
// (−1, 1) from splitmix64 seeded with the name's FNV-1a.
func goldenUniform(name string, n int) []float64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	out := make([]float64, n)
	for i := range out {
		h += 0x9e3779b97f4a7c15
		z := (h ^ h>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		out[i] = float64(2*int64((z^z>>31)>>48)-65535) / 65536
	}
	return out
}

// 20 updates end at the weights, moments and gradients of torch.optim.AdamW
// and transformers.AdamW, and see the norms that clip_grad_norm_ returns.
func TestGoldenTraces(t *testing.T) {
	r := golden(t)
	before := asm.Active()
	defer asm.Use(before)
	for _, isa := range asm.Available() {
		if tensor.F64 && isa != before {
			continue // one implementation
		}
		if err := asm.Use(isa); err != nil {
			t.Fatal(err)
		}
		t.Run(isa.String(), func(t *testing.T) {
			var worst float64
			for i := range r.Traces {
				t.Run(r.Traces[i].Name, func(t *testing.T) { worst = max(worst, r.trace(t, i)) })
			}
			t.Logf("worst error %.1e", worst)
		})
	}
}

// trace runs the updates of one trace and returns the worst error.
func (r *goldenRecord) trace(t *testing.T, number int) (worst float64) {
	c := &r.Traces[number]
	get := func(what string) []float64 { return r.get(t, fmt.Sprint(number, ".", what)) }
	pool := par.New(2)
	defer pool.Close()
	groups := make([]Group, len(r.Groups))
	for i, g := range r.Groups {
		groups[i] = Group{LR: g.LR, WeightDecay: g.Decay}
	}
	var params []*autograd.Param
	for _, x := range r.Tensors {
		p := &autograd.Param{Name: x.Name, Shape: []int{x.N}, Clean: make([]tensor.Float, x.N), Grad: make([]tensor.Float, x.N)}
		for i, v := range goldenUniform(x.Name+"/weights", x.N) {
			p.Clean[i] = tensor.Float(v)
		}
		p.Data = p.Clean
		params = append(params, p)
		groups[x.Group].Params = append(groups[x.Group].Params, p)
	}
	form := map[string]tensor.AdamForm{"torch": tensor.AdamTorch, "hf": tensor.AdamHF}[c.Form]
	adam := NewAdamW(pool, groups, Adam{Form: form, Beta1: 0.9, Beta2: 0.999, Eps: c.Eps, BiasCorrection: c.Correct})
	clipper := NewClipper(pool, params, ByTensor, c.Component, c.Whole)
	schedule, err := NewSchedule(c.Schedule, c.Warmup, r.Updates, r.Groups[0].LR, nil)
	if err != nil {
		t.Fatal(err)
	}
	norms, all := get("norms"), get("all_norms")
	for update := 1; update <= r.Updates; update++ {
		r.gradients(params, c, update)
		if err := clipper.Measure(false); err != nil {
			t.Fatal(err)
		}
		clipper.Clip()
		if len(norms) > 0 {
			row := norms[(update-1)*len(params) : update*len(params)]
			worst = max(worst, clipper.compare(t, c, update, row, all[update-1]))
		}
		adam.Step(update, schedule.Scale(update-1))
	}
	var got [4][]float64
	for i, p := range params {
		for k, v := range [][]tensor.Float{p.Clean, p.Grad, nil, nil} {
			got[k] = append(got[k], floats64(v)...)
		}
		at := 0
		for adam.Params()[at] != params[i] {
			at++
		}
		m, v := adam.Moments(at)
		got[2], got[3] = append(got[2], floats64(m)...), append(got[3], floats64(v)...)
	}
	for k, what := range []string{"w", "g", "m", "v"} {
		if want := get(what); len(want) > 0 {
			worst = max(worst, r.compare(t, what, got[k], want))
		}
	}
	return worst
}

// gradients adds up the micro-batches of an update, each of which adds to what
// is there as a backward pass does.
func (r *goldenRecord) gradients(params []*autograd.Param, c *goldenTrace, update int) {
	for i, x := range r.Tensors {
		p := params[i]
		clear(p.Grad)
		slope := goldenUniform(x.Name+"/slope", x.N)
		for k := range c.Micro {
			for j, b := range goldenUniform(fmt.Sprintf("%s/noise/%d/%d", x.Name, update, k), x.N) {
				p.Grad[j] += tensor.Float(x.Size * (slope[j]*float64(p.Clean[j]) + b) / float64(c.Micro))
			}
		}
	}
}

// goldenTolerance is relative to the largest number of a tensor. float64: 20
// updates, each of a few roundings of 1e-16. float32: the same with 6e-8, and
// torch in float32 is itself off by up to 6e-7 in the weights of these traces.
// Where a gradient is nearly 0 Adam divides its rounding by its size, hence the
// room.
func goldenTolerance() float64 {
	if tensor.F64 {
		return 1e-13
	}
	return 5e-6
}

// compare holds the norms of an update to those that clip_grad_norm_ returned
// for each tensor and then for all; what is left follows from them.
func (c *Clipper) compare(t *testing.T, trace *goldenTrace, update int, norms []float64, all float64) (worst float64) {
	check := func(what string, got, want float64) {
		e := math.Abs(got-want) / want
		if !(e <= goldenTolerance()) {
			t.Errorf("update %d: %s is %v, want %v", update, what, got, want)
		}
		worst = max(worst, e)
	}
	limit := func(threshold, norm float64) float64 {
		if threshold == 0 {
			return 1
		}
		return math.Min(1, threshold/(norm+1e-6))
	}
	global := limit(trace.Whole, all)
	clipped, elements := 0, 0
	for i, norm := range norms {
		x, own := c.Tensors[i], limit(trace.Component, norm)
		check("norm of "+x.Name, x.Norm, norm)
		check("clipped norm of "+x.Name, x.After, norm*own*global)
		if x.Clipped != (own < 1) {
			t.Errorf("update %d: %s of norm %v: clipped %t", update, x.Name, norm, x.Clipped)
		}
		if elements += x.Elements; own < 1 {
			clipped += x.Elements
		}
	}
	check("global norm", c.After, all*global)
	if want := float64(clipped) / float64(elements); c.Rate != want {
		t.Errorf("update %d: clip rate %v, want %v", update, c.Rate, want)
	}
	return worst
}

// compare holds the numbers of all tensors to the recorded ones.
func (r *goldenRecord) compare(t *testing.T, what string, got, want []float64) (worst float64) {
	at := 0
	for _, x := range r.Tensors {
		scale := 0.0
		for _, v := range want[at : at+x.N] {
			scale = max(scale, math.Abs(v))
		}
		for i := at; i < at+x.N; i++ {
			e := math.Abs(got[i]-want[i]) / scale
			if !(e <= goldenTolerance()) {
				t.Errorf("%s of %s[%d] = %v after %d updates, want %v", what, x.Name, i-at, got[i], r.Updates, want[i])
			}
			worst = max(worst, e)
		}
		at += x.N
	}
	if at != len(want) || at != len(got) {
		t.Errorf("%s: %d numbers, %d recorded, %d in the tensors", what, len(got), len(want), at)
	}
	return worst
}

func floats64(v []tensor.Float) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// The rates of every step are those of transformers' get_scheduler.
func TestGoldenSchedules(t *testing.T) {
	r := golden(t)
	// Two roundings of our own polynomial for the cosine and of a factor; a
	// cosine near its end is a difference of numbers near 1, so the error is
	// relative to the full rate. transformers rounds the argument π·x, up to 3π
	// here, to a double: half an ulp of that is 9e-16.
	const tolerance = 2e-15
	for i, c := range r.Schedules {
		name, worst, compared := fmt.Sprint(c.Name, c.Kwargs), 0.0, 0
		for _, run := range r.Runs {
			s, err := NewSchedule(c.Name, run[0], run[1], r.LR, c.Kwargs)
			if err != nil {
				t.Fatal(err)
			}
			for step, want := range r.get(t, fmt.Sprintf("schedule/%d/%d/%d", i, run[0], run[1])) {
				e := math.Abs(s.Scale(step)*r.LR-want) / r.LR
				if !(e <= tolerance) {
					t.Errorf("%s, warm-up %d of %d, step %d: rate %v, want %v", name, run[0], run[1], step, s.Scale(step)*r.LR, want)
				}
				worst, compared = max(worst, e), compared+1
			}
		}
		t.Logf("%s: %d rates, worst error %.1e", name, compared, worst)
		if compared < 300 {
			t.Errorf("%s: only %d rates are recorded", name, compared)
		}
	}
}
