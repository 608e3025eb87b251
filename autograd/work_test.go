package autograd

import (
	"testing"

	"pactune/internal/profile"
	"pactune/tensor"
)

// The profile counts calls and products: here by hand, for sequences of 3, 1
// and 4 tokens.
func TestProfileCountsWork(t *testing.T) {
	f, tape := newFixture(0, 3, 4, 8), NewTape(nil)
	tape.Clock = profile.Start()
	pass := func(record bool) {
		tape.Reset(f.seqs, record)
		x := f.input(tape)
		w := f.param("w", width, width)
		a := tape.Attention(tape.Linear(x, w, nil), x, x, Heads{Heads: 2, HeadDim: width / 2, Scale: 1})
		frozen := f.param("frozen", 5, width)
		frozen.Frozen = true
		y := tape.FirstTokens(tape.LinearAct(a, frozen, nil, tensor.GELU))
		tape.CrossEntropy(y, []int32{0, 1, 2}, 1)
		if record {
			tape.Backward()
		}
	}
	pass(true)
	pass(true)
	pass(false)
	const linear, square = 2. * 8 * width * width, 3.*3 + 1 + 4*4
	for _, want := range []struct {
		op    profile.Op
		phase profile.Phase
		calls int
		flops float64
	}{
		{profile.Linear, profile.Forward, 2, 2 * linear},
		{profile.Linear, profile.Backward, 2, 2 * 2 * linear}, // dW and dx
		{profile.Linear, profile.Inference, 1, linear},
		{profile.LinearAct, profile.Forward, 2, 2 * 2. * 8 * width * 5},
		{profile.LinearAct, profile.Backward, 2, 2 * 2. * 8 * width * 5}, // dx alone
		{profile.Attention, profile.Forward, 2, 2 * 4 * square * width},
		{profile.Attention, profile.Backward, 2, 2 * 8 * square * width},
		{profile.Attention, profile.Inference, 1, 4 * square * width},
		{profile.FirstTokens, profile.Backward, 2, 0},
		{profile.Loss, profile.Forward, 2, 0},
		{profile.Loss, profile.Inference, 1, 0},
		{profile.Embed, profile.Forward, 0, 0},
	} {
		got := tape.Clock.OpRow(want.op, want.phase)
		if got.Calls != want.calls || got.FLOPs != want.flops {
			t.Errorf("%s, %s: %d calls, %v flops; want %d, %v", got.Phase, got.Name, got.Calls, got.FLOPs, want.calls, want.flops)
		}
	}
}
