package optim

import (
	"testing"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/tensor"
)

// Undo gives back the bits of before an update, also of one that left no
// finite weight; KeepOld does not change the update itself.
func TestUndo(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for _, lr := range []float64{1e-3, 1e30, 1e300} {
		kept := []*autograd.Param{newParam("a", 0, PieceSize+1500), newParam("b", 1, 3)}
		plain := []*autograd.Param{newParam("a", 0, PieceSize+1500), newParam("b", 1, 3)}
		a := NewAdamW(pool, []Group{{Params: kept, LR: lr}}, DefaultAdam())
		b := NewAdamW(pool, []Group{{Params: plain, LR: lr}}, DefaultAdam())
		a.KeepOld = true
		var old [][]tensor.Float
		for _, p := range kept {
			old = append(old, append([]tensor.Float(nil), p.Clean...))
		}
		a.Step(1, 1)
		b.Step(1, 1)
		for i := range kept {
			for j, w := range kept[i].Clean {
				if want := plain[i].Clean[j]; w != want && (w == w || want == want) {
					t.Fatalf("rate %g: %s[%d] is %v, without KeepOld %v", lr, kept[i].Name, j, w, want)
				}
			}
		}
		a.Undo()
		for i := range kept {
			for j, w := range kept[i].Clean {
				if w != old[i][j] {
					t.Fatalf("rate %g: %s[%d] is %v, was %v", lr, kept[i].Name, j, w, old[i][j])
				}
			}
		}
	}
}
