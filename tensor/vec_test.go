package tensor

import (
	"math"
	"math/rand"
	"testing"

	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// vecTolerance is relative to the largest term: a few dozen roundings of 6e-8
// in float32 and of 1.1e-16 in float64.
var vecTolerance = map[bool]float64{false: 2e-6, true: 1e-14}[F64]

func near(t *testing.T, what string, i int, got Float, want, scale float64) {
	t.Helper()
	if math.IsNaN(float64(got)) || math.Abs(float64(got)-want) > vecTolerance*math.Max(math.Abs(want), scale) {
		t.Fatalf("%s: element %d is %.9g, want %.9g", what, i, got, want)
	}
}

func randoms(rnd *rand.Rand, n int, scale float64) []Float {
	x := make([]Float, n)
	for i := range x {
		x[i] = Float(scale * rnd.NormFloat64())
	}
	return x
}

var activationFormulas = map[Activation]func(z float64) float64{
	Identity: func(z float64) float64 { return z },
	GELU:     func(z float64) float64 { return 0.5 * z * math.Erfc(-z/math.Sqrt2) },
	GELUTanh: func(z float64) float64 {
		return 0.5 * z * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(z+0.044715*z*z*z)))
	},
	ReLU: func(z float64) float64 { return math.Max(0, z) },
	SiLU: func(z float64) float64 { return z / (1 + math.Exp(-z)) },
	Tanh: math.Tanh,
}

// Values by the formulas, slopes by central differences of them: their own
// error is h² + 1e-16/h, about 1e-10.
func TestActivations(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	z, dy := randoms(rnd, 500, 2.5), randoms(rnd, 500, 1)
	y, dz := make([]Float, len(z)), make([]Float, len(z))
	for kind, f := range activationFormulas {
		Act(kind, y, z)
		ActGrad(kind, dz, dy, z)
		for i := range z {
			x := float64(z[i])
			near(t, "value", i, y[i], f(x), 1)
			const h = 1e-5
			slope := (f(x+h) - f(x-h)) / (2 * h)
			if got := float64(dz[i]); math.Abs(got-slope*float64(dy[i])) > (1e-9+vecTolerance)*math.Max(1, math.Abs(float64(dy[i]))) {
				t.Fatalf("activation %d: slope at %g times %g is %g, want %g", kind, x, dy[i], got, slope*float64(dy[i]))
			}
		}
	}
}

// A shift changes no softmax, also where e^shift, or e^−shift, is no number.
func TestSoftmaxFormula(t *testing.T) {
	const scale = 0.125
	rnd := rand.New(rand.NewSource(2))
	for _, n := range []int{1, 2, 12, 16, 33, 128} {
		for _, shift := range []float64{0, 8192, -8192} {
			x, dp := randoms(rnd, n, 20), randoms(rnd, n, 1)
			p, dx, exps, sum := make([]Float, n), make([]Float, n), make([]float64, n), 0.0
			for i, v := range x {
				z := math.Round(64*float64(v)) / 64 // which makes the shift exact
				x[i], exps[i] = Float(z+shift), math.Exp(scale*z)
				sum += exps[i]
			}
			Softmax(p, x, scale)
			SoftmaxGrad(dx, p, dp, scale)
			dot := 0.0
			for i := range p {
				dot += float64(p[i]) * float64(dp[i])
			}
			for i := range x {
				near(t, "softmax", i, p[i], exps[i]/sum, 0.1)
				near(t, "its gradient", i, dx[i], scale*float64(p[i])*(float64(dp[i])-dot), scale)
			}
		}
	}
}

// The gradients of LayerNorm are checked against their formula in float64 and,
// through it, dx against central differences of Σ dy·LayerNorm(x).
func TestLayerNormFormula(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	for _, n := range []int{2, 16, 50, 768} {
		x, gamma, beta, dy := randoms(rnd, n, 2), randoms(rnd, n, 1), randoms(rnd, n, 1), randoms(rnd, n, 1)
		loss := func(at int, h float64) float64 {
			z := make([]float64, n)
			mean, variance := 0.0, 0.0
			for i := range z {
				z[i] = float64(x[i])
				if i == at {
					z[i] += h
				}
				mean += z[i] / float64(n)
			}
			for i := range z {
				variance += (z[i] - mean) * (z[i] - mean) / float64(n)
			}
			sum := 0.0
			for i := range z {
				sum += float64(dy[i]) * ((z[i]-mean)/math.Sqrt(variance+1e-5)*float64(gamma[i]) + float64(beta[i]))
			}
			return sum
		}
		y, dx := make([]Float, n), make([]Float, n)
		dgamma, dbeta := randoms(rnd, n, 1), randoms(rnd, n, 1)
		g0, b0 := append([]Float(nil), dgamma...), append([]Float(nil), dbeta...)
		mean, rstd := LayerNorm(y, x, gamma, beta, 1e-5)
		LayerNormGrad(dx, dy, x, gamma, mean, rstd)
		LayerNormParamGrad(dgamma, dbeta, dy, x, mean, rstd)
		total := 0.0
		for i := range x {
			xhat := (float64(x[i]) - float64(mean)) * float64(rstd)
			near(t, "LayerNorm", i, y[i], xhat*float64(gamma[i])+float64(beta[i]), 4)
			near(t, "dgamma", i, dgamma[i], float64(g0[i])+float64(dy[i])*xhat, 4)
			near(t, "dbeta", i, dbeta[i], float64(b0[i])+float64(dy[i]), 4)
			total += float64(dy[i]) * float64(y[i])
			if i%7 == 0 {
				const h = 1e-5
				want := (loss(i, h) - loss(i, -h)) / (2 * h)
				if math.Abs(float64(dx[i])-want) > (1e-8+5*vecTolerance)*float64(n) {
					t.Fatalf("n=%d: dx[%d] is %g, want %g", n, i, dx[i], want)
				}
			}
		}
		if want := loss(-1, 0); math.Abs(total-want) > 5*vecTolerance*float64(n) {
			t.Errorf("n=%d: Σ dy·y is %g, want %g", n, total, want)
		}
	}
}

func TestSums(t *testing.T) {
	rnd := rand.New(rand.NewSource(4))
	const rows, cols, stride = 37, 70, 81
	x, dst := randoms(rnd, rows*stride, 1), randoms(rnd, cols, 1)
	before := append([]Float(nil), dst...)
	ColumnSums(dst, x, rows, stride)
	for c := range dst {
		want := 0.0
		for r := 0; r < rows; r++ {
			want += float64(x[r*stride+c])
		}
		near(t, "ColumnSums", c, dst[c], want+float64(before[c]), 4)
	}
	want := 0.0
	for _, v := range x {
		want += float64(v) * float64(v)
	}
	if got := SumSquares(x); math.Abs(got-want) > 1e-12*want {
		t.Errorf("SumSquares is %.17g, want %.17g", got, want)
	}
	y := append([]Float(nil), x[:3*cols]...)
	AddBias(y, 3, cols, dst)
	for i := range y {
		near(t, "AddBias", i, y[i], float64(x[i])+float64(dst[i%cols]), 4)
	}
}

func TestDropoutShareAndScale(t *testing.T) {
	const n, keep = 100003, 0.9
	x, y := make([]Float, n), make([]Float, n)
	for i := range x {
		x[i] = 1
	}
	key := rng.NewKey(1, rng.StreamDropout, 2)
	Dropout(y, x, key, 4, 11, keep)
	kept := 0
	for i, v := range y {
		if want := rng.Uniform(key.Uint32(4, 11+uint64(i))) < float64(Float(keep)); want != (v != 0) {
			t.Fatalf("element %d: kept %v, want %v", i, v != 0, want)
		}
		if v != 0 {
			kept++
			near(t, "Dropout", i, v, 1/float64(Float(keep)), 0)
		}
	}
	// Five standard deviations of a binomial.
	if share := float64(kept) / n; math.Abs(share-keep) > 5*math.Sqrt(keep*(1-keep)/n) {
		t.Errorf("share kept is %g", share)
	}
}

// epsilon is the clipped normal by definition.
func epsilon(key rng.Key, row uint32, e uint64) float64 {
	return math.Max(-2, math.Min(2, fmath.NormalQuantile(rng.Uniform(key.Uint32(row, e)))))
}

func TestNoiseFormulas(t *testing.T) {
	rnd := rand.New(rand.NewSource(5))
	const n, row, start = 3000, 6, 8192
	key := rng.NewKey(2, rng.StreamNoise, 9)
	w, w0, p, g := randoms(rnd, n, 0.05), randoms(rnd, n, 0.05), randoms(rnd, n, 1), randoms(rnd, n, 1)
	dst := make([]Float, n)
	sums := NoisyWeights(dst, w, w0, p, key, row, start)
	var want PACSums
	for i := range dst {
		std := math.Exp(float64(p[i]))
		near(t, "NoisyWeights", i, dst[i], float64(w[i])+std*epsilon(key, row, start+uint64(i)), 2*std)
		want.E2P += std * std
		want.P += float64(p[i])
		d := float64(w[i]) - float64(w0[i])
		want.Dist += d * d
	}
	for _, s := range [][2]float64{{sums.E2P, want.E2P}, {sums.P, want.P}, {sums.Dist, want.Dist}} {
		if math.Abs(s[0]-s[1]) > vecTolerance/10*math.Abs(s[1]) {
			t.Errorf("sums are %v, want %v", sums, want)
		}
	}
	dist := NoisyWeightsScalar(dst, w, w0, 0.25, key, row, start)
	if math.Abs(dist-want.Dist) > 1e-12*dist {
		t.Errorf("NoisyWeightsScalar returns %g, want %g", dist, want.Dist)
	}
	dot := 0.0
	for i := range dst {
		near(t, "NoisyWeightsScalar", i, dst[i], float64(w[i])+0.25*epsilon(key, row, start+uint64(i)), 0.5)
		dot += float64(g[i]) * epsilon(key, row, start+uint64(i))
	}
	if got := NoiseDot(g, key, row, start); math.Abs(got-dot) > vecTolerance*100 {
		t.Errorf("NoiseDot is %g, want %g", got, dot)
	}
	AxpyNormals(dst, w, 0.25, key, row, start)
	for i := range dst {
		near(t, "AxpyNormals", i, dst[i], float64(w[i])+0.25*fmath.NormalQuantile(rng.Uniform(key.Uint32(row, start+uint64(i)))), 1)
	}
	before := append([]Float(nil), g...)
	PriorGrad(g, w, w0, 3)
	for i := range g {
		near(t, "PriorGrad", i, g[i], float64(before[i])+3*(float64(w[i])-float64(w0[i])), 1)
	}
}

// No function allocates once its slices are there.
func TestVectorAllocations(t *testing.T) {
	const n = 1500
	b := make([][]Float, 5)
	for i := range b {
		b[i] = make([]Float, n)
	}
	key := rng.NewKey(1, rng.StreamNoise, 1)
	s := NewAdamStep(AdamTorch, 1e-3, 0.9, 0.999, 1e-8, 0.01, true, 1)
	allocs := testing.AllocsPerRun(5, func() {
		Add(b[0], b[1], b[2])
		AddBias(b[0], 3, n/3, b[1])
		ColumnSums(b[0][:n/3], b[1], 3, n/3)
		for kind := range activationFormulas {
			Act(kind, b[0], b[1])
			ActGrad(kind, b[0], b[1], b[2])
		}
		Softmax(b[0], b[1], 1)
		SoftmaxGrad(b[0], b[1], b[2], 1)
		mean, rstd := LayerNorm(b[0], b[1], b[2], b[3], 1e-5)
		LayerNormGrad(b[0], b[1], b[2], b[3], mean, rstd)
		LayerNormParamGrad(b[0], b[1], b[2], b[3], mean, rstd)
		Dropout(b[0], b[1], key, 1, 3, 0.9)
		SumSquares(b[0])
		Normals(b[0], key, 1, 3, true)
		AdamW(b[0], b[1], b[2], b[3], &s)
		NoisyWeights(b[0], b[1], b[2], b[3], key, 1, 64)
		NoiseStep(b[0], b[1], b[2], b[3], key, 1, 64, 0, 1, &s)
		PriorGrad(b[0], b[1], b[2], 1)
		NoisyWeightsScalar(b[0], b[1], b[2], 1, key, 1, 64)
		NoiseDot(b[0], key, 1, 64)
		AxpyNormals(b[0], b[1], 1, key, 1, 64)
	})
	if allocs != 0 {
		t.Errorf("%g allocations", allocs)
	}
}
