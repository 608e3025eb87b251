package asm

import (
	"math"
	"testing"

	"pactune/asm/internal/coef"
	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// ulps32 returns the distance of got from want in units of want's last place.
func ulps32(got float32, want float64) float64 {
	w := float32(math.Abs(want))
	if w < 0x1p-126 {
		w = 0x1p-126
	}
	return math.Abs(float64(got)-want) / float64(math.Nextafter32(w, float32(math.Inf(1)))-w)
}

// sweep calls f with every step-th float32 of [lo, hi] and, where lo < 0, of
// the negative numbers down to it.
func sweep(lo, hi float32, step uint32, f func(x float32)) {
	if lo < 0 {
		sweep(0, -lo, step, func(x float32) { f(-x) })
		lo = 0
	}
	for b := math.Float32bits(lo); b <= math.Float32bits(hi); b += step {
		f(math.Float32frombits(b))
	}
}

// The bounds are the measured worst cases, rounded up: exp's is nearly the final
// rounding alone; the rational functions round once per coefficient of two
// polynomials and in the square.
func TestElementaryFunctions(t *testing.T) {
	cases := []struct {
		name   string
		f      func(float32) float32
		ref    func(float64) float64
		lo, hi float32
		bound  float64
	}{
		{"exp32", exp32, math.Exp, -104, 88.7, 0.9},
		{"halfErf32", halfErf32, func(z float64) float64 { return 0.5 * math.Erf(z/math.Sqrt2) }, -6, 6, 4.5},
		{"tanh32", tanh32, math.Tanh, -10, 10, 4.5},
	}
	for _, c := range cases {
		worst, at := 0.0, float32(0)
		sweep(c.lo, c.hi, 4099, func(x float32) {
			if u := ulps32(c.f(x), c.ref(float64(x))); u > worst || u != u {
				worst, at = u, x
			}
		})
		t.Logf("%s: worst %.2f ulp at %g", c.name, worst, at)
		if !(worst <= c.bound) {
			t.Errorf("%s: %.2f ulp at %g, bound %g", c.name, worst, at, c.bound)
		}
	}
	if halfErf32(coef.HalfErfMax) != 0.5 || tanh32(coef.TanhMax) != 1 || halfErf32(-30) != -0.5 || tanh32(-30) != -1 {
		t.Error("the clamped functions do not end at exactly ½ and 1")
	}
	if exp32(0) != 1 || exp32(-104) != 0 || !math.IsInf(float64(exp32(89)), 1) || exp32(float32(math.Inf(-1))) != 0 {
		t.Error("exp32 misses an exact value")
	}
}

// Every function passes NaN through.
func TestElementaryFunctionsOfNaN(t *testing.T) {
	nan := float32(math.NaN())
	for name, f := range map[string]func(float32) float32{"exp32": exp32, "halfErf32": halfErf32, "tanh32": tanh32} {
		if y := f(nan); y == y {
			t.Errorf("%s(NaN) = %g", name, y)
		}
	}
	if y := expm1Wide(math.NaN()); y == y {
		t.Errorf("expm1Wide(NaN) = %g", y)
	}
}

func TestExpm1Wide(t *testing.T) {
	worst := 0.0
	for x := -60.0; x < 709; x += 0.0137 {
		for _, y := range []float64{x, x / 1000, x / 1e9} {
			want := math.Expm1(y)
			worst = math.Max(worst, math.Abs(expm1Wide(y)-want)/math.Abs(want))
		}
	}
	// Near n = ±1 of 2^n some bits cancel; float32 needs 6e-8.
	if worst > 1.2e-15 {
		t.Errorf("relative error %g", worst)
	}
}

// All words that give different uniforms are in [0, 2^24) << 8; every 61st.
func TestNormalQuantile32(t *testing.T) {
	center, tails := 0.0, 0.0
	for k := uint32(0); k < 1<<24; k += 61 {
		u := rng.Uniform(k << 8)
		v := centered32(k << 8)
		if float64(v) != 2*u-1 {
			t.Fatalf("centered32(%d) = %g, want %g", k<<8, v, 2*u-1)
		}
		want := fmath.NormalQuantile(u)
		err := math.Abs(float64(quantile32(v))-want) / math.Abs(want)
		if math.Abs(want) <= 2 {
			center = math.Max(center, err)
		} else {
			tails = math.Max(tails, err)
		}
		clip := math.Max(-2, math.Min(2, want))
		if got := float64(clipped32(v)); math.Abs(got-clip) > 1e-6*math.Abs(clip) || math.Abs(got) > 2 {
			t.Fatalf("clipped32(%g) = %g, want %g", v, got, clip)
		}
	}
	t.Logf("relative error: centre %.3g, tails %.3g", center, tails)
	// Fit 1e-7 and 1.4e-7, plus a dozen roundings of 6e-8.
	if center > 5e-7 || tails > 9e-7 {
		t.Errorf("relative error: centre %g, tails %g", center, tails)
	}
	// The extreme words.
	for _, w := range []uint32{0, 1 << 8, math.MaxUint32} {
		want := fmath.NormalQuantile(rng.Uniform(w))
		if got := quantile32(centered32(w)); math.Abs(float64(got)-want) > 9e-7*math.Abs(want) {
			t.Errorf("quantile of word %x is %g, want %g", w, got, want)
		}
	}
}

// Mean 0, variance 1, kurtosis 3 within five standard errors; P(|z| > 2) is
// 4.55 %, and clipping leaves exactly that share at ±2.
func TestNormalsDistribution(t *testing.T) {
	const n = 1 << 20
	z, clip := make([]float32, n), make([]float32, n)
	key := rng.NewKey(11, rng.StreamNoise, 0)
	Normals(z, key, 1, 0, false)
	Normals(clip, key, 1, 0, true)
	var m1, m2, m4, share float64
	for i, x := range z {
		v := float64(x)
		m1 += v
		m2 += v * v
		m4 += v * v * v * v
		if math.Abs(v) > 2 {
			share++
			v = math.Copysign(2, v)
		}
		if clip[i] != float32(v) {
			t.Fatalf("element %d: normal %g, clipped %g", i, x, clip[i])
		}
	}
	for _, c := range []struct {
		name             string
		got, want, sigma float64
	}{{"mean", m1 / n, 0, 1}, {"variance", m2 / n, 1, math.Sqrt2}, {"fourth moment", m4 / n, 3, math.Sqrt(96)}, {"share beyond ±2", share / n, 0.0455, 0.2084}} {
		if math.Abs(c.got-c.want) > 5*c.sigma/math.Sqrt(n) {
			t.Errorf("%s is %g, want %g", c.name, c.got, c.want)
		}
	}
}
