package pac

import (
	"math"

	"pactune/internal/fmath"
	"pactune/tensor"
)

// Spread is how large the noise is: the root of the mean variance over all
// weights, e^{2p} of the posterior and e^{2b} of the prior, for the body and
// for the head.
type Spread struct{ PosteriorBody, PosteriorHead, PriorBody, PriorHead float64 }

// Spread returns the posterior of the last Begin and the prior of now.
func (n *Noise) Spread() Spread {
	var posterior, prior, size [2]float64
	for i := range n.Tensors {
		t, part := &n.Tensors[i], n.partOf(i)
		elements := float64(len(t.noisy))
		posterior[part] += t.sums.E2P
		prior[part] += float64(elements * fmath.Exp(2*float64(n.B[i])))
		size[part] += elements
	}
	for part := range size {
		posterior[part] = math.Sqrt(posterior[part] / max(1, size[part]))
		prior[part] = math.Sqrt(prior[part] / max(1, size[part]))
	}
	return Spread{posterior[0], posterior[1], prior[0], prior[1]}
}

// Extremes returns the smallest and the largest posterior std of all weights.
// It reads every p: a pass over memory of its own.
func (n *Noise) Extremes() (least, most float64) {
	if n.kind == PerWeight {
		n.pool.Run(len(n.pieces), (*extremeTask)(n))
	} else {
		for i, k := range n.pieces {
			p := n.Tensors[k.Param].P[0]
			n.extremes[i] = [2]tensor.Float{p, p}
		}
	}
	low, high := n.extremes[0][0], n.extremes[0][1]
	for _, e := range n.extremes {
		low, high = min(low, e[0]), max(high, e[1])
	}
	return fmath.Exp(float64(low)), fmath.Exp(float64(high))
}

type extremeTask Noise

func (n *extremeTask) Piece(i int) {
	k := n.pieces[i]
	p := n.Tensors[k.Param].P[k.Lo:k.Hi]
	low, high := p[0], p[0]
	for _, v := range p {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	n.extremes[i] = [2]tensor.Float{low, high}
}
