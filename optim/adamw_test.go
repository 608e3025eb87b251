package optim

import (
	"math"
	"testing"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/internal/rng"
	"pactune/tensor"
)

// newParam returns a parameter of n weights and gradients around ±1, the same
// for the same row.
func newParam(name string, row uint32, n int) *autograd.Param {
	p := &autograd.Param{Name: name, Shape: []int{n}, Clean: make([]tensor.Float, n), Grad: make([]tensor.Float, n)}
	p.Data = p.Clean
	key := rng.NewKey(7, rng.StreamInit, 0)
	for i := range p.Clean {
		p.Clean[i] = tensor.Float(2*rng.Uniform(key.Uint32(row, uint64(i))) - 1)
	}
	setGrad(p, row, 0)
	return p
}

// setGrad gives p the gradient of one step.
func setGrad(p *autograd.Param, row uint32, step uint64) {
	key := rng.NewKey(8, rng.StreamInit, step)
	for i := range p.Grad {
		p.Grad[i] = tensor.Float(2*rng.Uniform(key.Uint32(row, uint64(i))) - 1)
	}
}

// tolerance of one value: float64 rounding, or that of 20 float32 steps.
func tolerance() float64 {
	if tensor.F64 {
		return 1e-13
	}
	return 3e-6
}

// The two forms of AdamW, transcribed from torch.optim.AdamW and from
// transformers.AdamW (v4) in float64, one weight at a time.
func torchAdamW(w, m, v *float64, g, lr, wd, b1, b2, eps float64, correct bool, t int) {
	*w *= 1 - lr*wd
	*m = b1*(*m) + (1-b1)*g
	*v = b2*(*v) + (1-b2)*g*g
	c1, c2 := 1.0, 1.0
	if correct {
		c1, c2 = 1-math.Pow(b1, float64(t)), 1-math.Pow(b2, float64(t))
	}
	*w -= lr / c1 * (*m) / (math.Sqrt(*v)/math.Sqrt(c2) + eps)
}

func hfAdamW(w, m, v *float64, g, lr, wd, b1, b2, eps float64, correct bool, t int) {
	*m = b1*(*m) + (1-b1)*g
	*v = b2*(*v) + (1-b2)*g*g
	step := lr
	if correct {
		step = lr * math.Sqrt(1-math.Pow(b2, float64(t))) / (1 - math.Pow(b1, float64(t)))
	}
	*w += -step * (*m) / (math.Sqrt(*v) + eps)
	if wd > 0 {
		*w += -lr * wd * (*w)
	}
}

func TestAdamWEqualsItsTranscription(t *testing.T) {
	for _, c := range []struct {
		name    string
		form    tensor.AdamForm
		oracle  func(w, m, v *float64, g, lr, wd, b1, b2, eps float64, correct bool, t int)
		correct bool
		eps     float64
	}{
		{"torch", tensor.AdamTorch, torchAdamW, true, 1e-8},
		{"torch without bias correction", tensor.AdamTorch, torchAdamW, false, 1e-6},
		{"hf", tensor.AdamHF, hfAdamW, true, 1e-8},
		{"hf without bias correction", tensor.AdamHF, hfAdamW, false, 1e-6},
	} {
		t.Run(c.name, func(t *testing.T) {
			params := []*autograd.Param{newParam("a", 0, 300), newParam("b", 1, PieceSize+5), newParam("c", 2, 1)}
			groups := []Group{
				{Name: "decayed", Params: params[:2], LR: 1e-3, WeightDecay: 0.1},
				{Name: "plain", Params: params[2:], LR: 1e-2},
			}
			a := NewAdamW(nil, groups, Adam{Form: c.form, Beta1: 0.9, Beta2: 0.999, Eps: c.eps, BiasCorrection: c.correct})
			var want, m, v [3][]float64
			for i, p := range params {
				want[i], m[i], v[i] = make([]float64, len(p.Clean)), make([]float64, len(p.Clean)), make([]float64, len(p.Clean))
				for j, w := range p.Clean {
					want[i][j] = float64(w)
				}
			}
			for step := 1; step <= 20; step++ {
				scale := 1 - float64(step)/40
				for i, p := range params {
					setGrad(p, uint32(i), uint64(step))
					g := groups[min(i/2, 1)]
					for j := range p.Clean {
						c.oracle(&want[i][j], &m[i][j], &v[i][j], float64(p.Grad[j]), g.LR*scale, g.WeightDecay,
							0.9, 0.999, c.eps, c.correct, step)
					}
				}
				a.Step(step, scale)
			}
			for i, p := range params {
				gotM, _ := a.Moments(i)
				for j := range p.Clean {
					if d := math.Abs(float64(p.Clean[j]) - want[i][j]); d > tolerance() {
						t.Fatalf("%s[%d] = %v after 20 steps, want %v", p.Name, j, p.Clean[j], want[i][j])
					}
					if d := math.Abs(float64(gotM[j]) - m[i][j]); d > tolerance() {
						t.Fatalf("moment of %s[%d] = %v, want %v", p.Name, j, gotM[j], m[i][j])
					}
				}
			}
		})
	}
}

func TestStepsHaveTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	run := func(workers int) ([]tensor.Float, float64) {
		pool := par.New(workers)
		defer pool.Close()
		params := []*autograd.Param{newParam("a", 0, 3*PieceSize+77), newParam("b", 1, 5000), newParam("c", 2, 3)}
		a := NewAdamW(pool, []Group{{Params: params, LR: 1e-3, WeightDecay: 0.01}}, DefaultAdam())
		c := NewClipper(pool, params, ByTensor, 5, 4)
		for step := 1; step <= 3; step++ {
			for i, p := range params {
				setGrad(p, uint32(i), uint64(step))
			}
			if err := c.Measure(step == 2); err != nil {
				t.Fatal(err)
			}
			c.Clip()
			a.Step(step, 1)
		}
		var all []tensor.Float
		for _, p := range params {
			all = append(all, p.Clean...)
		}
		return all, c.After
	}
	want, wantNorm := run(1)
	for _, workers := range []int{2, 3, 8} {
		got, norm := run(workers)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%d workers: weight %d is %v, with one worker %v", workers, i, got[i], want[i])
			}
		}
		if norm != wantNorm {
			t.Errorf("%d workers: norm %v, with one worker %v", workers, norm, wantNorm)
		}
	}
}

func TestStepsAllocateNothing(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	params := []*autograd.Param{newParam("a", 0, 2*PieceSize), newParam("b", 1, 10)}
	a := NewAdamW(pool, []Group{{Params: params, LR: 1e-3}}, DefaultAdam())
	c := NewClipper(pool, params, ByTensor, 0.05, 1)
	s, err := NewSchedule("cosine", 10, 100, 1e-3, nil)
	if err != nil {
		t.Fatal(err)
	}
	step := 0
	if n := testing.AllocsPerRun(20, func() {
		step++
		if c.Measure(true) != nil {
			t.Error("finite gradients, but an error")
		}
		c.Clip()
		a.Step(step, s.Scale(step-1))
	}); n != 0 {
		t.Errorf("a step allocates %v times, want 0", n)
	}
}

func TestFrozenAndRepeatedParametersAreMistakes(t *testing.T) {
	frozen, twice := newParam("frozen", 0, 3), newParam("twice", 1, 3)
	frozen.Frozen = true
	for _, params := range [][]*autograd.Param{{frozen}, {twice, twice}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %s", params[0].Name)
				}
			}()
			NewAdamW(nil, []Group{{Params: params}}, DefaultAdam())
		}()
	}
}
