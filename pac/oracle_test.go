package pac

import (
	"fmt"
	"math"

	"pactune/autograd"
	"pactune/internal/fmath"
	"pactune/internal/rng"
	"pactune/tensor"
)

// newParam returns a trainable parameter of weights uniform in ±scale.
func newParam(name string, row uint32, n int, scale float64) *autograd.Param {
	p := &autograd.Param{Name: name, Shape: []int{n}, Clean: make([]tensor.Float, n), Grad: make([]tensor.Float, n)}
	p.Data = p.Clean
	key := rng.NewKey(7, rng.StreamInit, 0)
	for i := range p.Clean {
		p.Clean[i] = tensor.Float(scale * (2*rng.Uniform(key.Uint32(row, uint64(i))) - 1))
	}
	return p
}

// newParams returns a small body and head.
func newParams(sizes ...int) (body, head []*autograd.Param) {
	for i, n := range sizes {
		body = append(body, newParam(fmt.Sprint("body.", i), uint32(i), n, 0.1))
	}
	head = append(head, newParam("classifier.weight", 100, 6, 0.3), newParam("classifier.bias", 101, 2, 0.3))
	return body, head
}

// setGrads gives every parameter the gradient of one step, uniform in ±1.
func setGrads(params []*autograd.Param, step int) {
	key := rng.NewKey(8, rng.StreamInit, uint64(step))
	for i, p := range params {
		for j := range p.Grad {
			p.Grad[j] = tensor.Float(2*rng.Uniform(key.Uint32(uint32(i), uint64(j))) - 1)
		}
	}
}

func both(body, head []*autograd.Param) []*autograd.Param {
	return append(append([]*autograd.Param{}, body...), head...)
}

// oracle is the state of PAC-tuning in float64, one number at a time, written
// from the formulas: Gaussians' KL by weight, plain sums, Go's math package.
// With shared, all p of a tensor are one variable.
type oracle struct {
	w, w0, p   [][]float64
	b          []float64
	std, k     []float64
	m          float64
	gMin, gMax float64
	shared     bool
}

func newOracle(n *Noise, bound *Bound) *oracle {
	o := &oracle{std: bound.Table.Std, k: bound.Table.K, m: float64(bound.Examples),
		gMin: bound.GammaMin, gMax: bound.GammaMax, shared: n.kind == PerTensor}
	for j, t := range n.Tensors {
		o.w = append(o.w, float64s(n.params[j].Clean))
		o.w0 = append(o.w0, float64s(t.W0))
		p := float64s(t.P)
		for len(p) < len(t.W0) {
			p = append(p, p[0])
		}
		o.p = append(o.p, p)
		o.b = append(o.b, float64(n.B[j]))
	}
	return o
}

func float64s(x []tensor.Float) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func (o *oracle) kl() float64 {
	sum := 0.0
	for j, b := range o.b {
		for i, p := range o.p[j] {
			d := o.w[j][i] - o.w0[j][i]
			sum += b - p + (math.Exp(2*p)+d*d)/(2*math.Exp(2*b)) - 0.5
		}
	}
	return sum
}

func (o *oracle) prior() float64 {
	sum := 0.0
	for _, b := range o.b {
		sum += b
	}
	return math.Exp(sum / float64(len(o.b)))
}

// kOfPrior returns K and its slope.
func (o *oracle) kOfPrior() (k, slope float64) {
	x, last := o.prior(), len(o.std)-1
	if x <= o.std[0] {
		return o.k[0], 0
	}
	i := last - 1
	for s := range last {
		if x < o.std[s+1] {
			i = s
			break
		}
	}
	at := (x - o.std[i]) / (o.std[i+1] - o.std[i])
	return o.k[i]*(1-at) + o.k[i+1]*at, (o.k[i+1] - o.k[i]) / (o.std[i+1] - o.std[i])
}

func (o *oracle) gamma() float64 {
	k, _ := o.kOfPrior()
	g := math.Sqrt(2*(o.kl()+o.c())/(3*o.m)) / k
	return math.Min(math.Max(g, o.gMin), o.gMax)
}

func (o *oracle) c() float64 { return 10 + 3*float64(len(o.b)) }

func (o *oracle) lPac() float64 {
	g := o.gamma()
	k, _ := o.kOfPrior()
	return 1.5*k*k*g + (o.kl()+o.c())/(o.m*g)
}

// epsilon is the noise of element i of tensor j at a step, from the
// definition: the normal quantile of the uniform number, clipped to ±2.
func epsilon(seed uint64, step, j, i int) float64 {
	word := rng.NewKey(seed, rng.StreamNoise, uint64(step)).Uint32(uint32(j), uint64(i))
	return math.Max(-2, math.Min(2, fmath.NormalQuantile(rng.Uniform(word))))
}

// objective is the linear loss Σ g·w̃ at the noisy weights plus L_pac.
func (o *oracle) objective(g [][]float64, seed uint64, step int) float64 {
	loss := 0.0
	for j := range o.w {
		for i := range o.w[j] {
			loss += g[j][i] * (o.w[j][i] + math.Exp(o.p[j][i])*epsilon(seed, step, j, i))
		}
	}
	return loss + o.lPac()
}

// adam is one Adam step of PyTorch, without decay.
func adam(x, m, v *float64, g, lr float64, t int) {
	*m = 0.9*(*m) + 0.1*g
	*v = 0.999*(*v) + 0.001*g*g
	*x -= lr * (*m / (1 - math.Pow(0.9, float64(t)))) / (math.Sqrt(*v/(1-math.Pow(0.999, float64(t)))) + 1e-8)
}
