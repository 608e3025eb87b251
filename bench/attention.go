package bench

import (
	"fmt"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/tensor"
)

// Attention is timed with the heads of BERT-base, over packed sequences of one
// length, as many as make about attentionTokens.
const (
	attentionHeads, attentionHeadDim = 12, 64
	attentionTokens                  = 2048
)

// attentions are the forward and the backward pass for several lengths.
func attentions(o *Options) ([]*workload, error) {
	var all []*workload
	for _, n := range []int{12, 64, 128, 512} {
		all = append(all, attention(profile.Forward, n, o), attention(profile.Backward, n, o))
	}
	return all, nil
}

// attention is one pass of the op over sequences of n tokens.
func attention(phase profile.Phase, n int, o *Options) *workload {
	batch, width := attentionTokens/n, attentionHeads*attentionHeadDim
	w := &workload{FLOPs: attentionFLOPs(uniform(batch, n), width)}
	w.Name = fmt.Sprintf("attention/forward/%d", n)
	if phase == profile.Backward {
		w.Name, w.FLOPs = fmt.Sprintf("attention/backward/%d", n), 2*w.FLOPs
	}
	w.Batch, w.Seq, w.Tokens = batch, n, batch*n
	threads, precision := o.Threads, o.Precision
	w.setup = func() (*job, error) {
		pool := par.New(threads)
		t := autograd.NewTape(pool)
		t.SetPrecision(precision)
		t.Clock = profile.Start()
		seqs, classes := sequences(w.Batch, n), make([]int32, w.Batch)
		q, k, v := normals(w.Tokens*width, 1), normals(w.Tokens*width, 2), normals(w.Tokens*width, 3)
		heads := autograd.Heads{Heads: attentionHeads, HeadDim: attentionHeadDim, Scale: 1. / 8}
		return &job{done: pool.Close, run: func() (float64, error) {
			before := t.Clock.OpRow(profile.Attention, phase).Time
			t.Reset(seqs, true)
			a := t.Attention(input(t, w, q), input(t, w, k), input(t, w, v), heads)
			t.CrossEntropy(t.FirstTokens(a), classes, 1) // something to go back from
			t.Backward()
			return (t.Clock.OpRow(profile.Attention, phase).Time - before).Seconds(), nil
		}}, nil
	}
	return w
}

// input puts x on the tape; what that takes is not attention's.
func input(t *autograd.Tape, w *workload, x []tensor.Float) *autograd.Var {
	v := t.Input(w.Tokens, attentionHeads*attentionHeadDim, x)
	t.Clock.Part(profile.Rest)
	return v
}

// sequences are batch ones of n tokens.
func sequences(batch, n int) autograd.Sequences {
	s := autograd.Sequences{RowStarts: []int32{0}}
	for i := range batch {
		s.RowStarts = append(s.RowStarts, int32((i+1)*n))
		s.ExampleIDs = append(s.ExampleIDs, uint32(i))
	}
	return s
}
