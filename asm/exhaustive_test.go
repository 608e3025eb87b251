package asm

import (
	"flag"
	"math"
	"testing"

	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// The worst errors of the elementary functions, over every float32 and in every
// kernel. It takes minutes a function, hence the flag:
//
//	go test ./asm -run Exhaustive -exhaustive -timeout 0 -v
//
// Without it, a run looks at every 65521st number (a prime). docs/EXACTNESS.md
// holds the figures of the whole run.
var exhaustive = flag.Bool("exhaustive", false, "look at every float32, not at a sample")

// sampled is the step of the short form through float32's bit patterns.
const sampled = 65521

func stride() uint64 {
	if *exhaustive {
		return 1
	}
	return sampled
}

// worst is the largest of a kind of error and where it is.
type worst struct {
	size float64
	at   float32
}

func (w *worst) see(size float64, at float32) {
	if !(size <= w.size) {
		w.size, w.at = size, at
	}
}

// unitsLast returns |got − want| in float32's unit in the last place at want,
// which is constant below the least normal number. An overflow that rounding
// calls for counts as exact.
func unitsLast(got float32, want float64) float64 {
	if math.IsInf(float64(got), 1) && want >= math.MaxFloat32+0x1p103 || float64(got) == want {
		return 0
	}
	e := int64(math.Float64bits(want)>>52&0x7ff) - 1023 - 23
	unit := math.Float64frombits(uint64(1023+max(e, -149)) << 52)
	return math.Abs(float64(got)-want) / unit
}

// elementary is a function of one float32, its kernels and what it should be.
type elementary struct {
	name   string
	spec   func(x float32) float32          // in Go
	outer  func(x, value float32) float32   // what kernel makes of spec's value; nil: the value
	kernel func(y, x []float32) (taken int) // of the active instruction set
	want   func(x float64) float64
	ulps   float64 // bound, rounded up from the whole run
	abs    float64 // bound of the absolute error; 0: none
	flat   float32 // beyond ±flat both are constant: want is not asked
}

var ones, zeros [blockLen]float32

// blockLen is how many numbers go to a kernel at a time.
const blockLen = 4096

func init() {
	for i := range ones {
		ones[i] = 1
	}
}

var elementaries = []elementary{
	{name: "exp32", spec: exp32, ulps: 0.92, flat: 110, want: math.Exp,
		kernel: func(y, x []float32) int { // w + e^p·ε with w = 0, ε = 1
			var l [3]lanes64
			return noisyVec(y, zeros[:len(y)], zeros[:len(y)], x, ones[:len(y)], &l)
		}},
	{name: "tanh32", spec: tanh32, ulps: 5.5, abs: 3.3e-7, flat: 10, want: math.Tanh,
		kernel: func(y, x []float32) int { Tanh(y, x); return len(y) }},
	{name: "halfErf32", spec: halfErf32, ulps: 5.5, abs: 1.7e-7, flat: 6,
		want:   func(z float64) float64 { return 0.5 * math.Erf(z/math.Sqrt2) },
		outer:  func(z, half float32) float32 { return z * (0.5 + half) },
		kernel: func(y, x []float32) int { GELU(y, x); return len(y) }},
}

// TestExhaustiveElementaryFunctions compares every kernel with the loop in Go by
// ==, and the loop with float64.
func TestExhaustiveElementaryFunctions(t *testing.T) {
	best := Active()
	t.Cleanup(func() { Use(best) })
	for _, f := range elementaries {
		t.Run(f.name, func(t *testing.T) {
			var ulps, abs worst
			var x, y, got [blockLen]float32
			n, count := 0, uint64(0)
			flush := func() {
				for i, v := range x[:n] {
					y[i] = f.spec(v)
					if want := v; v < -f.flat || v > f.flat {
						want = y[i]
						if end := f.spec(float32(math.Copysign(float64(f.flat), float64(v)))); want != end {
							t.Fatalf("%s(%x) is %x, at the end of its range %x", f.name, v, want, end)
						}
					} else if v == v {
						want := f.want(float64(v))
						ulps.see(unitsLast(y[i], want), v)
						if !math.IsInf(float64(y[i]), 0) {
							abs.see(math.Abs(float64(y[i])-want), v)
						}
					}
					if f.outer != nil {
						y[i] = f.outer(v, y[i])
					}
				}
				for _, isa := range Available()[1:] {
					Use(isa)
					for i := range got[:f.kernel(got[:n], x[:n])] {
						if math.Float32bits(got[i]) != math.Float32bits(y[i]) && (got[i] == got[i] || y[i] == y[i]) {
							t.Fatalf("%s(%x): %v gives %x, the loop in Go %x", f.name, x[i], isa, got[i], y[i])
						}
					}
				}
				count, n = count+uint64(n), 0
			}
			for b := uint64(0); b < 1<<32; b += stride() {
				x[n] = math.Float32frombits(uint32(b))
				if n++; n == blockLen {
					flush()
				}
			}
			flush()
			t.Logf("%s: %d numbers, %v equal: worst %.3f ulp at %g, absolute %.3g at %g", f.name, count, Available()[1:], ulps.size, ulps.at, abs.size, abs.at)
			if !(ulps.size <= f.ulps) || f.abs > 0 && !(abs.size <= f.abs) {
				t.Errorf("%s: %.3f ulp at %g, bound %g; absolute %.3g at %g, bound %g", f.name, ulps.size, ulps.at, f.ulps, abs.size, abs.at, f.abs)
			}
		})
	}
}

// activations are the compositions: their error is absolute, in units of 2^-24
// times max(1, |value|), because Φ(z) − ½ and tanh + 1 cancel for z < 0.
var activations = []struct {
	name  string
	f     func(y, z []float32)
	want  func(z float64) float64
	bound float64 // in units of 2^-24·max(1, |value|)
}{
	{"GELU", GELU, func(z float64) float64 { return 0.5 * z * math.Erfc(-z/math.Sqrt2) }, 16},
	{"GELUGrad", gradOf(GELUGrad), func(z float64) float64 {
		return 0.5*math.Erfc(-z/math.Sqrt2) + z*math.Exp(-0.5*z*z)/math.Sqrt(2*math.Pi)
	}, 4},
	{"GELUTanh", GELUTanh, func(z float64) float64 { return 0.5 * z * (1 + math.Tanh(tanhArg(z))) }, 14},
	{"GELUTanhGrad", gradOf(GELUTanhGrad), func(z float64) float64 {
		t := math.Tanh(tanhArg(z))
		return 0.5*(1+t) + 0.5*z*(1-t*t)*geluScale*(1+3*geluCube*z*z)
	}, 92},
	{"SiLU", SiLU, func(z float64) float64 { return z / (1 + math.Exp(-z)) }, 2},
	{"SiLUGrad", gradOf(SiLUGrad), func(z float64) float64 {
		s := 1 / (1 + math.Exp(-z))
		return s * (1 + z*(1-s))
	}, 17},
	{"TanhGrad", gradOf(TanhGrad), func(z float64) float64 { t := math.Tanh(z); return 1 - t*t }, 11},
}

func tanhArg(z float64) float64 { return geluScale * (z + geluCube*z*z*z) }

// gradOf is the slope itself: dy = 1.
func gradOf(f func(dz, dy, z []float32)) func(y, z []float32) {
	return func(y, z []float32) { f(y, ones[:len(y)], z) }
}

// TestExhaustiveActivations measures the activations and their slopes in the
// fastest kernel: every float32 with 2^-24 ≤ |z| ≤ 64; below, they are linear.
func TestExhaustiveActivations(t *testing.T) {
	for _, a := range activations {
		var w worst
		var z, y [blockLen]float32
		n := 0
		flush := func() {
			a.f(y[:n], z[:n])
			for i, v := range z[:n] {
				want := a.want(float64(v))
				w.see(0x1p24*math.Abs(float64(y[i])-want)/math.Max(1, math.Abs(want)), v)
			}
			n = 0
		}
		for b := uint64(math.Float32bits(0x1p-24)); b <= uint64(math.Float32bits(64)); b += stride() {
			z[n], z[n+1] = math.Float32frombits(uint32(b)), -math.Float32frombits(uint32(b))
			if n += 2; n == blockLen {
				flush()
			}
		}
		flush()
		t.Logf("%s (%v): worst %.2f units of 2^-24·max(1, |value|) at %g", a.name, Active(), w.size, w.at)
		if !(w.size <= a.bound) {
			t.Errorf("%s: %.2f units at %g, bound %g", a.name, w.size, w.at, a.bound)
		}
	}
}

// TestExhaustiveQuantile looks at all 2^24 uniforms in Go, and compares every
// kernel with that by == on 2^28 words, which miss about two of the uniforms.
func TestExhaustiveQuantile(t *testing.T) {
	step := uint32(1)
	if !*exhaustive {
		step = 61
	}
	var centre, tail, relative worst
	for k := uint32(0); k < 1<<24; k += step {
		v := centered32(k << 8)
		want := fmath.NormalQuantile(rng.Uniform(k << 8))
		got := quantile32(v)
		if max32(v, -v) > 0.96 {
			tail.see(unitsLast(got, want), v)
		} else {
			centre.see(unitsLast(got, want), v)
		}
		relative.see(math.Abs(float64(got)-want)/math.Abs(want), v)
		if clip := min32(2, max32(-2, got)); clipped32(v) != clip {
			t.Fatalf("clipped32(%g) is %g, quantile32 clipped %g", v, clipped32(v), clip)
		}
	}
	t.Logf("quantile32: worst %.3f ulp at v = %g in the centre, %.3f ulp at %g in the tails, relative %.3g at %g",
		centre.size, centre.at, tail.size, tail.at, relative.size, relative.at)
	if !(centre.size <= 6) || !(tail.size <= 10) || !(relative.size <= 9e-7) {
		t.Errorf("quantile32: centre %.3f ulp, tails %.3f ulp, relative %g", centre.size, tail.size, relative.size)
	}
	words := uint64(1 << 28)
	if !*exhaustive {
		words = 1 << 16
	}
	kernelsOfQuantile(t, words)
}

func kernelsOfQuantile(t *testing.T, words uint64) {
	best := Active()
	t.Cleanup(func() { Use(best) })
	table := make([][2]float32, 1<<24) // by the upper 24 bits of a word; made where a word asks
	seen := make([]bool, 1<<24)
	key := rng.NewKey(1, rng.StreamNoise, 0)
	var word [blockLen]uint32
	var got [blockLen]float32
	covered := 0
	for start := uint64(0); start < words; start += blockLen {
		key.Uint32s(word[:], 0, start)
		for _, w := range word {
			if k := w >> 8; !seen[k] {
				v := centered32(w)
				seen[k], table[k] = true, [2]float32{quantile32(v), clipped32(v)}
				covered++
			}
		}
		for _, isa := range Available()[1:] {
			Use(isa)
			for kind, clip := range []bool{false, true} {
				Normals(got[:], key, 0, start, clip)
				for i, w := range word {
					if got[i] != table[w>>8][kind] {
						t.Fatalf("word %x: %v gives %x (clip %v), the loop in Go %x", w, isa, got[i], clip, table[w>>8][kind])
					}
				}
			}
		}
	}
	t.Logf("kernels of the quantile %v: equal on %d words, %d of 2^24 uniforms", Available()[1:], words, covered)
}

// TestExhaustiveExpm1Wide sweeps float64: the values that p and b in float32
// give are too many to try them all.
func TestExhaustiveExpm1Wide(t *testing.T) {
	n := 1 << 17
	if *exhaustive {
		n = 1 << 27
	}
	key := rng.NewKey(3, rng.StreamNoise, 1)
	var w worst
	for i := 0; i < n; i++ {
		x := 8 * (rng.Uniform(key.Uint32(0, uint64(i))) - 0.5) // 2(p − b) is seldom beyond ±4
		if i%4 == 0 {
			x *= 87
		} else if i%4 == 1 {
			x *= 0x1p-20
		}
		want := fmath.Expm1(x)
		w.see(math.Abs(expm1Wide(x)-want)/math.Abs(want), float32(x))
	}
	t.Logf("expm1Wide: worst relative error %.3g at %g in %d numbers", w.size, w.at, n)
	if !(w.size <= 1.2e-15) {
		t.Errorf("expm1Wide: relative error %g at %g", w.size, w.at)
	}
}
