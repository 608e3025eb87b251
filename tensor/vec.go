package tensor

import "math"

// Activation names an activation function.
type Activation int

// The activations; GELU is the exact one, of erf.
const (
	Identity Activation = iota
	GELU
	GELUTanh
	ReLU
	SiLU
	Tanh
)

// AdamForm names one of the two published forms of AdamW.
type AdamForm int

const (
	// AdamTorch is PyTorch's: decay, then w −= lr/(1−β1^t)·m/(sqrt(v/(1−β2^t)) + eps).
	AdamTorch AdamForm = iota
	// AdamHF is transformers' own: w −= lr·sqrt(1−β2^t)/(1−β1^t)·m/(sqrt(v) + eps), then decay.
	AdamHF
)

// NewAdamStep returns the numbers of update t, t = 1, 2, …, in the given form;
// without biasCorrection the powers of the betas count as 0. weightDecay is
// decoupled: w loses lr·weightDecay of itself.
func NewAdamStep(form AdamForm, lr, beta1, beta2, eps, weightDecay float64, biasCorrection bool, t int) AdamStep {
	correct1, correct2 := 1.0, 1.0
	if biasCorrection {
		correct1, correct2 = 1-power(beta1, t), 1-power(beta2, t)
	}
	s := AdamStep{Decay: 1, C1: Float(1 - beta1), Beta2: Float(beta2), C2: Float(1 - beta2), Root: 1, Eps: Float(eps)}
	switch decay := float64(lr * weightDecay); form {
	case AdamTorch:
		s.Decay = Float(1 - decay)
		s.Rate = Float(lr / correct1)
		s.Root = Float(1 / math.Sqrt(correct2))
	case AdamHF:
		s.Rate = Float(lr * math.Sqrt(correct2) / correct1)
		s.After = Float(decay)
	default:
		panic("tensor.NewAdamStep: unknown form")
	}
	return s
}

// power returns x^n by squaring: the same bits on every machine.
func power(x float64, n int) float64 {
	y := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			y *= x
		}
		x *= x
	}
	return y
}

// PACSums are the sums of the bound over one piece of a tensor, at the clean
// weights: Σ e^{2p}, Σ p and Σ (w − w0)².
type PACSums struct{ E2P, P, Dist float64 }

// AddBias adds bias to every row of the dense y of shape (rows, cols).
func AddBias(y []Float, rows, cols int, bias []Float) {
	for r := 0; r < rows; r++ {
		row := y[r*cols : (r+1)*cols]
		Add(row, row, bias)
	}
}
