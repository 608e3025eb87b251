package autograd

import (
	"fmt"

	"pactune/internal/fmath"
	"pactune/internal/profile"
	"pactune/tensor"
)

// tokenLoss is the record of TokenCrossEntropy.
type tokenLoss struct {
	t       *Tape
	logits  *Var
	targets []int32
	scale   Float
	inPlace bool // the gradient takes the memory of the logits
	loss    Loss
	losses  []float64
}

// lossRows is how many rows one piece of TokenCrossEntropy covers.
const lossRows = 4

// TokenCrossEntropy is CrossEntropy over a vocabulary: ℓ_i = log Σ_v exp(z_iv) −
// z_i,target(i). logits (M, V), targets (M). Backward sends
// scale·(softmax(z) − onehot).
//
// It is an op beside CrossEntropy because M·V are the most numbers of a step,
// where a handful of classes cost nothing: its exponentials and their sum are
// those of tensor.Softmax in Float, not float64; rows run in parallel; and while
// recording it consumes logits, whose memory becomes the gradient's.
func (t *Tape) TokenCrossEntropy(logits *Var, targets []int32, scale float64) *Loss {
	logits.read("TokenCrossEntropy")
	if len(targets) != logits.Rows {
		panic(fmt.Sprintf("autograd: TokenCrossEntropy: logits (%d, %d), %d targets", logits.Rows, logits.Cols, len(targets)))
	}
	for i, v := range targets {
		if v < 0 || int(v) >= logits.Cols {
			panic(fmt.Sprintf("autograd: TokenCrossEntropy: logits (%d, %d), target %d of row %d", logits.Rows, logits.Cols, v, i))
		}
	}
	r := t.tokenLosses.next()
	*r = tokenLoss{t: t, logits: logits, targets: targets, scale: Float(scale), losses: r.losses[:0],
		inPlace: t.record && logits.needsGrad}
	if r.inPlace && (logits.reads > 1 || logits.leaf) {
		panic("autograd: TokenCrossEntropy: logits are read elsewhere too, but their memory becomes the gradient's")
	}
	r.run(t)
	return &r.loss
}

func (r *tokenLoss) run(t *Tape) {
	for range r.targets {
		r.losses = append(r.losses, 0)
	}
	m := r.logits.Rows
	t.pool.Run((m+lossRows-1)/lossRows, (*tokenLossPiece)(r))
	if v := r.logits; r.inPlace {
		v.grad, v.value, v.Data, v.consumed = v.value, tensor.Block{}, nil, true
	}
	if t.pool.IsDry() {
		return
	}
	r.loss.PerExample = r.losses
	for _, l := range r.losses {
		r.loss.Sum += l
	}
	t.Clock.Op(profile.Loss, t.phase(), 0)
}

type tokenLossPiece tokenLoss

func (p *tokenLossPiece) Piece(i int) {
	r, n := (*tokenLoss)(p), p.logits.Cols
	var kept []Float // softmax, where the logits must stay
	if !r.inPlace {
		buf := r.t.scratch.take(n)
		defer r.t.scratch.give(buf)
		kept = (*buf)[:n]
	}
	for row := i * lossRows; row < min((i+1)*lossRows, r.logits.Rows); row++ {
		z := r.logits.Data[row*n : (row+1)*n]
		y := kept
		if r.inPlace {
			y = z
		}
		r.losses[row] = r.row(y, z, int(r.targets[row]))
	}
}

// row writes softmax(z) into y, which may be z, and there makes the gradient of
// it; it returns the loss. The greatest softmax is 1/Σ exp(z − max).
func (r *tokenLoss) row(y, z []Float, target int) float64 {
	below := float64(tensor.Max(z)) - float64(z[target])
	tensor.Softmax(y, z, 1)
	loss := below - fmath.Log(float64(tensor.Max(y)))
	if r.inPlace {
		y[target]--
		tensor.Scale(y, r.scale)
	}
	return loss
}
