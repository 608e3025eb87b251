//go:build f64

package tensor

import (
	"math"

	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// The functions in float64, each the plain formula: an oracle for the float32
// kernels, and what gradient checks run on. The comments are in vec_f32.go.

// AdamStep holds the numbers of one step of Adam; asm.AdamStep says how they
// are used.
type AdamStep struct{ Decay, C1, Beta2, C2, Root, Eps, Rate, After Float }

// Add computes dst = a + b; dst may be either.
func Add(dst, a, b []Float) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Scale computes dst *= s.
func Scale(dst []Float, s Float) {
	for i := range dst {
		dst[i] *= s
	}
}

// ColumnSums computes dst[c] += Σ_r x[r·stride+c] for c < len(dst).
func ColumnSums(dst, x []Float, rows, stride int) {
	for c := range dst {
		sum := 0.0
		for r := 0; r < rows; r++ {
			sum += x[r*stride+c]
		}
		dst[c] += sum
	}
}

const (
	geluScale = 0.797884560802865355879892119868763737 // sqrt(2/π)
	geluCube  = 0.044715
)

func geluArg(z float64) float64 { return geluScale * math.FMA(float64(geluCube*z*z), z, z) }

func normalCDF(z float64) float64 { return math.FMA(0.5, fmath.Erf(z/math.Sqrt2), 0.5) }

func sigmoid(z float64) float64 { return 1 / (1 + fmath.Exp(-z)) }

// Act computes y = act(z); y may be z.
func Act(kind Activation, y, z []Float) {
	for i := range y {
		x := z[i]
		switch kind {
		case Identity:
			y[i] = x
		case GELU:
			y[i] = x * normalCDF(x)
		case GELUTanh:
			y[i] = 0.5 * x * (1 + fmath.Tanh(geluArg(x)))
		case ReLU:
			if x < 0 {
				x = 0
			}
			y[i] = x
		case SiLU:
			y[i] = x * sigmoid(x)
		case Tanh:
			y[i] = fmath.Tanh(x)
		default:
			panic("tensor.Act: unknown activation")
		}
	}
}

// ActGrad computes dz = dy·act'(z); dz may be dy.
func ActGrad(kind Activation, dz, dy, z []Float) {
	for i := range dz {
		x, slope := z[i], 1.0
		switch kind {
		case Identity:
		case GELU:
			density := fmath.Exp(-0.5*x*x) / math.Sqrt(2*math.Pi)
			slope = math.FMA(x, density, normalCDF(x))
		case GELUTanh:
			t := fmath.Tanh(geluArg(x))
			inner := geluScale * math.FMA(3*geluCube*x, x, 1)
			slope = 0.5 * math.FMA(float64(x*inner), math.FMA(-t, t, 1), 1+t)
		case ReLU:
			if !(x > 0) {
				slope = 0
			}
		case SiLU:
			s := sigmoid(x)
			slope = s * math.FMA(x, 1-s, 1)
		case Tanh:
			t := fmath.Tanh(x)
			slope = math.FMA(-t, t, 1)
		default:
			panic("tensor.ActGrad: unknown activation")
		}
		dz[i] = dy[i] * slope
	}
}

// Max returns the greatest element of x, −Inf where there is none; NaN is passed
// over.
func Max(x []Float) Float {
	top := math.Inf(-1)
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

// Softmax computes y = softmax(scale·x) of one row, scale ≥ 0; y may be x.
func Softmax(y, x []Float, scale Float) {
	top, sum := Max(x[:len(y)]), 0.0
	for i := range y {
		y[i] = fmath.Exp((x[i] - top) * scale)
		sum += y[i]
	}
	Scale(y, 1/sum)
}

// SoftmaxGrad computes dx = scale·p∘(dp − Σ p∘dp) of one row; dx may be dp.
func SoftmaxGrad(dx, p, dp []Float, scale Float) {
	dot := 0.0
	for i := range dx {
		dot = math.FMA(p[i], dp[i], dot)
	}
	for i := range dx {
		dx[i] = p[i] * (dp[i] - dot) * scale
	}
}

// LayerNorm computes y = γ∘x̂ + β of one row with x̂ = (x − mean)·rstd and
// rstd = 1/sqrt(var + eps), var the biased variance; y may be x.
func LayerNorm(y, x, gamma, beta []Float, eps float64) (mean, rstd Float) {
	n := float64(len(y))
	for _, v := range x[:len(y)] {
		mean += v
	}
	mean /= n
	variance := 0.0
	for _, v := range x[:len(y)] {
		variance = math.FMA(v-mean, v-mean, variance)
	}
	rstd = 1 / math.Sqrt(variance/n+eps)
	for i := range y {
		y[i] = math.FMA((x[i]-mean)*rstd, gamma[i], beta[i])
	}
	return mean, rstd
}

// LayerNormGrad computes dx = rstd·(γ∘dy − mean(γ∘dy) − x̂·mean(γ∘dy∘x̂)) of one
// row; dx may be dy.
func LayerNormGrad(dx, dy, x, gamma []Float, mean, rstd Float) {
	n := float64(len(dx))
	a, b := 0.0, 0.0
	for i := range dx {
		g := float64(gamma[i] * dy[i])
		a += g
		b = math.FMA(g, (x[i]-mean)*rstd, b)
	}
	for i := range dx {
		g := float64(gamma[i] * dy[i])
		dx[i] = rstd * math.FMA(-(x[i]-mean)*rstd, b/n, g-a/n)
	}
}

// LayerNormParamGrad computes dγ += dy∘x̂ and dβ += dy of one row, or of the same
// columns of all four and x.
func LayerNormParamGrad(dgamma, dbeta, dy, x []Float, mean, rstd Float) {
	for i := range dgamma {
		dgamma[i] = math.FMA(dy[i], (x[i]-mean)*rstd, dgamma[i])
		dbeta[i] += dy[i]
	}
}

// SumSquares returns Σ x².
func SumSquares(x []Float) float64 {
	sum := 0.0
	for _, v := range x {
		sum = math.FMA(v, v, sum)
	}
	return sum
}

// AdamW applies s to weights w with gradients g and moments m, v.
func AdamW(w, g, m, v []Float, s *AdamStep) {
	for i := range w {
		s.apply(&w[i], g[i], &m[i], &v[i])
	}
}

func (s *AdamStep) apply(w *Float, g Float, m, v *Float) {
	*m = math.FMA(s.C1, g-*m, *m)
	*v = math.FMA(s.Beta2, *v, s.C2*g*g)
	*w = math.FMA(-s.Rate, *m/math.FMA(math.Sqrt(*v), s.Root, s.Eps), s.Decay**w)
	*w = math.FMA(-s.After, *w, *w)
}

// PriorGrad computes g += s·(w − w0).
func PriorGrad(g, w, w0 []Float, s Float) {
	for i := range g {
		g[i] = math.FMA(s, w[i]-w0[i], g[i])
	}
}

// Dropout computes y = x/keep where rng.Uniform of word start+i of (key, row) is
// below keep, else 0; y may be x.
func Dropout(y, x []Float, key rng.Key, row uint32, start uint64, keep Float) {
	for i := range y {
		v := 0.0
		if rng.Uniform(key.Uint32(row, start+uint64(i))) < keep {
			v = x[i] / keep
		}
		y[i] = v
	}
}
