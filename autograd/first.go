package autograd

import (
	"pactune/internal/profile"
	"pactune/tensor"
)

// firstTokens is the record of FirstTokens.
type firstTokens struct{ x, out *Var }

// FirstTokens picks the first row of every sequence (BERT's [CLS]): x (N, C),
// y (B, C).
func (t *Tape) FirstTokens(x *Var) *Var {
	x.read("FirstTokens")
	r := t.firsts.next()
	*r = firstTokens{x: x}
	r.out = t.newVar(len(t.tokens.ids), x.Cols, &t.examples)
	r.out.needsGrad = x.needsGrad
	return t.do(r, r.out)
}

func (r *firstTokens) forward(t *Tape) {
	t.fill(r.out)
	t.pool.Run(r.out.Rows, (*firstForward)(r))
}

func (r *firstTokens) discard(t *Tape) { t.drop(r.out) }

// span returns where the first token of sequence s is in x, and where in the
// result.
func (r *firstTokens) span(s int) (in, out, c int) {
	c = r.x.Cols
	return int(r.x.layout.starts[s]) * c, s * c, c
}

type firstForward firstTokens

func (f *firstForward) Piece(s int) {
	in, out, c := (*firstTokens)(f).span(s)
	copy(f.out.Data[out:out+c], f.x.Data[in:in+c])
}

// backward: dx of the first rows += dy, 0 elsewhere.
func (r *firstTokens) backward(t *Tape) {
	if r.out.grad.Data != nil && r.x.needsGrad {
		dx, fresh := t.gradOf(r.x)
		if fresh {
			clear(dx)
		}
		t.pool.Run(r.out.Rows, (*firstBackward)(r))
	}
	t.release(r.out)
}

type firstBackward firstTokens

func (b *firstBackward) Piece(s int) {
	in, out, c := (*firstTokens)(b).span(s)
	dx := b.x.grad.Data[in : in+c]
	tensor.Add(dx, dx, b.out.grad.Data[out:out+c])
}

func (r *firstTokens) work() (name profile.Op, forward, backward float64) {
	return profile.FirstTokens, 0, 0
}
