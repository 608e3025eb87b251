package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/internal/fault"
	"pactune/tensor"
)

// everything is a copy of all that an update may change: weights, moments, p and b
// with their moments.
func everything(t *trainer) string {
	var all [][]tensor.Float
	for i, p := range t.opt.Params() {
		m, v := t.opt.Moments(i)
		all = append(all, p.Clean, m, v)
	}
	if n := t.noise; n != nil {
		all = append(all, n.B, n.MB, n.VB)
		for i := range n.Tensors {
			all = append(all, n.Tensors[i].P, n.Tensors[i].MP, n.Tensors[i].VP)
		}
	}
	return fmt.Sprint(all)
}

// Whatever number is not finite, the same update finds it, names the tensor and
// changes nothing: a weight, a noise level too large or not a number, a prior too
// small, a gradient.
func TestBadNumbersChangeNothing(t *testing.T) {
	const body, head = "bert.encoder.layer.1.output.dense.weight", "classifier.bias"
	pac := "method pac num_train_epochs 7 pac_stage1_epochs 4"
	level := func(tr *trainer, name string, p float64) {
		for i := range tr.noise.Tensors {
			if x := &tr.noise.Tensors[i]; x.Name == name {
				x.P[0] = tensor.Float(p)
			}
		}
	}
	prior := func(tr *trainer, name string, b float64) {
		for i := range tr.noise.Tensors {
			if tr.noise.Tensors[i].Name == name {
				tr.noise.B[i] = tensor.Float(b)
			}
		}
	}
	for _, c := range []struct {
		what, options, tensor string
		break_                func(*trainer)
	}{
		{"a weight", "method adamw", body, func(tr *trainer) { tr.model.Store.Param(body).Clean[3] = tensor.Float(math.NaN()) }},
		{"a weight under noise", pac, head, func(tr *trainer) { tr.model.Store.Param(head).Clean[1] = tensor.Float(math.Inf(1)) }},
		{"a log-std that is no number", pac, body, func(tr *trainer) { level(tr, body, math.NaN()) }},
		{"a log-std of 100", pac, body, func(tr *trainer) { level(tr, body, 100) }},
		{"a std above 10⁴ for a whole tensor", pac + " pac_granularity tensor", body, func(tr *trainer) { level(tr, body, 9.3) }},
		{"a prior of e^−60", pac, head, func(tr *trainer) { prior(tr, head, -60) }},
		{"a prior that is no number", pac, head, func(tr *trainer) { prior(tr, head, math.NaN()) }},
	} {
		tr := newTest(t, 2, c.options)
		tr.mustStep(t, 0)
		c.break_(tr)
		before := everything(tr)
		_, err := tr.step(1)
		if fault.KindOf(err) != fault.Diverged || !strings.Contains(fmt.Sprint(err), c.tensor) {
			t.Errorf("%s: error %v, want one of kind Diverged that names %s", c.what, err, c.tensor)
		}
		if everything(tr) != before {
			t.Errorf("%s: the update has changed something", c.what)
		}
	}
}

// With --on_nan skip a bad update is as if it had not been: the run goes on as one
// whose Adam has not counted it.
func TestSkip(t *testing.T) {
	for _, options := range []string{"method adamw", "method pac num_train_epochs 7 pac_stage1_epochs 4"} {
		tr, want := newTest(t, 2, options+" on_nan skip"), newTest(t, 2, options)
		for s := range 6 {
			if s != 2 && s != 3 {
				tr.mustStep(t, s)
				want.skips.Total = tr.skips.Total // its updates 2 and 3 were never tried
				want.mustStep(t, s)
				continue
			}
			w := tr.model.Store.Param("classifier.bias").Clean
			good := w[0]
			w[0] = tensor.Float(math.NaN())
			_, err := tr.step(s)
			if err = tr.leaveOut(s, err); err != nil {
				t.Fatal(err)
			}
			w[0] = good
			if r := tr.rec; r.Step != s+1 || !math.IsNaN(r.Loss) || !strings.Contains(r.Skipped, "classifier.bias") {
				t.Errorf("record %+v", r)
			}
		}
		if everything(tr) != everything(want) {
			t.Errorf("%s: the run is not that without the updates that were left out", options)
		}
		if tr.skips != (Skips{Total: 2}) {
			t.Errorf("%+v, want 2 left out, none since", tr.skips)
		}
	}
}

// Updates are only left out where the settings say so, for numbers, and ten in a row.
func TestSkipEnds(t *testing.T) {
	bad := fault.Errorf(fault.Diverged, "bad")
	if err := new(Skips).Take(&Config{OnNaN: "stop"}, bad); err != bad {
		t.Error(err)
	}
	disk := errors.New("disk")
	if err := new(Skips).Take(&Config{OnNaN: "skip"}, disk); err != disk {
		t.Error(err)
	}
	var k Skips
	for range 10 {
		if err := k.Take(&Config{OnNaN: "skip"}, bad); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Take(&Config{OnNaN: "skip"}, bad); fault.KindOf(err) != fault.Diverged || !strings.Contains(err.Error(), "10 updates before") {
		t.Error(err)
	}
}

// A run of a model that only overflows: with skip it ends like one with stop, later.
// The log hides nothing.
func TestRunOfBadNumbers(t *testing.T) {
	if tensor.FloatBytes == 8 {
		t.Skip("float64 holds whatever comes of the float32 numbers of a file")
	}
	large := modelFolder(t, "", nil, func(m *bert.Model) {
		for i := range m.Store.Param("bert.embeddings.LayerNorm.weight").Clean {
			m.Store.Param("bert.embeddings.LayerNorm.weight").Clean[i] = 3e38
		}
	})
	data := writeText(t, "train.txt", strings.Repeat(twoClasses, 4))
	for policy, steps := range map[string]int{"stop": 0, "skip": 10} {
		var seen []StepRecord
		_, err := Run(context.Background(), settings(t, quick(t, large, data)+"on_nan "+policy), nil,
			Hooks{OnStep: func(r *StepRecord, _ Timing) { seen = append(seen, *r) }})
		if fault.KindOf(err) != fault.Diverged || !strings.Contains(err.Error(), "bert.embeddings.LayerNorm.weight") {
			t.Errorf("%s: %v", policy, err)
		}
		if len(seen) != steps {
			t.Errorf("%s: %d updates before the end, want %d", policy, len(seen), steps)
		}
	}
}

func TestSkippedUpdateInTheLog(t *testing.T) {
	dir := t.TempDir()
	f, err := NewFolder(&Config{OutputDir: filepath.Join(dir, "run")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	f.Log.Step(&StepRecord{Step: 3, Loss: math.NaN(), Skipped: `the tensor "x"`}, Timing{})
	f.Log.Step(&StepRecord{Step: 4, Loss: 9, Spike: true}, Timing{})
	if _, err := f.Log.Flush(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(f.Dir(), "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	var first, second map[string]any
	if json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &second) != nil {
		t.Fatal(string(text))
	}
	if first["loss"] != nil || first["skipped"] != `the tensor "x"` || fmt.Sprint(first["nonfinite"]) != "[loss=NaN]" || second["spike"] != true {
		t.Errorf("%s", text)
	}
}
