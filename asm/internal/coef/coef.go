// Package coef holds the coefficients of the polynomials by which package asm
// approximates exp, the normal distribution, tanh and the normal quantile, for
// the reference in Go and for the generator of the assembly: one list for both.
//
// All are minimax fits (iteratively reweighted least squares in float64, the
// error relative to the function), rounded to float32; index i belongs to the
// power i of the variable. The errors given are those of the fit; package asm's
// tests bound the error of the float32 evaluation.
package coef

// Exp: e^r = Σ Exp[i] r^i on |r| ≤ ln2/2, relative error 3e-9.
var Exp = [7]float32{1, 1, 0.5, 0.166665182, 0.041666206, 0.00836889166, 0.00139504939}

// Ln2Hi + Ln2Lo is ln 2; n·Ln2Hi is exact for the n of float32's exponents.
const (
	Log2E  = 1.44269504088896340735992468100189214
	Ln2Hi  = 0.693359375
	Ln2Lo  = -2.12194440054690583e-4
	ExpMin = -104 // below it e^x rounds to zero
	ExpMax = 89   // above it e^x overflows
	// Magic rounds to an integer when it is added to a float32 below 2^22 and
	// subtracted again; the low bits of the sum are that integer.
	Magic = 3 << 22
)

// HalfErf: Φ(z) − ½ = z·P(z²)/Q(z²) on |z| ≤ HalfErfMax, relative error 2.2e-8.
// At HalfErfMax its float32 value is exactly ½.
var (
	HalfErfP = [6]float32{0.398942262, 0.0339290798, 0.00467734132, 0.000168927654, 6.28958196e-06, 2.22963052e-08}
	HalfErfQ = [6]float32{1, 0.251713932, 0.0286775529, 0.00188548525, 7.33426641e-05, 1.17960951e-06}
)

// HalfErfMax is the end of HalfErf's interval.
const HalfErfMax = 5.53125

// Tanh: tanh(x) = x·P(x²)/Q(x²) on |x| ≤ TanhMax, relative error 2.2e-8. At
// TanhMax its float32 value is exactly 1.
var (
	TanhP = [5]float32{1, 0.133777678, 0.00349171762, 2.05453161e-05, 1.32660833e-08}
	TanhQ = [5]float32{1, 0.467110813, 0.0258622598, 0.000327930233, 7.74035698e-07}
)

// TanhMax is the end of Tanh's interval.
const TanhMax = 9

// Quantile: Φ⁻¹((1+v)/2) = v·P(y)/Q(y), y = 1 − v², for |v| ≤ QuantileMid,
// relative error 1.1e-7. The clip at two standard deviations, |v| = 0.9545,
// lies inside.
var (
	QuantileP = [5]float32{3.13329315, 143.073166, 878.07666, 909.86261, 87.3491135}
	QuantileQ = [5]float32{1, 61.7887154, 518.097534, 831.828125, 200.204926}
)

// QuantileMid parts the centre of the normal quantile from its tails.
const QuantileMid = 0.96

// Tail: |Φ⁻¹((1+v)/2)| = Σ Tail[i] r^i with r = sqrt(−2 ln(1 − v²)), for |v|
// from QuantileMid to 1 − 2⁻²⁴, relative error 1.4e-7.
var Tail = [8]float32{-0.0815360546, 1.06600189, -0.164553374, 0.0850117505, -0.0215263274, 0.00302339415, -0.000226854376, 7.13020108e-06}

// Log: −2 ln(1 + f) = f·Σ Log[i] f^i for 1+f in [sqrt½, sqrt2), absolute error
// 7e-8.
var Log = [8]float32{-1.99999964, 1.00001335, -0.666723609, 0.499186844, -0.397461057, 0.346669674, -0.328398973, 0.202042639}

// Expm1: e^r − 1 = r + r²·Σ Expm1[i] r^i in float64 on |r| ≤ ln2/2: Taylor's
// series, 1/(i+2)!, relative error below 1e-15.
var Expm1 = [11]float64{1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320,
	1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600}

// Constants of Expm1's reduction in float64.
const (
	Ln2Hi64  = 6.93147180369123816490e-01 // 33 bits
	Ln2Lo64  = 1.90821492927058770002e-10
	Magic64  = 3 << 51
	Expm1Min = -50   // below it e^x − 1 rounds to −1
	Expm1Max = 709.4 // above it e^x − 1 counts as e^709.4, far beyond float32
)
