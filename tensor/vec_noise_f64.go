//go:build f64

package tensor

import (
	"math"

	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// deviate returns the normal of element e of (key, row), clipped to ±2 if clip.
func deviate(key rng.Key, row uint32, e uint64, clip bool) float64 {
	z := fmath.NormalQuantile(rng.Uniform(key.Uint32(row, e)))
	if clip {
		z = math.Max(-2, math.Min(2, z))
	}
	return z
}

// Normals fills dst with N(0,1), elements start, start+1, … of (key, row), by
// the inverse distribution function of rng.Uniform; clip limits them to ±2.
func Normals(dst []Float, key rng.Key, row uint32, start uint64, clip bool) {
	for i := range dst {
		dst[i] = deviate(key, row, start+uint64(i), clip)
	}
}

// AxpyNormals computes dst = w + sigma·ε, ε from N(0,1), not clipped.
func AxpyNormals(dst, w []Float, sigma Float, key rng.Key, row uint32, start uint64) {
	for i := range dst {
		dst[i] = math.FMA(sigma, deviate(key, row, start+uint64(i), false), w[i])
	}
}

// NoiseDot returns Σ g·ε, ε clipped to ±2.
func NoiseDot(g []Float, key rng.Key, row uint32, start uint64) float64 {
	sum := 0.0
	for i := range g {
		sum = math.FMA(g[i], deviate(key, row, start+uint64(i), true), sum)
	}
	return sum
}

// NoisyWeightsScalar computes dst = w + sigma·ε, ε clipped to ±2, and returns
// Σ (w − w0)², 0 when w0 is nil.
func NoisyWeightsScalar(dst, w, w0 []Float, sigma Float, key rng.Key, row uint32, start uint64) float64 {
	dist := 0.0
	for i := range dst {
		if w0 != nil {
			dist = math.FMA(w[i]-w0[i], w[i]-w0[i], dist)
		}
		dst[i] = math.FMA(sigma, deviate(key, row, start+uint64(i), true), w[i])
	}
	return dist
}

// NoisyWeights computes dst = w + e^p·ε, ε_i the normal of element start+i
// clipped to ±2, and the sums of the bound.
func NoisyWeights(dst, w, w0, p []Float, key rng.Key, row uint32, start uint64) (s PACSums) {
	for i := range dst {
		std := fmath.Exp(p[i])
		s.E2P = math.FMA(std, std, s.E2P)
		s.P += p[i]
		s.Dist = math.FMA(w[i]-w0[i], w[i]-w0[i], s.Dist)
		dst[i] = math.FMA(std, deviate(key, row, start+uint64(i), true), w[i])
	}
	return s
}

// NoiseStep applies s to p, with moments mp and vp and the gradient
// dp = g·ε·e^p + (e^{2(p−b)} − 1)·klScale.
func NoiseStep(p, mp, vp, g []Float, key rng.Key, row uint32, start uint64, b, klScale float64, s *AdamStep) {
	for i := range p {
		eps := deviate(key, row, start+uint64(i), true)
		dp := math.FMA(g[i]*eps, fmath.Exp(p[i]), float64(fmath.Expm1(2*(p[i]-b))*klScale))
		s.apply(&p[i], dp, &mp[i], &vp[i])
	}
}
