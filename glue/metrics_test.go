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

// equal compares with what another library computed in float64: the sums have
// at most a few hundred terms of size 1, so that rounding stays below 1e-12.
func equal(t *testing.T, what string, got float64, want *float64) {
	t.Helper()
	if want == nil { // scipy's NaN for constant input; ours is 0
		want = new(float64)
	}
	if math.Abs(got-*want) > 1e-12 {
		t.Errorf("%s: %v, want %v", what, got, *want)
	}
}

func TestMetricsAgainstScikitLearnAndSciPy(t *testing.T) {
	content, err := os.ReadFile("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][3][]*float64
	if err := json.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	r := random(1)
	for _, c := range cases {
		checkClasses(t, &r, c[0])
		checkNumbers(t, &r, c[1])
		checkSets(t, &r, c[2])
	}
	if len(cases) != 500 {
		t.Errorf("%d cases, want 500", len(cases))
	}
}

func checkClasses(t *testing.T, r *random, want []*float64) {
	t.Helper()
	k, n, kind := 2+r.below(4), 1+r.below(40), r.below(6)
	truth, predicted := make([]int32, n), make([]int32, n)
	for i := range truth {
		truth[i], predicted[i] = int32(r.below(k)), int32(r.below(k))
		switch kind {
		case 0:
			predicted[i] = 0
		case 1:
			truth[i] = int32(k - 1)
		case 2:
			predicted[i] = truth[i]
		}
	}
	m := confusion(k, truth, predicted)
	scores := classScores(make([]string, k), m)
	var p, rec, f float64
	for _, s := range scores {
		p, rec, f = p+s.Precision/float64(k), rec+s.Recall/float64(k), f+s.F1/float64(k)
	}
	equal(t, "accuracy", accuracy(m), want[0])
	equal(t, "f1", f1(scores), want[1])
	equal(t, "matthews", matthews(m), want[2])
	equal(t, "precision", p, want[3])
	equal(t, "recall", rec, want[4])
	equal(t, "f1 of the classes", f, want[5])
}

func checkNumbers(t *testing.T, r *random, want []*float64) {
	t.Helper()
	n, kind := 2+r.below(40), r.below(5)
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i], y[i] = float64(r.below(1000))/64, float64(r.below(1000))/64
		switch kind {
		case 0:
			y[i] = 2.5
		case 1:
			x[i], y[i] = math.Mod(math.Floor(x[i]), 4), math.Mod(math.Floor(y[i]), 4)
		case 2:
			y[i] = x[i] + y[i]/1024
		}
	}
	equal(t, "pearson", pearson(x, y), want[0])
	equal(t, "spearman", spearman(x, y), want[1])
	equal(t, "mse", mse(x, y), want[2])
}

func checkSets(t *testing.T, r *random, want []*float64) {
	t.Helper()
	k, n := 2+r.below(3), 1+r.below(20)
	d := &Dataset{Problem: MultiLabel, LabelNames: make([]string, k), Labelled: true}
	var p Predictions
	for range n {
		e := Example{Labels: make([]bool, k)}
		for c := range e.Labels {
			e.Labels[c] = r.below(2) == 1
			p.Multi = append(p.Multi, r.below(2) == 1)
		}
		d.Examples = append(d.Examples, e)
	}
	equal(t, "micro f1", d.metric(F1, p), want[0])
	equal(t, "exact sets", d.metric(Accuracy, p), want[1])
}

// Hand-computed: 4 rows right of 6; class 1: precision 2/3, recall 2/3.
func TestBinaryByHand(t *testing.T) {
	m := confusion(2, []int32{0, 0, 0, 1, 1, 1}, []int32{0, 0, 1, 1, 1, 0})
	s := classScores([]string{"a", "b"}, m)
	want := 2.0 / 3
	equal(t, "accuracy", accuracy(m), &want)
	equal(t, "precision", s[1].Precision, &want)
	equal(t, "f1", f1(s), &want)
	third := 1.0 / 3 // (2·2 − 1·1)/√(3·3·3·3)
	equal(t, "matthews", matthews(m), &third)
	if s[1].Support != 3 || s[1].Predicted != 3 || m[0][1] != 1 || m[1][0] != 1 {
		t.Errorf("counts: %+v %v", s[1], m)
	}
}

// A linear relation has correlation ±1; a monotone one rank correlation 1;
// ranks of ties are means.
func TestCorrelationsInClosedForm(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	one, minus := 1.0, -1.0
	equal(t, "pearson", pearson(x, []float64{3, 5, 7, 9}), &one)
	equal(t, "pearson", pearson(x, []float64{9, 7, 5, 3}), &minus)
	equal(t, "spearman", spearman(x, []float64{1, 10, 100, 1000}), &one)
	got := ranks([]float64{5, 1, 5, 5, 0})
	for i, w := range []float64{4, 2, 4, 4, 1} {
		if got[i] != w {
			t.Errorf("rank %d: %v, want %v", i, got[i], w)
		}
	}
	zero := 0.0
	equal(t, "pearson of a constant", pearson(x, []float64{.1, .1, .1, .1}), &zero)
	if v := spearman(x, []float64{1, math.NaN(), 3, 4}); math.IsInf(v, 0) {
		t.Errorf("spearman with NaN: %v", v)
	}
	if v := pearson(x, []float64{1, math.NaN(), 3, 4}); !math.IsNaN(v) {
		t.Errorf("pearson with NaN: %v, want NaN", v)
	}
}

func TestUndefinedIsZero(t *testing.T) {
	m := confusion(2, []int32{0, 1, 1}, []int32{0, 0, 0})
	if v := matthews(m); v != 0 {
		t.Errorf("matthews of constant predictions: %v", v)
	}
	if v := f1(classScores([]string{"a", "b"}, m)); v != 0 {
		t.Errorf("f1 without positive predictions: %v", v)
	}
}
