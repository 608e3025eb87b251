package autograd

import (
	"fmt"

	"pactune/internal/profile"
	"pactune/tensor"
)

// addLayerNorm is the record of AddLayerNorm. The sum lives in x's memory.
type addLayerNorm struct {
	x, residual, out *Var
	gamma, beta      *Param
	eps              float64
	drop             Dropout
	stats            tensor.Block // mean and 1/std of each row, (N, 2)
	g, dres          []Float
	fresh            bool
}

// AddLayerNorm is y = γ∘(s − mean(s))/sqrt(var(s) + eps) + β per row with
// s = dropout(x) + residual. x, residual (nil for none), y (N, C); γ, β (C);
// var is the biased variance.
//
// It consumes x: the sum takes x's memory, and no other op may read x.
func (t *Tape) AddLayerNorm(x, residual *Var, gamma, beta *Param, eps float64, drop Dropout) *Var {
	x.read("AddLayerNorm")
	c := x.Cols
	if residual != nil {
		residual.read("AddLayerNorm")
		if residual.Rows != x.Rows || residual.Cols != c {
			panic(fmt.Sprintf("autograd: AddLayerNorm: x (%d, %d), residual (%d, %d)", x.Rows, c, residual.Rows, residual.Cols))
		}
	}
	if gamma.Len() != c || beta.Len() != c {
		panic(fmt.Sprintf("autograd: AddLayerNorm: x (%d, %d), gamma %v, beta %v", x.Rows, c, gamma.Shape, beta.Shape))
	}
	if x.reads > 1 || x.leaf || x == residual {
		panic("autograd: AddLayerNorm: x is read elsewhere too, but its memory becomes the sum's")
	}
	x.consumed = true
	r := t.norms.next()
	*r = addLayerNorm{x: x, residual: residual, gamma: gamma, beta: beta, eps: eps, drop: drop}
	r.out = t.newVar(x.Rows, c, x.layout)
	r.out.needsGrad = x.needsGrad || residual != nil && residual.needsGrad || !gamma.Frozen || !beta.Frozen
	return t.do(r, r.out)
}

func (r *addLayerNorm) forward(t *Tape) {
	t.fill(r.out)
	r.stats = t.arena.Alloc(2 * r.x.Rows)
	t.pool.Run(len(r.x.layout.pieces), (*normForward)(r))
	if !t.record || !r.out.needsGrad {
		t.arena.Free(r.stats)
		r.stats = tensor.Block{}
	}
}

type normForward addLayerNorm

func (r *normForward) Piece(i int) {
	p, c := r.x.layout.pieces[i], r.x.Cols
	from, to := int(p.from)*c, int(p.to)*c
	sum := r.x.Data[from:to]
	dropRows(sum, sum, r.drop, r.x.layout, p, c)
	if r.residual != nil {
		tensor.Add(sum, sum, r.residual.Data[from:to])
	}
	for row := int(p.from); row < int(p.to); row++ {
		at := row * c
		r.stats.Data[2*row], r.stats.Data[2*row+1] = tensor.LayerNorm(
			r.out.Data[at:at+c], r.x.Data[at:at+c], r.gamma.Data, r.beta.Data, r.eps)
	}
}

// backward: dγ += Σ_rows dy∘ŝ; dβ += Σ_rows dy; ds by the norm's rule, in the
// memory of dy; dresidual += ds; dx = dropout(ds), whose memory x takes over.
func (r *addLayerNorm) backward(t *Tape) {
	if r.out.grad.Data != nil {
		r.g = r.out.grad.Data
		if !r.gamma.Frozen && !r.beta.Frozen {
			t.pool.Run(colPieces(r.x.Cols), (*normParamGrad)(r))
		}
		r.dres = nil
		if r.residual != nil && r.residual.needsGrad {
			r.dres, r.fresh = t.gradOf(r.residual)
		}
		t.pool.Run(len(r.x.layout.pieces), (*normBackward)(r))
		if r.x.needsGrad {
			r.x.grad, r.out.grad = r.out.grad, tensor.Block{}
		}
	}
	t.release(r.out)
	r.discard(t)
}

func (r *addLayerNorm) discard(t *Tape) {
	t.drop(r.out)
	t.arena.Free(r.stats)
	r.stats = tensor.Block{}
}

func (r *addLayerNorm) work() (name profile.Op, forward, backward float64) {
	return profile.AddLayerNorm, 0, 0
}

type normParamGrad addLayerNorm

func (r *normParamGrad) Piece(i int) {
	c := r.x.Cols
	from, to := colRange(i, c)
	for row := range r.x.Rows {
		at := row * c
		tensor.LayerNormParamGrad(r.gamma.Grad[from:to], r.beta.Grad[from:to],
			r.g[at+from:at+to], r.x.Data[at+from:at+to], r.stats.Data[2*row], r.stats.Data[2*row+1])
	}
}

type normBackward addLayerNorm

func (r *normBackward) Piece(i int) {
	p, c := r.x.layout.pieces[i], r.x.Cols
	for row := int(p.from); row < int(p.to); row++ {
		at := row * c
		g := r.g[at : at+c]
		tensor.LayerNormGrad(g, g, r.x.Data[at:at+c], r.gamma.Data, r.stats.Data[2*row], r.stats.Data[2*row+1])
	}
	from, to := int(p.from)*c, int(p.to)*c
	ds := r.g[from:to]
	if r.dres != nil && r.fresh {
		copy(r.dres[from:to], ds)
	} else if r.dres != nil {
		tensor.Add(r.dres[from:to], r.dres[from:to], ds)
	}
	dropRows(ds, ds, r.drop, r.x.layout, p, c)
}

// dropRows is y = dropout(x) on the rows of one piece: element (position, c)
// of an example takes the word position·C + c of the example's sequence.
func dropRows(y, x []Float, d Dropout, l *layout, p piece, cols int) {
	if d.Rate > 0 {
		id, pos := l.place(p)
		tensor.Dropout(y, x, d.Key, id, uint64(pos)*uint64(cols), d.keep())
	}
}
