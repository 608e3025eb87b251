package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// The files about an evaluation agree with each other: a row's loss is minus the
// log of its label's probability, their mean is eval_loss, and the calibration
// error of eval_report.json follows from the rows.
func TestEvalReport(t *testing.T) {
	dir := job(t)
	finished(t, dir, "train.txt", "--validation_file", "dev.txt", "--method", "adamw", "--max_steps", "5", "--learning_rate", "1e-3")
	var report struct {
		Accuracy    float64
		Loss        float64
		Intervals   map[string][2]float64
		Confusion   [][]int
		Calibration struct {
			ECE  float64
			Bins []struct{ Rows int }
		}
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "run", "eval_report.json")), &report); err != nil {
		t.Fatal(err)
	}
	rows, loss, right := 0, 0.0, 0
	var sure, hits [15]float64
	for _, line := range strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(dir, "run", "eval_predictions.jsonl")))), "\n") {
		var p struct {
			Label, Prediction string
			Loss, Probability float64
			Scores            []float64
		}
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		ofLabel, hit := p.Probability, 1.0
		if p.Prediction != p.Label {
			ofLabel, hit = 1-p.Probability, 0
		}
		if p.Probability != max(p.Scores[0], p.Scores[1]) || math.Abs(p.Loss+math.Log(ofLabel)) > 1e-6 { // logits are float32
			t.Errorf("%s", line)
		}
		b := int(math.Ceil(p.Probability*15)) - 1
		sure[b], hits[b] = sure[b]+p.Probability, hits[b]+hit
		rows, loss, right = rows+1, loss+p.Loss, right+int(hit)
	}
	ece, binned := 0.0, 0
	for b := range sure {
		ece += math.Abs(sure[b]-hits[b]) / float64(rows)
		binned += report.Calibration.Bins[b].Rows
	}
	share := float64(right) / float64(rows)
	// Sums of a dozen terms in another order: a few roundings.
	if math.Abs(report.Loss-loss/float64(rows)) > 1e-14 || math.Abs(report.Calibration.ECE-ece) > 1e-14 || report.Accuracy != share || binned != rows {
		t.Errorf("%+v; the rows have loss %v, calibration error %v, accuracy %v", report, loss/float64(rows), ece, share)
	}
	if v := report.Intervals["accuracy"]; !(0 <= v[0] && v[0] <= share && share <= v[1] && v[1] <= 1) || len(report.Intervals) != 3 || len(report.Confusion) != 2 {
		t.Errorf("%+v", report)
	}
	r := pactune(t, dir, "", "evaluate", "run", "dev.txt")
	if r.code != 0 || !strings.Contains(r.stdout, "calibration error") || !strings.Contains(r.stdout, "] ") {
		t.Errorf("%+v", r)
	}
}
