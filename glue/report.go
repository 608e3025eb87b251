package glue

import (
	"fmt"
	"math"
	"slices"
)

// Predictions are a model's answers for all examples of a data set, in their
// order; the field of its Problem is filled.
type Predictions struct {
	Classes []int32   // SingleLabel
	Scores  []float64 // Regression
	Multi   []bool    // MultiLabel: (examples, classes), row-major
}

// Report is what predictions are worth.
type Report struct {
	Problem   Problem
	Examples  int
	Metrics   []Metric     // by the names of the Hugging Face scripts; of the first, greater is better
	Majority  []Metric     // the same of the best constant answer, Constant
	Constant  string       // most frequent class (or set of classes) of these labels; of a regression their mean
	Line      Line         // a run that ends at or below it has failed
	Classes   []ClassScore // nil for a regression
	Confusion [][]int      // [truth][prediction]; SingleLabel only
	Warnings  []string     // metrics that are 0 because they are undefined
}

// Value returns a metric by name.
func (r *Report) Value(name string) (float64, bool) { return value(r.Metrics, name) }

func value(metrics []Metric, name string) (float64, bool) {
	for _, m := range metrics {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}

// Failed says whether the metric of Line is at or below it, or not a number.
func (r *Report) Failed() bool {
	v, _ := r.Value(r.Line.Metric)
	return !(v > r.Line.Value)
}

// Metrics names the metrics of d, the one that chooses the best checkpoint
// first: the task's own, or for a user's data accuracy, F1 and Matthews'
// coefficient (one class), micro-F1 and the share of exactly right sets
// (multi-label), correlations and squared error (regression).
func (d *Dataset) Metrics() []string {
	switch {
	case d.Task != nil:
		return d.Task.Metrics
	case d.Problem == Regression:
		return []string{Pearson, Spearman, MSE}
	case d.Problem == MultiLabel:
		return []string{F1, Accuracy}
	}
	return []string{Accuracy, F1, MCC}
}

// Evaluate scores predictions for d, next to the best constant answer. It
// returns nil for a data set that is not Labelled.
func (d *Dataset) Evaluate(p Predictions) *Report {
	n := len(d.Examples)
	if got := len(p.Classes) + len(p.Scores) + len(p.Multi)/max(1, len(d.LabelNames)); got != n {
		panic(fmt.Sprintf("glue: Evaluate: %d predictions for %d examples", got, n))
	}
	if !d.Labelled || n == 0 {
		return nil
	}
	r := &Report{Problem: d.Problem, Examples: n}
	truth := d.Truth()
	constant, name := d.constant()
	switch d.Problem {
	case SingleLabel:
		r.Confusion = confusion(len(d.LabelNames), truth.Classes, p.Classes)
		r.Classes = classScores(d.LabelNames, r.Confusion)
	case MultiLabel:
		r.Classes = d.setScores(truth.Multi, p.Multi)
	}
	r.Metrics, r.Majority, r.Constant = d.values(truth, p), d.values(truth, constant), name
	r.Line = d.line(r.Majority)
	r.Warnings = d.warnings(p, r)
	return r
}

// values computes the metrics of d for any truth and predictions.
func (d *Dataset) values(truth, p Predictions) []Metric {
	var metrics []Metric
	for _, name := range d.Metrics() {
		metrics = append(metrics, Metric{name, d.metric(name, truth, p)})
	}
	if d.Task != nil && len(metrics) > 1 {
		sum := 0.0
		for _, m := range metrics {
			sum += m.Value
		}
		metrics = append(metrics, Metric{Combined, sum / float64(len(metrics))})
	}
	return metrics
}

func (d *Dataset) metric(name string, truth, p Predictions) float64 {
	switch d.Problem {
	case Regression:
		switch name {
		case Pearson:
			return pearson(truth.Scores, p.Scores)
		case Spearman:
			return spearman(truth.Scores, p.Scores)
		}
		return mse(truth.Scores, p.Scores)
	case MultiLabel:
		if name == F1 {
			return microF1(d.setScores(truth.Multi, p.Multi), truth.Multi, p.Multi)
		}
		return exactSets(len(d.LabelNames), truth.Multi, p.Multi)
	}
	m := confusion(len(d.LabelNames), truth.Classes, p.Classes)
	switch name {
	case F1:
		if d.MicroF1 {
			return accuracy(m) // hits, misses and false alarms summed over all classes
		}
		return f1(classScores(d.LabelNames, m))
	case MCC:
		return matthews(m)
	}
	return accuracy(m)
}

// Truth is the predictions that a perfect model would make.
func (d *Dataset) Truth() (p Predictions) {
	for _, e := range d.Examples {
		switch d.Problem {
		case Regression:
			p.Scores = append(p.Scores, e.Score)
		case MultiLabel:
			p.Multi = append(p.Multi, e.Labels...)
		default:
			p.Classes = append(p.Classes, int32(e.Label))
		}
	}
	return p
}

// setScores are the classes' scores of a multi-label problem.
func (d *Dataset) setScores(truth, predicted []bool) []ClassScore {
	c := len(d.LabelNames)
	scores := make([]ClassScore, c)
	for k, name := range d.LabelNames {
		hits, support, given := 0, 0, 0
		for i := k; i < len(truth); i += c {
			hits += count(truth[i] && predicted[i])
			support += count(truth[i])
			given += count(predicted[i])
		}
		scores[k] = newClassScore(name, hits, support, given)
	}
	return scores
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// microF1 is 2·hits/(given + present), counted over all rows and classes.
func microF1(classes []ClassScore, truth, predicted []bool) float64 {
	hits, both := 0, 0
	for i := range truth {
		hits += count(truth[i] && predicted[i])
	}
	for _, c := range classes {
		both += c.Support + c.Predicted
	}
	return ratio(2*hits, both)
}

// exactSets is the share of rows whose whole set of c classes is right.
func exactSets(c int, truth, predicted []bool) float64 {
	right := 0
	for i := 0; i < len(truth); i += c {
		right += count(slices.Equal(truth[i:i+c], predicted[i:i+c]))
	}
	return ratio(right, len(truth)/c)
}

// setText writes a set of classes as zeros and ones.
func setText(s []bool) string {
	b := make([]byte, len(s))
	for i, in := range s {
		b[i] = '0' + byte(count(in))
	}
	return string(b)
}

// constant is the best answer that is the same for every row, and its name.
func (d *Dataset) constant() (p Predictions, name string) {
	n := len(d.Examples)
	switch d.Problem {
	case Regression:
		m := mean(d.Truth().Scores)
		p.Scores = make([]float64, n)
		for i := range p.Scores {
			p.Scores[i] = m
		}
		return p, fmt.Sprintf("%.4g", m)
	case MultiLabel:
		set := d.frequentSet()
		for range d.Examples {
			p.Multi = append(p.Multi, set...)
		}
		var names []string
		for c, in := range set {
			if in {
				names = append(names, d.LabelNames[c])
			}
		}
		return p, fmt.Sprint(names)
	}
	class := mostFrequent(d.ClassCounts())
	p.Classes = make([]int32, n)
	for i := range p.Classes {
		p.Classes[i] = int32(class)
	}
	return p, d.LabelNames[class]
}

// frequentSet is the set of classes that most rows have, the first one among
// equals.
func (d *Dataset) frequentSet() []bool {
	counts := map[string]int{}
	var best []bool
	most := 0
	for _, e := range d.Examples {
		counts[setText(e.Labels)]++
	}
	for _, e := range d.Examples {
		if n := counts[setText(e.Labels)]; n > most {
			best, most = e.Labels, n
		}
	}
	return best
}

// line is the level to rise above: the published rule of the task, else what
// the best constant answer reaches.
func (d *Dataset) line(majority []Metric) Line {
	if d.Task != nil && d.Task.Line.Metric != "" {
		return d.Task.Line
	}
	if d.Problem == Regression {
		return Line{Pearson, 0, "correlation of a constant answer"}
	}
	v, _ := value(majority, Accuracy)
	return Line{Accuracy, v, "share of the most frequent answer"}
}

// warnings says which metrics are 0 by definition only, or not numbers.
func (d *Dataset) warnings(p Predictions, r *Report) []string {
	var w []string
	for _, m := range r.Metrics {
		switch {
		case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
			w = append(w, m.Name+" is not a number: the predictions hold NaN or Inf")
		case m.Name == MCC && m.Value == 0 && oneClass(r.Classes):
			w = append(w, MCC+" is set to 0: all predictions, or all labels, are one class")
		case m.Name == F1 && d.Problem == SingleLabel && len(r.Classes) == 2 && r.Classes[1].Predicted == 0:
			w = append(w, fmt.Sprintf("f1 is 0: no row was predicted as %s", show(r.Classes[1].Name)))
		case (m.Name == Pearson || m.Name == Spearman) && (constant(p.Scores) || constant(d.Truth().Scores)):
			w = append(w, m.Name+" is set to 0: all predictions, or all labels, are equal")
		}
	}
	return w
}

// oneClass says whether all rows share a label, or a prediction.
func oneClass(classes []ClassScore) bool {
	labels, predictions := 0, 0
	for _, c := range classes {
		labels += count(c.Support > 0)
		predictions += count(c.Predicted > 0)
	}
	return labels < 2 || predictions < 2
}
