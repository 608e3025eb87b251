package autograd

import (
	"fmt"

	"pactune/internal/profile"
	"pactune/tensor"
)

// rows is the record of Rows.
type rows struct {
	x, out *Var
	at     []int32
	layout layout // of the result
}

// Rows gathers rows: y_i = x_at(i). x (N, C), at (M) in any order and with
// repetitions, y (M, C). The caller leaves at unchanged until Backward has run.
// The rows of y belong to no example, so that no dropout may follow.
func (t *Tape) Rows(x *Var, at []int32) *Var {
	x.read("Rows")
	for i, row := range at {
		if row < 0 || int(row) >= x.Rows {
			panic(fmt.Sprintf("autograd: Rows: x (%d, %d), index %d of %d rows is %d", x.Rows, x.Cols, i, len(at), row))
		}
	}
	r := t.gathers.next()
	*r = rows{x: x, at: at, layout: r.layout}
	r.layout.setAnonymous(len(at))
	r.out = t.newVar(len(at), x.Cols, &r.layout)
	r.out.needsGrad = x.needsGrad
	return t.do(r, r.out)
}

func (r *rows) forward(t *Tape) {
	t.fill(r.out)
	t.pool.Run(len(r.layout.pieces), (*rowsForward)(r))
}

func (r *rows) discard(t *Tape) { t.drop(r.out) }

type rowsForward rows

func (r *rowsForward) Piece(i int) {
	p, c := r.layout.pieces[i], r.x.Cols
	for row := int(p.from); row < int(p.to); row++ {
		from := int(r.at[row]) * c
		copy(r.out.Data[row*c:(row+1)*c], r.x.Data[from:from+c])
	}
}

// backward: dx_at(i) += dy_i in the order of i, 0 elsewhere.
func (r *rows) backward(t *Tape) {
	if r.out.grad.Data != nil && r.x.needsGrad {
		dx, fresh := t.gradOf(r.x)
		if fresh {
			clear(dx)
		}
		t.pool.Run(colPieces(r.x.Cols), (*rowsBackward)(r))
	}
	t.release(r.out)
}

type rowsBackward rows

func (r *rowsBackward) Piece(i int) {
	c := r.x.Cols
	from, to := colRange(i, c)
	for row, at := range r.at {
		dx := r.x.grad.Data[int(at)*c+from : int(at)*c+to]
		tensor.Add(dx, dx, r.out.grad.Data[row*c+from:row*c+to])
	}
}

func (r *rows) work() (name profile.Op, forward, backward float64) { return profile.Rows, 0, 0 }
