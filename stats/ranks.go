package stats

import (
	"math"
	"sort"
)

// Wilcoxon is the signed-rank test of differences d around 0, two-sided, as
// scipy.stats.wilcoxon: zeros are left out, the rest ranked by size; plus and minus
// are the rank sums of the two signs, of which SciPy gives the smaller. p is exact up
// to 50 differences without ties and zeros, and up to 13 with them; else normal, with
// the correction for ties and none for continuity. Of zeros only p is 1, where SciPy
// has NaN from 14 on. Zeros and ties are by ==: the caller rounds the differences, or
// their last bits decide.
func Wilcoxon(d []float64) (plus, minus, p float64) {
	if len(d) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	var signed, sizes []float64
	for _, v := range d {
		if v != 0 {
			signed, sizes = append(signed, v), append(sizes, math.Abs(v))
		}
	}
	r, ties := ranks(sizes)
	for i, v := range signed {
		if v > 0 {
			plus += r[i]
		} else {
			minus += r[i]
		}
	}
	w := math.Min(plus, minus)
	whole := ties == 0 && len(signed) == len(d)
	switch {
	case len(signed) == 0:
		return 0, 0, 1
	case whole && len(d) <= 50 || len(d) <= 13:
		return plus, minus, signedRankP(r, w)
	}
	n := float64(len(signed))
	deviation := math.Sqrt((n*(n+1)*(2*n+1) - ties/2) / 24)
	return plus, minus, twoTails((n*(n+1)/4 - w) / deviation)
}

// signedRankP is how often, of all ways to give ranks r signs, the smaller of the
// two sums is at most w. Ranks are halves, so they are counted doubled; of up to
// 50 values the counts are exact.
func signedRankP(r []float64, w float64) float64 {
	ways, top := []float64{1}, 0
	for _, v := range r {
		step := int(2 * v)
		top += step
		ways = append(ways, make([]float64, step)...)
		for s := top; s >= step; s-- {
			ways[s] += ways[s-step]
		}
	}
	below := 0.0
	for s := 0; s <= int(2*w); s++ {
		below += ways[s]
	}
	return math.Min(1, 2*math.Ldexp(below, -len(r)))
}

// MannWhitney is the rank-sum test of two samples, two-sided, as
// scipy.stats.mannwhitneyu: u counts the pairs in which a is larger, an equal one
// as a half. p is exact where there are no ties and one sample has at most 8
// values; else normal, with the corrections for ties and continuity.
func MannWhitney(a, b []float64) (u, p float64) {
	if len(a) == 0 || len(b) == 0 {
		return math.NaN(), math.NaN()
	}
	r, ties := ranks(append(append([]float64(nil), a...), b...))
	n, m := float64(len(a)), float64(len(b))
	u = -n * (n + 1) / 2
	for i := range a {
		u += r[i]
	}
	smaller := math.Min(u, n*m-u)
	if ties == 0 && min(len(a), len(b)) <= 8 {
		return u, rankSumP(min(len(a), len(b)), max(len(a), len(b)), int(smaller))
	}
	all := n + m
	deviation := math.Sqrt(n * m / 12 * (all + 1 - ties/(all*(all-1))))
	return u, math.Min(1, twoTails((n*m/2-smaller-0.5)/deviation))
}

// rankSumP is how often, of all ways to choose n of n + m places, at most u pairs
// stand in the wrong order, or as few in the right one. ways[k][s] counts the
// choices of k places with s such pairs: the next place is chosen, which puts the
// places before it that are not chosen into pairs, or it is not.
func rankSumP(n, m, u int) float64 {
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, n*m+1)
	}
	ways[0][0] = 1
	for place := range n + m {
		for k := min(n, place+1); k >= 1; k-- {
			pairs := place - (k - 1)
			for s := n * m; s >= pairs; s-- {
				ways[k][s] += ways[k-1][s-pairs]
			}
		}
	}
	below, all := 0.0, 0.0
	for s, c := range ways[n] {
		all += c
		if s <= u {
			below += c
		}
	}
	return math.Min(1, 2*below/all)
}

// A12 is how often a value of a is larger than one of b, an equal one counting as
// a half (Vargha and Delaney, 2000): ½ is no effect; they call 0.56 small, 0.64
// medium, 0.71 large.
func A12(a, b []float64) float64 {
	u, _ := MannWhitney(a, b)
	return u / float64(len(a)*len(b))
}

// ranks numbers x by size from 1, equal values by the mean of their numbers; ties
// is Σ(t³ − t) over groups of t equal values.
func ranks(x []float64) (r []float64, ties float64) {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return x[order[i]] < x[order[j]] })
	r = make([]float64, len(x))
	for from := 0; from < len(x); {
		to := from
		for to < len(x) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			r[i] = float64(from+1+to) / 2
		}
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	return r, ties
}

// twoTails is how often a standard normal variable is farther from 0 than z; for
// a negative z it is above 1.
func twoTails(z float64) float64 { return math.Erfc(z / math.Sqrt2) }
