package autograd

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
	c := r.x.Cols
	for s := range t.tokens.ids {
		at := int(t.tokens.starts[s]) * c
		copy(r.out.Data[s*c:(s+1)*c], r.x.Data[at:at+c])
	}
}

func (r *firstTokens) discard(t *Tape) { t.drop(r.out) }

// backward: dx of the first rows += dy, 0 elsewhere.
func (r *firstTokens) backward(t *Tape) {
	if r.out.grad.Data != nil && r.x.needsGrad {
		dx, fresh := t.gradOf(r.x)
		if fresh {
			clear(dx)
		}
		c := r.x.Cols
		for s := range t.tokens.ids {
			at := int(t.tokens.starts[s]) * c
			for i, g := range r.out.grad.Data[s*c : (s+1)*c] {
				dx[at+i] += g
			}
		}
	}
	t.release(r.out)
}
