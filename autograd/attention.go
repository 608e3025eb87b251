package autograd

import (
	"fmt"

	"pactune/internal/profile"
	"pactune/internal/rng"
	"pactune/tensor"
)

// Dropout describes inverted dropout at one site of a model. The zero value is
// no dropout.
type Dropout struct {
	// Rate is the share of elements set to zero, 0 ≤ Rate < 1; the others are
	// divided by 1 − Rate.
	Rate float64
	// Key is folded from (seed, step, site).
	Key rng.Key
}

func (d Dropout) keep() Float { return Float(1 - d.Rate) }

// Heads describes multi-head attention.
type Heads struct {
	Heads, HeadDim int
	Scale          float64 // of the scores, 1/sqrt(HeadDim) as a rule
	Dropout        Dropout // of the attention probabilities
}

// attention is the record of Attention. The probabilities are made again in
// the backward pass.
type attention struct {
	t             *Tape
	q, k, v, out  *Var
	h             Heads
	fresh         [3]bool // dq, dk, dv hold nothing yet
	dq, dk, dv, g []Float
}

// attentionScratch is how many matrices of T×T the backward pass over a sequence of
// T tokens needs.
const attentionScratch = 3

// Attention is softmax(scale·Q·Kᵀ)·V per sequence and head, every token
// seeing every token of its own sequence. q, k, v and the result are (N, H),
// H = Heads·HeadDim; the head h takes the columns h·HeadDim …
func (t *Tape) Attention(q, k, v *Var, h Heads) *Var {
	q.read("Attention")
	k.read("Attention")
	v.read("Attention")
	c := h.Heads * h.HeadDim
	if q.Cols != c || k.Cols != c || v.Cols != c || q.Rows != k.Rows || q.Rows != v.Rows || q.Rows != t.tokens.rows() {
		panic(fmt.Sprintf("autograd: Attention: q (%d, %d), k (%d, %d), v (%d, %d) for %d tokens, %d heads of %d",
			q.Rows, q.Cols, k.Rows, k.Cols, v.Rows, v.Cols, t.tokens.rows(), h.Heads, h.HeadDim))
	}
	r := t.attentions.next()
	*r = attention{t: t, q: q, k: k, v: v, h: h}
	r.out = t.newVar(q.Rows, c, q.layout)
	r.out.needsGrad = q.needsGrad || k.needsGrad || v.needsGrad
	return t.do(r, r.out)
}

func (r *attention) forward(t *Tape) {
	t.fill(r.out)
	t.pool.Run(len(t.tokens.ids)*r.h.Heads, (*attentionForward)(r))
}

func (r *attention) discard(t *Tape) { t.drop(r.out) }

// span returns the sequence and head of piece i: the sequence's length T, the
// offset of its first element, and the dropout row and start.
func (r *attention) span(i int) (n, off int, id uint32, start uint64) {
	l := &r.t.tokens
	seq, head := i/r.h.Heads, i%r.h.Heads
	n = int(l.starts[seq+1] - l.starts[seq])
	off = int(l.starts[seq])*r.out.Cols + head*r.h.HeadDim
	perHead := (n*n + 63) / 64 * 64
	return n, off, l.ids[seq], uint64(head * perHead)
}

// probabilities writes P = softmax(scale·Q·Kᵀ), (n, n), before dropout.
func (r *attention) probabilities(p []Float, n, off int) {
	c := r.out.Cols
	r.t.engine.SmallGemm(tensor.NT, n, n, r.h.HeadDim, r.q.Data[off:], c, r.k.Data[off:], c, false, p, n)
	for i := range n {
		row := p[i*n : (i+1)*n]
		tensor.Softmax(row, row, Float(r.h.Scale))
	}
}

type attentionForward attention

func (f *attentionForward) Piece(i int) {
	r := (*attention)(f)
	n, off, id, start := r.span(i)
	if n == 0 {
		return
	}
	buf := r.t.scratch.take(n * n)
	defer r.t.scratch.give(buf)
	p, c := (*buf)[:n*n], r.out.Cols
	r.probabilities(p, n, off)
	if r.h.Dropout.Rate > 0 {
		tensor.Dropout(p, p, r.h.Dropout.Key, id, start, r.h.Dropout.keep())
	}
	r.t.engine.SmallGemm(tensor.NN, n, r.h.HeadDim, n, p, n, r.v.Data[off:], c, false, r.out.Data[off:], c)
}

// backward, per sequence and head, with P̃ = dropout(P) and O = P̃·V:
// dV = P̃ᵀ·dO; dP = dropout(dO·Vᵀ); dS = scale·P∘(dP − Σ_row P∘dP);
// dQ = dS·K; dK = dSᵀ·Q.
func (r *attention) backward(t *Tape) {
	if r.out.grad.Data != nil {
		r.g = r.out.grad.Data
		r.dq, r.fresh[0] = t.gradOf(r.q)
		r.dk, r.fresh[1] = t.gradOf(r.k)
		r.dv, r.fresh[2] = t.gradOf(r.v)
		if r.q == r.k || r.k == r.v || r.q == r.v {
			r.shareGrads()
		}
		t.pool.Run(len(t.tokens.ids)*r.h.Heads, (*attentionBackward)(r))
	}
	t.release(r.out)
}

// work: Q·Kᵀ and P·V forward; dV, dP, dQ and dK backward. That Q·Kᵀ is made
// again there is not counted.
func (r *attention) work() (name profile.Op, forward, backward float64) {
	squares := 0.0
	l := &r.t.tokens
	for s := range l.ids {
		n := float64(l.starts[s+1] - l.starts[s])
		squares += n * n
	}
	forward = 4 * squares * float64(r.out.Cols)
	return profile.Attention, forward, 2 * forward
}

// shareGrads lets two of q, k and v be the same variable: all three add to
// gradients that start at zero.
func (r *attention) shareGrads() {
	for i, g := range [][]Float{r.dq, r.dk, r.dv} {
		if r.fresh[i] {
			clear(g)
		}
		r.fresh[i] = false
	}
}

type attentionBackward attention

func (b *attentionBackward) Piece(i int) {
	r := (*attention)(b)
	n, off, id, start := r.span(i)
	if n == 0 {
		return
	}
	buf := r.t.scratch.take(attentionScratch * n * n)
	defer r.t.scratch.give(buf)
	p, dp, dropped := (*buf)[:n*n], (*buf)[n*n:2*n*n], (*buf)[2*n*n:3*n*n]
	c, d, drop := r.out.Cols, r.h.HeadDim, r.h.Dropout
	r.probabilities(p, n, off)
	r.t.engine.SmallGemm(tensor.NT, n, n, d, r.g[off:], c, r.v.Data[off:], c, false, dp, n)
	if drop.Rate > 0 {
		tensor.Dropout(dropped, p, drop.Key, id, start, drop.keep())
		tensor.Dropout(dp, dp, drop.Key, id, start, drop.keep())
	} else {
		dropped = p
	}
	r.t.engine.SmallGemm(tensor.TN, n, d, n, dropped, n, r.g[off:], c, !r.fresh[2], r.dv[off:], c)
	for i := range n {
		row := dp[i*n : (i+1)*n]
		tensor.SoftmaxGrad(row, p[i*n:(i+1)*n], row, Float(r.h.Scale))
	}
	r.t.engine.SmallGemm(tensor.NN, n, d, n, dp, n, r.k.Data[off:], c, !r.fresh[0], r.dq[off:], c)
	r.t.engine.SmallGemm(tensor.TN, n, d, n, dp, n, r.q.Data[off:], c, !r.fresh[1], r.dk[off:], c)
}
