package tensor

import (
	"math"
	"math/rand"
	"testing"

	"pactune/internal/rng"
)

// adamReference is METHODS' text in float64, one element: update t of both
// forms, with its own moments.
type adamReference struct{ w, m, v float64 }

func (a *adamReference) step(form AdamForm, g, lr, b1, b2, eps, wd float64, correct bool, t int) {
	c1, c2 := 1.0, 1.0
	if correct {
		c1, c2 = 1-math.Pow(b1, float64(t)), 1-math.Pow(b2, float64(t))
	}
	if form == AdamTorch {
		a.w *= 1 - lr*wd
	}
	a.m = b1*a.m + (1-b1)*g
	a.v = b2*a.v + (1-b2)*g*g
	if form == AdamTorch {
		a.w -= lr / c1 * a.m / (math.Sqrt(a.v)/math.Sqrt(c2) + eps)
		return
	}
	a.w -= lr * math.Sqrt(c2) / c1 * a.m / (math.Sqrt(a.v) + eps)
	a.w -= lr * wd * a.w
}

// Twenty updates of both forms; eps is large in one case so that its place
// shows. Errors of each update add up: 20 roundings of the weight itself.
func TestAdamW(t *testing.T) {
	for _, form := range []AdamForm{AdamTorch, AdamHF} {
		for _, correct := range []bool{true, false} {
			for _, eps := range []float64{1e-8, 0.1} {
				rnd := rand.New(rand.NewSource(6))
				const n = 100
				const lr, b1, b2, wd = 1e-2, 0.9, 0.999, 0.1
				w, m, v := randoms(rnd, n, 1), make([]Float, n), make([]Float, n)
				refs := make([]adamReference, n)
				for i := range refs {
					refs[i].w = float64(w[i])
				}
				for step := 1; step <= 20; step++ {
					g := randoms(rnd, n, 0.3)
					s := NewAdamStep(form, lr, b1, b2, eps, wd, correct, step)
					AdamW(w, g, m, v, &s)
					for i := range refs {
						refs[i].step(form, float64(g[i]), lr, b1, b2, eps, wd, correct, step)
						near(t, "weight", i, w[i], refs[i].w, 1)
						near(t, "first moment", i, m[i], refs[i].m, 0.3)
						near(t, "second moment", i, v[i], refs[i].v, 0.1)
					}
				}
			}
		}
	}
}

// NoiseStep against its formula, from one state of the moments; p is close to b
// in part, where e^{2(p−b)} − 1 would cancel.
func TestNoiseStep(t *testing.T) {
	rnd := rand.New(rand.NewSource(7))
	const n, row, start, b, kl = 2000, 3, 64, -3.0, 0.02
	key := rng.NewKey(5, rng.StreamNoise, 1)
	p, mp, vp, g := randoms(rnd, n, 0.5), randoms(rnd, n, 0.1), randoms(rnd, n, 0.1), randoms(rnd, n, 1)
	refs := make([]adamReference, n)
	for i := range p {
		if i%2 == 0 {
			p[i] *= 1e-4
		}
		p[i] += b
		vp[i] *= vp[i]
		refs[i] = adamReference{float64(p[i]), float64(mp[i]), float64(vp[i])}
	}
	before := append([]Float(nil), p...)
	s := NewAdamStep(AdamTorch, 0.1, 0.9, 0.999, 1e-8, 0, true, 3)
	NoiseStep(p, mp, vp, g, key, row, start, b, kl, &s)
	for i := range p {
		x := float64(before[i])
		dp := float64(g[i])*epsilon(key, row, start+uint64(i))*math.Exp(x) + math.Expm1(2*(x-b))*kl
		refs[i].step(AdamTorch, dp, 0.1, 0.9, 0.999, 1e-8, 0, true, 3)
		near(t, "p", i, p[i], refs[i].w, 1)
		near(t, "mp", i, mp[i], refs[i].m, 0.1)
		near(t, "vp", i, vp[i], refs[i].v, 0.01)
	}
}

// With no gradient from the loss a p at b stays put exactly: the term of the
// bound vanishes there.
func TestNoiseStepAtPrior(t *testing.T) {
	p, mp, vp, g := []Float{-3}, []Float{0}, []Float{0}, []Float{0}
	s := NewAdamStep(AdamTorch, 0.1, 0.9, 0.999, 1e-8, 0, true, 1)
	NoiseStep(p, mp, vp, g, rng.Key{}, 0, 0, -3, 1, &s)
	if p[0] != -3 || mp[0] != 0 {
		t.Errorf("p is %g with moment %g", p[0], mp[0])
	}
}
