package glue

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// random is the generator of testdata/generate/metrics.py: Knuth's MMIX
// linear congruential generator.
type random uint64

func (r *random) below(n int) int {
	*r = *r*6364136223846793005 + 1442695040888963407
	return int(uint64(*r) >> 33 % uint64(n))
}

// rows is one, two, many, or up to 60.
func (r *random) rows(many int) int {
	switch r.below(20) {
	case 0:
		return 1
	case 1:
		return 2
	case 2:
		return many + r.below(many)
	}
	return 1 + r.below(60)
}

// worst is the greatest error of a name that equal has seen.
type worst map[string]float64

// equal compares with what another library computed in float64: ratios of
// integers are right to a rounding, and the sums have at most a thousand terms
// of one size, so that 1e-12 of a value, or of 1 where that is more, holds.
func equal(t *testing.T, what string, got float64, want *float64) float64 {
	t.Helper()
	if want == nil { // what the library leaves undefined is 0 here
		want = new(float64)
	}
	d := math.Abs(got-*want) / max(1, math.Abs(*want))
	if !(d <= 1e-12) {
		t.Errorf("%s: %v, want %v", what, got, *want)
	}
	return d
}

func (w worst) equal(t *testing.T, what string, got float64, want *float64) {
	t.Helper()
	w[what] = max(w[what], equal(t, what, got, want))
}

func TestMetricsAgainstScikitLearnAndSciPy(t *testing.T) {
	content, err := os.ReadFile("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups [3][][]*float64
	if err := json.Unmarshal(content, &groups); err != nil {
		t.Fatal(err)
	}
	if n := len(groups[0]) + len(groups[1]) + len(groups[2]); n != 5000 {
		t.Fatalf("%d cases, want 5000", n)
	}
	r, w := random(1), worst{}
	for group, check := range []func(*testing.T, *random, []*float64, worst){checkClasses, checkNumbers, checkSets} {
		for i, want := range groups[group] {
			if check(t, &r, want, w); t.Failed() {
				t.Fatalf("in case %d of group %d", i, group)
			}
		}
	}
	t.Logf("worst errors: %v", w)
}

// checksum is all scores of the classes, each with a weight of its own.
func checksum(scores []ClassScore) float64 {
	sum := 0.0
	for c, s := range scores {
		for j, v := range [3]float64{s.Precision, s.Recall, s.F1} {
			sum += float64(37*(3*c+j)%101+1) / 101 * v
		}
	}
	return sum
}

func checkClasses(t *testing.T, r *random, want []*float64, w worst) {
	t.Helper()
	k := r.below(10)
	switch {
	case k < 4:
		k = 2
	case k < 9:
		k = 3 + r.below(6)
	default:
		k = 10 + r.below(91)
	}
	n, kind := r.rows(500), r.below(9)
	d := &Dataset{Problem: SingleLabel, LabelNames: make([]string, k), Labelled: true}
	var p Predictions
	for range n {
		truth, predicted := r.below(k), r.below(k)
		switch kind {
		case 0:
			predicted = 0
		case 1:
			truth = k - 1
		case 2:
			predicted = truth
		case 3:
			truth, predicted = 0, k-1
		case 4:
			truth, predicted = 0, 0
		case 5:
			if r.below(8) > 0 {
				predicted = truth
			}
		case 6:
			truth, predicted = truth%2, k-1-predicted%2
		}
		d.Examples = append(d.Examples, Example{Label: truth})
		p.Classes = append(p.Classes, int32(predicted))
	}
	report := d.Evaluate(p)
	for i, name := range []string{Accuracy, F1, MCC} {
		v, _ := report.Value(name)
		w.equal(t, name, v, want[i])
	}
	d.MicroF1 = true
	w.equal(t, "micro f1", d.metric(F1, d.Truth(), p), want[0])
	w.equal(t, "precision, recall, f1 of the classes", checksum(report.Classes), want[3])
	counts := 0
	for truth := range k {
		for predicted, m := range report.Confusion[truth] {
			weight := 1009*truth + 31*predicted + 7
			counts += m * (weight * weight % 65537)
		}
	}
	w.equal(t, "confusion matrix", float64(counts), want[4])
}

func checkNumbers(t *testing.T, r *random, want []*float64, w worst) {
	t.Helper()
	n, kind := r.rows(300), r.below(9)
	d := &Dataset{Problem: Regression, LabelNames: []string{"score"}, Labelled: true}
	var p Predictions
	for range n {
		x, y := float64(r.below(1000))/64, float64(r.below(1000))/64
		switch kind {
		case 0:
			y = 2.5
		case 1:
			x, y = math.Mod(math.Floor(x), 4), math.Mod(math.Floor(y), 4)
		case 2:
			y = x + y/1024
		case 3:
			x, y = 0.1, 0.1
		case 4:
			x, y = x+1000000, y-1000000
		case 5:
			y = -3 * x
		case 6:
			if r.below(10) == 0 {
				x, y = x*1024, y*1024
			}
		}
		d.Examples = append(d.Examples, Example{Score: x})
		p.Scores = append(p.Scores, y)
	}
	report := d.Evaluate(p)
	for i, name := range []string{Pearson, Spearman, MSE} {
		v, _ := report.Value(name)
		w.equal(t, name, v, want[i])
	}
}

func checkSets(t *testing.T, r *random, want []*float64, w worst) {
	t.Helper()
	k, n, kind := 2+r.below(5), 1+r.below(30), r.below(6)
	d := &Dataset{Problem: MultiLabel, LabelNames: make([]string, k), Labelled: true}
	var p Predictions
	for range n {
		e := Example{Labels: make([]bool, k)}
		for c := range e.Labels {
			truth, predicted := r.below(2) == 1, r.below(2) == 1
			switch kind {
			case 0:
				predicted = false
			case 1:
				truth = false
			case 2:
				predicted = truth
			case 3:
				if r.below(5) > 0 {
					truth, predicted = false, false
				}
			}
			e.Labels[c] = truth
			p.Multi = append(p.Multi, predicted)
		}
		d.Examples = append(d.Examples, e)
	}
	report := d.Evaluate(p)
	f, _ := report.Value(F1)
	a, _ := report.Value(Accuracy)
	w.equal(t, "micro f1 of sets", f, want[0])
	w.equal(t, "exact sets", a, want[1])
	w.equal(t, "precision, recall, f1 of sets", checksum(report.Classes), want[2])
}
