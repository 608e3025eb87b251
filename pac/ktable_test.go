package pac

import (
	"math"
	"testing"

	"pactune/internal/fault"
)

// toyLosses is a model: the losses of 6 examples as functions of the present
// weights, larger and more varied the further these are from the start.
func toyLosses(n *Noise, seen *[][]float64) func([]float64) error {
	return func(dst []float64) error {
		for i := range dst {
			sum := 0.0
			for j, p := range n.params {
				for k, w := range p.Data {
					sum += float64(w) * math.Sin(float64(1+i+7*j+k))
				}
			}
			dst[i] = math.Log1p(math.Exp(3 * sum))
		}
		*seen = append(*seen, append([]float64{}, dst...))
		return nil
	}
}

func toyNoise() *Noise {
	body, head := newParams(40, 9)
	return NewNoise(nil, body, head, Options{Seed: 11, Granularity: PerWeight})
}

// mean exp(γ(μ − ℓ)) over all models and examples, in plain float64.
func meanExp(gamma float64, models [][]float64) float64 {
	mu, count, sum := 0.0, 0.0, 0.0
	for _, m := range models {
		for _, l := range m {
			mu += l
			count++
		}
	}
	mu /= count
	for _, m := range models {
		for _, l := range m {
			sum += math.Exp(gamma * (mu - l))
		}
	}
	return sum / count
}

func gridPoint(lo, hi float64, i int) float64 { return lo * math.Pow(hi/lo, float64(i)/9) }

func TestClosedFormIsTheSmallestX(t *testing.T) {
	for _, limits := range [][2]float64{{0.5, 10}, {5, 5}} {
		n := toyNoise()
		var losses [][]float64
		table, err := n.MeasureK(KOptions{GammaMin: limits[0], GammaMax: limits[1], Examples: 6, Losses: toyLosses(n, &losses)})
		if err != nil {
			t.Fatal(err)
		}
		if len(losses) != 80 || len(table.K) != 8 {
			t.Fatalf("%d passes, %d knots, want 80 and 8", len(losses), len(table.K))
		}
		highest := 0.0
		for s := range 8 {
			if want := math.Exp(-6 + 4*float64(s)/7); relative(table.Std[s], want) > 1e-14 {
				t.Errorf("knot %d at %v, want %v", s, table.Std[s], want)
			}
			holds := func(x float64) bool {
				for i := range 10 {
					g := gridPoint(limits[0], limits[1], i)
					if meanExp(g, losses[10*s:10*s+10]) > math.Exp(1.5*g*g*x*x) {
						return false
					}
				}
				return true
			}
			lo, hi := 1e-6, 100.0
			for range 200 { // bisection of the condition itself
				if mid := math.Sqrt(lo * hi); holds(mid) {
					hi = mid
				} else {
					lo = mid
				}
			}
			highest = math.Max(highest, hi)
			// exp near 1 resolves γ²x² to 1e-16
			if relative(table.K[s], highest) > 1e-9 {
				t.Errorf("limits %v: K[%d] = %.12g, smallest x %.12g", limits, s, table.K[s], highest)
			}
		}
	}
}

// The authors' search, transcribed with f as a sum of exponentials.
func TestAuthorsSearch(t *testing.T) {
	n := toyNoise()
	var losses [][]float64
	table, err := n.MeasureK(KOptions{GammaMin: 0.5, GammaMax: 10, Examples: 6, Losses: toyLosses(n, &losses), Authors: true})
	if err != nil {
		t.Fatal(err)
	}
	x, highest := 1e-3, 0.0
	for s := range 8 {
		f := func(x float64) float64 {
			least := math.Inf(1)
			for i := range 10 {
				g := gridPoint(0.5, 10, i)
				least = math.Min(least, 10*(math.Exp(1.5*g*g*x*x)-meanExp(g, losses[10*s:10*s+10])))
			}
			return least
		}
		for f(x) < -1e-20 {
			x *= 1.5
		}
		for f(x) > 0 {
			x /= 1.1
		}
		if f(x) > 0 || f(1.1*x) <= 0 {
			t.Errorf("knot %d: x = %v is not just under the condition", s, x)
		}
		highest = math.Max(highest, x)
		if relative(table.K[s], highest) > 1e-12 {
			t.Errorf("K[%d] = %v, want %v", s, table.K[s], highest)
		}
	}
}

func TestEqualLossesHitTheFloor(t *testing.T) {
	for _, authors := range []bool{false, true} {
		n := toyNoise()
		table, err := n.MeasureK(KOptions{GammaMin: 1, GammaMax: 10, Examples: 3, Authors: authors, Losses: func(dst []float64) error {
			for i := range dst {
				dst[i] = 0.7
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if k := table.K[7]; authors && !(k > 0 && k < 1e-6) || !authors && k != 1e-6 {
			t.Errorf("authors %t: K = %v", authors, k)
		}
	}
}

func TestModelsAreDrawnAroundTheStart(t *testing.T) {
	body, head := newParams(20_000)
	n := NewNoise(nil, body, head, Options{Seed: 11, Granularity: PerWeight})
	body[0].Clean[0] += 100 // the start counts, not what became of it
	passes, extreme := 0, 0.0
	_, err := n.MeasureK(KOptions{GammaMin: 1, GammaMax: 1, Examples: 1,
		Losses: func(dst []float64) error {
			std, variance := math.Exp(-6+4*float64(passes/10)/7), 0.0
			for i, w := range body[0].Data {
				z := (float64(w) - float64(n.Tensors[0].W0[i])) / std
				variance += z * z / 20_000
				extreme = math.Max(extreme, math.Abs(z))
			}
			if math.Abs(variance-1) > 0.05 { // 5 standard errors
				t.Errorf("pass %d: variance %v of that of the prior, want 1", passes, variance)
			}
			if head[0].Data[0] == head[0].Clean[0] {
				t.Errorf("pass %d: the head is clean", passes)
			}
			dst[0] = float64(passes % 10)
			passes++
			return nil
		},
		Progress: func(done, total int) {
			if done != passes || total != 80 {
				t.Errorf("progress %d of %d after %d passes", done, total, passes)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	if extreme < 3 {
		t.Errorf("largest draw %v stds of 1.6 million: they seem to be clipped", extreme)
	}
	for _, p := range both(body, head) {
		if &p.Data[0] != &p.Clean[0] {
			t.Errorf("%s is still noisy", p.Name)
		}
	}
}

func TestNonFiniteLossesStopTheTable(t *testing.T) {
	n := toyNoise()
	_, err := n.MeasureK(KOptions{GammaMin: 1, GammaMax: 1, Examples: 2, Losses: func(dst []float64) error {
		dst[1] = math.NaN()
		return nil
	}})
	if fault.KindOf(err) != fault.Diverged {
		t.Errorf("error %v, want kind Diverged", err)
	}
}

func TestInterpolation(t *testing.T) {
	k := KTable{Std: []float64{1, 2, 4}, K: []float64{1, 3, 4}}
	for _, c := range [][3]float64{ // x, K, K'
		{0.1, 1, 0}, {0.999, 1, 0}, {1.5, 2, 2}, {2, 3, 0.5}, {3, 3.5, 0.5}, {4, 4, 0.5}, {10, 7, 0.5},
	} {
		if got, slope := k.At(c[0]); relative(got, c[1]) > 1e-15 || slope != c[2] {
			t.Errorf("K(%v) = %v with slope %v, want %v and %v", c[0], got, slope, c[1], c[2])
		}
	}
}
