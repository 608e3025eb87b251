package pac

import (
	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/internal/fmath"
	"pactune/internal/par"
	"pactune/internal/rng"
	"pactune/optim"
	"pactune/tensor"
)

// Granularity says how many log-stds a tensor has.
type Granularity string

const (
	PerWeight Granularity = "weight" // one per weight
	PerTensor Granularity = "tensor" // one per tensor: no memory to speak of
)

// ParseGranularity returns the granularity of that name, or an error of kind
// Usage.
func ParseGranularity(name string) (Granularity, error) {
	switch g := Granularity(name); g {
	case PerWeight, PerTensor:
		return g, nil
	}
	return "", fault.Errorf(fault.Usage, "unknown granularity %q: expected weight or tensor", name)
}

// Options of a Noise.
type Options struct {
	Seed        uint64
	Granularity Granularity
	// Magnitude starts every p_i at log|w_i| instead of at one number for the
	// body and one for the head. PerTensor has no use for it.
	Magnitude bool
	// Initial are the weights w0 by tensor, body before head; they are only
	// read. When nil, the present clean weights are copied.
	Initial [][]tensor.Float
}

// Noise is the Gaussian posterior and the prior: the log-stds p and b, their
// Adam moments, the initial weights w0, and a scratch copy of the weights that
// holds the noisy ones during a pass.
type Noise struct {
	Tensors []Tensor // body before head
	B       []tensor.Float
	MB, VB  []tensor.Float // Adam moments of B; nil once frozen
	Steps   int            // updates of p and b so far

	seed   uint64
	kind   Granularity
	pool   *par.Pool
	params []*autograd.Param
	body   int // tensors of the body
	pieces []optim.Piece

	key      rng.Key            // of the draw in progress
	spread   tensor.Float       // std of a model drawn for the K table
	sums     []tensor.PACSums   // of each piece
	dots     []float64          // of each piece: Σ|w0|, then Σ g·ε
	extremes [][2]tensor.Float  // of each piece: least and largest p
	variance []float64          // of each tensor: e^{2b} at the last Begin
	scale    []tensor.Float     // of each tensor: e^{−2b}/(mγ)
	db       []tensor.Float     // gradient of B
	dp       []tensor.Float     // PerTensor: gradient of P
	adam     [2]tensor.AdamStep // of p and b: body, head
	weight   float64            // of KL in the objective: 1/(mγ)
	frozen   bool
}

// Tensor is the noise of one parameter; its place in Noise.Tensors is the row
// of its random numbers. P, MP, VP, with B of the Noise, are what a checkpoint
// keeps.
type Tensor struct {
	Name   string
	W0     []tensor.Float // initial weights; nil once frozen
	P      []tensor.Float // log-stds: one per weight, or one
	MP, VP []tensor.Float // Adam moments of P; nil once frozen

	noisy []tensor.Float // scratch
	sigma tensor.Float   // PerTensor: e^P of the draw in progress
	sums  tensor.PACSums // of the draw in progress
}

// NewNoise returns the noise of the trainable parameters of a pretrained body
// and of a new head, with METHODS's initial values: p and b are 2·log(mean|w0|)
// in the body and log(mean|w0|) in the head.
func NewNoise(pool *par.Pool, body, head []*autograd.Param, o Options) *Noise {
	params := append(append([]*autograd.Param(nil), body...), head...)
	n := &Noise{seed: o.Seed, kind: o.Granularity, pool: pool, params: params,
		body: len(body), pieces: optim.Cut(params), Tensors: make([]Tensor, len(params))}
	l := len(params)
	n.B, n.MB, n.VB, n.db = floats(l), floats(l), floats(l), floats(l)
	n.dp, n.scale, n.variance = floats(l), floats(l), make([]float64, l)
	n.sums, n.dots = make([]tensor.PACSums, len(n.pieces)), make([]float64, len(n.pieces))
	n.extremes = make([][2]tensor.Float, len(n.pieces))

	total := 0
	for _, p := range params {
		total += len(p.Clean)
	}
	stds := total
	if n.kind == PerTensor {
		stds = l
	}
	scratch, p, mp, vp := floats(total), floats(stds), floats(stds), floats(stds)
	var w0 []tensor.Float
	if o.Initial == nil {
		w0 = floats(total)
	}
	for i := range n.Tensors {
		t, size := &n.Tensors[i], len(params[i].Clean)
		t.Name = params[i].Name
		t.noisy = take(&scratch, size)
		if o.Initial != nil {
			t.W0 = o.Initial[i]
		} else {
			t.W0 = take(&w0, size)
			copy(t.W0, params[i].Clean)
		}
		if n.kind == PerTensor {
			size = 1
		}
		t.P, t.MP, t.VP = take(&p, size), take(&mp, size), take(&vp, size)
	}
	n.initialise(o.Magnitude && n.kind == PerWeight)
	return n
}

func floats(n int) []tensor.Float { return make([]tensor.Float, n) }

// take cuts the first n elements off a slab.
func take(slab *[]tensor.Float, n int) []tensor.Float {
	s := (*slab)[:n:n]
	*slab = (*slab)[n:]
	return s
}

// Begin draws the noise of an optimiser step, once for all its micro-batches:
// the parameters read w + e^p·ε, ε = clip(N(0,1), ±2), until End.
func (n *Noise) Begin(step int) {
	n.key = rng.NewKey(n.seed, rng.StreamNoise, uint64(step))
	if n.kind == PerTensor {
		n.shareStds()
	}
	n.pool.Run(len(n.pieces), (*drawTask)(n))
	k := 0
	for i := range n.Tensors {
		var s tensor.PACSums
		for ; k < len(n.pieces) && n.pieces[k].Param == i; k++ {
			s.E2P += n.sums[k].E2P
			s.P += n.sums[k].P
			s.Dist += n.sums[k].Dist
		}
		n.Tensors[i].sums = s
	}
	n.measurePriors()
	n.showScratch()
}

// measurePriors computes the variances of the prior by the function that
// computes those of the posterior. At the start p = b: KL and db are then 0 to
// the last bits of float64, and not to the rounding of float32, which Adam
// would blow up to steps of its full rate.
func (n *Noise) measurePriors() {
	for j := range n.Tensors {
		if n.kind == PerTensor {
			n.variance[j] = fmath.Exp(2 * float64(n.B[j]))
			continue
		}
		b, one := n.B[j:j+1], n.scale[j:j+1]
		n.variance[j] = tensor.NoisyWeights(one, b, b, b, n.key, 0, 0).E2P
	}
}

// End lets the parameters read the clean weights again.
func (n *Noise) End() {
	for _, p := range n.params {
		p.Data = p.Clean
	}
}

func (n *Noise) showScratch() {
	for i, p := range n.params {
		p.Data = n.Tensors[i].noisy
	}
}

// Freeze ends stage 1: p and b keep their values, and the memory of the
// initial weights and of the moments is given back.
func (n *Noise) Freeze() {
	n.frozen = true
	n.MB, n.VB = nil, nil
	for i := range n.Tensors {
		n.Tensors[i].W0, n.Tensors[i].MP, n.Tensors[i].VP = nil, nil, nil
	}
}

// Frozen tells whether stage 1 is over.
func (n *Noise) Frozen() bool { return n.frozen }

type drawTask Noise

func (n *drawTask) Piece(i int) {
	k := n.pieces[i]
	t, w := &n.Tensors[k.Param], n.params[k.Param].Clean[k.Lo:k.Hi]
	w0 := w // frozen: nobody asks for the distance
	if !n.frozen {
		w0 = t.W0[k.Lo:k.Hi]
	}
	row, start := uint32(k.Param), uint64(k.Lo)
	if n.kind == PerWeight {
		n.sums[i] = tensor.NoisyWeights(t.noisy[k.Lo:k.Hi], w, w0, t.P[k.Lo:k.Hi], n.key, row, start)
		return
	}
	if n.frozen {
		w0 = nil
	}
	size, p := float64(k.Hi-k.Lo), float64(t.P[0])
	n.sums[i] = tensor.PACSums{
		E2P:  size * fmath.Exp(2*p),
		P:    size * p,
		Dist: tensor.NoisyWeightsScalar(t.noisy[k.Lo:k.Hi], w, w0, t.sigma, n.key, row, start),
	}
}
