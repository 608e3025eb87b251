package pac

import (
	"math"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tensor"
)

var testTable = KTable{Std: []float64{0.01, 0.02, 0.05, 0.1}, K: []float64{0.02, 0.05, 0.3, 0.7}}

func relative(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / math.Max(math.Abs(got), math.Abs(want))
}

// newBound returns noise of a body and head that has left its start, and the
// bound on it, with b such that e^{mean b} is the given prior.
func newBound(kind Granularity, prior, gammaMin, gammaMax float64) *Bound {
	body, head := newParams(7, 5)
	n := NewNoise(nil, body, head, Options{Seed: 3, Granularity: kind})
	for j, t := range n.Tensors {
		n.B[j] = tensor.Float(math.Log(prior) + 0.2*(float64(j)-1.5))
		for i := range t.P {
			t.P[i] = n.B[j] + tensor.Float(0.3*math.Sin(float64(i+3*j+1)))
		}
		for i := range t.W0 {
			n.params[j].Clean[i] += tensor.Float(prior * math.Cos(float64(i+j)))
		}
	}
	return &Bound{Noise: n, Table: &testTable, Examples: 50, GammaMin: gammaMin, GammaMax: gammaMax, Rate: 0.1, HeadRate: 1e-2}
}

// Every gradient of the objective against central differences of an
// independent float64 transcription, γ* free, and at either limit; K in the
// table, below and above it. The error of a difference is about 1e-16/h + h²,
// h = 1e-5.
func TestGradientsOfTheObjective(t *testing.T) {
	if !tensor.F64 {
		t.Skip("finite differences need the f64 build")
	}
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		for _, c := range []struct {
			name              string
			prior, gMin, gMax float64
		}{
			{"gamma free", 0.03, 0.01, 100},
			{"gamma at its maximum", 0.03, 0.1, 0.5},
			{"gamma at its minimum", 0.03, 20, 30},
			{"gamma fixed", 0.03, 10, 10},
			{"below the table", 0.004, 0.01, 100},
			{"above the table", 0.15, 0.01, 100},
		} {
			t.Run(string(kind)+"/"+c.name, func(t *testing.T) {
				checkGradients(t, newBound(kind, c.prior, c.gMin, c.gMax))
			})
		}
	}
}

func checkGradients(t *testing.T, bound *Bound) {
	const step = 4
	n := bound.Noise
	o := newOracle(n, bound)
	setGrads(n.params, step)
	var g [][]float64
	for _, p := range n.params {
		g = append(g, float64s(p.Grad))
	}
	n.Begin(step)
	n.End()
	if err := bound.StepNoise(); err != nil {
		t.Fatal(err)
	}
	bound.Backward()

	if e := relative(bound.Terms.KL, o.kl()); e > 1e-12 {
		t.Errorf("KL = %v, want %v", bound.Terms.KL, o.kl())
	}
	if e := relative(bound.Terms.Gamma, o.gamma()); e > 1e-12 {
		t.Errorf("gamma = %v, want %v", bound.Terms.Gamma, o.gamma())
	}
	if e := relative(bound.Terms.LPac, o.lPac()); e > 1e-12 {
		t.Errorf("L_pac = %v, want %v", bound.Terms.LPac, o.lPac())
	}
	difference := func(x ...*float64) float64 {
		const h = 1e-5
		move := func(by float64) float64 {
			for _, v := range x {
				*v += by
			}
			return o.objective(g, n.seed, step)
		}
		up := move(h)
		down := move(-2 * h)
		move(h)
		return (up - down) / (2 * h)
	}
	check := func(what string, got, want float64) {
		t.Helper()
		if relative(got, want) > 1e-6 && math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %.12g, difference quotient %.12g", what, got, want)
		}
	}
	for j := range n.Tensors {
		for i := range o.w[j] {
			check("dw of "+n.Tensors[j].Name, float64(n.params[j].Grad[i]), difference(&o.w[j][i]))
		}
		check("db of "+n.Tensors[j].Name, float64(n.db[j]), difference(&o.b[j]))
		if o.shared {
			var all []*float64
			for i := range o.p[j] {
				all = append(all, &o.p[j][i])
			}
			check("dp of "+n.Tensors[j].Name, float64(n.dp[j]), difference(all...))
			continue
		}
		for i := range o.p[j] { // Adam's first moment after one step is 0.1·dp
			check("dp of "+n.Tensors[j].Name, float64(n.Tensors[j].MP[i])/(1-0.9), difference(&o.p[j][i]))
		}
	}
}

// The sums run over all pieces of a tensor.
func TestTheBoundOfALargeTensor(t *testing.T) {
	tolerance := 1e-6 // e^p is rounded to float32
	if tensor.F64 {
		tolerance = 1e-12
	}
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		body, head := newParams(40_000)
		n := NewNoise(nil, body, head, Options{Seed: 3, Granularity: kind})
		b := &Bound{Noise: n, Table: &testTable, Examples: 50, GammaMin: 0.1, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
		for i := range body[0].Clean {
			body[0].Clean[i] += tensor.Float(0.01 * math.Sin(float64(i)))
		}
		for i := range n.Tensors[0].P {
			n.Tensors[0].P[i] += tensor.Float(0.1 * math.Cos(float64(i)))
		}
		o := newOracle(n, b)
		setGrads(n.params, 0) // as update does
		g := float64s(body[0].Grad)
		update(b, 0)
		if relative(b.Terms.KL, o.kl()) > tolerance {
			t.Errorf("%s: KL = %v, want %v", kind, b.Terms.KL, o.kl())
		}
		if want := 0.01 * math.Sqrt(20_000); relative(b.Terms.Distance, want) > 1e-3 { // Σ sin² is about n/2
			t.Errorf("%s: distance %v, want %v", kind, b.Terms.Distance, want)
		}
		if kind == PerTensor { // dp = Σ over the tensor
			want := 0.0
			for i, p := range o.p[0] {
				want += g[i]*epsilon(3, 0, 0, i)*math.Exp(p) + math.Expm1(2*(p-o.b[0]))/(50*b.Terms.Gamma)
			}
			if got := float64(n.dp[0]); relative(got, want) > 1e3*tolerance { // terms of both signs
				t.Errorf("dp = %v, want %v", got, want)
			}
		}
	}
}

// A trace of stage 1 against the same algorithm in float64, one weight at a
// time: 12 updates, so that the head's rate takes its first cut.
func TestTraceOfStageOne(t *testing.T) {
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		t.Run(string(kind), func(t *testing.T) { checkTrace(t, newBound(kind, 0.03, 0.5, 100)) })
	}
}

func checkTrace(t *testing.T, bound *Bound) {
	// 12 Adam steps of 0.1 and 0.5 on rounded gradients: about 12 ulp of p ≈ 4
	// in float32; the gradients depend on p through e^{2p}.
	tolerance := 3e-5
	if tensor.F64 {
		tolerance = 1e-10
	}
	n := bound.Noise
	o := newOracle(n, bound)
	mp, vp, mb, vb := make([][]float64, len(o.b)), make([][]float64, len(o.b)), make([]float64, len(o.b)), make([]float64, len(o.b))
	for j := range o.p {
		mp[j], vp[j] = make([]float64, len(o.p[j])), make([]float64, len(o.p[j]))
	}
	for u := 1; u <= 12; u++ {
		setGrads(n.params, u)
		rate := []float64{0.1, 0.1, 1e-2 * 50, 1e-2 * 50}
		if u >= 10 {
			rate[2], rate[3] = 1e-2*45, 1e-2*45
		}
		kl, gamma, x := o.kl(), o.gamma(), o.prior()
		k, slope := o.kOfPrior()
		n.Begin(u)
		checkNoisy(t, n, o, u)
		n.End()
		if err := bound.StepNoise(); err != nil {
			t.Fatal(err)
		}
		bound.Backward()
		bound.StepPrior()
		if relative(bound.Terms.KL, kl) > tolerance || relative(bound.Terms.Gamma, gamma) > tolerance ||
			relative(bound.Terms.K, k) > tolerance {
			t.Fatalf("update %d: KL %v, gamma %v, K %v, want %v, %v, %v", u,
				bound.Terms.KL, bound.Terms.Gamma, bound.Terms.K, kl, gamma, k)
		}
		for j, b := range o.b {
			db, shared, size := 0.0, 0.0, len(o.p[j])
			for i, p := range o.p[j] {
				d := o.w[j][i] - o.w0[j][i]
				db += (1 - math.Exp(-2*b)*(math.Exp(2*p)+d*d)) / (o.m * gamma)
				dp := noisyGrad(u, j, i)*epsilon(n.seed, u, j, i)*math.Exp(p) + math.Expm1(2*(p-b))/(o.m*gamma)
				shared += dp
				if !o.shared {
					adam(&o.p[j][i], &mp[j][i], &vp[j][i], dp, rate[j], u)
				}
				want := noisyGrad(u, j, i) + math.Exp(-2*b)*d/(o.m*gamma)
				if got := float64(n.params[j].Grad[i]); math.Abs(got-want) > tolerance*(1+math.Abs(want)) {
					t.Fatalf("update %d: dw of tensor %d [%d] = %v, want %v", u, j, i, got, want)
				}
			}
			if o.shared {
				adam(&o.p[j][0], &mp[j][0], &vp[j][0], shared, rate[j], u)
				for i := range size {
					o.p[j][i] = o.p[j][0]
				}
			}
			db += 3 * k * gamma * slope * x / float64(len(o.b))
			adam(&o.b[j], &mb[j], &vb[j], db, rate[j], u)
		}
		for j, tn := range n.Tensors {
			if math.Abs(float64(n.B[j])-o.b[j]) > 10*tolerance {
				t.Fatalf("update %d: b of tensor %d = %v, want %v", u, j, n.B[j], o.b[j])
			}
			for i := range tn.P {
				if math.Abs(float64(tn.P[i])-o.p[j][i]) > 10*tolerance {
					t.Fatalf("update %d: p of tensor %d [%d] = %v, want %v", u, j, i, tn.P[i], o.p[j][i])
				}
			}
			// The weights take a step of their own.
			for i := range o.w[j] {
				n.params[j].Clean[i] -= tensor.Float(1e-3 * float64(i%3))
				o.w[j][i] = float64(n.params[j].Clean[i])
			}
		}
	}
}

// noisyGrad is what setGrads gives.
func noisyGrad(step, j, i int) float64 {
	body, head := newParams(7, 5)
	params := both(body, head)
	setGrads(params, step)
	return float64(params[j].Grad[i])
}

// checkNoisy compares the noisy weights with w + e^p·ε.
func checkNoisy(t *testing.T, n *Noise, o *oracle, step int) {
	t.Helper()
	for j, p := range n.params {
		for i, got := range p.Data {
			want := o.w[j][i] + math.Exp(o.p[j][i])*epsilon(n.seed, step, j, i)
			if math.Abs(float64(got)-want) > 1e-5 || (tensor.F64 && math.Abs(float64(got)-want) > 1e-10) {
				t.Fatalf("step %d: noisy weight %d of tensor %d = %v, want %v", step, i, j, got, want)
			}
		}
	}
}

// At the start p = b and w = w0: KL and db vanish up to the rounding of sums
// in float64, so that the first update leaves b in its place.
func TestTheStartIsStationaryInB(t *testing.T) {
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		body, head := newParams(60_000, 768)
		n := NewNoise(nil, body, head, Options{Seed: 3, Granularity: kind})
		b := &Bound{Noise: n, Table: &testTable, Examples: 100, GammaMin: 10, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
		// the prior lies below the table, so K does not pull at b
		for j := range n.Tensors {
			n.B[j] -= 1
			for i := range n.Tensors[j].P {
				n.Tensors[j].P[i] = n.B[j]
			}
		}
		before := append([]tensor.Float{}, n.B...)
		update(b, 0)
		if math.Abs(b.Terms.KL) > 1e-7 { // 60,000 terms of size 10 in float64
			t.Errorf("%s: KL = %v at the start, want 0", kind, b.Terms.KL)
		}
		for j, v := range n.B {
			if math.Abs(float64(v-before[j])) > 1e-3 { // Adam's full step is 0.1
				t.Errorf("%s: b of tensor %d moved from %v to %v", kind, j, before[j], v)
			}
		}
	}
}

// What rounding puts below 0 at the start is shown as 0; what it cannot have is an error.
func TestKLBelowZero(t *testing.T) {
	below := 0
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		for size := 1000; size < 1032; size++ {
			body, head := newParams(size)
			n := NewNoise(nil, body, head, Options{Seed: 3, Granularity: kind})
			b := &Bound{Noise: n, Table: &testTable, Examples: 100, GammaMin: 10, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
			update(b, 0)
			if x := &b.Terms; x.KL < 0 {
				below++
				if x.KLShown() != 0 || x.Rounding > 1e-7 {
					t.Errorf("%s, %d weights: KL %v, shown as %v, rounding %v", kind, size, x.KL, x.KLShown(), x.Rounding)
				}
			}
		}
	}
	if below == 0 {
		t.Error("KL was never below 0: this test shows nothing")
	}
	for _, kl := range []float64{1e-12, 5, -1e-6, math.NaN()} {
		if x := (&Terms{KL: kl, Rounding: 1e-9}); math.Float64bits(x.KLShown()) != math.Float64bits(kl) {
			t.Errorf("%v is shown as %v", kl, x.KLShown())
		}
	}
	body, head := newParams(1000)
	n := NewNoise(nil, body, head, Options{Seed: 3, Granularity: PerWeight})
	b := &Bound{Noise: n, Table: &testTable, Examples: 100, GammaMin: 10, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
	n.Begin(0)
	n.Tensors[0].sums.P += 1e-6
	if err := b.StepNoise(); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "expected 0 or more") {
		t.Errorf("a sum that is wrong: %v", err)
	}
	n.End()
}

func TestHeadFactor(t *testing.T) {
	for update, want := range map[int]float64{1: 50, 9: 50, 10: 45, 19: 45, 20: 40.5,
		370: 50 * math.Pow(0.9, 37), 379: 50 * math.Pow(0.9, 37), 380: 1, 100_000: 1} {
		if got := headFactor(update); relative(got, want) > 1e-14 {
			t.Errorf("update %d: %v, want %v", update, got, want)
		}
	}
}

// An update, the clipping and the weights' step apart.
func update(b *Bound, step int) {
	n := b.Noise
	setGrads(n.params, step)
	n.Begin(step)
	n.End()
	if err := b.StepNoise(); err != nil {
		panic(err)
	}
	b.Backward()
	b.StepPrior()
}

func TestUpdatesHaveTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		run := func(workers int) []tensor.Float {
			pool := par.New(workers)
			defer pool.Close()
			body, head := newParams(40_000, 17_000, 5)
			n := NewNoise(pool, body, head, Options{Seed: 3, Granularity: kind})
			b := &Bound{Noise: n, Table: &testTable, Examples: 50, GammaMin: 0.1, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
			for step := range 3 {
				update(b, step)
			}
			state := []tensor.Float{tensor.Float(b.Terms.KL), tensor.Float(b.Terms.Gamma)}
			state = append(state, n.B...)
			for j, x := range n.Tensors {
				state = append(append(state, x.P...), x.noisy...)
				state = append(state, n.params[j].Grad...)
			}
			return state
		}
		want := run(1)
		for _, workers := range []int{2, 3, 8} {
			for i, v := range run(workers) {
				if v != want[i] {
					t.Fatalf("%s, %d workers: number %d of the state is %v, with one worker %v", kind, workers, i, v, want[i])
				}
			}
		}
	}
}

func TestUpdatesAllocateNothing(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		body, head := newParams(40_000, 5)
		n := NewNoise(pool, body, head, Options{Seed: 3, Granularity: kind})
		b := &Bound{Noise: n, Table: &testTable, Examples: 50, GammaMin: 0.1, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
		step := 0
		if a := testing.AllocsPerRun(10, func() {
			step++
			update(b, step)
			n.Spread()
		}); a != 0 {
			t.Errorf("%s: an update allocates %v times, want 0", kind, a)
		}
	}
}
