package autograd

import (
	"pactune/internal/profile"
	"pactune/tensor"
)

// dropout is the record of Dropout.
type dropout struct {
	x, out *Var
	d      Dropout
	data   []Float
}

// Dropout is y = x∘mask/(1 − Rate). It consumes x: y takes x's memory, and no
// other op may read x. A rate of 0 gives x itself.
func (t *Tape) Dropout(x *Var, d Dropout) *Var {
	if d.Rate == 0 {
		return x
	}
	x.read("Dropout")
	if x.reads > 1 || x.leaf {
		panic("autograd: Dropout: x is read elsewhere too, but its memory becomes the result's")
	}
	r := t.dropouts.next()
	*r = dropout{x: x, d: d}
	r.out = t.newVar(x.Rows, x.Cols, x.layout)
	r.out.needsGrad = x.needsGrad
	x.consumed = true
	return t.do(r, r.out)
}

func (r *dropout) forward(t *Tape) {
	r.out.value, r.out.Data = r.x.value, r.x.Data
	r.x.value, r.x.Data = tensor.Block{}, nil
	r.data = r.out.Data
	t.pool.Run(len(r.x.layout.pieces), r)
}

func (r *dropout) discard(t *Tape) { t.drop(r.out) }

// Piece masks one piece: values on the way forward, gradients on the way back.
func (r *dropout) Piece(i int) {
	p, c := r.x.layout.pieces[i], r.x.Cols
	rows := r.data[int(p.from)*c : int(p.to)*c]
	dropRows(rows, rows, r.d, r.x.layout, p, c)
}

// backward: dx = dy∘mask/(1 − Rate), in the memory of dy.
func (r *dropout) backward(t *Tape) {
	if r.out.grad.Data != nil {
		r.data = r.out.grad.Data
		t.pool.Run(len(r.x.layout.pieces), r)
		r.x.grad, r.out.grad = r.out.grad, tensor.Block{}
	}
	t.release(r.out)
}

func (r *dropout) work() (name profile.Op, forward, backward float64) { return profile.Dropout, 0, 0 }
