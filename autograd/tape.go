// Package autograd is reverse-mode automatic differentiation over a dozen
// fused ops, as wide as a transformer needs them.
//
// A Tape runs the forward pass and writes one typed record per op; Backward
// walks the records from the last to the first and adds gradients to the
// parameters. Each op has a file of its own: forward, record and backward,
// side by side.
//
// There is no padding and there are no masks. A batch is a flat list of N
// tokens with the start of every sequence (Sequences); activations are (N, C)
// row-major, and attention runs per sequence.
//
// Values live in an arena. A value is freed when the backward pass of the op
// that made it has run; without recording (evaluation) ReleaseBefore frees
// what a finished layer leaves behind. Records and variables are reused, so
// that a steady step allocates nothing.
//
// Random numbers are functions of (key, example, position), never state: the
// backward pass makes dropout masks again, and nothing depends on how a batch
// was cut or how many threads run.
//
// The order of every sum is fixed by shapes alone; see the packages tensor and
// asm for the number format.
package autograd

import (
	"fmt"

	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/tensor"
)

// Float is the element type of activations and weights.
type Float = tensor.Float

// Var is a matrix (Rows, Cols) of activations on a tape.
type Var struct {
	Rows, Cols int
	Data       []Float

	value, grad tensor.Block
	layout      *layout // what the rows are: tokens or examples
	maker       *linear // that can make the values again from its pre-activation
	needsGrad   bool
	leaf        bool // kept until Reset, so that its gradient can be read
	consumed    bool // its values were overwritten by the op that read them
	reads       int
}

// Grad returns the gradient of a leaf after Backward, nil when nothing flowed.
func (v *Var) Grad() []Float { return v.grad.Data }

// Sequences says which rows of the token matrix are one example's.
type Sequences struct {
	// RowStarts has one entry more than there are sequences: sequence s is
	// the rows RowStarts[s] to RowStarts[s+1]−1.
	RowStarts []int32
	// ExampleIDs[s] identifies the example of sequence s in its data set; a
	// dropout mask depends on it and on nothing else of the batch.
	ExampleIDs []uint32
}

// op is the record of one op: what its passes need. work counts the
// floating-point operations of its matrix products, 2 for each product and
// sum, for the profile.
type op interface {
	forward(t *Tape)  // makes the result, and again in a checkpointed layer's backward pass
	backward(t *Tape) // sends the result's gradient on and frees all that forward made
	discard(t *Tape)  // frees what forward made, but no gradient
	work() (name profile.Op, forward, backward float64)
}

// Tape records a forward pass. It belongs to one goroutine; several tapes may
// share the workers of one pool and the parameters of one model.
type Tape struct {
	engine *tensor.Engine
	pool   *par.Pool
	arena  tensor.Arena
	record bool
	// Checkpointing says that Checkpoint frees what a layer leaves behind.
	Checkpointing bool
	// Clock, when not nil, is told of every op.
	Clock *profile.Clock

	tokens, examples layout
	ops              []op
	vars             pool[Var]
	scratch          scratch

	linears    pool[linear]
	attentions pool[attention]
	norms      pool[addLayerNorm]
	embeds     pool[embed]
	dropouts   pool[dropout]
	firsts     pool[firstTokens]
	gathers    pool[rows]
	losses     pool[lossOp]
	layers     pool[checkpoint]

	tokenLosses pool[tokenLoss]
}

// NewTape returns a tape whose ops run on the workers of p. On a dry pool they
// compute nothing and take no memory: a pass then only counts what it needs, and
// the parameters need no values.
func NewTape(p *par.Pool) *Tape {
	t := &Tape{engine: tensor.NewEngine(p), pool: p, scratch: newScratch(p.Workers())}
	if p.IsDry() {
		t.arena.Dry()
	}
	return t
}

// Reserve gives a new tape the memory for the passes that dry, a tape on a dry pool,
// went through: activations and gradients, buffers of matrix products, and what
// attention over sequences of up to longest tokens needs. Growing with them they
// would leave garbage of their size.
func (t *Tape) Reserve(dry *Tape, longest int) {
	bytes, _ := dry.Bytes()
	t.arena.Reserve(bytes)
	t.engine.Reserve(dry.engine)
	t.scratch.reserve(attentionScratch * longest * longest)
}

// Work returns the size of the buffers of matrix products.
func (t *Tape) Work() int { return t.engine.Bytes() }

// SetPrecision sets how the products of later passes read their operands. Values
// and gradients are Float in any precision.
func (t *Tape) SetPrecision(p tensor.Precision) { t.engine.Precision = p }

// Reset forgets everything recorded and starts a pass over new sequences, with
// a record for Backward or without. Variables of earlier passes are invalid.
func (t *Tape) Reset(s Sequences, record bool) {
	t.Clock.Part(profile.Rest)
	t.record = record
	t.ops = t.ops[:0]
	t.arena.Reset()
	t.vars.reset()
	t.linears.reset()
	t.attentions.reset()
	t.norms.reset()
	t.embeds.reset()
	t.dropouts.reset()
	t.firsts.reset()
	t.gathers.reset()
	t.losses.reset()
	t.tokenLosses.reset()
	t.layers.reset()
	t.tokens.set(s)
	t.examples.setExamples(s.ExampleIDs)
}

// Poison fills memory with NaN before and after its use, so that a test sees
// reads of values that are not there.
func (t *Tape) Poison() { t.arena.Poison() }

// Bytes returns how much of the arena has been used, and the most that was in
// use at one time.
func (t *Tape) Bytes() (size, peak int) { return t.arena.Bytes() }

// Input puts a copy of data (rows, cols) on the tape as a leaf whose rows are
// the tokens of the batch. Its gradient can be read after Backward.
func (t *Tape) Input(rows, cols int, data []Float) *Var {
	v := t.newVar(rows, cols, &t.tokens)
	t.fill(v)
	copy(v.Data, data)
	v.needsGrad, v.leaf = true, true
	return v
}

// ReleaseBefore frees every variable but keep: a model calls it at the end of
// a layer, whose result is all that the next one needs. While recording it does
// so only where keep needs no gradient, as after a frozen layer: otherwise the
// backward pass reads them.
func (t *Tape) ReleaseBefore(keep *Var) {
	if t.record && keep.needsGrad {
		return
	}
	for _, v := range t.vars.items[:t.vars.n] {
		if v != keep {
			t.release(v)
		}
	}
}

// Backward adds the gradient of the scaled loss to every parameter that is
// not frozen and to every leaf.
func (t *Tape) Backward() {
	if !t.record {
		panic("autograd: Backward: the tape was reset without recording")
	}
	t.Clock.Part(profile.Rest)
	for i := len(t.ops) - 1; i >= 0; i-- {
		t.ops[i].backward(t)
		if t.Clock != nil {
			name, _, flops := t.ops[i].work()
			t.Clock.Op(name, profile.Backward, flops)
		}
	}
}

// do runs an op, and records it when its result needs a gradient.
func (t *Tape) do(r op, out *Var) *Var {
	t.forward(r)
	if t.record && out.needsGrad {
		t.ops = append(t.ops, r)
	}
	return out
}

// forward runs an op forward.
func (t *Tape) forward(r op) {
	r.forward(t)
	if t.Clock != nil {
		name, flops, _ := r.work()
		t.Clock.Op(name, t.phase(), flops)
	}
}

// phase is that of a forward pass.
func (t *Tape) phase() profile.Phase {
	if t.record {
		return profile.Forward
	}
	return profile.Inference
}

// newVar returns a variable without values; fill gives it memory for them.
func (t *Tape) newVar(rows, cols int, l *layout) *Var {
	v := t.vars.next()
	*v = Var{Rows: rows, Cols: cols, layout: l}
	return v
}

func (t *Tape) fill(v *Var) {
	v.value = t.arena.Alloc(v.Rows * v.Cols)
	v.Data = v.value.Data
}

// drop frees v's values.
func (t *Tape) drop(v *Var) {
	t.arena.Free(v.value)
	v.value, v.Data = tensor.Block{}, nil
}

// release frees v's values and gradient.
func (t *Tape) release(v *Var) {
	if v.leaf {
		return
	}
	t.drop(v)
	t.arena.Free(v.grad)
	v.grad = tensor.Block{}
}

// read notes that op reads v, and panics when v's values are no longer there.
func (v *Var) read(op string) {
	if v.consumed || v.Data == nil && v.Rows*v.Cols > 0 {
		panic(fmt.Sprintf("autograd: %s: the values of a variable (%d, %d) were consumed or released before",
			op, v.Rows, v.Cols))
	}
	v.reads++
}

// gradOf returns v's gradient buffer; fresh says that it holds nothing yet and
// must be written, not added to.
func (t *Tape) gradOf(v *Var) (g []Float, fresh bool) {
	if v.grad.Data == nil {
		v.grad = t.arena.Alloc(v.Rows * v.Cols)
		return v.grad.Data, true
	}
	return v.grad.Data, false
}

// pool hands out records again after reset, so that a steady step makes none.
type pool[T any] struct {
	items []*T
	n     int
}

func (p *pool[T]) next() *T {
	if p.n == len(p.items) {
		p.items = append(p.items, new(T))
	}
	p.n++
	return p.items[p.n-1]
}

func (p *pool[T]) reset() { p.n = 0 }
