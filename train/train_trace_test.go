package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"testing"

	"pactune/asm"
	"pactune/tensor"
)

// trainTrace is what testdata/generate/train_trace.py recorded of transformers.
type trainTrace struct {
	Name, Options string
	Updates       []struct{ Loss, Norm, Rate float64 }
}

// 20 updates with AdamW, and with CWGNC, have the losses, gradient norms, rates
// and weights of BertForSequenceClassification under the optimisers, schedules
// and clipping of torch and transformers, whole batches and accumulated ones.
func TestTrainTrace(t *testing.T) {
	before := asm.Active()
	defer asm.Use(before)
	traces := readTraces(t)
	data, err := os.ReadFile("testdata/train_trace.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []trainTrace
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	file := recorded(t, "train_trace.safetensors")
	weights := recorded(t, "pac_trace.safetensors")
	maps.Copy(weights, file) // the pooler
	// Weights are near 0.1 and move by up to 0.02. In float64 a key's bias, whose
	// gradient is nothing but rounding, may move by 1e-10 of the rate; in float32
	// by a hundredth of it, here 1e-5 an update.
	tolerance, moved := 1e-10, 1e-10
	if !tensor.F64 {
		tolerance, moved = 1e-5, 1e-4
	}
	for _, c := range cases {
		for _, isa := range asm.Available() {
			t.Run(fmt.Sprintf("%s/%v", c.Name, isa), func(t *testing.T) {
				if err := asm.Use(isa); err != nil {
					t.Fatal(err)
				}
				tr := traces.trainer(t, fmt.Sprintf("%s max_steps %d train_order file dropout 0 component_steps 0", c.Options, len(c.Updates)), weights)
				worst := map[string]float64{}
				near := func(quantity string, s int, got, want, allowed float64) {
					e := math.Abs(got-want) / math.Max(math.Abs(want), 1e-3)
					if !(e <= allowed) {
						t.Errorf("%s of update %d: %v, want %v", quantity, s+1, got, want)
					}
					worst[quantity] = max(worst[quantity], e)
				}
				for s, u := range c.Updates {
					tr.mustStep(t, s)
					near("loss", s, tr.rec.Loss, u.Loss, tolerance)
					near("norm", s, tr.rec.GradNorm, u.Norm, tolerance)
					near("rate", s, tr.rec.LR, u.Rate, 1e-15)
				}
				for _, p := range tr.model.Store.Params {
					for i, want := range file[c.Name+"/"+p.Name] {
						e := math.Abs(float64(p.Clean[i]) - want)
						if !(e <= moved) {
							t.Fatalf("%s[%d] = %v after %d updates, want %v", p.Name, i, p.Clean[i], len(c.Updates), want)
						}
						worst["weights"] = max(worst["weights"], e)
					}
				}
				t.Logf("worst error: loss %.1e, gradient norm %.1e, rate %.1e, weights %.1e", worst["loss"], worst["norm"], worst["rate"], worst["weights"])
			})
		}
	}
}
