package stats

import (
	"math"
	"sort"
)

// Summary describes a sample.
type Summary struct {
	N                      int
	Min, Mean, Median, Max float64
	Std                    float64 // sample: sqrt(Σ(x − mean)²/(n − 1)), NaN for n = 1
	PopulationStd          float64 // sqrt(Σ(x − mean)²/n), which CWGNC's paper reports
}

// Summarize describes x; of no values all but N is NaN.
func Summarize(x []float64) Summary {
	s := Summary{N: len(x), Min: math.NaN(), Mean: Mean(x), Median: Median(x), Max: math.NaN()}
	if len(x) > 0 {
		v := sorted(x)
		s.Min, s.Max = v[0], v[len(v)-1]
	}
	squares := squaresAround(x, s.Mean)
	s.Std = math.Sqrt(squares / float64(max(len(x)-1, 0)))
	s.PopulationStd = math.Sqrt(squares / float64(len(x)))
	return s
}

// Mean is Σx/n.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// Median is the middle value, or the mean of the two in the middle.
func Median(x []float64) float64 {
	return Quantile(x, 0.5)
}

// Quantile is the q-quantile of x, linear between the values as NumPy's; NaN of no
// values.
func Quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return quantile(sorted(x), q)
}

// squaresAround is Σ(x − m)².
func squaresAround(x []float64, m float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64((v - m) * (v - m))
	}
	return sum
}

func sorted(x []float64) []float64 {
	v := append([]float64(nil), x...)
	sort.Float64s(v)
	return v
}

// quantile is the q-quantile of sorted values, linear between them, as NumPy's.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}

// BestOf is the expected largest of n values drawn from x with replacement, the
// expected validation performance of Dodge et al. (2019): with x sorted and N
// values Σ x_i ((i/N)^n − ((i−1)/N)^n).
func BestOf(x []float64, n int) float64 {
	sum, below := 0.0, 0.0
	for i, v := range sorted(x) {
		upTo := math.Pow(float64(i+1)/float64(len(x)), float64(n))
		sum += float64(v * (upTo - below))
		below = upTo
	}
	return sum
}
