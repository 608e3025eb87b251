package glue

import (
	"fmt"

	"pactune/internal/fault"
	"pactune/internal/rng"
)

// Steps of rng.StreamSubset: they keep the draws of one seed apart.
const (
	stepSample  = 0
	stepHoldOut = 1
)

// sample keeps n random rows, in file order.
func (d *Dataset) sample(n int, seed uint64) error {
	if n > len(d.Examples) {
		return fault.Errorf(fault.Usage, "--train_size %d: %s has %s; give a smaller number", n, d.Path, rowCount(len(d.Examples)))
	}
	d.Examples, _ = d.part(randomRows(len(d.Examples), n, seed))
	return nil
}

// randomRows marks n random ones of so many rows.
func randomRows(rows, n int, seed uint64) []bool {
	p := make([]int32, rows)
	rng.NewKey(seed, rng.StreamSubset, stepSample).Perm(p)
	keep := make([]bool, rows)
	for _, row := range p[:n] {
		keep[row] = true
	}
	return keep
}

// part divides the examples by a mark per row; both parts keep file order.
func (d *Dataset) part(marked []bool) (in, out []Example) {
	for i, e := range d.Examples {
		if marked[i] {
			in = append(in, e)
		} else {
			out = append(out, e)
		}
	}
	return in, out
}

// holdOut moves a fifth of the training rows into an evaluation part: of
// every class its fifth (stratified; at least one row, never all), drawn from
// the seed. Regression and multi-label data are one stratum.
func (d *Data) holdOut(seed uint64) error {
	strata := make([][]int32, len(d.LabelNames))
	for i, e := range d.Train.Examples {
		class := 0
		if d.Problem == SingleLabel {
			class = e.Label
		}
		strata[class] = append(strata[class], int32(i))
	}
	key := rng.NewKey(seed, rng.StreamSubset, stepHoldOut)
	held := make([]bool, len(d.Train.Examples))
	count := 0
	for class, rows := range strata {
		n := (len(rows) + 2) / 5 // rounded
		if n == 0 && len(rows) > 1 {
			n = 1
		}
		p := make([]int32, len(rows))
		key.Fold(uint32(class)).Perm(p)
		for _, j := range p[:n] {
			held[rows[j]] = true
		}
		count += n
	}
	if count == 0 {
		return fault.Errorf(fault.Data, "%s: %s, no two of one class, are too few to hold some out for evaluation; give --validation_file FILE, or more rows", d.Train.Path, rowCount(len(d.Train.Examples)))
	}
	eval := *d.Train
	eval.Notes = nil
	eval.Examples, d.Train.Examples = d.Train.part(held)
	d.Eval = []*Dataset{&eval}
	how := "stratified"
	if d.Problem != SingleLabel {
		how = "at random"
	}
	d.Choices = append(d.Choices, Choice{
		fmt.Sprintf("evaluation: %d of %d rows held out, %s, by seed %d", count, len(held), how, seed), "--validation_file"})
	return nil
}

// ClassCounts returns the number of examples of every class; of a multi-label
// problem an example counts in each of its classes, of a regression the
// result is nil.
func (d *Dataset) ClassCounts() []int {
	if d.Problem == Regression {
		return nil
	}
	counts := make([]int, len(d.LabelNames))
	for _, e := range d.Examples {
		if e.Label >= 0 {
			counts[e.Label]++
		}
		for c, in := range e.Labels {
			if in {
				counts[c]++
			}
		}
	}
	return counts
}

// mostFrequent is the position of the largest count, the first among equals.
func mostFrequent(counts []int) int {
	best := 0
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return best
}
