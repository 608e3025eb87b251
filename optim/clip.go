package optim

import (
	"math"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tensor"
)

// clipEps keeps the quotient threshold/norm finite, as in clip_grad_norm_.
const clipEps = 1e-6

// Component is a set of tensors that are clipped together, and what the last
// update saw of it.
type Component struct {
	Name     string
	Elements int
	Norm     float64 // Euclidean norm of the gradient before clipping
	After    float64 // after component-wise and global clipping
	Clipped  bool    // the component-wise threshold was exceeded

	square, factor float64
}

// Clipper scales gradients, g ← g·min(1, c/(‖g‖₂ + 1e-6)): first each
// component by its own norm, then all together by the global norm. It measures
// all norms whether or not it clips.
type Clipper struct {
	ComponentNorm float64 // threshold c of every component; 0: off
	GlobalNorm    float64 // threshold of the global norm; 0: off

	Components []Component
	Tensors    []TensorStats
	Norm       float64 // global norm before clipping
	After      float64 // global norm after clipping
	Rate       float64 // elements in clipped components / all elements

	pool      *par.Pool
	params    []*autograd.Param
	start     [][]tensor.Float // w0 of each parameter, nil without KeepStart
	component []int            // of each parameter
	elements  int
	pieces    []Piece
	sums      []float64 // of each piece: Σ g²
	ranges    []pieceRange
	record    bool
}

// NewClipper returns a Clipper of the parameters' gradients with components
// as grouping says, in the order of their first tensors.
func NewClipper(pool *par.Pool, params []*autograd.Param, grouping Grouping, componentNorm, globalNorm float64) *Clipper {
	mustTrain("NewClipper", params)
	c := &Clipper{ComponentNorm: componentNorm, GlobalNorm: globalNorm,
		pool: pool, params: params, pieces: Cut(params)}
	index := map[string]int{}
	for _, p := range params {
		name := grouping.componentOf(p.Name)
		i, ok := index[name]
		if !ok {
			i = len(c.Components)
			index[name] = i
			c.Components = append(c.Components, Component{Name: name})
		}
		c.component = append(c.component, i)
		c.Components[i].Elements += len(p.Clean)
		c.elements += len(p.Clean)
		c.Tensors = append(c.Tensors, TensorStats{Name: p.Name, Shape: p.Shape, Elements: len(p.Clean), Moved: -1})
	}
	c.sums = make([]float64, len(c.pieces))
	c.ranges = make([]pieceRange, len(c.pieces))
	return c
}

// Measure computes the norm of every tensor, of every component and of all
// gradients, in float64; with record also the other figures of Tensors. A norm
// that is not finite is an error of kind Diverged that names the first such
// tensor: nothing has been changed by then.
func (c *Clipper) Measure(record bool) error {
	c.record = record
	c.pool.Run(len(c.pieces), (*normTask)(c))
	for i := range c.Components {
		c.Components[i].square = 0
	}
	var global float64
	k := 0
	for i := range c.Tensors {
		var square float64
		for ; k < len(c.pieces) && c.pieces[k].Param == i; k++ {
			square += c.sums[k]
		}
		t := &c.Tensors[i]
		t.Norm = math.Sqrt(square)
		if math.IsNaN(t.Norm) || math.IsInf(t.Norm, 0) {
			return fault.Errorf(fault.Diverged, "the gradient of %s is not finite (norm %v): "+
				"try a lower learning rate", t.Name, t.Norm)
		}
		c.Components[c.component[i]].square += square
		global += square
	}
	c.Norm = math.Sqrt(global)
	c.clear()
	if record {
		c.collect()
	}
	return nil
}

// clear states the figures for gradients that have not been clipped.
func (c *Clipper) clear() {
	for i := range c.Components {
		m := &c.Components[i]
		m.Norm, m.factor, m.Clipped = math.Sqrt(m.square), 1, false
		m.After = m.Norm
	}
	for i := range c.Tensors {
		c.Tensors[i].After, c.Tensors[i].Clipped = c.Tensors[i].Norm, false
	}
	c.After, c.Rate = c.Norm, 0
}

// Clip scales the gradients that Measure has measured. The factor of a tensor
// is the product of its component's and the global one, applied once.
func (c *Clipper) Clip() {
	clipped, square, changed := 0, 0.0, false
	for i := range c.Components {
		m := &c.Components[i]
		m.factor = clipFactor(c.ComponentNorm, m.Norm)
		if m.Clipped = m.factor < 1; m.Clipped {
			clipped += m.Elements
			changed = true
		}
		m.After = m.Norm * m.factor
		square += float64(m.After * m.After)
	}
	c.Rate = float64(clipped) / float64(max(1, c.elements))
	norm := math.Sqrt(square)
	if global := clipFactor(c.GlobalNorm, norm); global < 1 {
		norm *= global
		changed = true
		for i := range c.Components {
			c.Components[i].factor *= global
			c.Components[i].After *= global
		}
	}
	if !changed {
		return
	}
	c.After = norm
	for i := range c.Tensors {
		m := &c.Components[c.component[i]]
		c.Tensors[i].After, c.Tensors[i].Clipped = c.Tensors[i].Norm*m.factor, m.Clipped
	}
	c.pool.Run(len(c.pieces), (*scaleTask)(c))
}

// clipFactor is min(1, threshold/(norm + 1e-6)), 1 when the threshold is off.
func clipFactor(threshold, norm float64) float64 {
	if threshold <= 0 {
		return 1
	}
	return min(1, threshold/(norm+clipEps))
}

type normTask Clipper

func (c *normTask) Piece(i int) {
	k := c.pieces[i]
	p := c.params[k.Param]
	g := p.Grad[k.Lo:k.Hi]
	c.sums[i] = tensor.SumSquares(g)
	if c.record {
		w := p.Clean[k.Lo:k.Hi]
		c.ranges[i] = pieceRange{gradient: rangeOf(g), weight: rangeOf(w), square: tensor.SumSquares(w)}
		if c.start != nil {
			c.ranges[i].moved = distance(w, c.start[k.Param][k.Lo:k.Hi])
		}
	}
}

type scaleTask Clipper

func (c *scaleTask) Piece(i int) {
	k := c.pieces[i]
	if f := c.Components[c.component[k.Param]].factor; f < 1 {
		tensor.Scale(c.params[k.Param].Grad[k.Lo:k.Hi], tensor.Float(f))
	}
}
