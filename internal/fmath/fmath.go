// Package fmath holds float64 functions whose bits do not depend on the
// machine: exp, expm1, log, tanh, erf and the normal quantile from polynomials
// with stated fused multiply-adds. Go's math.Exp and its kin have assembly of
// their own on some architectures, and the compiler may fuse x*y + z, so their
// last bits differ between machines; nothing on the training path calls them.
//
// math.FMA, math.Sqrt and the functions that take numbers apart (Frexp, Ldexp)
// are exact everywhere and are used freely. Errors are within a few units in
// the last place, of Erf within 20; the tests state each bound.
package fmath

import "math"

const (
	ln2Hi = 6.93147180369123816490e-01 // 33 bits: n·ln2Hi is exact for |n| < 2^20
	ln2Lo = 1.90821492927058770002e-10
	log2E = 1.44269504088896338700e+00
)

// factorials[i] is 1/i!.
var factorials = func() (f [16]float64) {
	f[0] = 1
	n := 1.0
	for i := 1; i < len(f); i++ {
		n *= float64(i)
		f[i] = 1 / n
	}
	return f
}()

// reduce writes x as n·ln2 + r + c with |r| ≤ ln2/2 and c the part that r lost.
func reduce(x float64) (n, r, c float64) {
	n = math.RoundToEven(float64(x * log2E))
	hi := math.FMA(-n, ln2Hi, x) // exact
	r = math.FMA(-n, ln2Lo, hi)
	c = math.FMA(-n, ln2Lo, hi-r)
	return n, r, c
}

// horner evaluates c[0] + c[1]x + c[2]x² + ….
func horner(c []float64, x float64) float64 {
	p := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		p = math.FMA(p, x, c[i])
	}
	return p
}

// Exp returns e^x.
func Exp(x float64) float64 {
	switch {
	case x != x || x > 710:
		return x + math.Inf(1)
	case x < -746:
		return 0
	}
	n, r, c := reduce(x)
	// e^(r+c) = 1 + r + (r²·(½ + …) + c(1 + r))
	tail := math.FMA(float64(r*r), horner(factorials[2:15], r), math.FMA(c, r, c))
	return math.Ldexp(1+(r+tail), int(n))
}

// Expm1 returns e^x − 1 without cancellation near 0.
func Expm1(x float64) float64 {
	switch {
	case x != x || x > 710:
		return x + math.Inf(1)
	case x < -45:
		return -1
	case math.Abs(x) < 0x1p-54:
		return x
	}
	n, r, c := reduce(x)
	tail := math.FMA(float64(r*r), horner(factorials[2:], r), math.FMA(c, r, c))
	if n == 0 {
		return r + tail
	}
	if n > 60 {
		return math.Ldexp(1+(r+tail), int(n))
	}
	// 2^n(e^r − 1) + (2^n − 1): scaled by 2^-n, then the larger part first.
	one := 1 - math.Ldexp(1, -int(n))
	s := one + r
	lost := r - (s - one)
	if math.Abs(one) < math.Abs(r) {
		lost = one - (s - r)
	}
	return math.Ldexp(s+(lost+tail), int(n))
}

// Log returns ln x.
func Log(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	// ln m = 2 artanh(s), s = f/(2+f); of its series f − f²/2 is split off.
	f := m - 1
	s := f / (2 + f)
	z := float64(s * s)
	r := 0.0
	for i := 12; i >= 1; i-- {
		r = math.FMA(r, z, 2/float64(2*i+1))
	}
	r = float64(r * z)
	half := float64(float64(0.5*f) * f)
	k := float64(e)
	low := math.FMA(s, half+r, float64(k*ln2Lo))
	return math.FMA(k, ln2Hi, f-(half-low))
}

// Tanh returns the hyperbolic tangent of x.
func Tanh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x:
		return x
	case a > 22:
		a = 1
	case a >= 0.5:
		a = 1 - 2/(Expm1(2*a)+2)
	default:
		t := Expm1(-2 * a)
		a = -t / (t + 2)
	}
	return math.Copysign(a, x)
}

const twoOverSqrtPi = 2 / 1.77245385090551602729816748334114518

// Erf returns 2/sqrt(π) times the integral of exp(−t²) from 0 to x, by
// exp(−x²)·Σ 2^n x^(2n+1)/(2n+1)!!, in which every term is positive, below 3,
// and by a continued fraction of the complement above.
func Erf(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x:
		return x
	case a > 6:
		a = 1
	case a < 3:
		z := float64(2 * a * a)
		term, sum := a, a
		for n := 3.0; term > 0x1p-56*sum; n += 2 {
			term = float64(term*z) / n
			sum += term
		}
		a = float64(twoOverSqrtPi*sum) * expMinusSquare(a)
	default:
		a = 1 - erfcTail(a)
	}
	return math.Copysign(a, x)
}

// expMinusSquare returns exp(−x²) with the rounding error of x² put back.
func expMinusSquare(x float64) float64 {
	s := float64(x * x)
	e := math.FMA(x, x, -s)
	y := Exp(-s)
	return math.FMA(-e, y, y)
}

// erfcTail returns 1 − erf(x) for x ≥ 3, relative error a few ulp, by
// exp(−x²)/sqrt(π) · 1/(x + ½/(x + 1/(x + 3/2/(x + …)))).
func erfcTail(x float64) float64 {
	f := x
	for k := 60; k >= 1; k-- {
		f = x + 0.5*float64(k)/f
	}
	return expMinusSquare(x) * (twoOverSqrtPi / 2) / f
}
