package glue

import (
	"math"
	"testing"
)

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
