package autograd

import "pactune/tensor"

// Param is a named weight tensor of a model: its values, and the gradient that
// backward passes add to. A Param may be used several times in a graph.
type Param struct {
	Name  string
	Shape []int
	// Data is what the forward pass reads: Clean, or a noisy copy of it while
	// PAC-tuning's noise is on.
	Data []tensor.Float
	// Clean are the stored weights, never noisy.
	Clean []tensor.Float
	// Grad is added to by backward passes; nil for a frozen parameter.
	Grad []tensor.Float
	// Frozen parameters get no gradient and are not trained.
	Frozen bool
}

// Len returns the number of elements, the product of Shape.
func (p *Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}
