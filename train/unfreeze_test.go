package train

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/internal/files"
	"pactune/tensor"
)

// A layer is as it was read until its turn, has no gradient before, and then trains
// with all above; the log has its distance from the start, 0 until then.
func TestUnfreezing(t *testing.T) {
	dir := t.TempDir()
	log := newLog(files.OS, dir)
	tr := newTest(t, 2, "method unfreeze unfreeze_epochs 1.5 component_steps 1") // 3 updates an epoch: iterations of 4.5
	start := map[string][]tensor.Float{}
	for _, p := range tr.model.Store.Params {
		start[p.Name] = slices.Clone(p.Clean)
	}
	for s := range 8 {
		tr.mustStep(t, s)
		tr.logComponents(log)
		for _, p := range tr.model.Store.Params {
			late := strings.HasPrefix(p.Name, "bert.embeddings.") || strings.HasPrefix(p.Name, "bert.encoder.layer.0.")
			if still := slices.Equal(p.Clean, start[p.Name]); still != (late && s < 5) {
				t.Errorf("update %d: %s is as it was: %t", s+1, p.Name, still)
			}
		}
	}
	if err := log.close(); err != nil {
		t.Fatal(err)
	}
	for _, row := range lines(t, filepath.Join(dir, "components.jsonl")) {
		name, step := row["tensor"].(string), row["step"].(float64)
		layer, moved := tr.model.Config.LayerOf(name), row["distance_from_init"].(float64)
		trained := step > 5 || layer > 0
		if still := moved == 0; still != (step == 1 || !trained || layer == 0 && step == 6) {
			t.Errorf("update %v: %s is %v from its start", step, name, moved)
		}
		if norm := row["grad_norm"].(float64); trained != (norm > 0) {
			t.Errorf("update %v: %s has a gradient of norm %v", step, name, norm)
		}
	}
	// The last line is of before the last update: made again here.
	tr.clipper.Measure(true)
	for i := range tr.clipper.Tensors {
		x, sum := &tr.clipper.Tensors[i], 0.0
		for j, w := range tr.model.Store.Param(x.Name).Clean {
			sum += math.Pow(float64(w)-float64(start[x.Name][j]), 2)
		}
		if want := math.Sqrt(sum); !(math.Abs(x.Moved-want) <= 1e-12*want) {
			t.Errorf("%s is %v from its start, want %v", x.Name, x.Moved, want)
		}
	}
}

// An update that is left out is no update of a layer either, and the one before the
// first of a layer can be taken back after the layer has been unfrozen.
func TestUnfreezingAfterASkip(t *testing.T) {
	tr := newTest(t, 1, "method unfreeze unfreeze_epochs 1 on_nan skip")
	tr.mustStep(t, 0)
	tr.step(1)
	tr.skips.Total, tr.skips.Row = 1, 1 // as if it had been left out
	before := hashWeights(tr.model)
	tr.mustStep(t, 2)
	tr.unfreeze(3)
	for i := range tr.opt.Groups {
		g := &tr.opt.Groups[i]
		if want := map[bool]int{true: 2}[tr.model.Config.LayerOf(g.Params[0].Name) == 0]; g.Frozen || g.Since != want {
			t.Errorf("group %s of %s: frozen %t, begins after update %d, want %d", g.Name, g.Params[0].Name, g.Frozen, g.Since, want)
		}
	}
	if !tr.takeBack() || hashWeights(tr.model) != before {
		t.Error("the weights are not those of before the update that was taken back")
	}
}

// An iteration for each layer, unless the epochs are given.
func TestSettleIterations(t *testing.T) {
	for options, want := range map[string]float64{
		"d.csv --method unfreeze":                       36,
		"d.csv --method unfreeze --unfreeze_epochs 0.5": 6,
		"d.csv --method unfreeze --num_train_epochs 5":  5,
		"d.csv --method cwgnc":                          3,
	} {
		c := resolved(t, options, Facts{TrainRows: 100})
		c.settleIterations(12)
		if c.NumTrainEpochs != want {
			t.Errorf("%s: %v epochs of 12 layers, want %v", options, c.NumTrainEpochs, want)
		}
	}
}

func TestLayerOf(t *testing.T) {
	c := bert.Config{Layers: 12}
	for name, want := range map[string]int{
		"bert.embeddings.word_embeddings.weight":        0,
		"bert.encoder.layer.0.output.dense.bias":        0,
		"bert.encoder.layer.11.output.LayerNorm.weight": 11,
		"bert.pooler.dense.weight":                      12,
		"classifier.bias":                               12,
	} {
		if got := c.LayerOf(name); got != want {
			t.Errorf("%s is of layer %d, want %d", name, got, want)
		}
	}
}
