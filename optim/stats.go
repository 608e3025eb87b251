package optim

import (
	"math"

	"pactune/tensor"
)

// Range is the extent of a tensor's values.
type Range struct{ Max, Min, Mean float64 }

// TensorStats is what an update saw of one tensor. The norms of the gradient
// are of the last update; the other figures are of the last one recorded, the
// gradient's before clipping and the weight's before the step.
type TensorStats struct {
	Name     string
	Shape    []int
	Elements int
	Clipped  bool    // its component was clipped
	Norm     float64 // Euclidean norm of the gradient before clipping
	After    float64 // after clipping

	WeightNorm       float64
	Moved            float64 // ‖w − w0‖, w0 of KeepStart; −1 without
	Gradient, Weight Range
}

// pieceRange is one piece's share of TensorStats; means hold sums, square and
// moved the sums of squares of w and of w − w0.
type pieceRange struct {
	gradient, weight Range
	square, moved    float64
}

// KeepStart keeps a copy of the weights of now as w0 of TensorStats.Moved.
func (c *Clipper) KeepStart() {
	for _, p := range c.params {
		c.start = append(c.start, append([]tensor.Float(nil), p.Clean...))
	}
}

// distance returns Σ (a − b)² in the order of the elements.
func distance(a, b []tensor.Float) float64 {
	sum := 0.0
	for i, x := range a {
		d := float64(x) - float64(b[i])
		sum += float64(d * d)
	}
	return sum
}

// rangeOf returns maximum, minimum and, in place of the mean, the sum of x,
// which is not empty.
func rangeOf(x []tensor.Float) Range {
	hi, lo, sum := x[0], x[0], 0.0
	for _, v := range x {
		if v > hi {
			hi = v
		}
		if v < lo {
			lo = v
		}
		sum += float64(v)
	}
	return Range{float64(hi), float64(lo), sum}
}

func (r *Range) join(o Range) {
	r.Max, r.Min, r.Mean = max(r.Max, o.Max), min(r.Min, o.Min), r.Mean+o.Mean
}

// collect joins the pieces' ranges, in order, to those of the tensors.
func (c *Clipper) collect() {
	k := 0
	for i := range c.Tensors {
		all := pieceRange{gradient: emptyRange, weight: emptyRange}
		for ; k < len(c.pieces) && c.pieces[k].Param == i; k++ {
			all.gradient.join(c.ranges[k].gradient)
			all.weight.join(c.ranges[k].weight)
			all.square += c.ranges[k].square
			all.moved += c.ranges[k].moved
		}
		t := &c.Tensors[i]
		t.WeightNorm, t.Gradient, t.Weight = math.Sqrt(all.square), all.gradient, all.weight
		if c.start != nil {
			t.Moved = math.Sqrt(all.moved)
		}
		t.Gradient.Mean /= float64(t.Elements)
		t.Weight.Mean /= float64(t.Elements)
	}
}

var emptyRange = Range{Max: math.Inf(-1), Min: math.Inf(1)}
