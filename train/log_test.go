package train

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pactune/internal/files"
)

// lines reads a file of JSON objects.
func lines(t *testing.T, path string) []map[string]any {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []map[string]any
	for s := bufio.NewScanner(f); s.Scan(); {
		var row map[string]any
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v: %s", path, err, s.Text())
		}
		rows = append(rows, row)
	}
	return rows
}

func pacRecord(step int) *StepRecord {
	return &StepRecord{Step: step, Epoch: float64(step), Stage: 1, Loss: 0.7, GradNorm: 1.5, GradNormClip: 1.5,
		LR: 5e-5, HeadLR: 1e-2, KL: 1234.5, KLPerRow: 12.345, K: 0.2, Gamma: 5, LPAC: 2.5, Total: 3.2,
		NoiseBody: 0.001, NoiseHead: 0.02, PriorBody: 0.001, PriorHead: 0.02, NoiseMin: 1e-4, NoiseMax: 0.1}
}

// A steady update is logged without garbage: its record, its timing, the row
// for trainer_state.json, TensorBoard's event and the statistics of its tensors.
func TestLogAllocatesNothing(t *testing.T) {
	f, err := NewFolder(&Config{OutputDir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	f.Start(&Plan{Steps: 10000, LogEvery: 1})
	f.Log.ReportEvents()
	r := pacRecord(0)
	c := &ComponentRecord{Tensor: "bert.encoder.layer.0.attention.self.query.weight", Shape: []int{256, 256}, Elements: 65536, GradNorm: math.NaN()}
	step := func() {
		r.Step++
		f.Step(r, Timing{Elapsed: time.Second, Examples: 100, Tokens: 1264})
		if err := f.Log.Err(); err != nil {
			t.Fatal(err)
		}
		f.Log.Component(c)
	}
	step()
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations for an update", n)
	}
}

// NaN is no JSON: it becomes null and is named.
func TestLogNonfinite(t *testing.T) {
	dir := t.TempDir()
	l := newLog(files.OS, dir)
	r := pacRecord(1)
	r.Loss, r.Total = math.NaN(), math.Inf(-1)
	l.Step(r, Timing{})
	l.Eval(&EvalRecord{Step: 1, Loss: math.Inf(1), Metrics: []Metric{{"accuracy", 0.5}}, Samples: 4})
	l.Component(&ComponentRecord{Step: 1, Tensor: "a \"b\"\n\x01é", Shape: []int{2, 3}, Clipped: true})
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	rows := lines(t, filepath.Join(dir, "metrics.jsonl"))
	if len(rows) != 2 || rows[0]["loss"] != nil || rows[0]["kl"] != 1234.5 || rows[0]["split"] != "train" {
		t.Errorf("rows %v", rows)
	}
	if bad := rows[0]["nonfinite"].([]any); len(bad) != 2 || bad[0] != "loss=NaN" || bad[1] != "total=-Infinity" {
		t.Errorf("nonfinite %v", rows[0]["nonfinite"])
	}
	if rows[1]["accuracy"] != 0.5 || rows[1]["nonfinite"].([]any)[0] != "loss=Infinity" {
		t.Errorf("evaluation %v", rows[1])
	}
	for _, row := range rows {
		for _, key := range []string{"seconds", "time", "date"} {
			if _, there := row[key]; there {
				t.Errorf("metrics.jsonl has %q: it must not depend on the clock", key)
			}
		}
	}
	c := lines(t, filepath.Join(dir, "components.jsonl"))
	if len(c) != 1 || c[0]["tensor"] != "a \"b\"\n\x01é" || c[0]["clipped"] != true {
		t.Errorf("components %v", c)
	}
	if timings := lines(t, filepath.Join(dir, "timings.jsonl")); len(timings) != 2 {
		t.Errorf("timings %v", timings)
	}
}

// Without PAC-tuning its terms are left out.
func TestLogPlainStep(t *testing.T) {
	dir := t.TempDir()
	l := newLog(files.OS, dir)
	l.Step(&StepRecord{Step: 3, Loss: 0.5, ClipRate: 0.9}, Timing{})
	l.close()
	row := lines(t, filepath.Join(dir, "metrics.jsonl"))[0]
	if _, there := row["kl"]; there || row["clip_rate"] != 0.9 || row["step"] != 3.0 {
		t.Errorf("row %v", row)
	}
}
