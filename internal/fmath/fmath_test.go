package fmath

import (
	"math"
	"math/big"
	"math/rand"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// ulps returns the distance of got from want in units of want's last place.
func ulps(got, want float64) float64 {
	if got == want || got != got && want != want {
		return 0
	}
	a := math.Abs(want)
	return math.Abs(got-want) / (math.Nextafter(a, math.Inf(1)) - a)
}

// bigExp returns e^x by Taylor's series in 200 bits, halving x ten times.
func bigExp(x float64) float64 {
	b := new(big.Float).SetPrec(200).SetFloat64(x)
	b.SetMantExp(b, -10)
	sum, term := big.NewFloat(1).SetPrec(200), big.NewFloat(1).SetPrec(200)
	for i := 1; i < 60; i++ {
		term.Mul(term, b)
		term.Quo(term, new(big.Float).SetInt64(int64(i)))
		sum.Add(sum, term)
	}
	for i := 0; i < 10; i++ {
		sum.Mul(sum, sum)
	}
	f, _ := sum.Float64()
	return f
}

// The standard library is the oracle, its errors are below one ulp; that of its
// assembly for exp is not, so a sum in 200 bits stands in.
func TestAgainstStandardLibrary(t *testing.T) {
	cases := []struct {
		name   string
		f, ref func(float64) float64
		lo, hi float64
		bound  float64
	}{
		{"Exp", Exp, bigExp, -20, 20, 1},
		{"Exp far", Exp, bigExp, -200, 200, 1},
		{"Expm1", Expm1, math.Expm1, -2, 2, 2},
		{"Expm1 far", Expm1, math.Expm1, -50, 709, 2},
		{"Expm1 near", Expm1, math.Expm1, -1e-5, 1e-5, 2},
		{"Log", Log, math.Log, 1e-300, 1e-3, 2},
		{"Log near 1", Log, math.Log, 0.5, 2, 2},
		{"Tanh", Tanh, math.Tanh, -3, 3, 4},
		{"Tanh far", Tanh, math.Tanh, -30, 30, 4},
		{"Erf", Erf, math.Erf, -1, 1, 8},
		{"Erf far", Erf, math.Erf, -6.5, 6.5, 16}, // up to 40 rounded terms
	}
	for _, c := range cases {
		rnd := rand.New(rand.NewSource(1))
		worst, at := 0.0, 0.0
		for i := 0; i < 5000; i++ {
			x := c.lo + (c.hi-c.lo)*rnd.Float64()
			if u := ulps(c.f(x), c.ref(x)); u > worst {
				worst, at = u, x
			}
		}
		t.Logf("%-13s worst %.2f ulp at %g", c.name, worst, at)
		if worst > c.bound {
			t.Errorf("%s: %.2f ulp at %g, bound %.1f", c.name, worst, at, c.bound)
		}
	}
}

func TestSpecialValues(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	cases := []struct {
		name   string
		f, ref func(float64) float64
	}{{"Exp", Exp, math.Exp}, {"Expm1", Expm1, math.Expm1}, {"Log", Log, math.Log}, {"Tanh", Tanh, math.Tanh}, {"Erf", Erf, math.Erf}}
	for _, c := range cases {
		for _, x := range []float64{0, math.Copysign(0, -1), 1, inf, -inf, nan, 1e-300, -1e-310, 1e308, -1e308, 710, -745.2} {
			got, want := c.f(x), c.ref(x)
			if ulps(got, want) > 8 || math.Signbit(got) != math.Signbit(want) && want == want {
				t.Errorf("%s(%g) = %g, want %g", c.name, x, got, want)
			}
		}
	}
	for p, want := range map[float64]float64{0: -inf, 1: inf, 0.5: 0, -1: nan, 2: nan} {
		if got := NormalQuantile(p); ulps(got, want) > 0 {
			t.Errorf("NormalQuantile(%g) = %g, want %g", p, got, want)
		}
	}
}

// AS 241 states a relative error of 1e-16; gonum's is Cephes' ndtri, with the
// same claim, hence 1e-14 between the two.
func TestNormalQuantile(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	for i := 0; i < 50000; i++ {
		p := rnd.Float64()
		if i%2 == 0 {
			p = math.Exp(-30 * p)
		}
		got, want := NormalQuantile(p), mathext.NormalQuantile(p)
		if math.Abs(got-want) > 1e-14*math.Abs(want)+1e-15 {
			t.Fatalf("NormalQuantile(%g) = %.17g, want %.17g", p, got, want)
		}
	}
}

// The standard library's errors are below one ulp of 1.
func TestSinCos(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	for i := range 20000 {
		x := (2*rnd.Float64() - 1) * math.Pow(2, float64(i%21))
		s, c := SinCos(x)
		if e := max(math.Abs(s-math.Sin(x)), math.Abs(c-math.Cos(x))); !(e <= 0x1p-52) {
			t.Fatalf("SinCos(%v) is %v, %v, want %v, %v", x, s, c, math.Sin(x), math.Cos(x))
		}
	}
}
