package glue

import (
	"math"
	"strings"
	"testing"
)

// labelled makes a data set of the given classes.
func labelled(task *Task, names []string, classes ...int) *Dataset {
	d := &Dataset{Task: task, LabelNames: names, Labelled: true}
	for i, c := range classes {
		d.Examples = append(d.Examples, Example{ID: i, Line: i + 1, TextA: "x", Label: c})
	}
	return d
}

func task(t *testing.T, name string) *Task {
	t.Helper()
	k, err := TaskByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func metricNames(metrics []Metric) string {
	var names []string
	for _, m := range metrics {
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

func TestReportOfATask(t *testing.T) {
	d := labelled(task(t, "mrpc"), []string{"no", "yes"}, 1, 1, 1, 0)
	r := d.Evaluate(Predictions{Classes: []int32{1, 1, 0, 0}})
	if got := metricNames(r.Metrics); got != "accuracy f1 combined_score" {
		t.Fatalf("metrics %s", got)
	}
	// Precision 1, recall 2/3: F1 4/5. The majority answers yes: F1 6/7.
	for i, want := range []float64{0.75, 0.8, 0.775} {
		equal(t, r.Metrics[i].Name, r.Metrics[i].Value, &want)
	}
	for i, want := range []float64{0.75, 6.0 / 7, (0.75 + 6.0/7) / 2} {
		equal(t, "majority "+r.Majority[i].Name, r.Majority[i].Value, &want)
	}
	if r.Constant != "yes" || r.Line.Metric != F1 || r.Line.Value != 0.75 || r.Failed() {
		t.Errorf("constant %q, line %+v, failed %v", r.Constant, r.Line, r.Failed())
	}
}

func TestLines(t *testing.T) {
	for name, want := range map[string]Line{
		"rte": {Accuracy, 0.53, ""}, "qnli": {Accuracy, 0.5, ""}, "cola": {MCC, 0, ""},
		"sst2": {Accuracy, 0.6, ""}, // the share of the most frequent class
	} {
		d := labelled(task(t, name), []string{"a", "b"}, 0, 0, 0, 1, 1)
		r := d.Evaluate(Predictions{Classes: []int32{0, 0, 0, 0, 0}})
		if r.Line.Metric != want.Metric || r.Line.Value != want.Value || r.Line.Rule == "" {
			t.Errorf("%s: line %+v, want %+v", name, r.Line, want)
		}
		if failed := r.Failed(); failed != (name == "sst2" || name == "cola") {
			t.Errorf("%s: failed %v for the constant answer", name, failed)
		}
	}
}

func TestReportOfOwnClasses(t *testing.T) {
	d := labelled(nil, []string{"a", "b", "c"}, 0, 1, 2, 2)
	r := d.Evaluate(Predictions{Classes: []int32{0, 1, 2, 1}})
	if got := metricNames(r.Metrics); got != "accuracy f1 matthews_correlation" {
		t.Fatalf("metrics %s", got)
	}
	macro := (1 + 2.0/3 + 2.0/3) / 3
	v, _ := r.Value(F1)
	equal(t, "macro f1", v, &macro)
	if r.Line.Value != 0.5 || r.Constant != "c" || len(r.Warnings) != 0 {
		t.Errorf("line %+v, constant %s, warnings %v", r.Line, r.Constant, r.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	d := labelled(nil, []string{"no", "yes"}, 0, 1, 1)
	r := d.Evaluate(Predictions{Classes: []int32{0, 0, 0}})
	all := strings.Join(r.Warnings, "\n")
	if !strings.Contains(all, `no row was predicted as "yes"`) || !strings.Contains(all, MCC+" is set to 0") {
		t.Errorf("warnings %q", all)
	}
}

func TestReportOfARegression(t *testing.T) {
	d := &Dataset{Problem: Regression, LabelNames: []string{"label"}, Labelled: true,
		Examples: []Example{{Score: 1}, {Score: 2}, {Score: 6}}}
	r := d.Evaluate(Predictions{Scores: []float64{1, 2, 3}})
	want := 3.0
	v, _ := r.Value(MSE)
	equal(t, "mse", v, &want)
	variance := 14.0 / 3
	v, _ = value(r.Majority, MSE)
	equal(t, "mse of the mean", v, &variance)
	if r.Failed() || r.Line.Metric != Pearson || r.Classes != nil {
		t.Errorf("%+v", r)
	}
	r = d.Evaluate(Predictions{Scores: []float64{2, 2, 2}})
	if !r.Failed() || len(r.Warnings) != 2 {
		t.Errorf("constant answer: failed %v, warnings %q", r.Failed(), r.Warnings)
	}
	r = d.Evaluate(Predictions{Scores: []float64{2, math.NaN(), 2}})
	if !r.Failed() || len(r.Warnings) == 0 {
		t.Errorf("NaN answer: failed %v, warnings %q", r.Failed(), r.Warnings)
	}
}

func TestReportOfSets(t *testing.T) {
	d := &Dataset{Problem: MultiLabel, LabelNames: []string{"x", "y"}, Labelled: true, Examples: []Example{
		{Labels: []bool{true, false}}, {Labels: []bool{true, false}}, {Labels: []bool{true, true}}}}
	r := d.Evaluate(Predictions{Multi: []bool{true, false, false, true, true, true}})
	// hits 3; present 4, given 4.
	want := []float64{0.75, 2.0 / 3}
	for i := range want {
		equal(t, r.Metrics[i].Name, r.Metrics[i].Value, &want[i])
	}
	if r.Constant != "[x]" || r.Line.Metric != Accuracy || math.Abs(r.Line.Value-2.0/3) > 1e-15 {
		t.Errorf("constant %s, line %+v", r.Constant, r.Line)
	}
}

func TestNoLabelsNoReport(t *testing.T) {
	d := labelled(nil, []string{"a", "b"}, -1, -1)
	d.Labelled = false
	if r := d.Evaluate(Predictions{Classes: []int32{0, 1}}); r != nil {
		t.Errorf("report %+v without labels", r)
	}
}

func TestWritePredictions(t *testing.T) {
	cases := []struct {
		d    *Dataset
		p    Predictions
		want string
	}{
		{labelled(nil, []string{"no", "yes"}, 0, 1), Predictions{Classes: []int32{1, 0}}, "0\tyes\n1\tno\n"},
		{&Dataset{Problem: Regression, Examples: make([]Example, 2)}, Predictions{Scores: []float64{2.71828, -1}}, "0\t2.718\n1\t-1.000\n"},
		{&Dataset{Problem: MultiLabel, LabelNames: []string{"x", "y"}, Examples: make([]Example, 2)},
			Predictions{Multi: []bool{true, true, false, false}}, "0\tx,y\n1\t\n"},
	}
	for _, c := range cases {
		var b strings.Builder
		if err := c.d.WritePredictions(&b, c.p); err != nil {
			t.Fatal(err)
		}
		if b.String() != "index\tprediction\n"+c.want {
			t.Errorf("%q", b.String())
		}
	}
}

// The authors of PAC-tuning average QQP's F1 over both classes by counting, so
// that it is the accuracy.
func TestMicroF1(t *testing.T) {
	d := labelled(task(t, "qqp"), []string{"no", "yes"}, 1, 1, 1, 0, 0)
	d.MicroF1 = true
	want := 3.0 / 5
	got, _ := d.Evaluate(Predictions{Classes: []int32{1, 1, 0, 0, 1}}).Value(F1)
	equal(t, "micro-F1", got, &want)
}
