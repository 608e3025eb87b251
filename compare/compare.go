package compare

import (
	"math"
	"slices"

	"pactune/internal/fault"
	"pactune/stats"
)

// Level is the p below which a difference is believed.
const Level = 0.05

// Report is what comes of a comparison.
type Report struct {
	Task    string
	Metric  string
	Line    float64 // at or below it a run has failed, NaN when it is not known
	Subsets bool    // a group has runs on several random subsets: each counts as one, by its mean
	Groups  []Described
	Pairs   []Pair // (first, second), (first, third), …, (second, third), …
}

// Described is a group in numbers, of the runs that have the metric. Where Subsets
// is set, Interval, Deviation and Share are of the subsets.
type Described struct {
	Name     string
	Runs     int // those that diverged included
	Diverged int
	stats.Summary
	Units     int            // that count as one each in tests and intervals: runs, or subsets
	Interval  stats.Interval // of the mean; NaN of fewer than two units
	Deviation float64        // of the units, mean |x − median|, which Brown–Forsythe compares
	Failed    int            // -1 when the line is not known
	Share     stats.Interval // of failed runs
	Best      []float64      // expected best of 1, 2, …, Runs

	values []float64 // of the runs with a metric, in their order
	metric units
	failed units // the share of failed runs
}

// New compares groups by a metric, "" for that of the task. Groups that cannot be
// compared are an error of kind Data that says what differs. A group of which every
// run diverged has no metric, but failures.
func New(groups []*Group, metric string) (*Report, error) {
	first := &groups[0].Runs[0]
	r := &Report{Groups: make([]Described, len(groups))}
	for _, g := range groups {
		r.Subsets = r.Subsets || g.severalSubsets()
		for i := range g.Runs {
			if err := g.Runs[i].same(first); err != nil {
				return nil, err
			}
			if first.Diverged() {
				first = &g.Runs[i] // one that has metrics
			}
		}
	}
	if metric == "" {
		metric = metricOf(first)
	}
	if first.Diverged() {
		return nil, fault.Errorf(fault.Data, "%s: every run diverged; expected a group with a run that has a final %s", groups[0].Name, metric)
	}
	r.Task, r.Metric, r.Line = first.Task, metric, lineOf(first, metric)
	for i, g := range groups {
		if err := r.describe(&r.Groups[i], g); err != nil {
			return nil, err
		}
	}
	for i := range r.Groups {
		for j := i + 1; j < len(r.Groups); j++ {
			r.Pairs = append(r.Pairs, r.pair(&r.Groups[i], &r.Groups[j]))
		}
	}
	r.correct()
	return r, nil
}

// describe puts a group into numbers.
func (r *Report) describe(d *Described, g *Group) error {
	if err := r.measure(d, g); err != nil {
		return err
	}
	d.Interval = stats.Bootstrap(func(s [][]float64) float64 { return stats.Mean(s[0]) }, d.metric.list())
	if d.Failed >= 0 {
		share, n := float64(d.Failed)/float64(d.Runs), float64(len(d.failed.order))
		d.Share = stats.Wilson(share*n, n) // of runs on one subset as though they failed together
	}
	if d.N > 0 { // who makes n runs also makes those that diverge: each is as bad as the worst
		worst := d.Min
		if falls(r.Metric) {
			worst = d.Max
		}
		made := slices.Clone(d.values)
		for range d.Diverged {
			made = append(made, worst)
		}
		for n := range made {
			d.Best = append(d.Best, bestOf(made, n+1, falls(r.Metric)))
		}
	}
	return nil
}

// measure reads what the tests are about.
func (r *Report) measure(d *Described, g *Group) error {
	*d = Described{Name: g.Name, Runs: len(g.Runs), Failed: -1}
	for i := range g.Runs {
		v, ok, err := g.Runs[i].value(r.Metric)
		if err != nil {
			return err
		}
		if ok {
			d.values = append(d.values, v)
		}
	}
	d.Diverged = d.Runs - len(d.values)
	d.Summary = stats.Summarize(d.values)
	d.metric = r.unitsOf(g, func(run *Run) (float64, bool) { v, ok := run.Metrics[r.Metric]; return v, ok })
	d.Units = len(d.metric.order)
	d.Deviation = stats.Deviation(d.metric.list())
	if math.IsNaN(r.Line) {
		return nil
	}
	d.Failed = 0
	d.failed = r.unitsOf(g, func(run *Run) (float64, bool) {
		if r.Failed(run) {
			d.Failed++
			return 1, true
		}
		return 0, true
	})
	return nil
}

// Failed tells whether a run ended at or below the line or diverged; where no line
// is known, or the run has no such metric, whether it diverged.
func (r *Report) Failed(run *Run) bool {
	v, measured := run.Metrics[r.Metric]
	if !measured || math.IsNaN(r.Line) {
		return run.Diverged()
	}
	return v == r.Line || v < r.Line != falls(r.Metric)
}

// bestOf is the expected best of n: the largest, or the smallest.
func bestOf(x []float64, n int, smallest bool) float64 {
	if !smallest {
		return stats.BestOf(x, n)
	}
	negative := make([]float64, len(x))
	for i, v := range x {
		negative[i] = -v
	}
	return -stats.BestOf(negative, n)
}
