package autograd

import (
	"testing"

	"pactune/internal/par"
	"pactune/tensor"
)

// stack is a model of several layers, every kind of op in each.
func stack(layers int) func(t *Tape, f *fixture, x *Var) *Var {
	return func(t *Tape, f *fixture, x *Var) *Var {
		drop := someDropout
		for i := range layers {
			t.Checkpoint(x)
			p := func(name string, shape ...int) *Param { return f.param(name+string(rune('0'+i)), shape...) }
			drop.Key = drop.Key.Fold(uint32(i))
			a := t.Attention(t.Linear(x, p("q", width, width), p("qb", width)), t.Linear(x, p("k", width, width), nil),
				t.Linear(x, p("v", width, width), nil), Heads{Heads: 2, HeadDim: width / 2, Scale: 0.5, Dropout: drop})
			x = t.AddLayerNorm(t.Linear(a, p("o", width, width), nil), x, p("g", width), p("b", width), 1e-5, drop)
			h := t.LinearAct(x, p("up", 4*width, width), p("ub", 4*width), tensor.GELU)
			y := t.Dropout(t.Linear(h, p("down", width, 4*width), nil), drop)
			t.Recompute(h)
			x = t.AddLayerNorm(y, x, p("g2", width), p("b2", width), 1e-5, drop)
		}
		return x
	}
}

// A tape with checkpoints gives the same bits, frees all that it took and needs
// the memory of fewer layers.
func TestCheckpoint(t *testing.T) {
	const layers = 6
	for _, threads := range []int{1, 3} {
		pool := par.New(threads)
		defer pool.Close()
		grads, peaks := map[string][]Float{}, [2]int{}
		for i, on := range []bool{false, true} {
			tape, f := NewTape(pool), newFixture(0, 30, 70, 71)
			tape.Poison()
			tape.Checkpointing = on
			_, x, _ := run(tape, f, stack(layers), true)
			_, peaks[i] = tape.Bytes()
			f.params["x"] = &Param{Grad: x.Grad()}
			for name, p := range f.params {
				if !on {
					grads[name] = p.Grad
				}
				for j, g := range p.Grad {
					if g != grads[name][j] {
						t.Fatalf("%d threads: gradient %s[%d] is %v with checkpoints, %v without", threads, name, j, g, grads[name][j])
					}
				}
			}
			for _, v := range tape.vars.items[:tape.vars.n] {
				if !v.leaf && v.value.Data != nil {
					t.Errorf("checkpoints %v: a variable (%d, %d) was not freed", on, v.Rows, v.Cols)
				}
			}
		}
		// Of a layer's 12 widths (q, k, v, attention, its product, two norms, four of
		// the pre-activation, its product) one stays.
		if peaks[1] > peaks[0]*2/layers {
			t.Errorf("%d layers: the peak is %d bytes with checkpoints, %d without: want at most two layers' share", layers, peaks[1], peaks[0])
		}
	}
}
