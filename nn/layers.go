package nn

import (
	"pactune/autograd"
	"pactune/tensor"
)

// Linear is y = x·Wᵀ + b: W (Out, In), b (Out).
type Linear struct{ Weight, Bias *autograd.Param }

// NewLinear declares weight and bias, the bias at zero.
func NewLinear(s Scope, in, out int, weight Init) Linear {
	return Linear{s.Param("weight", weight, out, in), s.Param("bias", Constant(0), out)}
}

// Forward applies the layer to x (N, In).
func (l Linear) Forward(t *autograd.Tape, x *autograd.Var) *autograd.Var {
	return t.Linear(x, l.Weight, l.Bias)
}

// ForwardAct applies the layer and an activation to x (N, In).
func (l Linear) ForwardAct(t *autograd.Tape, x *autograd.Var, act tensor.Activation) *autograd.Var {
	return t.LinearAct(x, l.Weight, l.Bias, act)
}

// LayerNorm is y = γ∘(x − mean)/sqrt(var + Eps) + β over the last dimension.
type LayerNorm struct {
	Gamma, Beta *autograd.Param
	Eps         float64
}

// NewLayerNorm declares γ = 1 and β = 0 under PyTorch's names.
func NewLayerNorm(s Scope, size int, eps float64) LayerNorm {
	return LayerNorm{s.Param("weight", Constant(1), size), s.Param("bias", Constant(0), size), eps}
}

// AddForward normalises dropout(x) + residual; residual may be nil. It
// consumes x.
func (l LayerNorm) AddForward(t *autograd.Tape, x, residual *autograd.Var, d autograd.Dropout) *autograd.Var {
	return t.AddLayerNorm(x, residual, l.Gamma, l.Beta, l.Eps, d)
}
