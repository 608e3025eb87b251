package asm

import (
	"fmt"
	"math"
	"math/rand"
	"runtime"
	"testing"

	"golang.org/x/sys/cpu"

	"pactune/internal/rng"
)

// A vecCase runs one function on slices b of one length, some of which it
// overwrites, and returns its scalar results.
type vecCase struct {
	name    string
	slices  int
	special bool // also on NaN, infinities, zeros and subnormals
	run     func(b [][]float32) []float64
}

func wide(xs ...float32) (w []float64) {
	for _, x := range xs {
		w = append(w, float64(x))
	}
	return w
}

func none(f func(b [][]float32)) func(b [][]float32) []float64 {
	return func(b [][]float32) []float64 { f(b); return nil }
}

var (
	testKey  = rng.NewKey(7, rng.StreamNoise, 3)
	testAdam = AdamStep{Decay: 0.999, C1: 0.1, Beta2: 0.999, C2: 0.001, Root: 3.5, Eps: 1e-8, Rate: 5e-5, After: 1e-3}
)

var vecCases = func() []vecCase {
	cases := []vecCase{
		{"Add", 3, true, none(func(b [][]float32) { Add(b[0], b[1], b[2]) })},
		{"Add in place", 2, true, none(func(b [][]float32) { Add(b[0], b[0], b[1]) })},
		{"Scale", 1, true, none(func(b [][]float32) { Scale(b[0], 1.7) })},
		{"PriorGrad", 3, true, none(func(b [][]float32) { PriorGrad(b[0], b[1], b[2], 0.3) })},
		{"AdamW", 4, true, none(func(b [][]float32) { AdamW(b[0], b[1], b[2], b[3], &testAdam) })},
		{"Max", 1, true, func(b [][]float32) []float64 { return wide(Max(b[0])) }},
		{"Softmax", 2, true, none(func(b [][]float32) { Softmax(b[0], b[1], 0.125) })},
		{"Softmax in place", 1, true, none(func(b [][]float32) { Softmax(b[0], b[0], 0.125) })},
		{"SoftmaxGrad", 3, true, none(func(b [][]float32) { SoftmaxGrad(b[0], b[1], b[2], 0.125) })},
		{"SoftmaxGrad in place", 2, true, none(func(b [][]float32) { SoftmaxGrad(b[1], b[0], b[1], 0.125) })},
		{"LayerNorm", 4, true, func(b [][]float32) []float64 {
			mean, rstd := LayerNorm(b[0], b[1], b[2], b[3], 1e-12)
			return wide(mean, rstd)
		}},
		{"LayerNormGrad", 4, true, none(func(b [][]float32) { LayerNormGrad(b[0], b[1], b[2], b[3], 0.2, 1.3) })},
		{"LayerNormGrad in place", 3, true, none(func(b [][]float32) { LayerNormGrad(b[0], b[0], b[1], b[2], 0.2, 1.3) })},
		{"LayerNormParamGrad", 4, true, none(func(b [][]float32) { LayerNormParamGrad(b[0], b[1], b[2], b[3], 0.2, 1.3) })},
		{"SumSquares", 1, true, func(b [][]float32) []float64 { return []float64{SumSquares(b[0])} }},
		{"ColumnSums", 2, true, none(func(b [][]float32) {
			n := len(b[0]) / 5
			ColumnSums(b[0][:n], b[1], 5, n)
		})},
		{"Dropout", 2, true, none(func(b [][]float32) { Dropout(b[0], b[1], testKey, 5, 64*9, 0.9) })},
		{"Dropout odd start", 1, true, none(func(b [][]float32) { Dropout(b[0], b[0], testKey, 5, 777, 0.9) })},
		{"Normals", 1, false, none(func(b [][]float32) { Normals(b[0], testKey, 5, 128, false) })},
		{"Normals clipped", 1, false, none(func(b [][]float32) { Normals(b[0], testKey, 5, 131, true) })},
		{"Normals wrap", 1, false, none(func(b [][]float32) { Normals(b[0], testKey, 5, 1<<34-64, true) })},
		{"Normals far", 1, false, none(func(b [][]float32) { Normals(b[0], testKey, 5, 1<<35, false) })},
		{"AxpyNormals", 2, true, none(func(b [][]float32) { AxpyNormals(b[0], b[1], 0.02, testKey, 1<<31, 4096) })},
		{"NoisyWeightsScalar", 3, true, func(b [][]float32) []float64 {
			return []float64{NoisyWeightsScalar(b[0], b[1], b[2], 0.02, testKey, 5, 4096)}
		}},
		{"NoisyWeightsScalar nil", 2, true, func(b [][]float32) []float64 {
			return []float64{NoisyWeightsScalar(b[0], b[1], nil, 0.02, testKey, 5, 4096)}
		}},
		{"NoiseDot", 1, true, func(b [][]float32) []float64 { return []float64{NoiseDot(b[0], testKey, 5, 64)} }},
		{"NoisyWeights", 4, true, func(b [][]float32) []float64 {
			s := NoisyWeights(b[0], b[1], b[2], b[3], testKey, 5, 4096)
			return []float64{s.E2P, s.P, s.Dist}
		}},
		{"NoisyWeights odd start", 4, true, func(b [][]float32) []float64 {
			s := NoisyWeights(b[0], b[1], b[2], b[3], testKey, 5, 5)
			return []float64{s.E2P, s.P, s.Dist}
		}},
		{"NoiseStep", 4, true, none(func(b [][]float32) {
			NoiseStep(b[0], b[1], b[2], b[3], testKey, 5, 64, -0.7, 0.01, &testAdam)
		})},
	}
	for name, f := range map[string]func(y, z []float32){"GELU": GELU, "GELUTanh": GELUTanh, "ReLU": ReLU, "SiLU": SiLU, "Tanh": Tanh} {
		cases = append(cases,
			vecCase{name, 2, true, none(func(b [][]float32) { f(b[0], b[1]) })},
			vecCase{name + " in place", 1, true, none(func(b [][]float32) { f(b[0], b[0]) })})
	}
	for name, f := range map[string]func(dz, dy, z []float32){"GELUGrad": GELUGrad, "GELUTanhGrad": GELUTanhGrad, "ReLUGrad": ReLUGrad, "SiLUGrad": SiLUGrad, "TanhGrad": TanhGrad} {
		cases = append(cases,
			vecCase{name, 3, true, none(func(b [][]float32) { f(b[0], b[1], b[2]) })},
			vecCase{name + " in place", 2, true, none(func(b [][]float32) { f(b[0], b[0], b[1]) })})
	}
	return cases
}()

// specials are inputs at which vector code easily differs from scalar code.
var specials = func() []float32 {
	inf := float32(math.Inf(1))
	xs := []float32{0, inf, float32(math.NaN()), 1e-45, 1e-40, 1.17549435e-38, math.MaxFloat32, 1, 0.5, 2, 5.53125, 5.531, 9, 8.99, 88.72, 88.73, 89,
		87.4, 103.9, 104, 104.1, 0.96, 1e-20, 1e20, 16777216, 0.34657, 354.7, 25, 13.3}
	for _, x := range xs[:len(xs):len(xs)] {
		xs = append(xs, -x)
	}
	return xs
}()

const guard = 24

// fill makes slices of length n at an offset inside guarded arrays.
func fill(rnd *rand.Rand, slices, n, offset int, special bool) (all, cut [][]float32) {
	for s := 0; s < slices; s++ {
		a := make([]float32, n+offset+2*guard)
		for i := range a {
			a[i] = float32(rnd.NormFloat64() * math.Exp(2*rnd.NormFloat64()))
			if special && rnd.Intn(4) == 0 {
				a[i] = specials[rnd.Intn(len(specials))]
			}
		}
		all, cut = append(all, a), append(cut, a[guard+offset:guard+offset+n])
	}
	return all, cut
}

// same reports whether a and b are one number: NaN equals NaN, 0 is not −0.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestVectorKernelsEqualReference(t *testing.T) {
	best := Active()
	t.Cleanup(func() { Use(best) })
	for _, vc := range vecCases {
		t.Run(vc.name, func(t *testing.T) {
			for n := 0; n <= 130; n++ {
				compareWithReference(t, vc, n, n%2 == 1)
			}
			for _, n := range []int{8, 16, 33, 65, 1031, 4099} {
				compareWithReference(t, vc, n, false)
				compareWithReference(t, vc, n, true)
			}
		})
	}
}

// compareWithReference runs vc on equal slices of length n with every
// instruction set and compares all bits, also those around the slices.
func compareWithReference(t *testing.T, vc vecCase, n int, special bool) {
	t.Helper()
	special = special && vc.special
	offset := n % 5
	run := func(isa ISA) ([][]float32, []float64) {
		if err := Use(isa); err != nil {
			t.Fatal(err)
		}
		all, cut := fill(rand.New(rand.NewSource(int64(n))), vc.slices, n, offset, special)
		return all, vc.run(cut)
	}
	want, wantSums := run(Reference)
	for _, isa := range Available()[1:] {
		got, gotSums := run(isa)
		for s := range want {
			for i := range want[s] {
				if !same(got[s][i], want[s][i]) {
					t.Fatalf("n=%d special=%v slice %d element %d: %v has %g (%08x), reference %g (%08x)", n, special, s, i-guard-offset,
						isa, got[s][i], math.Float32bits(got[s][i]), want[s][i], math.Float32bits(want[s][i]))
				}
			}
		}
		for i, w := range wantSums {
			if g := gotSums[i]; math.Float64bits(g) != math.Float64bits(w) && !(g != g && w != w) {
				t.Fatalf("n=%d special=%v: %v returns %g for sum %d, reference %g", n, special, isa, g, i, w)
			}
		}
	}
}

// A machine that has an instruction set must run its kernels: it is a failure,
// and not a skip, when the detection does not offer it.
func TestVectorKernelsAreRun(t *testing.T) {
	if !assembled {
		t.Skip("built without assembly")
	}
	have := fmt.Sprint(Available())
	for isa, has := range map[ISA]bool{
		AVX512: cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL,
		AVX2:   cpu.X86.HasAVX2 && cpu.X86.HasFMA,
		NEON:   runtime.GOARCH == "arm64",
	} {
		if has && Use(isa) != nil {
			t.Errorf("the processor has %v, the kernels offered are %s", isa, have)
		} else if has && scaleVec(make([]float32, 5), &[1]float32{1}) != 5 {
			t.Errorf("%v: no kernel ran", isa)
		}
	}
	Use(Best())
}
