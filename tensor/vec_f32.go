//go:build !f64

package tensor

import (
	"pactune/asm"
	"pactune/internal/rng"
)

// The functions of this file are those of package asm: see there for their
// definition to the bit, and vec_f64.go for the plain formulas.

// AdamStep holds the numbers of one step of Adam for every element.
type AdamStep = asm.AdamStep

// Add computes dst = a + b; dst may be either.
func Add(dst, a, b []Float) { asm.Add(dst, a, b) }

// Scale computes dst *= s.
func Scale(dst []Float, s Float) { asm.Scale(dst, s) }

// ColumnSums computes dst[c] += Σ_r x[r·stride+c] for c < len(dst): the gradient
// of a bias. Each sum is made in float64 in the order of rows.
func ColumnSums(dst, x []Float, rows, stride int) { asm.ColumnSums(dst, x, rows, stride) }

// Act computes y = act(z); y may be z.
func Act(kind Activation, y, z []Float) {
	switch kind {
	case Identity:
		copy(y, z[:len(y)])
	case GELU:
		asm.GELU(y, z)
	case GELUTanh:
		asm.GELUTanh(y, z)
	case ReLU:
		asm.ReLU(y, z)
	case SiLU:
		asm.SiLU(y, z)
	case Tanh:
		asm.Tanh(y, z)
	default:
		panic("tensor.Act: unknown activation")
	}
}

// ActGrad computes dz = dy·act'(z); dz may be dy.
func ActGrad(kind Activation, dz, dy, z []Float) {
	switch kind {
	case Identity:
		copy(dz, dy[:len(dz)])
	case GELU:
		asm.GELUGrad(dz, dy, z)
	case GELUTanh:
		asm.GELUTanhGrad(dz, dy, z)
	case ReLU:
		asm.ReLUGrad(dz, dy, z)
	case SiLU:
		asm.SiLUGrad(dz, dy, z)
	case Tanh:
		asm.TanhGrad(dz, dy, z)
	default:
		panic("tensor.ActGrad: unknown activation")
	}
}

// Max returns the greatest element of x, −Inf where there is none; NaN is passed
// over.
func Max(x []Float) Float { return asm.Max(x) }

// Softmax computes y = softmax(scale·x) of one row, scale ≥ 0; y may be x.
func Softmax(y, x []Float, scale Float) { asm.Softmax(y, x, scale) }

// SoftmaxGrad computes dx = scale·p∘(dp − Σ p∘dp) of one row; dx may be dp.
func SoftmaxGrad(dx, p, dp []Float, scale Float) { asm.SoftmaxGrad(dx, p, dp, scale) }

// LayerNorm computes y = γ∘x̂ + β of one row with x̂ = (x − mean)·rstd and
// rstd = 1/sqrt(var + eps), var the biased variance; y may be x.
func LayerNorm(y, x, gamma, beta []Float, eps float64) (mean, rstd Float) {
	return asm.LayerNorm(y, x, gamma, beta, eps)
}

// LayerNormGrad computes dx = rstd·(γ∘dy − mean(γ∘dy) − x̂·mean(γ∘dy∘x̂)) of one
// row; dx may be dy.
func LayerNormGrad(dx, dy, x, gamma []Float, mean, rstd Float) {
	asm.LayerNormGrad(dx, dy, x, gamma, mean, rstd)
}

// LayerNormParamGrad computes dγ += dy∘x̂ and dβ += dy of one row, or of the same
// columns of all four and x.
func LayerNormParamGrad(dgamma, dbeta, dy, x []Float, mean, rstd Float) {
	asm.LayerNormParamGrad(dgamma, dbeta, dy, x, mean, rstd)
}

// Dropout computes y = x/keep where rng.Uniform of word start+i of (key, row) is
// below keep, else 0; y may be x.
func Dropout(y, x []Float, key rng.Key, row uint32, start uint64, keep Float) {
	asm.Dropout(y, x, key, row, start, keep)
}

// SumSquares returns Σ x² in float64, in one fixed order.
func SumSquares(x []Float) float64 { return asm.SumSquares(x) }

// Normals fills dst with N(0,1), elements start, start+1, … of (key, row), by
// the inverse distribution function of rng.Uniform; clip limits them to ±2.
func Normals(dst []Float, key rng.Key, row uint32, start uint64, clip bool) {
	asm.Normals(dst, key, row, start, clip)
}

// AdamW applies s to weights w with gradients g and moments m, v.
func AdamW(w, g, m, v []Float, s *AdamStep) { asm.AdamW(w, g, m, v, s) }

// NoisyWeights computes dst = w + e^p·ε, ε_i the normal of element start+i
// clipped to ±2, and the sums of the bound.
func NoisyWeights(dst, w, w0, p []Float, key rng.Key, row uint32, start uint64) PACSums {
	return PACSums(asm.NoisyWeights(dst, w, w0, p, key, row, start))
}

// NoiseStep applies s to p, with moments mp and vp and the gradient
// dp = g·ε·e^p + (e^{2(p−b)} − 1)·klScale; the second term is made in float64.
func NoiseStep(p, mp, vp, g []Float, key rng.Key, row uint32, start uint64, b, klScale float64, s *AdamStep) {
	asm.NoiseStep(p, mp, vp, g, key, row, start, b, klScale, s)
}

// PriorGrad computes g += s·(w − w0).
func PriorGrad(g, w, w0 []Float, s Float) { asm.PriorGrad(g, w, w0, s) }

// NoisyWeightsScalar computes dst = w + sigma·ε, ε clipped to ±2, and returns
// Σ (w − w0)², 0 when w0 is nil.
func NoisyWeightsScalar(dst, w, w0 []Float, sigma Float, key rng.Key, row uint32, start uint64) float64 {
	return asm.NoisyWeightsScalar(dst, w, w0, sigma, key, row, start)
}

// NoiseDot returns Σ g·ε, ε clipped to ±2.
func NoiseDot(g []Float, key rng.Key, row uint32, start uint64) float64 {
	return asm.NoiseDot(g, key, row, start)
}

// AxpyNormals computes dst = w + sigma·ε, ε from N(0,1), not clipped.
func AxpyNormals(dst, w []Float, sigma Float, key rng.Key, row uint32, start uint64) {
	asm.AxpyNormals(dst, w, sigma, key, row, start)
}
