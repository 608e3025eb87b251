package compare

import (
	"math"

	"pactune/stats"
)

// Pair is what tests say of two groups. A value is NaN where a test is not defined.
type Pair struct {
	A, B       *Described
	Paired     bool           // two or more units belong together: runs of the same seeds, or subsets
	Pairs      int            // 0 when not paired
	OnlyA      []uint64       // when paired, the seeds of A's units without a partner
	OnlyB      []uint64       // and of B's
	Difference float64        // of the means over the pairs, or over all units: A − B
	Interval   stats.Interval // of the difference
	Order      Test           // Wilcoxon's test of the pairs, or Mann–Whitney's
	Spread     Test           // Brown–Forsythe; from 3 units up
	Failures   Test           // Fisher; of subsets, the test of order of their shares
	A12        float64        // of runs

	ahead        float64 // above 0 where the ranks of A are the larger ones
	least        float64 // the smallest p that Order can have with so many units, corrected
	failsMore    float64 // above 0 where A does
	sharesPaired bool    // Failures is Wilcoxon's test
}

// Test is a statistic with its p, alone and corrected for several pairs by Holm.
type Test struct{ Statistic, P, Holm float64 }

// Found tells whether the test shows a difference.
func (t Test) Found() bool { return t.Holm < Level }

// pair tests two groups.
func (r *Report) pair(a, b *Described) Pair {
	p := Pair{A: a, B: b, A12: stats.A12(a.values, b.values)}
	d := p.test(r.Subsets)
	if p.Paired {
		p.Interval = stats.Bootstrap(func(s [][]float64) float64 { return stats.Mean(s[0]) }, d)
	} else {
		p.Interval = stats.Bootstrap(func(s [][]float64) float64 { return stats.Mean(s[0]) - stats.Mean(s[1]) }, a.metric.list(), b.metric.list())
	}
	return p
}

// test fills in the tests and returns the differences of the pairs.
func (p *Pair) test(subsets bool) (d []float64) {
	a, b, nan := p.A, p.B, math.NaN()
	o := order(a.metric, b.metric)
	p.Paired, p.Pairs, p.Order, p.ahead, p.least = o.paired, len(o.d), o.Test, o.ahead, o.least
	p.Difference = stats.Mean(o.d)
	if p.Paired {
		p.OnlyA, p.OnlyB = a.metric.alone(b.metric, subsets), b.metric.alone(a.metric, subsets)
	} else {
		p.Difference = stats.Mean(a.metric.list()) - stats.Mean(b.metric.list())
	}
	p.Spread, p.Failures = Test{nan, nan, nan}, Test{nan, nan, nan}
	if min(a.Units, b.Units) >= 3 { // of two values the deviations from the median are equal
		p.Spread.Statistic, p.Spread.P = stats.BrownForsythe(a.metric.list(), b.metric.list())
	}
	switch {
	case a.Failed < 0:
	case subsets:
		f := order(a.failed, b.failed)
		p.Failures, p.failsMore, p.sharesPaired = f.Test, f.ahead, f.paired
	default:
		p.Failures.P = stats.Fisher(a.Failed, a.Runs, b.Failed, b.Runs)
		p.failsMore = float64(a.Failed*b.Runs - b.Failed*a.Runs)
	}
	return o.d
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
	tested := 0
	for i := range r.Pairs {
		if p := r.Pairs[i].Order.P; p == p {
			tested++
		}
	}
	for i := range r.Pairs { // the first of Holm's is multiplied by their number
		r.Pairs[i].least *= float64(tested)
	}
}
