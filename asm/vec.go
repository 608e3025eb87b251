package asm

//go:generate go run ./internal/genvec

// Functions over vectors of independent elements. Each runs the kernel of the
// active instruction set on as many elements as that takes and the loop below
// it on the rest: all of them where there is no kernel. The loop is the
// specification. Slices have the length of the first one; outputs may be an
// input of the same call, and otherwise do not overlap inputs.

// Add computes dst = a + b.
func Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := addVec(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i] + b[i]
	}
}

// Scale computes dst *= s.
func Scale(dst []float32, s float32) {
	for i := scaleVec(dst, &[1]float32{s}); i < len(dst); i++ {
		dst[i] *= s
	}
}

// GELU computes y = z·Φ(z), Φ the distribution function of N(0,1).
func GELU(y, z []float32) {
	z = z[:len(y)]
	for i := geluVec(y, z); i < len(y); i++ {
		y[i] = z[i] * (0.5 + halfErf32(z[i]))
	}
}

// GELUGrad computes dz = dy·(Φ(z) + z·φ(z)), φ the density of N(0,1).
func GELUGrad(dz, dy, z []float32) {
	dy, z = dy[:len(dz)], z[:len(dz)]
	for i := geluGradVec(dz, dy, z); i < len(dz); i++ {
		x := z[i]
		density := exp32(-0.5*x*x) * invSqrt2Pi
		dz[i] = dy[i] * FMA32(x, density, 0.5+halfErf32(x))
	}
}

const (
	invSqrt2Pi = 0.398942280401432677939946059934381868 // 1/sqrt(2π)
	geluScale  = 0.797884560802865355879892119868763737 // sqrt(2/π)
	geluCube   = 0.044715
)

// GELUTanh computes y = z/2·(1 + tanh(sqrt(2/π)(z + 0.044715z³))).
func GELUTanh(y, z []float32) {
	z = z[:len(y)]
	for i := geluTanhVec(y, z); i < len(y); i++ {
		half := 0.5 * z[i]
		y[i] = FMA32(half, tanh32(geluArg(z[i])), half)
	}
}

// geluArg returns sqrt(2/π)(z + 0.044715z³).
func geluArg(z float32) float32 {
	return z * FMA32(z*z, geluScale*geluCube, geluScale)
}

// GELUTanhGrad computes dz = dy times the derivative of GELUTanh.
func GELUTanhGrad(dz, dy, z []float32) {
	dy, z = dy[:len(dz)], z[:len(dz)]
	for i := geluTanhGradVec(dz, dy, z); i < len(dz); i++ {
		x := z[i]
		t := tanh32(geluArg(x))
		slope := FMA32(x*x, 3*geluScale*geluCube, geluScale) // of geluArg
		half := 0.5 * x * slope
		dz[i] = dy[i] * FMA32(half, FMA32(-t, t, 1), FMA32(0.5, t, 0.5))
	}
}

// ReLU computes y = max(z, 0).
func ReLU(y, z []float32) {
	z = z[:len(y)]
	for i := reluVec(y, z); i < len(y); i++ {
		y[i] = max32(0, z[i])
	}
}

// ReLUGrad computes dz = dy where z > 0, else 0.
func ReLUGrad(dz, dy, z []float32) {
	dy, z = dy[:len(dz)], z[:len(dz)]
	for i := reluGradVec(dz, dy, z); i < len(dz); i++ {
		v := float32(0)
		if z[i] > 0 {
			v = dy[i]
		}
		dz[i] = v
	}
}

// SiLU computes y = z/(1 + e^−z).
func SiLU(y, z []float32) {
	z = z[:len(y)]
	for i := siluVec(y, z); i < len(y); i++ {
		y[i] = z[i] / (1 + exp32(-z[i]))
	}
}

// SiLUGrad computes dz = dy·s(1 + z(1 − s)), s = 1/(1 + e^−z).
func SiLUGrad(dz, dy, z []float32) {
	dy, z = dy[:len(dz)], z[:len(dz)]
	for i := siluGradVec(dz, dy, z); i < len(dz); i++ {
		s := 1 / (1 + exp32(-z[i]))
		dz[i] = dy[i] * (s * FMA32(z[i], 1-s, 1))
	}
}

// Tanh computes y = tanh(z).
func Tanh(y, z []float32) {
	z = z[:len(y)]
	for i := tanhVec(y, z); i < len(y); i++ {
		y[i] = tanh32(z[i])
	}
}

// TanhGrad computes dz = dy·(1 − tanh(z)²).
func TanhGrad(dz, dy, z []float32) {
	dy, z = dy[:len(dz)], z[:len(dz)]
	for i := tanhGradVec(dz, dy, z); i < len(dz); i++ {
		t := tanh32(z[i])
		dz[i] = dy[i] * FMA32(-t, t, 1)
	}
}

// PriorGrad computes g += s·(w − w0).
func PriorGrad(g, w, w0 []float32, s float32) {
	w, w0 = w[:len(g)], w0[:len(g)]
	for i := priorGradVec(g, w, w0, &[1]float32{s}); i < len(g); i++ {
		g[i] = FMA32(s, w[i]-w0[i], g[i])
	}
}

// AdamStep holds the numbers of one step of Adam for every element:
//
//	w = Decay·w
//	m = m + C1·(g − m)               C1 = 1 − β1
//	v = Beta2·v + C2·g²              C2 = 1 − β2
//	w = w − Rate·m/(sqrt(v)·Root + Eps)
//	w = w − After·w
//
// The torch form decays before the step and has Root = 1/sqrt(1 − β2^t); the
// hf form decays after it, and its Rate holds that root.
type AdamStep struct{ Decay, C1, Beta2, C2, Root, Eps, Rate, After float32 }

// AdamW applies s to the weights w with gradients g and moments m, v.
func AdamW(w, g, m, v []float32, s *AdamStep) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := adamWVec(w, g, m, v, s); i < len(w); i++ {
		w[i], m[i], v[i] = s.apply(w[i], g[i], m[i], v[i])
	}
}

func (s *AdamStep) apply(w, g, m, v float32) (float32, float32, float32) {
	m = FMA32(s.C1, g-m, m)
	v = FMA32(s.Beta2, v, s.C2*g*g)
	root := sqrt32(v)
	w = FMA32(-s.Rate, m/FMA32(root, s.Root, s.Eps), s.Decay*w)
	return FMA32(-s.After, w, w), m, v
}
