package asm

import (
	"math"

	"pactune/asm/internal/coef"
)

// The elementary functions of the vector kernels, one float32 at a time: the
// specification of their bits. All are free of branches and tables, so that
// vector code is the same expression; comparisons are chosen so that NaN passes
// through.

// max32 returns a where a > b, else b (also when either is NaN): VMAXPS.
func max32(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// min32 returns a where a < b, else b (also when either is NaN): VMINPS.
func min32(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

// clamp32 returns x limited to ±limit, NaN for NaN.
func clamp32(x, limit float32) float32 { return min32(limit, max32(-limit, x)) }

// horner32 returns c[0] + c[1]x + c[2]x² + … by fused multiply-adds from the end.
func horner32(c []float32, x float32) float32 {
	p := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		p = FMA32(p, x, c[i])
	}
	return p
}

// exp32 returns e^x: 0 below −104, +Inf above 88.72, subnormal results rounded
// once. Error below 0.92 ulp.
func exp32(x float32) float32 {
	x = min32(coef.ExpMax, max32(coef.ExpMin, x))
	t := FMA32(x, coef.Log2E, coef.Magic)
	n := t - coef.Magic
	r := FMA32(n, -coef.Ln2Hi, x)
	r = FMA32(n, -coef.Ln2Lo, r)
	return scale32(horner32(coef.Exp[:], r), int32(math.Float32bits(t)-math.Float32bits(coef.Magic)))
}

// scale32 returns p·2^n for |n| ≤ 250 in two steps of which the first is exact.
func scale32(p float32, n int32) float32 {
	a := n >> 1
	b := n - a
	return p * math.Float32frombits(uint32(a+127)<<23) * math.Float32frombits(uint32(b+127)<<23)
}

// halfErf32 returns Φ(z) − ½, Φ the distribution function of N(0,1). Error
// below 5.5 ulp, and below 1.7e-7 absolutely.
func halfErf32(z float32) float32 {
	z = clamp32(z, coef.HalfErfMax)
	s := z * z
	return clamp32(z*horner32(coef.HalfErfP[:], s)/horner32(coef.HalfErfQ[:], s), 0.5)
}

// tanh32 returns the hyperbolic tangent of x. Error below 5.5 ulp.
func tanh32(x float32) float32 {
	x = clamp32(x, coef.TanhMax)
	s := x * x
	return clamp32(x*horner32(coef.TanhP[:], s)/horner32(coef.TanhQ[:], s), 1)
}

// centered32 maps a random word to 2u − 1, u = rng.Uniform(word): an odd
// multiple of 2⁻²⁴ in (−1, 1), exact in float32.
func centered32(word uint32) float32 {
	return FMA32(float32(word>>8), 0x1p-23, 0x1p-24-1)
}

// quantile32 returns the z for which a standard normal variable is below z with
// probability (1+v)/2, |v| < 1. Relative error below 1e-6.
func quantile32(v float32) float32 {
	z := center32(v)
	if max32(v, -v) > coef.QuantileMid {
		z = float32(math.Copysign(float64(tail32(v)), float64(v)))
	}
	return z
}

// clipped32 returns quantile32 clipped to ±2.
func clipped32(v float32) float32 { return clamp32(center32(clamp32(v, coef.QuantileMid)), 2) }

// center32 is quantile32 for |v| ≤ coef.QuantileMid.
func center32(v float32) float32 {
	y := FMA32(-v, v, 1)
	return v * horner32(coef.QuantileP[:], y) / horner32(coef.QuantileQ[:], y)
}

// sqrtHalfBits is the bit pattern of sqrt(½).
const sqrtHalfBits = 0x3f3504f3

// tail32 is |quantile32| for |v| > coef.QuantileMid, in r = sqrt(−2 ln(1 − v²)).
func tail32(v float32) float32 {
	bits := int32(math.Float32bits(FMA32(-v, v, 1)))
	e := (bits - sqrtHalfBits) >> 23
	f := math.Float32frombits(uint32(bits-e<<23)) - 1
	l := FMA32(float32(e), -2*math.Ln2, f*horner32(coef.Log[:], f))
	return horner32(coef.Tail[:], float32(math.Sqrt(float64(l))))
}

// expm1Wide returns e^x − 1 in float64: −1 below −50, e^709.4 above 709.4.
// Relative error below 1.2e-15.
func expm1Wide(x float64) float64 {
	x = min64(coef.Expm1Max, max64(coef.Expm1Min, x))
	t := math.FMA(x, coef.Log2E, coef.Magic64)
	n := t - coef.Magic64
	r := math.FMA(n, -coef.Ln2Hi64, x)
	r = math.FMA(n, -coef.Ln2Lo64, r)
	q := coef.Expm1[len(coef.Expm1)-1]
	for i := len(coef.Expm1) - 2; i >= 0; i-- {
		q = math.FMA(q, r, coef.Expm1[i])
	}
	q = math.FMA(float64(r*r), q, r)
	scale := math.Float64frombits((math.Float64bits(t) + 1023) << 52)
	return math.FMA(q, scale, scale-1)
}

func max64(a, b float64) float64 {
	if a > b {
		return a
	}
	return b
}

func min64(a, b float64) float64 {
	if a < b {
		return a
	}
	return b
}
