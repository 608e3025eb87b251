package compare

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"pactune/stats"
)

// units are the values of a group that count as one each in tests and intervals: a
// run, or where the runs are on several random subsets of the training rows
// (sample_seed) the mean of those on one. Runs on one subset resemble each other,
// and as independent ones they would make chance look like a difference.
type units struct {
	order []Seeds // of the units that have a value; of a subset SampleSeed alone
	of    map[Seeds]float64
}

// severalSubsets tells whether the runs of a group are on several subsets.
func (g *Group) severalSubsets() bool {
	for i := range g.Runs {
		if g.Runs[i].Seeds.SampleSeed != g.Runs[0].Seeds.SampleSeed {
			return true
		}
	}
	return false
}

// unitsOf are those of a group by a value of its runs, which not every run has.
func (r *Report) unitsOf(g *Group, value func(*Run) (float64, bool)) units {
	u := units{of: map[Seeds]float64{}}
	values := map[Seeds][]float64{}
	for i := range g.Runs {
		key := g.Runs[i].Seeds
		if r.Subsets {
			key = Seeds{SampleSeed: key.SampleSeed}
		}
		if v, ok := value(&g.Runs[i]); ok {
			if values[key] == nil {
				u.order = append(u.order, key)
			}
			values[key] = append(values[key], v)
		}
	}
	for key, list := range values {
		u.of[key] = stats.Mean(list)
	}
	return u
}

// list is the values in their order.
func (u units) list() []float64 {
	var values []float64
	for _, key := range u.order {
		values = append(values, u.of[key])
	}
	return values
}

// ordered is what a test of order says of two groups.
type ordered struct {
	Test
	paired bool
	d      []float64 // the differences of the pairs, when paired
	ahead  float64   // above 0 where the ranks of the first are the larger ones
	least  float64   // the smallest p that the test can have with so many
}

// order is Wilcoxon's test of the units that two groups have in common where those
// are two or more, else Mann–Whitney's of all.
func order(a, b units) ordered {
	var d []float64
	size := 0.0
	for _, key := range a.order {
		if v, ok := b.of[key]; ok {
			d = append(d, a.of[key]-v)
		}
	}
	for _, v := range append(a.list(), b.list()...) {
		size = math.Max(size, math.Abs(v))
	}
	if len(d) >= 2 {
		plus, minus, p := stats.Wilcoxon(rounded(d, size))
		_, _, least := stats.Wilcoxon(upFrom(1, len(d)))
		return ordered{Test{Statistic: math.Min(plus, minus), P: p}, true, d, plus - minus, least}
	}
	n, m := len(a.order), len(b.order)
	u, p := stats.MannWhitney(rounded(a.list(), size), rounded(b.list(), size))
	_, least := stats.MannWhitney(upFrom(0, n), upFrom(n, m))
	return ordered{Test{Statistic: u, P: p}, false, nil, u - float64(n*m)/2, least}
}

// rounded is x to 2⁻³⁰ of the power of two above size, the largest value of the
// metric: about nine digits. Differences of accuracies k/N that are equal differ in
// their last bits; rounded they are ties, as they are with exact numbers. A
// power of two keeps k/N, N below 2²⁰, far from where rounding up meets rounding
// down.
func rounded(x []float64, size float64) []float64 {
	_, exponent := math.Frexp(size)
	step := math.Ldexp(1, exponent-30)
	r := make([]float64, len(x))
	for i, v := range x {
		r[i] = math.Round(v/step) * step
	}
	return r
}

// upFrom is from, from + 1, …, n of them.
func upFrom(from, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(from + i)
	}
	return v
}

// alone are the seeds of the units that other lacks, from the smallest up.
func (u units) alone(other units, subsets bool) []uint64 {
	numbers := []uint64{}
	for _, key := range u.order {
		if _, ok := other.of[key]; ok {
			continue
		}
		if subsets {
			numbers = append(numbers, key.SampleSeed)
		} else {
			numbers = append(numbers, key.Seed)
		}
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	return numbers
}

// ranges writes sorted numbers, those that follow each other as 7..9.
func ranges(numbers []uint64) string {
	var parts []string
	for i := 0; i < len(numbers); {
		to := i
		for to+1 < len(numbers) && numbers[to+1] == numbers[to]+1 {
			to++
		}
		text := strconv.FormatUint(numbers[i], 10)
		if to > i {
			text += ".." + strconv.FormatUint(numbers[to], 10)
		}
		parts = append(parts, text)
		i = to + 1
	}
	return strings.Join(parts, ", ")
}
