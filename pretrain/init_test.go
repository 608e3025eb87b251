package pretrain

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pactune/autograd"
	"pactune/bert"
	"pactune/tensor"
)

// In a new model nothing but the first layer's attention adds to the hidden
// states: whatever the feed-forward parts and the other layers compute, the
// logits are the same.
func TestNewModelIsQuiet(t *testing.T) {
	config, err := bert.Sized("3x64/8", 9)
	if err != nil {
		t.Fatal(err)
	}
	m, err := bert.New(config, bert.HeadMLM, 0)
	if err != nil {
		t.Fatal(err)
	}
	initialise(m, &Config{Config: NewConfig().Config, Init: "neighbours"}, []float64{.1, .1, .1, .1, .1, .1, .1, .1, .2})
	logits := func() []tensor.Float {
		tape := autograd.NewTape(nil)
		tape.Reset(autograd.Sequences{RowStarts: []int32{0, 5}, ExampleIDs: []uint32{0}}, false)
		v := m.MaskedLogits(tape, []int32{2, 8, 4, 7, 3}, make([]int32, 5), []int32{2}, bert.Dropout{})
		return slices.Clone(v.Data)
	}
	before := logits()
	for _, p := range m.Store.Params {
		first := strings.Contains(p.Name, "layer.0.attention")
		if strings.Contains(p.Name, "encoder.layer") && !first && !strings.Contains(p.Name, "output.dense") && !strings.Contains(p.Name, "LayerNorm") {
			tensor.Scale(p.Clean, 7)
		}
	}
	if !slices.Equal(before, logits()) {
		t.Error("the logits of a new model depend on more than its first layer's attention")
	}
	tensor.Scale(m.Store.Param("bert.encoder.layer.0.attention.self.value.weight").Clean, 2)
	if slices.Equal(before, logits()) {
		t.Error("the logits of a new model do not depend on its first layer's attention")
	}
}

// In a new model the heads that look around prefer, for every token of a long
// sequence and whatever the words are, the place at their offset: their scores
// are computed here from the embeddings, one dot product after the other.
func TestHeadsLookAround(t *testing.T) {
	config, err := bert.Sized("1x64/8", 50)
	if err != nil {
		t.Fatal(err)
	}
	m, err := bert.New(config, bert.HeadMLM, 0)
	if err != nil {
		t.Fatal(err)
	}
	shares := make([]float64, 50)
	for i := range shares {
		shares[i] = float64(i+1) / 1275
	}
	initialise(m, &Config{Config: NewConfig().Config, Init: "neighbours"}, shares)
	const width, size, n = 64, 8, 40
	x := make([][]float64, n) // embeddings after LayerNorm
	word, place := m.Store.Param("bert.embeddings.word_embeddings.weight").Clean, m.Store.Param("bert.embeddings.position_embeddings.weight").Clean
	for s := range x {
		x[s] = make([]float64, width)
		mean, square := 0.0, 0.0
		for c := range width {
			x[s][c] = float64(word[(s*7%50)*width+c]) + float64(place[s*width+c])
			mean += x[s][c] / width
			square += x[s][c] * x[s][c] / width
		}
		for c := range width {
			x[s][c] = (x[s][c] - mean) / math.Sqrt(square-mean*mean)
		}
	}
	project := func(name string, s, row int) (y float64) {
		w := m.Store.Param("bert.encoder.layer.0.attention.self." + name + ".weight").Clean
		for c := range width {
			y += float64(w[row*width+c]) * x[s][c]
		}
		return y
	}
	for head, offset := range []int{-1, 1, -2, 2} {
		for at := 4; at < n-4; at++ {
			best, most := 0, math.Inf(-1)
			for s := range n {
				score := 0.0
				for r := head * size; r < (head+1)*size; r++ {
					score += project("query", at, r) * project("key", s, r)
				}
				if score > most {
					best, most = s, score
				}
			}
			if best != at+offset {
				t.Errorf("head %d of token %d looks at %d, want %d", head, at, best, at+offset)
			}
		}
	}
	bias := m.Store.Param("cls.predictions.bias").Clean
	for id, s := range shares {
		if e := math.Abs(float64(bias[id]) - math.Log(s)); !(e < 1e-6) {
			t.Errorf("the decoder's bias of token %d is %v, want ln %v", id, bias[id], s)
		}
	}
}
