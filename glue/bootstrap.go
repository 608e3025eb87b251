package glue

import "pactune/stats"

// Interval is where a metric lies with 95 %.
type Interval struct {
	Name      string
	Low, High float64
}

// resamples are drawn for an interval: its ends then waver by a twelfth of the
// metric's standard error.
const resamples = 1000

// Intervals estimates how far the metrics of p depend on which rows the data
// set happens to have: the percentile bootstrap (Efron, 1979). Rows are drawn
// with replacement, as many as there are, 1,000 times; the ends are the 2.5 and
// 97.5 % quantiles of the metrics of these sets. The draws depend on nothing but
// the number of rows. Seeds of a run are another matter: what they change is not
// in here.
func (d *Dataset) Intervals(p Predictions) []Interval {
	if !d.Labelled || len(d.Examples) == 0 {
		return nil
	}
	return d.bootstrap(p, resamples, stats.Draw)
}

// bootstrap computes the intervals from sets of rows that draw fills in.
func (d *Dataset) bootstrap(p Predictions, sets int, draw func(set int, rows []int32)) []Interval {
	truth, width := d.Truth(), len(d.LabelNames)
	rows := make([]int32, len(d.Examples))
	var values [][]float64 // by metric and set
	var names []string
	for set := range sets {
		draw(set, rows)
		for i, m := range d.values(truth.take(rows, width), p.take(rows, width)) {
			if set == 0 {
				names, values = append(names, m.Name), append(values, make([]float64, sets))
			}
			values[i][set] = m.Value
		}
	}
	out := make([]Interval, len(names))
	for i, v := range values {
		middle := stats.Middle(v)
		out[i] = Interval{names[i], middle.Low, middle.High}
	}
	return out
}

// take returns the predictions for some rows; width is the number of classes.
func (p Predictions) take(rows []int32, width int) (out Predictions) {
	for _, r := range rows {
		switch {
		case p.Classes != nil:
			out.Classes = append(out.Classes, p.Classes[r])
		case p.Scores != nil:
			out.Scores = append(out.Scores, p.Scores[r])
		default:
			out.Multi = append(out.Multi, p.Multi[int(r)*width:(int(r)+1)*width]...)
		}
	}
	return out
}
