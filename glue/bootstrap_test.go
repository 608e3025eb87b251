package glue

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// drawn is the data set of testdata/generate/bootstrap.py: kind 1 has constant
// predictions, 2 one class only, 3 few values, so ties.
func drawn(t *testing.T, r *random, name string, n, kind int) (*Dataset, Predictions) {
	k := task(t, name)
	d := &Dataset{Task: k, Problem: k.Problem(), LabelNames: k.LabelNames(), Labelled: true}
	var p Predictions
	for range n {
		if d.Problem == Regression {
			truth := float64(r.below(501)) / 100
			if kind == 3 {
				truth = float64(*r >> 33 % 6)
			}
			score := 2.5
			switch kind {
			case 0, 2:
				score = truth/2 + float64(r.below(250))/100
			case 3:
				score = float64(r.below(4))
			}
			if kind == 2 {
				truth = 2
			}
			d.Examples, p.Scores = append(d.Examples, Example{Score: truth}), append(p.Scores, score)
			continue
		}
		truth, class := r.below(2), r.below(2)
		if r.below(3) > 0 {
			class = truth
		}
		if kind == 1 {
			class = 0
		}
		if kind == 2 {
			truth = 1
		}
		d.Examples, p.Classes = append(d.Examples, Example{Label: truth}), append(p.Classes, int32(class))
	}
	return d, p
}

// What NumPy and SciPy recorded: the same resamples give the same interval to a
// rounding; SciPy's own 4,000 give one whose ends differ by what 1,000 and 4,000 waver:
// together 0.095 standard errors for a normal metric, of which four are allowed.
func TestIntervalsAgainstNumPyAndSciPy(t *testing.T) {
	text, err := os.ReadFile("testdata/bootstrap.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Twins, SciPy [][][]float64
		Calibration  struct {
			ECE  float64
			Bins [][]float64
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	r, names := random(7), []string{"mrpc", "cola", "stsb"}
	for i, name := range names {
		for kind := range 4 {
			d, p := drawn(t, &r, name, 20+r.below(30), kind)
			got := d.bootstrap(p, 101, func(_ int, rows []int32) {
				for j := range rows {
					rows[j] = int32(r.below(len(rows)))
				}
			})
			for j, w := range want.Twins[4*i+kind] {
				equal(t, name+" low "+got[j].Name, got[j].Low, &w[0])
				equal(t, name+" high "+got[j].Name, got[j].High, &w[1])
			}
		}
	}
	for i, name := range names {
		d, p := drawn(t, &r, name, 300, 0)
		got := d.Intervals(p)
		for j, w := range want.SciPy[i] {
			if low, high := math.Abs(got[j].Low-w[0])/w[2], math.Abs(got[j].High-w[1])/w[2]; low > 0.38 || high > 0.38 {
				t.Errorf("%s %s: [%v, %v], SciPy has [%v, %v]: off by %.2f and %.2f standard errors", name, got[j].Name, got[j].Low, got[j].High, w[0], w[1], low, high)
			}
		}
	}
	d := &Dataset{LabelNames: []string{"no", "yes"}, Labelled: true}
	var sure []float64
	classes := make([]int32, 1000)
	for i := range classes {
		q := 1.0
		if i%50 != 0 {
			q = float64(2*r.below(512)+1) / 1024
		}
		sure = append(sure, q)
		d.Examples = append(d.Examples, Example{Label: 1 - count(float64(r.below(1024)) < 700*q)})
	}
	c := d.Calibrate(classes, sure)
	equal(t, "ECE", c.ECE, &want.Calibration.ECE)
	for i, w := range want.Calibration.Bins {
		rows := float64(c.Bins[i].Rows)
		equal(t, "rows", rows, &w[0])
		equal(t, "confidence", c.Bins[i].Confidence, &w[1])
		equal(t, "accuracy", c.Bins[i].Accuracy, &w[2])
	}
}

// Two calls give the same interval; it holds the metric, and is nothing for
// predictions that are all right.
func TestIntervals(t *testing.T) {
	r := random(3)
	d, p := drawn(t, &r, "mrpc", 200, 0)
	a, b := d.Intervals(p), d.Intervals(p)
	for i, m := range d.Evaluate(p).Metrics {
		if a[i] != b[i] || a[i].Name != m.Name || !(a[i].Low < m.Value && m.Value < a[i].High) {
			t.Errorf("%+v and %+v around %+v", a[i], b[i], m)
		}
	}
	for _, v := range d.Intervals(d.Truth()) {
		if v.Low != 1 || v.High != 1 {
			t.Errorf("all right: %+v", v)
		}
	}
	d.Labelled = false
	if v := d.Intervals(p); v != nil {
		t.Errorf("without labels: %v", v)
	}
}

// Four answers of confidence 0.75, three of them right, are calibrated; four of
// confidence 1, all wrong, are not.
func TestCalibrationInClosedForm(t *testing.T) {
	d := labelled(nil, []string{"no", "yes"}, 1, 1, 1, 0, 0, 0, 0, 0)
	c := d.Calibrate([]int32{1, 1, 1, 1, 1, 1, 1, 1}, []float64{.75, .75, .75, .75, 1, 1, 1, 1})
	half := 0.5
	equal(t, "ECE", c.ECE, &half)
	if c = d.Calibrate([]int32{1, 1, 1, 1, 1, 1, 1, 1}, make([]float64, 8)); c.Bins[0].Rows != 8 {
		t.Errorf("confidence 0: %+v", c.Bins[0])
	}
}
