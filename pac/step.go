package pac

import (
	"math"

	"pactune/internal/fmath"
	"pactune/tensor"
)

// magnitudeFloor keeps the logarithm of a weight that is 0 finite.
const magnitudeFloor = 1e-8

// initialise sets p and b from the initial weights.
func (n *Noise) initialise(perWeight bool) {
	n.pool.Run(len(n.pieces), (*magnitudeTask)(n))
	var sum, size [2]float64
	for i, k := range n.pieces {
		part := n.partOf(k.Param)
		sum[part] += n.dots[i]
		size[part] += float64(k.Hi - k.Lo)
	}
	for i := range n.Tensors {
		part := n.partOf(i)
		v := fmath.Log(max(sum[part]/max(1, size[part]), magnitudeFloor))
		if part == 0 {
			v *= 2
		}
		n.B[i] = tensor.Float(v)
		for j := range n.Tensors[i].P {
			n.Tensors[i].P[j] = n.B[i]
		}
	}
	if perWeight {
		n.pool.Run(len(n.pieces), (*logMagnitudeTask)(n))
	}
}

// partOf is 0 for a tensor of the body, 1 for one of the head.
func (n *Noise) partOf(tensor int) int {
	if tensor < n.body {
		return 0
	}
	return 1
}

type magnitudeTask Noise

func (n *magnitudeTask) Piece(i int) {
	k := n.pieces[i]
	sum := 0.0
	for _, w := range n.Tensors[k.Param].W0[k.Lo:k.Hi] {
		sum += math.Abs(float64(w))
	}
	n.dots[i] = sum
}

type logMagnitudeTask Noise

func (n *logMagnitudeTask) Piece(i int) {
	k := n.pieces[i]
	t := &n.Tensors[k.Param]
	for j := k.Lo; j < k.Hi; j++ {
		t.P[j] = tensor.Float(fmath.Log(max(math.Abs(float64(t.W0[j])), magnitudeFloor)))
	}
}

// shareStds computes the one std of every tensor.
func (n *Noise) shareStds() {
	for i := range n.Tensors {
		t := &n.Tensors[i]
		t.sigma = tensor.Float(fmath.Exp(float64(t.P[0])))
	}
}

// stepStds makes one Adam step on p of all tensors, with the gradient of loss
// plus KL·weight: dp_i = g_i·ε_i·e^{p_i} + (e^{2(p_i−b_j)} − 1)·weight.
func (n *Noise) stepStds(weight float64, body, head tensor.AdamStep) {
	n.weight, n.adam = weight, [2]tensor.AdamStep{body, head}
	n.pool.Run(len(n.pieces), (*stdTask)(n))
	if n.kind == PerWeight {
		return
	}
	k := 0
	for i := range n.Tensors {
		dot := 0.0
		for ; k < len(n.pieces) && n.pieces[k].Param == i; k++ {
			dot += n.dots[k]
		}
		t := &n.Tensors[i]
		size := float64(len(t.noisy))
		kl := size * fmath.Expm1(2*(float64(t.P[0])-float64(n.B[i])))
		n.dp[i] = tensor.Float(float64(dot*float64(t.sigma)) + float64(kl*weight))
		tensor.AdamW(t.P, n.dp[i:i+1], t.MP, t.VP, &n.adam[n.partOf(i)])
	}
}

type stdTask Noise

func (n *stdTask) Piece(i int) {
	k := n.pieces[i]
	t, g := &n.Tensors[k.Param], n.params[k.Param].Grad[k.Lo:k.Hi]
	row, start := uint32(k.Param), uint64(k.Lo)
	if n.kind == PerTensor {
		n.dots[i] = tensor.NoiseDot(g, n.key, row, start)
		return
	}
	tensor.NoiseStep(t.P[k.Lo:k.Hi], t.MP[k.Lo:k.Hi], t.VP[k.Lo:k.Hi], g, n.key, row, start,
		float64(n.B[k.Param]), n.weight, &n.adam[(*Noise)(n).partOf(k.Param)])
}

// addPriorGrad adds the KL term to the weights' gradients:
// dw_i += e^{−2b_j}(w_i − w0_i)·weight, w the clean weight.
func (n *Noise) addPriorGrad(weight float64) {
	for i, v := range n.variance {
		n.scale[i] = tensor.Float(weight / v)
	}
	n.pool.Run(len(n.pieces), (*priorTask)(n))
}

type priorTask Noise

func (n *priorTask) Piece(i int) {
	k := n.pieces[i]
	p := n.params[k.Param]
	tensor.PriorGrad(p.Grad[k.Lo:k.Hi], p.Clean[k.Lo:k.Hi], n.Tensors[k.Param].W0[k.Lo:k.Hi], n.scale[k.Param])
}

// stepPriors makes one Adam step on b from db.
func (n *Noise) stepPriors() {
	h := n.body
	tensor.AdamW(n.B[:h], n.db[:h], n.MB[:h], n.VB[:h], &n.adam[0])
	tensor.AdamW(n.B[h:], n.db[h:], n.MB[h:], n.VB[h:], &n.adam[1])
	n.Steps++
}
