package autograd

import (
	"pactune/internal/profile"
	"pactune/tensor"
)

// checkpoint is the record of Checkpoint: ops from … to−1 of the tape are one
// layer, and keep is the only variable of theirs whose values were kept.
type checkpoint struct {
	from, to int
	keep     *Var
}

// Checkpoint trades time for memory at the end of a layer: of all that was
// recorded since the last Checkpoint only the values of keep, the layer's
// result, stay. The backward pass runs the layer's records forward again when
// it reaches them, with the same parameters and the same masks: values and
// gradients are the same bits as without it.
//
//	forward   [ layer 0 ] keep [ layer 1 ] keep [ layer 2 ] loss
//	           dropped          dropped          all there
//	backward                   [ again ] ←       ←
//	          [ again ] ←       ←
//
// The peak falls from the values of all layers to one result for each layer and
// the values of one. The last layer needs no Checkpoint: its values are read at
// once. It does nothing while nothing is recorded, and on a tape that is not
// Checkpointing.
func (t *Tape) Checkpoint(keep *Var) {
	if !t.record || !t.Checkpointing {
		return
	}
	r := t.layers.next()
	*r = checkpoint{to: len(t.ops), keep: keep}
	if n := t.layers.n; n > 1 {
		r.from = t.layers.items[n-2].to + 1
	}
	r.discard(t)
	t.ops = append(t.ops, r)
}

// discard frees what the layer's ops made, but for the values of keep.
func (r *checkpoint) discard(t *Tape) {
	value, data := r.keep.value, r.keep.Data
	r.keep.value = tensor.Block{}
	for _, o := range t.ops[r.from:r.to] {
		o.discard(t)
	}
	r.keep.value, r.keep.Data = value, data
}

func (r *checkpoint) forward(*Tape) {}

func (r *checkpoint) work() (name profile.Op, forward, backward float64) {
	return profile.Checkpoint, 0, 0
}

// backward makes the values of the layer again. Those of its result have been
// read by then, and are made again with the rest.
func (r *checkpoint) backward(t *Tape) {
	t.drop(r.keep)
	for _, o := range t.ops[r.from:r.to] {
		t.forward(o)
	}
}
