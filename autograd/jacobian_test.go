package autograd

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"pactune/tensor"
)

// Every op's whole Jacobian, ∂y_k/∂x_i for every output k and every element i
// of every input and parameter: one backward pass with a unit vector for each
// k, held against central differences of all outputs for each i. Between two
// passes the tape serves a batch of another shape, and memory that is not in
// use is NaN.

// fanOut are graphs in which a variable or a parameter is read several times.
var fanOut = []struct {
	name  string
	build func(t *Tape, f *fixture, x *Var) *Var
}{
	{"one variable, read by four ops", func(t *Tape, f *fixture, x *Var) *Var {
		h := t.Linear(x, f.param("w", width, width), f.param("b", width))
		heads := Heads{Heads: 2, HeadDim: width / 2, Scale: 0.4, Dropout: someDropout}
		a := t.Attention(h, h, h, heads)
		b := t.AddLayerNorm(t.LinearAct(h, f.param("w2", width, width), nil, tensor.GELU), h,
			f.param("gamma", width), f.param("beta", width), 1e-5, Dropout{})
		c := t.Attention(b, a, h, heads)
		return t.AddLayerNorm(t.Dropout(c, Dropout{Rate: 0.2, Key: someDropout.Key.Fold(1)}), b,
			f.param("gamma", width), f.param("beta", width), 1e-5, someDropout)
	}},
	{"first tokens, read twice", func(t *Tape, f *fixture, x *Var) *Var {
		h := t.LinearAct(x, f.param("w", width, width), f.param("b", width), tensor.Tanh)
		return t.AddLayerNorm(t.Linear(t.FirstTokens(h), f.param("w", width, width), f.param("b", width)), t.FirstTokens(h),
			f.param("gamma", width), f.param("beta", width), 1e-5, someDropout)
	}},
	{"a tied table", func(t *Tape, f *fixture, x *Var) *Var {
		word := f.param("word", 5, width)
		e := t.Embed(word, f.param("pos", 8, width), nil, someIDs[:x.Rows], nil)
		e = t.AddLayerNorm(t.Dropout(e, someDropout), x, f.param("gamma", width), f.param("beta", width), 1e-5, Dropout{})
		return t.Linear(e, word, f.param("b", 5))
	}},
	{"two linear layers with dropout between", func(t *Tape, f *fixture, x *Var) *Var {
		h := t.Dropout(t.LinearAct(x, f.param("w", width, width), f.param("b", width), tensor.SiLU), someDropout)
		return t.LinearAct(h, f.param("w", width, width), f.param("b", width), tensor.GELUTanh)
	}},
}

// matrix is a Jacobian with rows of outputs; columns are one input's elements.
type matrix [][]Float

// pull is one pass: the outputs, and the gradients of output k if k ≥ 0.
func pull(t *Tape, f *fixture, build func(*Tape, *fixture, *Var) *Var, k int) (y []Float, grads map[string][]Float) {
	for _, p := range f.params {
		clear(p.Grad)
	}
	t.Reset(f.seqs, k >= 0)
	x := f.input(t)
	v := build(t, f, x)
	y = append(y, v.Data...)
	if k < 0 {
		return y, nil
	}
	g, _ := t.gradOf(v)
	clear(g)
	g[k] = 1
	t.Backward()
	grads = map[string][]Float{"x": append([]Float(nil), x.Grad()...)}
	for name, p := range f.params {
		grads[name] = append([]Float(nil), p.Grad...)
	}
	return y, grads
}

// analytic is the Jacobian by backward passes. After each of them visit runs,
// which uses the tape for something else.
func analytic(t *Tape, f *fixture, build func(*Tape, *fixture, *Var) *Var, visit func()) (y []Float, jac map[string]matrix) {
	y, _ = pull(t, f, build, -1)
	jac = map[string]matrix{}
	for k := range y {
		again, grads := pull(t, f, build, k)
		for i := range y {
			if again[i] != y[i] {
				panic(fmt.Sprintf("output %d is %v in pass %d, %v in the first", i, again[i], k, y[i]))
			}
		}
		for name, g := range grads {
			if g == nil { // nothing flows to x
				g = make([]Float, len(f.x))
			}
			jac[name] = append(jac[name], g)
		}
		visit()
	}
	return y, jac
}

// numeric is the column of element i of data, by central differences of fourth
// order: truncation of the order h⁴ = 1e-14 times the fifth derivative, rounding of
// 1e-16/h = 3e-13 times the size of y.
func numeric(t *Tape, f *fixture, build func(*Tape, *fixture, *Var) *Var, data []Float, i int) []Float {
	const h = 3e-4
	x0 := data[i]
	at := func(by float64) []Float {
		data[i] = x0 + Float(by)
		y, _ := pull(t, f, build, -1)
		data[i] = x0
		return y
	}
	a, b, c, d := at(2*h), at(h), at(-h), at(-2*h)
	col := make([]Float, len(a))
	for k := range col {
		col[k] = (8*(b[k]-c[k]) - (a[k] - d[k])) / (12 * h)
	}
	return col
}

func TestFullJacobians(t *testing.T) {
	if !tensor.F64 {
		t.Skip("central differences need float64: run with -tags f64")
	}
	tape := NewTape(nil)
	tape.Poison()
	shapes := [][]int32{{0, 3, 4, 8}, {0, 1}, {0, 2, 2, 5}}
	entries, worst := 0, 0.0
	for s, shape := range shapes {
		for _, c := range append(append(cases[:0:0], cases...), fanOut...) {
			t.Run(fmt.Sprint(c.name, shape), func(t *testing.T) {
				f, other := newFixture(shape...), newFixture(shapes[(s+1)%len(shapes)]...)
				if c.name == "FirstTokens" || c.name == "first tokens, read twice" {
					if shape[1] == 2 {
						t.Skip("an empty sequence has no first token")
					}
					other = newFixture(shapes[1-s]...)
				}
				y, jac := analytic(tape, f, c.build, func() { pull(tape, other, c.build, 0) })
				names := []string{"x"}
				for name := range f.params {
					names = append(names, name)
				}
				sort.Strings(names)
				for _, name := range names {
					data := f.x
					if p := f.params[name]; p != nil {
						data = p.Data
					}
					for i := range data {
						for k, num := range numeric(tape, f, c.build, data, i) {
							ana := jac[name][k][i]
							d := math.Abs(float64(num-ana)) / math.Max(1, math.Abs(float64(ana)))
							// See numeric; the worst of all entries is 9.2e-11.
							if worst = math.Max(worst, d); !(d <= 1e-9) {
								t.Fatalf("∂y[%d]/∂%s[%d] is %v, by differences %v", k, name, i, ana, num)
							}
						}
					}
					entries += len(y) * len(data)
				}
			})
		}
	}
	t.Logf("%d entries of %d graphs, worst difference %.3g", entries, len(shapes)*(len(cases)+len(fanOut)), worst)
}

// Every loss's Jacobian ∂ℓ_i/∂z_jc: 0 for j ≠ i, and for j = i what a backward
// pass of scale 1 leaves at the logits; two losses on the same logits add.
func TestLossJacobians(t *testing.T) {
	if !tensor.F64 {
		t.Skip("central differences need float64: run with -tags f64")
	}
	const n = 3
	classes, floats := []int32{2, 0, 4}, []float64{0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0}
	entropy := func(t *Tape, z *Var) []*Loss { return []*Loss{t.CrossEntropy(z, classes, 1)} }
	binary := func(t *Tape, z *Var) []*Loss { return []*Loss{t.BCE(z, floats, 1)} }
	for name, c := range map[string]struct {
		cols int
		run  func(t *Tape, z *Var) []*Loss
	}{
		"cross-entropy": {5, entropy}, "BCE": {5, binary},
		"MSE":             {1, func(t *Tape, z *Var) []*Loss { return []*Loss{t.MSE(z, floats[:n], 1)} }},
		"two on one":      {5, func(t *Tape, z *Var) []*Loss { return append(entropy(t, z), binary(t, z)...) }},
		"of large logits": {5, func(t *Tape, z *Var) []*Loss { return entropy(t, z) }},
	} {
		tape := NewTape(nil)
		tape.Poison()
		seqs := Sequences{RowStarts: []int32{0, 1, 2, 3}, ExampleIDs: []uint32{7, 8, 9}}
		z := random(n*c.cols, 60)
		if name == "of large logits" {
			for i := range z {
				z[i] += 3000 // e^3000 overflows: only differences may enter
			}
		}
		pass := func(record bool) (losses []float64, dz []Float) {
			tape.Reset(seqs, record)
			v := tape.Input(n, c.cols, z)
			losses = make([]float64, n)
			for _, l := range c.run(tape, v) {
				for i, x := range l.PerExample {
					losses[i] += x
				}
			}
			return losses, append([]Float(nil), v.Grad()...)
		}
		_, dz := pass(true)
		for i := range z {
			const h = 1e-4
			z0 := z[i]
			z[i] = z0 + h
			up, _ := pass(false)
			z[i] = z0 - h
			down, _ := pass(false)
			z[i] = z0
			for row := range n {
				want := Float(0)
				if row == i/c.cols {
					want = dz[i]
				}
				// h² = 1e-8 times a third derivative below ½, and the rounding
				// of a logit of 3000, 5e-13/h.
				if got := (up[row] - down[row]) / (2 * h); !(math.Abs(got-float64(want)) <= 2e-8) {
					t.Errorf("%s: ∂ℓ[%d]/∂z[%d] is %v, by differences %v", name, row, i, want, got)
				}
			}
		}
	}
}
