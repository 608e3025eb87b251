package autograd

import (
	"math"
	"testing"

	"pactune/internal/par"
	"pactune/tensor"
)

var (
	someClasses = []int32{2, 0, 4}
	someTargets = []float64{0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0}
)

// losses are the losses of logits of three rows.
var losses = map[string]func(t *Tape, z *Var) *Loss{
	"cross-entropy":           func(t *Tape, z *Var) *Loss { return t.CrossEntropy(z, someClasses, 0.5) },
	"cross-entropy of tokens": func(t *Tape, z *Var) *Loss { return t.TokenCrossEntropy(z, someClasses, 0.5) },
	"BCE":                     func(t *Tape, z *Var) *Loss { return t.BCE(z, someTargets, 0.5) },
	"MSE":                     func(t *Tape, z *Var) *Loss { return t.MSE(z, someTargets[:3], 0.5) },
}

func TestLossGradients(t *testing.T) {
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

// vocabulary is a graph of many logits: 70 rows of a tied table of 1,000 tokens.
func vocabulary(t *Tape, f *fixture, x *Var, targets []int32) *Loss {
	word := f.param("word", 1000, width)
	e := t.Embed(word, nil, nil, targets[:x.Rows], nil)
	e = t.AddLayerNorm(e, x, f.param("gamma", width), f.param("beta", width), 1e-5, Dropout{})
	at := append(f.back, f.some...)
	return t.TokenCrossEntropy(t.Linear(t.Rows(e, at), word, f.param("b", 1000)), targets[:len(at)], 0.1)
}

func manyTargets() (targets []int32) {
	for i := range 80 {
		targets = append(targets, int32(i*i*37%1000))
	}
	return targets
}

// The loss over a vocabulary against the sums of its definition in float64,
// and the gradient of the bias, Σ_i scale·(softmax(z_i) − onehot), with it.
func TestTokenCrossEntropyValues(t *testing.T) {
	const rows, cols, scale = 9, 1003, 0.25
	z, targets := random(rows*cols, 3), []int32{0, 1002, 5, 16, 500, 501, 502, 1001, 77}
	for i := range z {
		z[i] = 6 * z[i] // ±12
	}
	z[2*cols+5] = 300    // a target of probability one
	z[3*cols+400] = 3000 // and one of probability zero: e^3000 overflows
	seqs := Sequences{RowStarts: []int32{0, rows}, ExampleIDs: []uint32{0}}
	tape, bias := NewTape(nil), &Param{Name: "b", Shape: []int{cols}, Data: make([]Float, cols), Grad: make([]Float, cols)}
	eye := &Param{Name: "w", Shape: []int{cols, rows}, Data: make([]Float, cols*rows), Grad: make([]Float, cols*rows)}
	for i := range rows {
		for c := range cols {
			eye.Data[c*rows+i] = z[i*cols+c]
		}
	}
	x := make([]Float, rows*rows) // the identity, so that x·Wᵀ is z
	for i := range rows {
		x[i*rows+i] = 1
	}
	// float32: 63 additions in a lane and the rounding of e^(z − max), of the
	// order 1e-6; float64: a thousand roundings of 1e-16 at most.
	tol := 5e-6
	if tensor.F64 {
		tol = 1e-13
	}
	for _, record := range []bool{false, true} {
		tape.Reset(seqs, record)
		l := tape.TokenCrossEntropy(tape.Linear(tape.Input(rows, rows, x), eye, bias), targets, scale)
		want, grad := 0.0, make([]float64, cols)
		for i := range rows {
			top, sum := math.Inf(-1), 0.0
			row := z[i*cols : (i+1)*cols]
			for _, v := range row {
				top = math.Max(top, float64(v))
			}
			for _, v := range row {
				sum += math.Exp(float64(v) - top)
			}
			for c, v := range row {
				grad[c] += scale * math.Exp(float64(v)-top) / sum
			}
			grad[targets[i]] -= scale
			loss := math.Log(sum) + top - float64(row[targets[i]])
			if e := math.Abs(l.PerExample[i] - loss); !(e <= tol*math.Max(1, loss)) {
				t.Errorf("row %d: loss %v, want %v", i, l.PerExample[i], loss)
			}
			want += loss
		}
		if math.Abs(l.Sum-want) > rows*tol*want {
			t.Errorf("sum %v, want %v", l.Sum, want)
		}
		if !record {
			continue
		}
		tape.Backward()
		for c, g := range grad {
			if math.Abs(float64(bias.Grad[c])-g) > rows*tol*scale {
				t.Errorf("gradient %d is %v, want %v", c, bias.Grad[c], g)
			}
		}
	}
}

// A logit that is no number makes the loss none.
func TestTokenCrossEntropyOfNaN(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		for at := range 3 {
			tape := NewTape(nil)
			tape.Reset(Sequences{RowStarts: []int32{0, 1}, ExampleIDs: []uint32{0}}, false)
			z := []Float{1, 2, 3}
			z[at] = Float(bad)
			if l := tape.TokenCrossEntropy(tape.Input(1, 3, z), []int32{0}, 1); !math.IsNaN(l.Sum) {
				t.Errorf("logits %v: loss %v, want NaN", z, l.Sum)
			}
		}
	}
}

// Losses and every gradient are the same bits on any number of threads, and
// evaluation gives the losses of training and keeps the logits.
func TestTokenCrossEntropyThreads(t *testing.T) {
	var first []float64
	for _, threads := range []int{1, 2, 8} {
		pool := par.New(threads)
		f, tape, targets := newFixture(0, 30, 31, 70), NewTape(pool), manyTargets()
		tape.Poison()
		var got []float64
		for _, record := range []bool{false, true} {
			tape.Reset(f.seqs, record)
			got = append(got, vocabulary(tape, f, f.input(tape), targets).PerExample...)
		}
		tape.Backward()
		for i, v := range got[:len(got)/2] {
			if v != got[len(got)/2+i] {
				t.Errorf("row %d: loss %v in evaluation, %v in training", i, v, got[len(got)/2+i])
			}
		}
		for _, name := range []string{"word", "b", "gamma", "beta"} {
			for _, g := range f.params[name].Grad {
				got = append(got, float64(g))
			}
		}
		if first == nil {
			first = got
		}
		for i := range got {
			if got[i] != first[i] {
				t.Fatalf("number %d is %v on %d threads, %v on one", i, got[i], threads, first[i])
			}
		}
		pool.Close()
	}
}

func TestTokenCrossEntropyAllocatesNothing(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	f, tape, targets := newFixture(0, 30, 31, 70), NewTape(pool), manyTargets()
	at := append(f.back, f.some...)
	pass := func() {
		for _, record := range []bool{false, true} {
			tape.Reset(f.seqs, record)
			word := f.param("word", 1000, width)
			x := tape.Rows(f.input(tape), at)
			tape.TokenCrossEntropy(tape.Linear(x, word, nil), targets[:len(at)], 1)
		}
		tape.Backward()
	}
	pass()
	if n := testing.AllocsPerRun(20, pass); n != 0 {
		t.Errorf("%v allocations in a steady pass", n)
	}
}

// The gradient takes the memory of the logits: the peak of a pass has one array
// of their size, as a dry tape knows.
func TestTokenCrossEntropyMemory(t *testing.T) {
	f, targets := newFixture(0, 30, 31, 70), manyTargets()
	peak := func(tape *Tape) int {
		tape.Reset(f.seqs, true)
		vocabulary(tape, f, f.input(tape), targets)
		tape.Backward()
		_, peak := tape.Bytes()
		return peak
	}
	wet, dry := peak(NewTape(nil)), peak(NewTape(par.Dry(1)))
	logits := 75 * 1000 * tensor.FloatBytes
	if wet != dry || wet < logits || wet > logits+logits/4 {
		t.Errorf("peak %d bytes, %d on a dry tape; the logits take %d", wet, dry, logits)
	}
}
