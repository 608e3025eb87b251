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
	Task   string
	Metric string
	Line   float64 // at or below it a run has failed, NaN when it is not known
	Groups []Described
	Pairs  []Pair // (first, second), (first, third), …, (second, third), …
}

// Described is a group in numbers, of the runs that have the metric.
type Described struct {
	Name     string
	Runs     int // those that diverged included
	Diverged int
	stats.Summary
	Interval stats.Interval // of the mean
	Failed   int            // -1 when the line is not known
	Share    stats.Interval // of failed runs
	Best     []float64      // expected best of 1, 2, …, N

	values []float64 // of the runs with a metric, in their order
	bySeed map[Seeds]float64
	order  []Seeds // of all runs
}

// Pair is what tests say of two groups. A value is NaN where a test is not defined.
type Pair struct {
	A, B       *Described
	Paired     bool           // the groups have the same seeds
	Pairs      int            // of runs with a metric; 0 when not paired
	Difference float64        // mean of A − mean of B
	Interval   stats.Interval // of the difference
	Order      Test           // Wilcoxon's test of the pairs, or Mann–Whitney's
	Spread     Test           // Brown–Forsythe; from 3 runs up
	Failures   Test           // Fisher
	A12        float64

	ahead float64 // above 0 where the ranks of A are the larger ones
	least float64 // the smallest p that Order can have with so many runs, corrected
}

// Test is a statistic with its p, alone and corrected for several pairs by Holm.
type Test struct{ Statistic, P, Holm float64 }

// Found tells whether the test shows a difference.
func (t Test) Found() bool { return t.Holm < Level }

// New compares groups by a metric, "" for that of the task. Groups that cannot be
// compared are an error of kind Data that says what differs.
func New(groups []*Group, metric string) (*Report, error) {
	first := &groups[0].Runs[0]
	for _, g := range groups {
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
	r := &Report{Task: first.Task, Metric: metric, Line: lineOf(first, metric), Groups: make([]Described, len(groups))}
	for i, g := range groups {
		if err := r.describe(&r.Groups[i], g); err != nil {
			return nil, err
		}
	}
	for i := range r.Groups {
		for j := i + 1; j < len(r.Groups); j++ {
			r.Pairs = append(r.Pairs, pair(&r.Groups[i], &r.Groups[j]))
		}
	}
	r.correct()
	return r, nil
}

// describe puts a group into numbers.
func (r *Report) describe(d *Described, g *Group) (err error) {
	*d = Described{Name: g.Name, Runs: len(g.Runs), Failed: -1}
	d.bySeed, d.values, err = g.values(r.Metric)
	if err != nil {
		return err
	}
	if len(d.values) == 0 {
		return fault.Errorf(fault.Data, "%s: every run diverged; there is no %s to compare", g.Name, r.Metric)
	}
	for i := range g.Runs {
		d.order = append(d.order, g.Runs[i].Seeds)
	}
	d.Diverged = d.Runs - len(d.values)
	d.Summary = stats.Summarize(d.values)
	d.Interval = stats.Bootstrap(func(s [][]float64) float64 { return stats.Mean(s[0]) }, d.values)
	if !math.IsNaN(r.Line) {
		d.Failed = 0
		for i := range g.Runs {
			if r.Failed(&g.Runs[i]) {
				d.Failed++
			}
		}
		d.Share = stats.Wilson(d.Failed, d.Runs)
	}
	for n := 1; n <= d.N; n++ {
		d.Best = append(d.Best, bestOf(d.values, n, falls(r.Metric)))
	}
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

// pair tests two groups.
func pair(a, b *Described) Pair {
	p := Pair{A: a, B: b, Paired: sameSeeds(a, b), Difference: a.Mean - b.Mean, A12: stats.A12(a.values, b.values)}
	if p.Paired {
		p.testPairs()
	} else {
		p.Interval = stats.Bootstrap(func(s [][]float64) float64 { return stats.Mean(s[0]) - stats.Mean(s[1]) }, a.values, b.values)
		p.Order.Statistic, p.Order.P = stats.MannWhitney(a.values, b.values)
		p.ahead = p.Order.Statistic - float64(a.N*b.N)/2
		_, p.least = stats.MannWhitney(upFrom(0, a.N), upFrom(a.N, b.N))
	}
	p.Spread.Statistic, p.Spread.P = math.NaN(), math.NaN()
	if min(a.N, b.N) >= 3 { // of two values the deviations from the median are equal
		p.Spread.Statistic, p.Spread.P = stats.BrownForsythe(a.values, b.values)
	}
	p.Failures.Statistic, p.Failures.P = math.NaN(), math.NaN()
	if a.Failed >= 0 {
		p.Failures.P = stats.Fisher(a.Failed, a.Runs, b.Failed, b.Runs)
	}
	return p
}

// sameSeeds tells whether the runs of two groups pair one to one; within a group
// no seeds stand twice.
func sameSeeds(a, b *Described) bool {
	for _, s := range a.order {
		if !slices.Contains(b.order, s) {
			return false
		}
	}
	return len(a.order) == len(b.order)
}

// testPairs compares the runs of the same seeds, in the order of A's.
func (p *Pair) testPairs() {
	var d []float64
	for _, s := range p.A.order {
		a, hasA := p.A.bySeed[s]
		if b, hasB := p.B.bySeed[s]; hasA && hasB {
			d = append(d, a-b)
		}
	}
	p.Pairs, p.Difference = len(d), stats.Mean(d)
	p.Interval = stats.Bootstrap(func(s [][]float64) float64 { return stats.Mean(s[0]) }, d)
	plus, minus, chance := stats.Wilcoxon(d)
	p.Order, p.ahead = Test{Statistic: math.Min(plus, minus), P: chance}, plus-minus
	_, _, p.least = stats.Wilcoxon(upFrom(1, len(d)))
}

// upFrom is from, from + 1, …, n of them.
func upFrom(from, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(from + i)
	}
	return v
}

// correct fills in Holm's p of each test over the pairs.
func (r *Report) correct() {
	for _, test := range []func(*Pair) *Test{
		func(p *Pair) *Test { return &p.Order },
		func(p *Pair) *Test { return &p.Spread },
		func(p *Pair) *Test { return &p.Failures },
	} {
		var raw []float64
		for i := range r.Pairs {
			raw = append(raw, test(&r.Pairs[i]).P)
		}
		for i, p := range stats.Holm(raw) {
			test(&r.Pairs[i]).Holm = p
		}
	}
	for i := range r.Pairs { // the first of Holm's is multiplied by their number
		r.Pairs[i].least *= float64(len(r.Pairs))
	}
}
