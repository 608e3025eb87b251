package autograd

import (
	"fmt"
	"math"
	"testing"

	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/internal/rng"
	"pactune/tensor"
)

// fixture is a small batch of three sequences (one of a single token) and
// parameters that any op may use.
type fixture struct {
	seqs   Sequences
	x      []Float
	params map[string]*Param
}

const width = 8

func newFixture(starts ...int32) *fixture {
	f := &fixture{params: map[string]*Param{}}
	f.seqs.RowStarts = starts
	for i := range len(starts) - 1 {
		f.seqs.ExampleIDs = append(f.seqs.ExampleIDs, uint32(10+3*i))
	}
	f.x = random(int(starts[len(starts)-1])*width, 1)
	return f
}

func random(n int, row uint32) []Float {
	x := make([]Float, n)
	key := rng.NewKey(7, 99, 0)
	for i := range x {
		x[i] = Float(4*rng.Uniform(key.Uint32(row, uint64(i))) - 2)
	}
	return x
}

func (f *fixture) param(name string, shape ...int) *Param {
	if p := f.params[name]; p != nil {
		return p
	}
	p := &Param{Name: name, Shape: append([]int(nil), shape...)}
	p.Data = random(p.Len(), uint32(100+len(f.params)))
	p.Clean = p.Data
	p.Grad = make([]Float, p.Len())
	f.params[name] = p
	return p
}

func (f *fixture) input(t *Tape) *Var {
	return t.Input(int(f.seqs.RowStarts[len(f.seqs.RowStarts)-1]), width, f.x)
}

var (
	someDropout = Dropout{Rate: 0.3, Key: rng.NewKey(3, rng.StreamDropout, 5)}
	someIDs     = []int32{4, 0, 2, 2, 1, 4, 3, 2}
	someTypes   = []int32{0, 1, 1, 0, 0, 0, 1, 1}
)

// cases is the one table of ops: every test below runs over it. Each builds
// a graph on the tape; x is the leaf.
var cases = []struct {
	name  string
	build func(t *Tape, f *fixture, x *Var) *Var
}{
	{"Linear", func(t *Tape, f *fixture, x *Var) *Var {
		return t.Linear(x, f.param("w", 5, width), f.param("b", 5))
	}},
	{"Linear without bias", func(t *Tape, f *fixture, x *Var) *Var {
		return t.Linear(x, f.param("w", 5, width), nil)
	}},
	{"LinearAct gelu", linearCase(tensor.GELU)},
	{"LinearAct gelu tanh", linearCase(tensor.GELUTanh)},
	{"LinearAct silu", linearCase(tensor.SiLU)},
	{"LinearAct tanh", linearCase(tensor.Tanh)},
	{"LinearAct relu", linearCase(tensor.ReLU)},
	{"Recompute", func(t *Tape, f *fixture, x *Var) *Var {
		h := t.LinearAct(x, f.param("w", 5, width), f.param("b", 5), tensor.GELU)
		y := t.Linear(h, f.param("w2", 3, 5), nil)
		t.Recompute(h)
		return y
	}},
	{"Linear used twice", func(t *Tape, f *fixture, x *Var) *Var {
		w, b := f.param("w", width, width), f.param("b", width)
		return t.LinearAct(t.Linear(x, w, b), w, b, tensor.Tanh)
	}},
	{"Attention", attentionCase(Dropout{})},
	{"Attention with dropout", attentionCase(someDropout)},
	{"Attention, q = k = v", func(t *Tape, f *fixture, x *Var) *Var {
		return t.Attention(x, x, x, Heads{Heads: 1, HeadDim: width, Scale: 0.3})
	}},
	{"AddLayerNorm", normCase(Dropout{})},
	{"AddLayerNorm with dropout", normCase(someDropout)},
	{"AddLayerNorm without residual", func(t *Tape, f *fixture, x *Var) *Var {
		return t.AddLayerNorm(t.Linear(x, f.param("w", width, width), nil), nil,
			f.param("gamma", width), f.param("beta", width), 1e-5, Dropout{})
	}},
	{"Dropout", func(t *Tape, f *fixture, x *Var) *Var {
		return t.Dropout(t.Linear(x, f.param("w", width, width), nil), someDropout)
	}},
	{"Embed", func(t *Tape, f *fixture, x *Var) *Var {
		e := t.Embed(f.param("word", 5, width), f.param("pos", 8, width), f.param("type", 2, width),
			someIDs[:x.Rows], someTypes[:x.Rows])
		return t.AddLayerNorm(e, x, f.param("gamma", width), f.param("beta", width), 1e-5, Dropout{})
	}},
	{"FirstTokens", func(t *Tape, f *fixture, x *Var) *Var {
		return t.Linear(t.FirstTokens(x), f.param("w", 3, width), f.param("b", 3))
	}},
	{"fan-out", func(t *Tape, f *fixture, x *Var) *Var {
		w := f.param("w", width, width)
		h := t.LinearAct(x, w, nil, tensor.Tanh)
		a := t.Attention(t.Linear(h, w, nil), h, t.Linear(h, w, nil), Heads{Heads: 2, HeadDim: width / 2, Scale: 0.5})
		return t.AddLayerNorm(a, h, f.param("gamma", width), f.param("beta", width), 1e-5, someDropout)
	}},
}

func linearCase(act tensor.Activation) func(*Tape, *fixture, *Var) *Var {
	return func(t *Tape, f *fixture, x *Var) *Var {
		return t.LinearAct(x, f.param("w", 5, width), f.param("b", 5), act)
	}
}

func attentionCase(d Dropout) func(*Tape, *fixture, *Var) *Var {
	return func(t *Tape, f *fixture, x *Var) *Var {
		q, k, v := t.Linear(x, f.param("q", width, width), nil), t.Linear(x, f.param("k", width, width), nil), t.Linear(x, f.param("v", width, width), nil)
		return t.Attention(q, k, v, Heads{Heads: 2, HeadDim: width / 2, Scale: 0.2, Dropout: d})
	}
}

func normCase(d Dropout) func(*Tape, *fixture, *Var) *Var {
	return func(t *Tape, f *fixture, x *Var) *Var {
		return t.AddLayerNorm(t.Linear(x, f.param("w", width, width), nil), x,
			f.param("gamma", width), f.param("beta", width), 1e-5, d)
	}
}

// run is one pass: Σ R∘y for a fixed random R, with gradients when recording.
func run(t *Tape, f *fixture, build func(*Tape, *fixture, *Var) *Var, record bool) (value float64, x, y *Var) {
	t.Reset(f.seqs, record)
	x = f.input(t)
	y = build(t, f, x)
	r := random(len(y.Data), 50)
	for i, v := range y.Data {
		value += float64(float64(v) * float64(r[i]))
	}
	if record {
		g, _ := t.gradOf(y)
		copy(g, r)
		t.Backward()
	}
	return value, x, y
}

func TestGradients(t *testing.T) {
	if !tensor.F64 {
		t.Skip("central differences need float64: run with -tags f64")
	}
	tape := NewTape(nil)
	tape.Poison()
	for _, shape := range [][]int32{{0, 3, 4, 8}, {0, 1}, {0, 5, 5, 7}} {
		for _, c := range cases {
			t.Run(fmt.Sprint(c.name, shape), func(t *testing.T) {
				f := newFixture(shape...)
				if c.name == "FirstTokens" && shape[1] == 5 {
					t.Skip("an empty sequence has no first token")
				}
				_, x, _ := run(tape, f, c.build, true)
				dx := append([]Float(nil), x.Grad()...)
				value := func() float64 { v, _, _ := run(tape, f, c.build, false); return v }
				// 1e-7: see GradientError; the ReLU case stays off its kink.
				if e := GradientError(value, f.x, dx, 1e-5); !(e < 1e-7) {
					t.Errorf("d/dx: error %g", e)
				}
				for name, p := range f.params {
					if e := GradientError(value, p.Data, p.Grad, 1e-5); !(e < 1e-7) {
						t.Errorf("d/d%s: error %g", name, e)
					}
				}
			})
		}
	}
}

func TestLossGradients(t *testing.T) {
	classes, floats := []int32{2, 0, 4}, []float64{0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0}
	losses := map[string]func(t *Tape, z *Var) *Loss{
		"cross-entropy": func(t *Tape, z *Var) *Loss { return t.CrossEntropy(z, classes, 0.5) },
		"BCE":           func(t *Tape, z *Var) *Loss { return t.BCE(z, floats, 0.5) },
		"MSE":           func(t *Tape, z *Var) *Loss { return t.MSE(z, floats[:3], 0.5) },
	}
	for name, loss := range losses {
		f, tape := newFixture(0, 3, 4, 8), NewTape(nil)
		outs := 5
		if name == "MSE" {
			outs = 1
		}
		pass := func(record bool) float64 {
			tape.Reset(f.seqs, record)
			z := tape.Linear(tape.FirstTokens(f.input(tape)), f.param("w", outs, width), nil)
			l := loss(tape, z)
			if record {
				tape.Backward()
			}
			sum := 0.0
			for _, v := range l.PerExample {
				sum += v
			}
			if sum != l.Sum || len(l.PerExample) != 3 {
				t.Fatalf("%s: per-example losses %v, sum %g", name, l.PerExample, l.Sum)
			}
			return 0.5 * l.Sum
		}
		pass(true)
		p := f.params["w"]
		h, tol := 1e-5, 1e-8
		if !tensor.F64 {
			h, tol = 1e-2, 2e-3 // float32: rounding of 1e-7/h and truncation of h²
		}
		if e := GradientError(func() float64 { return pass(false) }, p.Data, p.Grad, h); !(e < tol) {
			t.Errorf("%s: error %g", name, e)
		}
	}
}

// Losses against values computed by hand.
func TestLossValues(t *testing.T) {
	tape := NewTape(nil)
	seqs := Sequences{RowStarts: []int32{0, 1, 2}, ExampleIDs: []uint32{0, 1}}
	tape.Reset(seqs, false)
	z := tape.Input(2, 2, []Float{0, 0, 1, -1})
	l := tape.CrossEntropy(z, []int32{1, 0}, 1)
	want := []float64{math.Ln2, math.Log1p(math.Exp(-2))}
	for i := range want {
		if math.Abs(l.PerExample[i]-want[i]) > 1e-14 { // a few units of float64 rounding
			t.Errorf("cross-entropy %d: %v, want %v", i, l.PerExample[i], want[i])
		}
	}
	l = tape.BCE(z, []float64{1, 0, 1, 1}, 1)
	want = []float64{math.Ln2, (math.Log1p(math.Exp(-1)) + math.Log1p(math.Exp(1))) / 2}
	for i := range want {
		if math.Abs(l.PerExample[i]-want[i]) > 1e-14 {
			t.Errorf("BCE %d: %v, want %v", i, l.PerExample[i], want[i])
		}
	}
}

func TestThreadsGiveTheSameBits(t *testing.T) {
	for _, c := range cases {
		var first []Float
		for _, threads := range []int{1, 2, 3, 8} {
			pool := par.New(threads)
			f := newFixture(0, 3, 4, 8)
			_, x, y := run(NewTape(pool), f, c.build, true)
			got := append(append([]Float(nil), x.Grad()...), y.Data...)
			for _, name := range []string{"w", "b", "q", "gamma", "beta", "word", "pos"} {
				if p := f.params[name]; p != nil {
					got = append(got, p.Grad...)
				}
			}
			if first == nil {
				first = got
			}
			for i := range got {
				if got[i] != first[i] {
					t.Fatalf("%s: element %d is %v on %d threads, %v on one", c.name, i, got[i], threads, first[i])
				}
			}
			pool.Close()
		}
	}
}

func TestSteadyPassAllocatesNothing(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for _, c := range cases {
		f, tape := newFixture(0, 3, 4, 8), NewTape(pool)
		pass := func() {
			tape.Reset(f.seqs, true)
			y := c.build(tape, f, f.input(tape))
			g, _ := tape.gradOf(y)
			clear(g)
			tape.Backward()
		}
		for _, clock := range []*profile.Clock{nil, profile.Start()} {
			tape.Clock = clock
			pass()
			pass()
			if n := testing.AllocsPerRun(20, pass); n != 0 {
				t.Errorf("%s: %v allocations in a steady pass, clock %v", c.name, n, clock != nil)
			}
		}
	}
}

// A pass frees all that it took: what the arena holds at its end are leaves.
func TestBackwardFreesEverything(t *testing.T) {
	for _, c := range cases {
		f, tape := newFixture(0, 3, 4, 8), NewTape(nil)
		tape.Reset(f.seqs, true)
		y := c.build(tape, f, f.input(tape))
		tape.gradOf(y)
		tape.Backward()
		left := 0
		for _, v := range tape.vars.items[:tape.vars.n] {
			if !v.leaf && v.value.Data != nil {
				left++
			}
		}
		if left != 0 {
			t.Errorf("%s: %d variables were not freed", c.name, left)
		}
	}
}

func TestProgrammersMistakesPanic(t *testing.T) {
	f := newFixture(0, 3, 4, 8)
	for name, mistake := range map[string]func(t *Tape, x *Var){
		"shape": func(t *Tape, x *Var) { t.Linear(x, f.param("wrong", 5, width+1), nil) },
		"consumed": func(t *Tape, x *Var) {
			y := t.Linear(x, f.param("w", width, width), nil)
			t.Dropout(y, someDropout)
			t.FirstTokens(y)
		},
		"reused": func(t *Tape, x *Var) {
			y := t.Linear(x, f.param("w", width, width), nil)
			t.FirstTokens(y)
			t.Dropout(y, someDropout)
		},
		"class": func(t *Tape, x *Var) { t.CrossEntropy(t.FirstTokens(x), []int32{0, 1, width}, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tape := NewTape(nil)
			tape.Reset(f.seqs, true)
			mistake(tape, f.input(tape))
		})
	}
}
