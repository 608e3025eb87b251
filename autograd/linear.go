package autograd

import (
	"fmt"

	"pactune/internal/profile"
	"pactune/tensor"
)

// linear is the record of Linear and LinearAct.
type linear struct {
	x, out *Var
	w, b   *Param
	act    tensor.Activation
	z      tensor.Block // pre-activation (N, out), when recording and act is not Identity
	dz     []Float
}

// Linear is y = x·Wᵀ + b. x (N, in), W (out, in) as PyTorch stores it, b
// (out) or nil, y (N, out).
func (t *Tape) Linear(x *Var, w, b *Param) *Var {
	return t.LinearAct(x, w, b, tensor.Identity)
}

// LinearAct is y = act(x·Wᵀ + b). x (N, in), W (out, in), b (out) or nil,
// y (N, out). For Identity and without recording the pre-activation takes no
// memory of its own.
func (t *Tape) LinearAct(x *Var, w, b *Param, act tensor.Activation) *Var {
	x.read("LinearAct")
	if len(w.Shape) != 2 || w.Shape[1] != x.Cols || b != nil && b.Len() != w.Shape[0] {
		panic(fmt.Sprintf("autograd: LinearAct: x (%d, %d), weight %s %v, bias %s",
			x.Rows, x.Cols, w.Name, w.Shape, shapeOf(b)))
	}
	r := t.linears.next()
	*r = linear{x: x, w: w, b: b, act: act}
	r.out = t.newVar(x.Rows, w.Shape[0], x.layout)
	r.out.needsGrad = x.needsGrad || !w.Frozen || b != nil && !b.Frozen
	if act != tensor.Identity {
		r.out.maker = r
	}
	return t.do(r, r.out)
}

// Recompute frees the values of y = LinearAct(…), which have been read: the
// backward pass makes them again from the pre-activation, which it keeps in any
// case. Other variables keep their values.
func (t *Tape) Recompute(y *Var) {
	if y.maker != nil && y.maker.z.Data != nil {
		t.drop(y)
	}
}

// remake makes the values of x again after Recompute.
func (t *Tape) remake(x *Var) {
	if x.Data == nil && x.maker != nil {
		t.fill(x)
		t.pool.Run(len(x.layout.pieces), (*linearAgain)(x.maker))
	}
}

type linearAgain linear

func (r *linearAgain) Piece(i int) {
	p, cols := r.x.layout.pieces[i], r.out.Cols
	from, to := int(p.from)*cols, int(p.to)*cols
	tensor.Act(r.act, r.out.Data[from:to], r.z.Data[from:to])
}

func (r *linear) forward(t *Tape) {
	n, out, in := r.out.Rows, r.out.Cols, r.x.Cols
	t.fill(r.out)
	r.dz = r.out.Data
	if r.act != tensor.Identity && t.record && r.out.needsGrad {
		r.z = t.arena.Alloc(n * out)
		r.dz = r.z.Data
	}
	t.engine.Gemm(tensor.NT, n, out, in, r.x.Data, in, r.w.Data, in, false, r.dz, out)
	if r.b != nil || r.act != tensor.Identity {
		t.pool.Run(len(r.x.layout.pieces), (*linearForward)(r))
	}
}

type linearForward linear

func (r *linearForward) Piece(i int) {
	p, cols := r.x.layout.pieces[i], r.out.Cols
	from, to := int(p.from)*cols, int(p.to)*cols
	z := r.dz[from:to]
	if r.b != nil {
		tensor.AddBias(z, int(p.to-p.from), cols, r.b.Data)
	}
	if r.act != tensor.Identity {
		tensor.Act(r.act, r.out.Data[from:to], z)
	}
}

// backward: dz = dy∘act'(z); dW += dzᵀ·x; db += Σ_rows dz; dx += dz·W.
func (r *linear) backward(t *Tape) {
	n, out, in := r.out.Rows, r.out.Cols, r.x.Cols
	if r.out.grad.Data != nil {
		t.remake(r.x)
		r.dz = r.out.grad.Data
		if r.act != tensor.Identity {
			t.pool.Run(len(r.x.layout.pieces), (*linearActGrad)(r))
		}
		if !r.w.Frozen {
			t.engine.Gemm(tensor.TN, out, in, n, r.dz, out, r.x.Data, in, true, r.w.Grad, in)
		}
		if r.b != nil && !r.b.Frozen {
			t.pool.Run(colPieces(out), (*linearBiasGrad)(r))
		}
		if r.x.needsGrad {
			dx, fresh := t.gradOf(r.x)
			t.engine.Gemm(tensor.NN, n, in, out, r.dz, out, r.w.Data, in, !fresh, dx, in)
		}
	}
	t.release(r.out)
	r.discard(t)
}

func (r *linear) discard(t *Tape) {
	t.drop(r.out)
	t.arena.Free(r.z)
	r.z = tensor.Block{}
}

type linearActGrad linear

func (r *linearActGrad) Piece(i int) {
	p, cols := r.x.layout.pieces[i], r.out.Cols
	from, to := int(p.from)*cols, int(p.to)*cols
	tensor.ActGrad(r.act, r.dz[from:to], r.dz[from:to], r.z.Data[from:to])
}

type linearBiasGrad linear

func (r *linearBiasGrad) Piece(i int) {
	from, to := colRange(i, r.out.Cols)
	tensor.ColumnSums(r.b.Grad[from:to], r.dz[from:], r.out.Rows, r.out.Cols)
}

// work: x·Wᵀ forward; backward dzᵀ·x for a weight that trains, dz·W for an x
// that needs its gradient.
func (r *linear) work() (name profile.Op, forward, backward float64) {
	name, forward = profile.Linear, 2*float64(r.out.Rows)*float64(r.out.Cols)*float64(r.x.Cols)
	if r.act != tensor.Identity {
		name = profile.LinearAct
	}
	if !r.w.Frozen {
		backward += forward
	}
	if r.x.needsGrad {
		backward += forward
	}
	return name, forward, backward
}

func shapeOf(p *Param) string {
	if p == nil {
		return "none"
	}
	return fmt.Sprint(p.Name, " ", p.Shape)
}
