package pac

import (
	"math"

	"pactune/internal/fault"
	"pactune/internal/fmath"
	"pactune/optim"
	"pactune/tensor"
)

// Bound is the objective of stage 1 beside the loss,
//
//	L_pac = (3/2)·K²·γ + (KL + C)/(m·γ),   C = 10 + 3L,
//	KL = ½ Σ_j [ e^{−2b_j}(Σ_i e^{2p_i} + ‖w_j − w0_j‖²) − Σ_i (2p_i − 2b_j + 1) ],
//	γ  = clamp( (1/K)·sqrt(2(KL + C)/(3m)), γ_min, γ_max ),
//
// K the table's value at e^{mean b}.
type Bound struct {
	Noise              *Noise
	Table              *KTable
	Examples           int // m, the training examples
	GammaMin, GammaMax float64
	// Rate is Adam's rate for p and b of the body, 0.1 in the paper.
	Rate float64
	// HeadRate is the head's own rate, of which p and b of the head take a
	// multiple that falls from 50 to 1.
	HeadRate float64
	// Terms are of the last StepNoise.
	Terms Terms
}

// Terms are the values of the bound at the start of an update.
type Terms struct {
	KL, K, Gamma float64
	Rounding     float64 // of KL at most, a sum that may end below 0 by that
	LPac         float64 // what is added to the loss
	C            float64
	Prior        float64 // x = e^{mean b}, at which K was read
	Slope        float64 // K'(x)
	Distance     float64 // ‖w − w0‖
}

// StepNoise evaluates the bound at the start of the update and makes the Adam
// step on p, with dp_i = g_i·ε_i·e^{p_i} + (e^{2(p_i−b_j)} − 1)/(mγ). It reads
// the gradients of the noisy loss before they are clipped. When a number of the
// bound or of its gradient would not be finite, nothing is changed, and the error,
// of kind Diverged, names the tensor.
func (b *Bound) StepNoise() error {
	b.Terms = b.evaluate()
	if err := b.check(); err != nil {
		return err
	}
	t, adam := b.Noise.Steps+1, optim.DefaultAdam()
	b.Noise.stepStds(b.weight(),
		adam.Step(b.Rate, 0, t),
		adam.Step(b.HeadRate*headFactor(t), 0, t))
	return nil
}

// Limits of check. Noise far above every weight is no noise. The others keep
// e^{−2b}/(mγ), the terms that it is a factor of, and Adam's squares of them
// within float32.
const (
	largestStd   = 1e4
	largestScale = 1e38
	largestTerm  = 1e18
)

// sumRounding bounds the relative rounding of a tensor's sums: a lane adds 2^10 terms of
// a piece, then come fewer than 2^12 pieces, each sum off by 2^-53.
const sumRounding = 0x1p-40

// KLShown is KL without the rounding by which it is below 0 at the start, where p = b
// and w = w0. What is further below is an error of StepNoise.
func (t *Terms) KLShown() float64 {
	if t.KL < 0 && t.KL >= -t.Rounding {
		return 0
	}
	return t.KL
}

// check refuses terms that the update cannot be made with; NaN fails every test.
func (b *Bound) check() error {
	n := b.Noise
	for _, weight := range [2]float64{1, b.weight()} { // first what is bad by itself: it spoils γ and with it the weight
		for j := range n.Tensors {
			t, scale := &n.Tensors[j], weight/n.variance[j]
			variance := t.sums.E2P / float64(len(t.noisy))
			if !(variance <= largestStd*largestStd && scale <= largestScale && (t.sums.E2P+t.sums.Dist)*scale <= largestTerm) {
				return fault.Errorf(fault.Diverged, "the noise of the tensor %s has a standard deviation of %.3g, in the prior of %.3g: its bound is not finite, or means nothing",
					t.Name, math.Sqrt(variance), math.Sqrt(n.variance[j]))
			}
		}
	}
	if t := &b.Terms; t.KL < -t.Rounding {
		return fault.Errorf(fault.Internal, "KL is %v, expected 0 or more, less the rounding of its sums, %.3g: please report this", t.KL, t.Rounding)
	}
	if t := &b.Terms; math.IsNaN(t.LPac) || math.IsInf(t.LPac, 0) {
		return fault.Errorf(fault.Diverged, "the term L_pac of the bound is %v (KL %v, K %v, gamma %v)", t.LPac, t.KL, t.K, t.Gamma)
	}
	return nil
}

// Backward adds the gradient of L_pac to the (clipped) gradients of the
// weights, dw_i += e^{−2b_j}(w_i − w0_i)/(mγ), and computes
//
//	db_j = [ n_j − e^{−2b_j}(Σ_i e^{2p_i} + ‖w_j − w0_j‖²) ]/(mγ) + 3KγK'(x)x/L,
//
// γ a constant: where it is free, its own derivative vanishes.
func (b *Bound) Backward() {
	n, t := b.Noise, &b.Terms
	n.addPriorGrad(b.weight())
	viaK := 3 * t.K * t.Gamma * t.Slope * t.Prior / float64(len(n.Tensors))
	for j := range n.Tensors {
		s := &n.Tensors[j].sums
		size := float64(len(n.Tensors[j].noisy))
		n.db[j] = tensor.Float(float64((size-(s.E2P+s.Dist)/n.variance[j])*b.weight()) + viaK)
	}
}

// StepPrior makes the Adam step on b and ends the update of the noise.
func (b *Bound) StepPrior() { b.Noise.stepPriors() }

// weight of KL in the objective: 1/(mγ).
func (b *Bound) weight() float64 { return 1 / (float64(b.Examples) * b.Terms.Gamma) }

func (b *Bound) evaluate() Terms {
	n, m := b.Noise, float64(b.Examples)
	t := Terms{C: 10 + 3*float64(len(n.Tensors))}
	mean := 0.0
	for j := range n.Tensors {
		s, prior := &n.Tensors[j].sums, float64(n.B[j])
		size := float64(len(n.Tensors[j].noisy))
		moved := (s.E2P + s.Dist) / n.variance[j]
		t.KL += float64(0.5 * (moved - (float64(2*s.P) - float64(2*prior*size) + size)))
		t.Rounding += float64(sumRounding * (moved + math.Abs(2*s.P) + math.Abs(2*prior*size) + size))
		mean += prior
		t.Distance += s.Dist
	}
	t.Distance = math.Sqrt(t.Distance)
	t.Prior = fmath.Exp(mean / float64(len(n.Tensors)))
	t.K, t.Slope = b.Table.At(t.Prior)
	t.Gamma = math.Sqrt(2*(t.KL+t.C)/(3*m)) / t.K
	t.Gamma = min(max(t.Gamma, b.GammaMin), b.GammaMax)
	t.LPac = float64(1.5*t.K*t.K*t.Gamma) + (t.KL+t.C)/(m*t.Gamma)
	return t
}

// headFactor is max(50·0.9^⌊t/10⌋, 1), t the update from 1: how many times the
// head's rate its p and b take.
func headFactor(t int) float64 {
	f := 50.0
	for i := 0; i < t/10 && f > 1; i++ {
		f *= 0.9
	}
	return max(f, 1)
}
