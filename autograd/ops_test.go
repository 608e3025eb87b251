package autograd

import (
	"fmt"
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
	// indexes of rows: out of order with the last one three times, and backwards
	some, back []int32
}

const width = 8

func newFixture(starts ...int32) *fixture {
	f := &fixture{params: map[string]*Param{}}
	f.seqs.RowStarts = starts
	for i := range len(starts) - 1 {
		f.seqs.ExampleIDs = append(f.seqs.ExampleIDs, uint32(10+3*i))
	}
	n := starts[len(starts)-1]
	f.x = random(int(n)*width, 1)
	f.some = []int32{n - 1, (n - 1) / 2, n - 1, 0, n - 1}
	for i := range n {
		f.back = append(f.back, n-1-i)
	}
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
	{"Rows", func(t *Tape, f *fixture, x *Var) *Var {
		return t.Linear(t.Rows(x, f.some), f.param("w", 3, width), f.param("b", 3))
	}},
	{"Rows, none", func(t *Tape, f *fixture, x *Var) *Var { return t.Rows(x, nil) }},
	{"Rows of a variable that is read elsewhere", func(t *Tape, f *fixture, x *Var) *Var {
		h := t.Linear(x, f.param("w", width, width), nil)
		return t.Attention(t.Rows(h, f.back), h, h, Heads{Heads: 2, HeadDim: width / 2, Scale: 0.3})
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
		"index": func(t *Tape, x *Var) { t.Rows(x, []int32{0, 8}) },
		"dropout of gathered rows": func(t *Tape, x *Var) {
			t.Dropout(t.Linear(t.Rows(x, []int32{0}), f.param("w", width, width), nil), someDropout)
		},
		"target": func(t *Tape, x *Var) {
			t.TokenCrossEntropy(t.Linear(x, f.param("w", width, width), nil), []int32{0, 1, 2, 3, 4, 5, 6, width}, 1)
		},
		"logits read elsewhere": func(t *Tape, x *Var) {
			z := t.Linear(t.FirstTokens(x), f.param("w", width, width), nil)
			t.FirstTokens(z)
			t.TokenCrossEntropy(z, []int32{0, 1, 2}, 1)
		},
		"logits read afterwards": func(t *Tape, x *Var) {
			z := t.Linear(t.FirstTokens(x), f.param("w", width, width), nil)
			t.TokenCrossEntropy(z, []int32{0, 1, 2}, 1)
			t.FirstTokens(z)
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
