package tfevents

import "math"

// buckets of a histogram, as many as TensorBoard draws.
const buckets = 30

// Histogram is the distribution of values in buckets of equal width. Limits[i] is the
// upper limit of the bucket that has Counts[i] values; the last one is Max.
type Histogram struct {
	Min, Max, Num, Sum, SumSquares float64
	Limits, Counts                 []float64
}

// NewHistogram counts the values of several lists, none of which is NaN. Equal
// values share one bucket.
func NewHistogram[T float32 | float64](lists ...[]T) *Histogram {
	h := &Histogram{Min: math.Inf(1), Max: math.Inf(-1)}
	for _, list := range lists {
		for _, x := range list {
			v := float64(x)
			h.Min, h.Max = min(h.Min, v), max(h.Max, v)
			h.Num++
			h.Sum += v
			h.SumSquares += float64(v * v)
		}
	}
	width := (h.Max - h.Min) / buckets
	if !(width > 0) || math.IsInf(width, 0) {
		h.Limits, h.Counts = []float64{h.Max}, []float64{h.Num}
		return h
	}
	h.Limits, h.Counts = make([]float64, buckets), make([]float64, buckets)
	for i := range h.Limits {
		h.Limits[i] = h.Min + float64(width*float64(i+1))
	}
	h.Limits[buckets-1] = h.Max
	for _, list := range lists {
		for _, x := range list {
			h.Counts[min(buckets-1, int((float64(x)-h.Min)/width))]++
		}
	}
	return h
}

func (h *Histogram) appendTo(b []byte) []byte {
	for i, v := range []float64{h.Min, h.Max, h.Num, h.Sum, h.SumSquares} {
		b = appendDouble(b, 1+i, v)
	}
	return appendDoubles(appendDoubles(b, 6, h.Limits), 7, h.Counts)
}
