package bert

import (
	"fmt"
	"math"
	"testing"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/internal/rng"
	"pactune/tensor"
)

var small = Config{
	ModelType: "bert", VocabSize: 23, HiddenSize: 16, Layers: 2, Heads: 2, Intermediate: 24,
	HiddenAct: "gelu", HiddenDropout: 0.1, AttentionDropout: 0.1, MaxPositions: 12, TypeVocab: 2,
	InitializerRange: 0.3, LayerNormEps: 1e-12,
}

type batch struct {
	seqs       autograd.Sequences
	ids, types []int32
}

func someBatch() batch {
	return batch{
		seqs:  autograd.Sequences{RowStarts: []int32{0, 4, 5, 12}, ExampleIDs: []uint32{7, 3, 11}},
		ids:   []int32{2, 9, 9, 3, 2, 2, 22, 4, 5, 6, 0, 3},
		types: []int32{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1},
	}
}

func randomModel(t testing.TB, c Config, head Head, labels int) *Model {
	m, err := New(c, head, labels)
	if err != nil {
		t.Fatal(err)
	}
	m.Initialise(5)
	key := rng.NewKey(1, 98, 0)
	for i, p := range m.Store.Params { // biases and LayerNorms too
		for j := range p.Clean {
			p.Clean[j] += tensor.Float(0.2 * (rng.Uniform(key.Uint32(uint32(i), uint64(j))) - 0.5))
		}
	}
	return m
}

// naive is BERT written down one example at a time in float64, straight from
// the paper, with the standard library's functions.
type naive struct {
	m       *Model
	d       Dropout
	example uint32
}

// drop applies dropout to rows whose first element takes the word start of the
// site and the example.
func (n naive) drop(x [][]float64, rate float64, site uint32, start int) [][]float64 {
	key := n.d.Key.Fold(site)
	for r := range x {
		for c := range x[r] {
			if word := uint64(start + r*len(x[r]) + c); rng.Uniform(key.Uint32(n.example, word)) < 1-rate {
				x[r][c] /= 1 - rate
			} else {
				x[r][c] = 0
			}
		}
	}
	return x
}

func (n naive) at(name string, i int) float64 { return float64(n.m.Store.Param(name).Clean[i]) }

func (n naive) linear(x [][]float64, name string) [][]float64 {
	w := n.m.Store.Param(name + ".weight")
	out, in := w.Shape[0], w.Shape[1]
	y := make([][]float64, len(x))
	for r := range x {
		y[r] = make([]float64, out)
		for o := range out {
			y[r][o] = n.at(name+".bias", o)
			for i := range in {
				y[r][o] += x[r][i] * float64(w.Clean[o*in+i])
			}
		}
	}
	return y
}

func (n naive) norm(x [][]float64, name string) [][]float64 {
	for r := range x {
		mean, v := 0.0, 0.0
		for _, e := range x[r] {
			mean += e / float64(len(x[r]))
		}
		for _, e := range x[r] {
			v += (e - mean) * (e - mean) / float64(len(x[r]))
		}
		for c := range x[r] {
			x[r][c] = (x[r][c]-mean)/math.Sqrt(v+n.m.Config.LayerNormEps)*n.at(name+".weight", c) + n.at(name+".bias", c)
		}
	}
	return x
}

func plus(a, b [][]float64) [][]float64 {
	for r := range a {
		for c := range a[r] {
			a[r][c] += b[r][c]
		}
	}
	return a
}

func (n naive) attention(q, k, v [][]float64, site uint32) [][]float64 {
	heads, d := n.m.Config.Heads, n.m.Config.HiddenSize/n.m.Config.Heads
	out := make([][]float64, len(q))
	for i := range q {
		out[i] = make([]float64, heads*d)
	}
	for h := range heads {
		p := make([][]float64, len(q))
		for i := range q {
			p[i] = make([]float64, len(k))
			sum := 0.0
			for j := range k {
				for c := h * d; c < (h+1)*d; c++ {
					p[i][j] += q[i][c] * k[j][c]
				}
				p[i][j] = math.Exp(p[i][j] / math.Sqrt(float64(d)))
				sum += p[i][j]
			}
			for j := range k {
				p[i][j] /= sum
			}
		}
		n.drop(p, n.d.Attention, site, h*((len(q)*len(k)+63)/64*64)) // heads begin at multiples of 64 words
		for i := range q {
			for j := range v {
				for c := h * d; c < (h+1)*d; c++ {
					out[i][c] += p[i][j] * v[j][c]
				}
			}
		}
	}
	return out
}

func (n naive) logits(ids, types []int32) []float64 {
	h := n.m.Config.HiddenSize
	x := make([][]float64, len(ids))
	for i := range ids {
		x[i] = make([]float64, h)
		for c := range h {
			x[i][c] = n.at("bert.embeddings.word_embeddings.weight", int(ids[i])*h+c) +
				n.at("bert.embeddings.position_embeddings.weight", i*h+c) +
				n.at("bert.embeddings.token_type_embeddings.weight", int(types[i])*h+c)
		}
	}
	x = n.drop(n.norm(x, "bert.embeddings.LayerNorm"), n.d.Hidden, 0, 0)
	for l := range n.m.Config.Layers {
		p, site := fmt.Sprintf("bert.encoder.layer.%d.", l), uint32(2+3*l)
		a := n.attention(n.linear(x, p+"attention.self.query"), n.linear(x, p+"attention.self.key"), n.linear(x, p+"attention.self.value"), site)
		x = n.norm(plus(n.drop(n.linear(a, p+"attention.output.dense"), n.d.Hidden, site+1, 0), x), p+"attention.output.LayerNorm")
		f := n.linear(x, p+"intermediate.dense")
		for r := range f {
			for c, z := range f[r] {
				f[r][c] = z / 2 * (1 + math.Erf(z/math.Sqrt2))
			}
		}
		x = n.norm(plus(n.drop(n.linear(f, p+"output.dense"), n.d.Hidden, site+2, 0), x), p+"output.LayerNorm")
	}
	cls := x[:1]
	if n.m.Store.Param("bert.pooler.dense.weight") != nil {
		cls = n.linear(cls, "bert.pooler.dense")
		for c := range cls[0] {
			cls[0][c] = math.Tanh(cls[0][c])
		}
	}
	return n.linear(n.drop(cls, n.d.Classifier, 1, 0), "classifier")[0]
}

// Logits, and the masks of dropout: a word of the generator for every element,
// by site, example and place in the example.
func TestLogitsAgreeWithANaiveTwin(t *testing.T) {
	// float32: a few dozen roundings of 6e-8 on values of order one.
	tol := 2e-5
	if tensor.F64 {
		tol = 1e-12
	}
	config := small
	config.MaxPositions = 40
	b := someBatch()
	for i := range 37 { // longer than the pieces that workers take
		b.ids, b.types = append(b.ids, int32(2+i*i%21)), append(b.types, int32(i/20))
	}
	b.seqs.RowStarts, b.seqs.ExampleIDs = append(b.seqs.RowStarts, int32(len(b.ids))), append(b.seqs.ExampleIDs, 5)
	some := Dropout{Hidden: 0.2, Attention: 0.3, Classifier: 0.25, Key: rng.NewKey(9, rng.StreamDropout, 4)}
	for _, head := range []Head{HeadPooler, HeadCLS} {
		m := randomModel(t, config, head, 3)
		tape := autograd.NewTape(par.New(2))
		for _, drop := range []Dropout{{}, some} {
			for _, record := range []bool{true, false} {
				tape.Reset(b.seqs, record)
				got := m.Logits(tape, b.ids, b.types, drop)
				for s, id := range b.seqs.ExampleIDs {
					from, to := b.seqs.RowStarts[s], b.seqs.RowStarts[s+1]
					for c, want := range (naive{m, drop, id}).logits(b.ids[from:to], b.types[from:to]) {
						if e := math.Abs(float64(got.Data[s*3+c]) - want); !(e < tol) {
							t.Errorf("%s, dropout %v, sequence %d, label %d: %v, want %v", head, drop.Hidden, s, c, got.Data[s*3+c], want)
						}
					}
				}
			}
		}
	}
}

// The gradient of a whole model in random directions, dropout included.
func TestModelGradient(t *testing.T) {
	if !tensor.F64 {
		t.Skip("central differences need float64: run with -tags f64")
	}
	for _, head := range []Head{HeadPooler, HeadCLS} {
		m, b := randomModel(t, small, head, 3), someBatch()
		m.Store.AllocateGrads()
		tape := autograd.NewTape(nil)
		tape.Poison()
		drop := Dropout{Hidden: 0.1, Attention: 0.2, Classifier: 0.1, Key: rng.NewKey(9, rng.StreamDropout, 4)}
		loss := func(record bool) float64 {
			tape.Reset(b.seqs, record)
			l := tape.CrossEntropy(m.Logits(tape, b.ids, b.types, drop), []int32{2, 0, 1}, 1.0/3)
			if record {
				tape.Backward()
			}
			return l.Sum / 3
		}
		loss(true)
		var x, dx, u [][]tensor.Float
		key := rng.NewKey(2, 98, 0)
		for i, p := range m.Store.Params {
			dir := make([]tensor.Float, p.Len())
			tensor.Normals(dir, key, uint32(i), 0, false)
			x, dx, u = append(x, p.Clean), append(dx, p.Grad), append(u, dir)
		}
		// truncation h² and rounding 1e-16/h, times the curvature along a
		// direction of a few thousand weights
		if e := autograd.DirectionalError(func() float64 { return loss(false) }, x, dx, u, 1e-6); !(e < 1e-6) {
			t.Errorf("%s: error %g along a random direction", head, e)
		}
	}
}

// Splitting a batch into micro-batches changes neither logits nor masks.
func TestPackingDoesNotMatter(t *testing.T) {
	m, b := randomModel(t, small, HeadPooler, 3), someBatch()
	drop := small.Rates()
	drop.Key = rng.NewKey(9, rng.StreamDropout, 4)
	tape := autograd.NewTape(nil)
	tape.Reset(b.seqs, false)
	whole := append([]tensor.Float(nil), m.Logits(tape, b.ids, b.types, drop).Data...)
	for s, id := range b.seqs.ExampleIDs {
		from, to := b.seqs.RowStarts[s], b.seqs.RowStarts[s+1]
		tape.Reset(autograd.Sequences{RowStarts: []int32{0, to - from}, ExampleIDs: []uint32{id}}, false)
		for c, v := range m.Logits(tape, b.ids[from:to], b.types[from:to], drop).Data {
			if v != whole[s*3+c] {
				t.Errorf("sequence %d alone: logit %d is %v, in the batch %v", s, c, v, whole[s*3+c])
			}
		}
	}
}
