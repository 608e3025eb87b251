package fmath

import (
	"flag"
	"math"
	"math/big"
	"math/rand"
	"testing"
)

// The worst errors of this package's functions against sums in 400 bits. The
// whole run takes minutes, hence the flag:
//
//	go test ./internal/fmath -run Big -exhaustive -timeout 0 -v
//
// docs/EXACTNESS.md holds its figures.
var exhaustive = flag.Bool("exhaustive", false, "hundreds of thousands of numbers, not a sample")

const precision = 400

func bigOf(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

// Arithmetic on fresh variables.
func mul(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Mul(a, b) }
func add(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Add(a, b) }
func sub(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Sub(a, b) }
func quo(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(precision).Quo(a, b) }

// expOf is e^x by Taylor's series at x/2^k below 2^-12, squared k times.
func expOf(x *big.Float) *big.Float {
	k := max(0, x.MantExp(nil)+12)
	if x.Sign() == 0 {
		return bigOf(1)
	}
	y := new(big.Float).SetPrec(precision).SetMantExp(x, -k)
	sum, term := bigOf(1), bigOf(1)
	for i := 1; term.MantExp(nil) > -precision; i++ {
		term = quo(mul(term, y), bigOf(float64(i)))
		sum.Add(sum, term)
	}
	for ; k > 0; k-- {
		sum.Mul(sum, sum)
	}
	return sum
}

// logOf is ln x by one step of Halley's method for e^y = x, which triples the
// correct digits: 3·50 bits.
func logOf(x float64) *big.Float {
	y := bigOf(math.Log(x))
	e := expOf(y)
	step := quo(sub(bigOf(x), e), add(bigOf(x), e))
	return add(y, mul(bigOf(2), step))
}

var bigPi, _, _ = big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651328230664709384460955058223172535940812848111745", 10, precision, big.ToNearestEven)

// erfOf is erf(x), x² = s, by 2/sqrt(π)·e^{−s}·Σ x·(2s)^n/(2n+1)!!: all terms
// are positive.
func erfOf(x, s *big.Float) *big.Float {
	term := new(big.Float).Copy(x)
	sum, twice := new(big.Float).Copy(x), mul(bigOf(2), s)
	for n := 3.0; term.MantExp(nil) > sum.MantExp(nil)-precision; n += 2 {
		term = quo(mul(term, twice), bigOf(n))
		sum.Add(sum, term)
	}
	root := new(big.Float).SetPrec(precision).Sqrt(bigPi)
	minus := new(big.Float).Neg(s)
	return quo(mul(mul(bigOf(2), sum), expOf(minus)), root)
}

// unitsLast returns |got − want| in float64's unit in the last place at want.
func unitsLast(got float64, want *big.Float) float64 {
	if w, _ := want.Float64(); math.IsInf(w, 0) && w == got {
		return 0
	}
	e := max(want.MantExp(nil)-53, -1074)
	d, _ := new(big.Float).SetMantExp(sub(bigOf(got), want), -e).Float64()
	return math.Abs(d)
}

func TestAgainstBig(t *testing.T) {
	n := 500
	if *exhaustive {
		n = 200000
	}
	one := bigOf(1)
	for _, c := range []struct {
		name   string
		f      func(float64) float64
		want   func(x float64) *big.Float
		lo, hi float64
		bound  float64 // rounded up from the whole run
	}{
		{"Exp", Exp, func(x float64) *big.Float { return expOf(bigOf(x)) }, -745, 709.7, 1},
		{"Exp", Exp, func(x float64) *big.Float { return expOf(bigOf(x)) }, -20, 1, 1},
		{"Expm1", Expm1, func(x float64) *big.Float { return sub(expOf(bigOf(x)), one) }, -44, 700, 2},
		{"Expm1", Expm1, func(x float64) *big.Float { return sub(expOf(bigOf(x)), one) }, -2, 2, 2},
		{"Log", Log, logOf, 1e-300, 1e300, 2},
		{"Log", Log, logOf, 0.25, 4, 2},
		{"Tanh", Tanh, func(x float64) *big.Float {
			e := expOf(bigOf(2 * x))
			return quo(sub(e, one), add(e, one))
		}, -20, 20, 4},
		{"Erf", Erf, func(x float64) *big.Float { return erfOf(bigOf(x), mul(bigOf(x), bigOf(x))) }, -3, 3, 20},
		{"Erf", Erf, func(x float64) *big.Float { return erfOf(bigOf(x), mul(bigOf(x), bigOf(x))) }, 3, 6.5, 2},
	} {
		rnd := rand.New(rand.NewSource(4))
		worst, at := 0.0, 0.0
		for i := 0; i < n; i++ {
			x := c.lo + (c.hi-c.lo)*rnd.Float64()
			if c.name == "Log" && c.lo < 0.1 {
				x = math.Exp(690 * (2*rnd.Float64() - 1))
			} else if i%2 == 1 && c.lo*c.hi <= 0 { // towards 0
				x *= math.Exp2(-50 * rnd.Float64())
			} else if i%2 == 1 && c.name == "Log" { // towards 1
				x = 1 + (x-1)*math.Exp2(-50*rnd.Float64())
			}
			if u := unitsLast(c.f(x), c.want(x)); !(u <= worst) {
				worst, at = u, x
			}
		}
		t.Logf("%-6s on [%g, %g]: worst %.3f ulp at %.17g in %d numbers", c.name, c.lo, c.hi, worst, at, n)
		if !(worst <= c.bound) {
			t.Errorf("%s: %.3f ulp at %.17g, bound %g", c.name, worst, at, c.bound)
		}
	}
}

// The quantile z of p is off by (Φ(z) − p)/φ(z); in the upper half this is
// asked of −z and 1 − p, which is exact.
func TestQuantileAgainstBig(t *testing.T) {
	n := 500
	if *exhaustive {
		n = 50000
	}
	root2 := new(big.Float).SetPrec(precision).Sqrt(bigOf(2))
	miss := func(p float64) float64 {
		z := math.Abs(NormalQuantile(p))
		tail := bigOf(p)
		if p > 0.5 {
			tail = sub(bigOf(1), tail)
		}
		x := quo(bigOf(z), root2)
		phi := quo(sub(bigOf(1), erfOf(x, quo(mul(bigOf(z), bigOf(z)), bigOf(2)))), bigOf(2))
		d, _ := sub(phi, tail).Float64()
		unit := math.Nextafter(z, math.Inf(1)) - z
		if z == 0 {
			unit = 1
		}
		return math.Abs(d) * math.Sqrt(2*math.Pi) * math.Exp(z*z/2) / unit
	}
	rnd := rand.New(rand.NewSource(5))
	for _, c := range []struct {
		name   string
		sample func() float64
		bound  float64 // rounded up from the whole run
	}{
		{"p on [0.075, 0.925]", func() float64 { return 0.075 + 0.85*rnd.Float64() }, 6},
		{"p on [2^-25, 0.075]", func() float64 { return math.Exp2(-3.7 - 21.3*rnd.Float64()) }, 8},
		{"1-p on [2^-25, 0.075]", func() float64 { return 1 - math.Exp2(-3.7-21.3*rnd.Float64()) }, 8},
		{"p on [1e-30, 2^-25]", func() float64 { return math.Exp2(-25 - 74.6*rnd.Float64()) }, 8},
	} {
		worst, at := 0.0, 0.0
		for i := 0; i < n; i++ {
			p := c.sample()
			if u := miss(p); !(u <= worst) {
				worst, at = u, p
			}
		}
		t.Logf("NormalQuantile, %s: worst %.3f ulp at %.17g in %d numbers", c.name, worst, at, n)
		if !(worst <= c.bound) {
			t.Errorf("NormalQuantile, %s: %.3f ulp at %.17g, bound %g", c.name, worst, at, c.bound)
		}
	}
}
