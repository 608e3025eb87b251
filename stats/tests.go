package stats

import (
	"math"
	"sort"
)

// BrownForsythe tests whether two samples spread alike (Brown and Forsythe,
// 1974), as scipy.stats.levene does with its default, the median: the analysis of
// variance of z = |x − median|,
//
//	F = (N − 2)·Σ n_j(z̄_j − z̄)² / ΣΣ(z − z̄_j)²
//
// NaN where that is not defined: within both samples all z are equal, as with two
// values each.
func BrownForsythe(a, b []float64) (f, p float64) {
	if len(a) == 0 || len(b) == 0 {
		return math.NaN(), math.NaN()
	}
	za, zb := deviations(a), deviations(b)
	n, m := float64(len(a)), float64(len(b))
	ma, mb := Mean(za), Mean(zb)
	within := squaresAround(za, ma) + squaresAround(zb, mb)
	if tiny := 1e-12 * math.Max(ma, mb); within <= tiny*tiny { // rounding only
		return math.NaN(), math.NaN()
	}
	between := n * m / (n + m) * (ma - mb) * (ma - mb)
	f = (n + m - 2) * between / within
	return f, studentP(math.Sqrt(f), len(a)+len(b)-2)
}

// Deviation is the mean absolute deviation from the median, Σ|x − median|/n, of which
// BrownForsythe asks whether two samples have the same.
func Deviation(x []float64) float64 { return Mean(deviations(x)) }

// deviations is |x − median|.
func deviations(x []float64) []float64 {
	z, m := make([]float64, len(x)), Median(x)
	for i, v := range x {
		z[i] = math.Abs(v - m)
	}
	return z
}

// studentP is how often a variable of Student's distribution with n degrees of
// freedom is farther from 0 than t: the finite sums of Abramowitz and Stegun,
// 26.7.3 and 26.7.4, in θ = atan(t/√n). As 1 less a sum it errs by some 1e-16.
func studentP(t float64, n int) float64 {
	theta := math.Atan(t / math.Sqrt(float64(n)))
	sin, cos := math.Sin(theta), math.Cos(theta)
	within, term := 0.0, sin
	if n%2 == 1 {
		within, term = theta, sin*cos
	}
	for k := n%2 + 2; k <= n; k += 2 {
		within += term
		term *= cos * cos * float64(k-1) / float64(k)
	}
	if n%2 == 1 {
		within *= 2 / math.Pi
	}
	return math.Max(0, 1-within)
}

// Fisher is the exact test of whether a share is the same in two samples, of
// which k1 of n1 and k2 of n2 have it, two-sided: how often, of all ways to deal
// the k1 + k2 out, one comes out that is as rare as this or rarer.
func Fisher(k1, n1, k2, n2 int) float64 {
	all := k1 + k2
	low, high := max(0, all-n2), min(all, n1)
	chance := make([]float64, high-low+1) // logarithm, of low + i in the first sample
	top := math.Inf(-1)
	for i := range chance {
		chance[i] = logChoose(n1, low+i) + logChoose(n2, all-low-i)
		top = math.Max(top, chance[i])
	}
	rare, sum := 0.0, 0.0
	for _, c := range chance {
		share := math.Exp(c - top)
		sum += share
		if c <= chance[k1-low]+1e-10 { // equal but for rounding
			rare += share
		}
	}
	return rare / sum
}

// logChoose is ln of n over k.
func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// Holm is p, each corrected so that of all the tests together one errs in 5 % of
// cases when all below 0.05 are believed (Holm, 1979): the i-th smallest of m
// becomes the largest of (m − j + 1)·p_j, j ≤ i, at most 1. A NaN is no test.
func Holm(p []float64) []float64 {
	var order []int
	out := make([]float64, len(p))
	for i, v := range p {
		out[i] = v
		if v == v {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return p[order[i]] < p[order[j]] })
	top := 0.0
	for j, i := range order {
		top = math.Max(top, float64(len(order)-j)*p[i])
		out[i] = math.Min(1, top)
	}
	return out
}
