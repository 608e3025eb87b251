package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pactune/tensor"
)

// Updates are AdamW's as PyTorch's documentation has it, computed here in
// float64 from the gradients: a decay of matrices alone before the step, bias
// corrections by the number of the update, the rate of the update, which warms
// up from 0 and then falls, and for the head another one.
func TestUpdatesAreAdamW(t *testing.T) {
	tr := newTest(t, 2, "method adamw dropout 0 learning_rate 0.01 head_learning_rate 0.03 weight_decay 0.2 max_grad_norm 0 "+
		"lr_scheduler_type linear warmup_steps 2 max_steps 8")
	tr.opt.KeepOld = false // the gradients are to be read
	type state struct{ w, m, v []float64 }
	states := make([]state, len(tr.model.Store.Params))
	for j, p := range tr.model.Store.Params {
		states[j] = state{wide(p.Clean), make([]float64, len(p.Clean)), make([]float64, len(p.Clean))}
	}
	const beta1, beta2, eps = 0.9, 0.999, 1e-8
	for s, factor := range []float64{0, 1. / 2, 1, 5. / 6, 4. / 6, 3. / 6} {
		tr.mustStep(t, s)
		for j, p := range tr.model.Store.Params {
			x, rate, decay := &states[j], 0.01*factor, 0.0
			if strings.HasPrefix(p.Name, "classifier.") {
				rate = 0.03 * factor
			}
			if strings.HasSuffix(p.Name, "weight") && !strings.Contains(p.Name, "LayerNorm") {
				decay = rate * 0.2
			}
			for i, g := range wide(p.Grad) {
				x.m[i], x.v[i] = beta1*x.m[i]+(1-beta1)*g, beta2*x.v[i]+(1-beta2)*g*g
				mean, variance := x.m[i]/(1-math.Pow(beta1, float64(s+1))), x.v[i]/(1-math.Pow(beta2, float64(s+1)))
				before := x.w[i]
				x.w[i] = before*(1-decay) - rate*mean/(math.Sqrt(variance)+eps)
				// In float32 w, of about 1, is rounded by 1e-7, and a step of
				// up to 2·rate loses as much again of itself.
				if got := float64(p.Clean[i]); !(math.Abs(got-x.w[i]) <= 5e-7*(1+math.Abs(before))) {
					t.Fatalf("update %d: %s[%d] is %v, want %v (from %v)", s+1, p.Name, i, got, x.w[i], before)
				}
				x.w[i] = float64(p.Clean[i])
			}
		}
	}
}

// Every update draws masks of its own, and an update has the same ones again.
func TestUpdatesHaveTheirOwnMasks(t *testing.T) {
	tr := newTest(t, 2, "method adamw dropout 0.3 train_order file per_device_train_batch_size 30")
	var losses []float64
	for _, s := range []int{0, 1, 2, 0, 1, 2} { // of the same examples and weights
		if _, err := tr.gradients(s); err != nil {
			t.Fatal(err)
		}
		losses = append(losses, tr.rec.Loss)
	}
	first, again := losses[:3], losses[3:]
	if !slices.Equal(first, again) || first[0] == first[1] || first[1] == first[2] || first[0] == first[2] {
		t.Errorf("losses of updates 1 to 3 are %v, again %v: expected three values, twice", first, again)
	}
}

// The gradient of the noise is of the loss as it is: it does not see that the
// gradients of the weights are clipped, which changes these.
func TestClippingDoesNotTouchTheNoise(t *testing.T) {
	const options = "num_train_epochs 7 pac_stage1_epochs 4 method "
	loose, tight := newTest(t, 2, options+"pac"), newTest(t, 2, options+"pac+cwgnc clip_component_norm 1e-3")
	loose.opt.KeepOld, tight.opt.KeepOld = false, false
	loose.mustStep(t, 0)
	tight.mustStep(t, 0)
	if loose.clipper.Rate != 0 || tight.clipper.Rate < 0.9 {
		t.Fatalf("%v and %v of the elements are clipped, want none and nearly all", loose.clipper.Rate, tight.clipper.Rate)
	}
	before, after := 0.0, 0.0
	for j, x := range loose.noise.Tensors {
		if y := tight.noise.Tensors[j]; !slices.Equal(x.MP, y.MP) || !slices.Equal(x.P, y.P) {
			t.Errorf("%s: the noise depends on the clipping", x.Name)
		}
		before += tensor.SumSquares(loose.model.Store.Param(x.Name).Grad)
		after += tensor.SumSquares(tight.model.Store.Param(x.Name).Grad)
	}
	if !(after < before/4) {
		t.Errorf("the squared norm of all gradients is %v, unclipped %v", after, before)
	}
}
