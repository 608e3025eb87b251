package pretrain

import (
	"math"
	"strconv"

	"pactune/autograd"
	"pactune/bert"
	"pactune/internal/fmath"
	"pactune/tensor"
)

// initialise draws a new model from the seed, and gives it what it would else have
// to find out. A model that is drawn alike everywhere stays at the entropy of the
// unigrams for millions of tokens: whatever attention passes on drowns in what the
// layers above make of it at random. docs/PRETRAINING.md has the trials.
//
//   - the decoder's bias is ln of each token's share of the text, so that the loss
//     starts at the entropy of the unigrams;
//   - with neighbours, the last head's width of the embeddings tells the position
//     alone, by sines and cosines, and half of the heads of the first layer look at
//     the token before, the one behind, two before, … by reading nothing else;
//   - nothing else adds to the hidden states yet: the output matrices of the
//     feed-forward parts and of the other layers' attention are 0.
//
// All of it is trained on. Matrices are drawn from N(0, initializer_range²).
func initialise(m *bert.Model, c *Config, shares []float64) {
	m.Initialise(c.Seed)
	bias := m.Store.Param("cls.predictions.bias").Clean
	for id, s := range shares {
		bias[id] = tensor.Float(fmath.Log(s))
	}
	if c.Init == "neighbours" {
		lookAround(m)
		quiet(m)
	}
}

// lookAround makes heads of the first layer attend to their neighbours. With
// frequencies w_r = π((r+½)/h)^1.5, r < h = half a head's width, and the place
// s in the embeddings as (sin w_r·s, cos w_r·s), a query that reads the place as
// it stands and a key that reads it turned by −o agree best at s = t + o:
//
//	q·k = Σ_r sin(w_r t)·sin(w_r(s−o)) + cos(w_r t)·cos(w_r(s−o)) = Σ_r cos(w_r(t+o−s))
func lookAround(m *bert.Model) {
	const (
		faint = 0.1 // of the drawn weights, what stays in these heads
		sharp = 4   // scale of the scores: with 1 much of the attention goes elsewhere
	)
	p := func(name string) *autograd.Param { return m.Store.Param("bert." + name) }
	width, heads := m.Config.HiddenSize, m.Config.Heads
	size := width / heads
	half, place := size/2, width-size
	for _, name := range []string{"word", "token_type"} {
		e := p("embeddings." + name + "_embeddings.weight").Clean
		for i := place; i < len(e); i += width {
			clear(e[i : i+size])
		}
	}
	amplitude := m.Config.InitializerRange * math.Sqrt2
	position := p("embeddings.position_embeddings.weight").Clean
	for s := range len(position) / width {
		row := position[s*width : (s+1)*width]
		clear(row)
		for r := range half {
			sin, cos := fmath.SinCos(frequency(r, half) * float64(s))
			row[place+r], row[place+half+r] = tensor.Float(amplitude*sin), tensor.Float(amplitude*cos)
		}
	}
	first := "encoder.layer.0.attention.self."
	query, key := p(first+"query.weight").Clean, p(first+"key.weight").Clean
	for head := range heads / 2 {
		offset := float64(head/2 + 1) // −1, 1, −2, 2, …
		if head%2 == 0 {
			offset = -offset
		}
		q, k := query[head*size*width:(head+1)*size*width], key[head*size*width:(head+1)*size*width]
		tensor.Scale(q, faint)
		tensor.Scale(k, faint)
		for r := range half {
			sin, cos := fmath.SinCos(frequency(r, half) * offset)
			s, c := r*width+place+r, (half+r)*width+place+r // the two rows of r, at its sine
			q[s], q[c+half] = sharp, sharp
			k[s], k[s+half] = tensor.Float(cos), tensor.Float(-sin)
			k[c], k[c+half] = tensor.Float(sin), tensor.Float(cos)
		}
	}
}

// quiet takes away what would drown the neighbours: the additions of every part
// but the first layer's attention.
func quiet(m *bert.Model) {
	p := func(name string) []tensor.Float { return m.Store.Param("bert." + name).Clean }
	for l := range m.Config.Layers {
		layer := "encoder.layer." + strconv.Itoa(l) + "."
		clear(p(layer + "output.dense.weight"))
		if l > 0 {
			clear(p(layer + "attention.output.dense.weight"))
		}
	}
}

// frequency is π((r+½)/half)^1.5.
func frequency(r, half int) float64 {
	x := (float64(r) + 0.5) / float64(half)
	return float64(math.Pi*x) * math.Sqrt(x)
}
