package glue

import (
	"math"
	"sort"
)

// Names of metrics, as the Hugging Face scripts write them.
const (
	Accuracy = "accuracy"
	F1       = "f1"
	MCC      = "matthews_correlation"
	Pearson  = "pearson"
	Spearman = "spearmanr"
	MSE      = "mse"
	Combined = "combined_score"
)

// Metric is a name and its value.
type Metric struct {
	Name  string
	Value float64
}

// confusion counts pairs: m[t][p] rows of class t were predicted as p.
func confusion(classes int, truth, predicted []int32) [][]int {
	m := make([][]int, classes)
	for i := range m {
		m[i] = make([]int, classes)
	}
	for i, t := range truth {
		m[t][predicted[i]]++
	}
	return m
}

// ClassScore describes how one class was predicted. Precision, Recall and F1
// are 0 where their denominator is.
type ClassScore struct {
	Name                  string
	Precision, Recall, F1 float64
	Support               int // rows that have the class
	Predicted             int // rows that were given it
}

// ratio is a/b, 0 for b = 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func newClassScore(name string, hits, support, predicted int) ClassScore {
	return ClassScore{
		Name: name, Support: support, Predicted: predicted,
		Precision: ratio(hits, predicted), Recall: ratio(hits, support), F1: ratio(2*hits, support+predicted),
	}
}

// classScores reads the classes' scores off a confusion matrix.
func classScores(names []string, m [][]int) []ClassScore {
	scores := make([]ClassScore, len(names))
	for c := range names {
		support, predicted := 0, 0
		for o := range names {
			support += m[c][o]
			predicted += m[o][c]
		}
		scores[c] = newClassScore(names[c], m[c][c], support, predicted)
	}
	return scores
}

// accuracy is the trace over the sum of a confusion matrix.
func accuracy(m [][]int) float64 {
	hits, all := 0, 0
	for t := range m {
		hits += m[t][t]
		for _, n := range m[t] {
			all += n
		}
	}
	return ratio(hits, all)
}

// f1 is the F1 of class 1 where there are two classes, else the mean of the F1
// of all classes that occur in truth or prediction (macro F1).
func f1(classes []ClassScore) float64 {
	if len(classes) == 2 {
		return classes[1].F1
	}
	sum, n := 0.0, 0
	for _, c := range classes {
		if c.Support+c.Predicted > 0 {
			sum += c.F1
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// matthews is the correlation of truth and prediction as class indicators
// (Gorodkin's R_K; with two classes Matthews' coefficient):
//
//	(c·s − Σ t_k p_k) / √((s² − Σ p_k²)(s² − Σ t_k²))
//
// with s rows, c of them right, t_k and p_k rows of class k in truth and
// prediction. It is 0 where either is constant. Sums are exact integers.
func matthews(m [][]int) float64 {
	var s, c, tp, pp, tt int
	for k := range m {
		t, p := 0, 0
		for o := range m {
			t += m[k][o]
			p += m[o][k]
		}
		s, c = s+t, c+m[k][k]
		tp, pp, tt = tp+t*p, pp+p*p, tt+t*t
	}
	denominator := math.Sqrt(float64(s*s-pp)) * math.Sqrt(float64(s*s-tt))
	if denominator == 0 {
		return 0
	}
	return float64(c*s-tp) / denominator
}

// pearson is the linear correlation Σ(x−x̄)(y−ȳ)/√(Σ(x−x̄)²Σ(y−ȳ)²), two passes;
// 0 where x or y is constant, which leaves it undefined.
func pearson(x, y []float64) float64 {
	if constant(x) || constant(y) {
		return 0
	}
	mx, my := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xy, xx, yy = math.FMA(dx, dy, xy), math.FMA(dx, dx, xx), math.FMA(dy, dy, yy)
	}
	return max(-1, min(1, xy/(math.Sqrt(xx)*math.Sqrt(yy))))
}

// constant is true of values that are all the same.
func constant(x []float64) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// spearman is the Pearson correlation of the ranks, equal values sharing the
// mean of theirs.
func spearman(x, y []float64) float64 { return pearson(ranks(x), ranks(y)) }

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return x[order[i]] < x[order[j]] })
	r := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			r[order[k]] = float64(i+j+1) / 2
		}
		i = j
	}
	return r
}

// mse is the mean of (x−y)².
func mse(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		d := x[i] - y[i]
		sum = math.FMA(d, d, sum)
	}
	return sum / float64(len(x))
}
