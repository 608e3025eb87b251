package pac

import (
	"math"
	"testing"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/tensor"
)

func meanMagnitude(params []*autograd.Param) float64 {
	sum, n := 0.0, 0.0
	for _, p := range params {
		for _, w := range p.Clean {
			sum += math.Abs(float64(w))
			n++
		}
	}
	return sum / n
}

// rounding of a logarithm of size 6 to Float.
func logTolerance() float64 {
	if tensor.F64 {
		return 1e-13
	}
	return 5e-7
}

func TestInitialValues(t *testing.T) {
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		body, head := newParams(20_000, 300)
		n := NewNoise(nil, body, head, Options{Granularity: kind})
		pb, ph := 2*math.Log(meanMagnitude(body)), math.Log(meanMagnitude(head))
		for j, x := range n.Tensors {
			want := pb
			if j >= len(body) {
				want = ph
			}
			if math.Abs(float64(n.B[j])-want) > logTolerance() {
				t.Errorf("%s: b of %s = %v, want %v", kind, x.Name, n.B[j], want)
			}
			for _, p := range x.P {
				if p != n.B[j] {
					t.Fatalf("%s: p of %s = %v, b = %v: they start equal", kind, x.Name, p, n.B[j])
				}
			}
			if size := len(x.P); kind == PerTensor && size != 1 || kind == PerWeight && size != len(x.W0) {
				t.Errorf("%s: %s has %d log-stds", kind, x.Name, size)
			}
		}
		n.Begin(0)
		n.End()
		s := n.Spread()
		for _, c := range [][2]float64{{s.PosteriorBody, math.Exp(pb)}, {s.PriorBody, math.Exp(pb)},
			{s.PosteriorHead, math.Exp(ph)}, {s.PriorHead, math.Exp(ph)}} {
			if relative(c[0], c[1]) > 1e-5 {
				t.Errorf("%s: std %v, want %v", kind, c[0], c[1])
			}
		}
		n.Tensors[1].P[0], n.Tensors[3].P[0] = -9, 1
		if least, most := n.Extremes(); relative(least, math.Exp(-9)) > 1e-14 || relative(most, math.E) > 1e-14 {
			t.Errorf("%s: stds from %v to %v, want e^-9 to e", kind, least, most)
		}
	}
}

func TestInitialMagnitudes(t *testing.T) {
	body, head := newParams(50)
	body[0].Clean[3] = 0
	n := NewNoise(nil, body, head, Options{Granularity: PerWeight, Magnitude: true})
	for i, w := range body[0].Clean {
		want := math.Log(math.Max(math.Abs(float64(w)), 1e-8))
		if got := float64(n.Tensors[0].P[i]); relative(got, want) > logTolerance() {
			t.Errorf("p of weight %v = %v, want %v", w, got, want)
		}
	}
}

func TestNoiseLeavesTheCleanWeightsAlone(t *testing.T) {
	body, head := newParams(20_000)
	params := both(body, head)
	n := NewNoise(nil, body, head, Options{Seed: 5, Granularity: PerWeight})
	before := append([]tensor.Float{}, body[0].Clean...)
	std := math.Exp(float64(n.Tensors[0].P[0]))
	draw := func(step int) []tensor.Float {
		n.Begin(step)
		defer n.End()
		for _, p := range params {
			if &p.Data[0] == &p.Clean[0] {
				t.Errorf("%s is clean during the pass", p.Name)
			}
		}
		return append([]tensor.Float{}, body[0].Data...)
	}
	first, again, other := draw(1), draw(1), draw(2)
	same, variance, extreme := 0, 0.0, 0.0
	for i, w := range before {
		if body[0].Clean[i] != w {
			t.Fatalf("clean weight %d has changed", i)
		}
		if first[i] != again[i] {
			t.Fatalf("the noise of one step differs at weight %d", i)
		}
		if first[i] == other[i] {
			same++
		}
		z := (float64(first[i]) - float64(w)) / std
		variance += z * z / float64(len(before))
		extreme = math.Max(extreme, math.Abs(z))
	}
	// Clipped draws (4.6 %) are equal in both steps with probability 0.1 %.
	if same > len(before)/200 {
		t.Errorf("%d of %d noisy weights are equal in two steps", same, len(before))
	}
	if extreme > 2.001 || extreme < 1.9 {
		t.Errorf("the largest noise is %v stds, want 2", extreme)
	}
	// The variance of a normal variable clipped to ±2 is 0.9205; the standard
	// error of 20,000 draws is below 0.01.
	if math.Abs(variance-0.9205) > 0.04 {
		t.Errorf("variance of the noise %v, want 0.9205", variance)
	}
	for _, p := range params {
		if &p.Data[0] != &p.Clean[0] {
			t.Errorf("%s is noisy after the pass", p.Name)
		}
	}
}

func TestFrozenNoiseStays(t *testing.T) {
	for _, kind := range []Granularity{PerWeight, PerTensor} {
		body, head := newParams(300)
		n := NewNoise(nil, body, head, Options{Seed: 5, Granularity: kind})
		n.Begin(7)
		want := append([]tensor.Float{}, body[0].Data...)
		n.End()
		n.Freeze()
		if !n.Frozen() || n.Tensors[0].W0 != nil || n.Tensors[0].MP != nil || n.MB != nil {
			t.Error("state of stage 1 is still held")
		}
		n.Begin(7)
		for i, w := range body[0].Data {
			if w != want[i] {
				t.Fatalf("%s: noisy weight %d = %v, before %v", kind, i, w, want[i])
			}
		}
		n.End()
		if s := n.Spread(); relative(s.PosteriorBody, math.Exp(float64(n.B[0]))) > 1e-5 {
			t.Errorf("%s: posterior std %v, want %v", kind, s.PosteriorBody, math.Exp(float64(n.B[0])))
		}
	}
}

func TestInitialWeightsMayBeGiven(t *testing.T) {
	body, head := newParams(30)
	var w0 [][]tensor.Float
	for _, p := range both(body, head) {
		w0 = append(w0, append([]tensor.Float{}, p.Clean...))
	}
	want := meanMagnitude(body)
	tensor.Scale(body[0].Clean, 2) // the run has moved on
	n := NewNoise(nil, body, head, Options{Granularity: PerWeight, Initial: w0})
	if math.Abs(float64(n.B[0])-2*math.Log(want)) > logTolerance() {
		t.Errorf("b = %v, want that of the initial weights, %v", n.B[0], 2*math.Log(want))
	}
	if _, err := ParseGranularity("row"); fault.KindOf(err) != fault.Usage {
		t.Errorf("unknown granularity: %v", err)
	}
}
