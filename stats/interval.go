package stats

import (
	"math"
	"sort"

	"pactune/internal/fmath"
	"pactune/internal/rng"
)

// Interval is where something lies with 95 %.
type Interval struct{ Low, High float64 }

// resamples are drawn for an interval: its ends then waver by less than a 25th of
// the statistic's standard error.
const resamples = 10000

// Bootstrap is the interval of a statistic by the percentile bootstrap (Efron,
// 1979): each sample is drawn anew from itself with replacement, as large as it
// is, 10,000 times; the ends are the 2.5 and 97.5 % quantiles of what the
// statistic makes of these. Samples are drawn apart from each other: the pairs of
// paired ones are one sample, of their differences. The interval of a mean of
// five values is too narrow by about a fifth, that of thirty by a twentieth. It is NaN
// where a sample has fewer than two values, which do not say how far they spread.
func Bootstrap(statistic func(samples [][]float64) float64, samples ...[]float64) Interval {
	var rows []int32
	drawn := make([][]float64, len(samples))
	for i, x := range samples {
		drawn[i] = make([]float64, len(x))
		if len(x) < 2 {
			return Interval{math.NaN(), math.NaN()}
		}
	}
	values := make([]float64, resamples)
	for set := range values {
		for i, x := range samples {
			rows = append(rows[:0], make([]int32, len(x))...)
			Draw(i*resamples+set, rows)
			for j, r := range rows {
				drawn[i][j] = x[r]
			}
		}
		values[set] = statistic(drawn)
	}
	return Middle(values)
}

// Draw fills rows with what resample number set of that many rows holds: each is
// one of 0 … len(rows)−1, drawn with replacement, a function of set alone.
func Draw(set int, rows []int32) {
	key := rng.NewKey(0, rng.StreamBootstrap, uint64(set))
	for i := range rows {
		rows[i] = int32(key.Intn(uint64(i), len(rows)))
	}
}

// Middle is the interval from the 2.5 to the 97.5 % quantile of values, which it
// sorts.
func Middle(values []float64) Interval {
	sort.Float64s(values)
	return Interval{quantile(values, 0.025), quantile(values, 0.975)}
}

// Wilson is the interval of a share of which k of n were seen (Wilson, 1927); of
// observations that are not independent n is the number of those that are, and k a
// share of it:
// with z = Φ⁻¹(0.975) and p = k/n
//
//	(p + z²/2n ± z·sqrt(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
//
// It lies within [0, 1] and has a width also for k = 0.
func Wilson(k, n float64) Interval {
	z := fmath.NormalQuantile(0.975)
	p, zz := k/n, z*z
	centre := (p + zz/(2*n)) / (1 + zz/n)
	half := z / (1 + zz/n) * math.Sqrt(p*(1-p)/n+zz/(4*n*n))
	i := Interval{math.Max(0, centre-half), math.Min(1, centre+half)}
	if k == 0 {
		i.Low = 0
	}
	if k == n {
		i.High = 1
	}
	return i
}
