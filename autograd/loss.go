package autograd

import (
	"fmt"

	"pactune/internal/fmath"
	"pactune/internal/profile"
)

// Loss is the result of a loss op over B examples.
type Loss struct {
	// PerExample are the unscaled losses in float64; valid until Reset.
	PerExample []float64
	// Sum is their sum in order; the mean over an optimiser step is the sum
	// over its micro-batches divided by its number of examples.
	Sum float64
}

type lossKind int

const (
	crossEntropy lossKind = iota
	squaredError
	binaryCrossEntropy
)

// lossOp is the record of a loss.
type lossOp struct {
	kind    lossKind
	logits  *Var
	scale   float64
	classes []int32
	floats  []float64
	loss    Loss
	losses  []float64
}

// CrossEntropy is ℓ_i = log Σ_c exp(z_ic) − z_i,class(i). logits (B, C),
// classes (B). Backward sends scale·∂Σℓ/∂z: scale is 1/(examples of the
// optimiser step), so that micro-batches add up to the mean.
func (t *Tape) CrossEntropy(logits *Var, classes []int32, scale float64) *Loss {
	if len(classes) != logits.Rows {
		panic(fmt.Sprintf("autograd: CrossEntropy: logits (%d, %d), %d classes", logits.Rows, logits.Cols, len(classes)))
	}
	for i, c := range classes {
		if c < 0 || int(c) >= logits.Cols {
			panic(fmt.Sprintf("autograd: CrossEntropy: logits (%d, %d), class %d of example %d", logits.Rows, logits.Cols, c, i))
		}
	}
	r := t.lossRecord(crossEntropy, logits, scale)
	r.classes = classes
	return r.run(t)
}

// MSE is ℓ_i = (z_i − y_i)². logits (B, 1), targets (B). See CrossEntropy for
// scale.
func (t *Tape) MSE(logits *Var, targets []float64, scale float64) *Loss {
	if len(targets) != logits.Rows || logits.Cols != 1 {
		panic(fmt.Sprintf("autograd: MSE: logits (%d, %d), %d targets", logits.Rows, logits.Cols, len(targets)))
	}
	r := t.lossRecord(squaredError, logits, scale)
	r.floats = targets
	return r.run(t)
}

// BCE is the binary cross-entropy with logits, the mean over C labels:
// ℓ_i = 1/C Σ_c [max(z, 0) − z·y + log(1 + e^{−|z|})]. logits (B, C), targets
// (B·C) of 0 and 1. See CrossEntropy for scale.
func (t *Tape) BCE(logits *Var, targets []float64, scale float64) *Loss {
	if len(targets) != logits.Rows*logits.Cols {
		panic(fmt.Sprintf("autograd: BCE: logits (%d, %d), %d targets", logits.Rows, logits.Cols, len(targets)))
	}
	r := t.lossRecord(binaryCrossEntropy, logits, scale)
	r.floats = targets
	return r.run(t)
}

func (t *Tape) lossRecord(kind lossKind, logits *Var, scale float64) *lossOp {
	logits.read("loss")
	r := t.losses.next()
	*r = lossOp{kind: kind, logits: logits, scale: scale, losses: r.losses[:0]}
	return r
}

// run computes the losses and, when recording, the gradient of the logits at
// once: there is nothing above a loss.
func (r *lossOp) run(t *Tape) *Loss {
	var dz []Float
	if t.record && r.logits.needsGrad {
		g, fresh := t.gradOf(r.logits)
		if fresh {
			clear(g)
		}
		dz = g
	}
	if t.pool.IsDry() {
		return &r.loss
	}
	n := r.logits.Cols
	for i := range r.logits.Rows {
		var d []Float
		if dz != nil {
			d = dz[i*n : (i+1)*n]
		}
		z := r.logits.Data[i*n : (i+1)*n]
		var l float64
		switch r.kind {
		case crossEntropy:
			l = crossEntropyRow(z, d, int(r.classes[i]), r.scale)
		case squaredError:
			e := float64(z[0]) - r.floats[i]
			l = e * e
			addTo(d, 0, 2*e*r.scale)
		case binaryCrossEntropy:
			l = bceRow(z, d, r.floats[i*n:(i+1)*n], r.scale)
		}
		r.losses = append(r.losses, l)
	}
	r.loss = Loss{PerExample: r.losses}
	for _, l := range r.losses {
		r.loss.Sum += l
	}
	t.Clock.Op(profile.Loss, t.phase(), 0)
	return &r.loss
}

func crossEntropyRow(z, d []Float, class int, scale float64) float64 {
	top := float64(z[0])
	for _, v := range z[1:] {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range z {
		sum += fmath.Exp(float64(v) - top)
	}
	for c := range d {
		p := fmath.Exp(float64(z[c])-top) / sum
		if c == class {
			p--
		}
		addTo(d, c, float64(p*scale))
	}
	return fmath.Log(sum) + top - float64(z[class])
}

func bceRow(z, d []Float, y []float64, scale float64) float64 {
	n, sum := float64(len(z)), 0.0
	for c, v := range z {
		x := float64(v)
		e := fmath.Exp(-max(x, -x))
		sum += max(x, 0) - float64(x*y[c]) + fmath.Log(1+e)
		s := 1 / (1 + e) // sigmoid(|x|)
		if x < 0 {
			s = e / (1 + e)
		}
		addTo(d, c, float64((s-y[c])*scale)/n)
	}
	return sum / n
}

func addTo(d []Float, c int, g float64) {
	if d != nil {
		d[c] += Float(g)
	}
}
