package bert

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/autograd"
	"pactune/internal/par"
	"pactune/safetensors"
	"pactune/tensor"
)

// goldenCase is one model that transformers has run; see
// testdata/generate/bert_golden.py.
type goldenCase struct {
	Name         string
	Problem      string
	Labels       int
	Lengths      []int
	Head         Head
	Layers       int
	Heads        int
	HeadSize     int `json:"head_size"`
	Intermediate int
	Act          string
	Pair         bool
	Vocab        int
	Targets      json.RawMessage
	Weights      float64 // their sum
	Loss         float64
	Whole        bool // the gradients are recorded whole
	Parameters   []string
}

// goldenWords repeats the generator's `words`: splitmix64 seeded with the
// name's FNV-1a.
func goldenWords(name string, n int) []uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	out := make([]uint64, n)
	for i := range out {
		h += 0x9e3779b97f4a7c15
		z := (h ^ h>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		out[i] = z ^ z>>31
	}
	return out
}

// goldenUniform are odd multiples of 2⁻¹⁶ in (−1, 1), exact in float32.
func goldenUniform(name string, n int) []float64 {
	out := make([]float64, n)
	for i, w := range goldenWords(name, n) {
		out[i] = float64(2*int64(w>>48)-65535) / 65536
	}
	return out
}

// model makes the case's model and returns it with the sum of its weights,
// whose every partial sum is exact.
func (c *goldenCase) model(t *testing.T) *Model {
	hidden, longest := c.Heads*c.HeadSize, 16
	for _, n := range c.Lengths {
		longest = max(longest, n)
	}
	m, err := New(Config{
		ModelType: "bert", VocabSize: c.Vocab, HiddenSize: hidden, Layers: c.Layers, Heads: c.Heads,
		Intermediate: c.Intermediate, HiddenAct: c.Act, MaxPositions: longest, TypeVocab: 2,
		InitializerRange: 0.02, LayerNormEps: 1e-12,
	}, c.Head, c.Labels)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	matrix := math.Pow(2, -math.RoundToEven(math.Log2(float64(hidden))/2-0.8))
	for _, p := range m.Store.Params {
		for i, v := range goldenUniform(c.Name+"/"+p.Name, p.Len()) {
			switch {
			case strings.HasSuffix(p.Name, "LayerNorm.weight"):
				v = 1 + v/4
			case strings.Contains(p.Name, "embeddings."):
				v /= 2
			case strings.HasSuffix(p.Name, "bias"):
				v /= 4
			default:
				v *= matrix
			}
			p.Clean[i] = tensor.Float(v)
			sum += v
		}
	}
	if sum != c.Weights || len(m.Store.Params) != len(c.Parameters) {
		t.Fatalf("%d tensors with the sum %v, recorded %d with %v", len(m.Store.Params), sum, len(c.Parameters), c.Weights)
	}
	m.Store.AllocateGrads()
	return m
}

// batch packs the case's sequences.
func (c *goldenCase) batch() batch {
	b := batch{seqs: autograd.Sequences{RowStarts: []int32{0}}}
	for s, n := range c.Lengths {
		for i, w := range goldenWords(fmt.Sprintf("%s/ids/%d", c.Name, s), n) {
			b.ids = append(b.ids, 1+int32(w%uint64(c.Vocab-1)))
			second := int32(0)
			if c.Pair && i >= (n+1)/2 {
				second = 1
			}
			b.types = append(b.types, second)
		}
		b.seqs.RowStarts = append(b.seqs.RowStarts, int32(len(b.ids)))
		b.seqs.ExampleIDs = append(b.seqs.ExampleIDs, uint32(s))
	}
	return b
}

// logits runs the model, for the masked tokens where they are guessed.
func (c *goldenCase) logits(m *Model, tape *autograd.Tape, b batch) *autograd.Var {
	if c.Head != HeadMLM {
		return m.Logits(tape, b.ids, b.types, Dropout{})
	}
	var at []int32
	for s, n := range c.Lengths {
		for i, w := range goldenWords(fmt.Sprintf("%s/masked/%d", c.Name, s), n) {
			if w%4 == 0 {
				at = append(at, b.seqs.RowStarts[s]+int32(i))
			}
		}
	}
	return m.MaskedLogits(tape, b.ids, b.types, at, Dropout{})
}

// loss puts the case's loss on the tape and returns its mean.
func (c *goldenCase) loss(t *testing.T, tape *autograd.Tape, logits *autograd.Var) float64 {
	n := float64(len(c.Lengths))
	read := func(v any) {
		if err := json.Unmarshal(c.Targets, v); err != nil {
			t.Fatal(err)
		}
	}
	switch c.Problem {
	case "regression":
		var y []float64
		read(&y)
		return tape.MSE(logits, y, 1/n).Sum / n
	case "multi_label_classification":
		var rows [][]float64
		var y []float64
		read(&rows)
		for _, r := range rows {
			y = append(y, r...)
		}
		return tape.BCE(logits, y, 1/n).Sum / n
	}
	var y []int32
	read(&y)
	if c.Head == HeadMLM {
		n := float64(len(y))
		return tape.TokenCrossEntropy(logits, y, 1/n).Sum / n
	}
	return tape.CrossEntropy(logits, y, 1/n).Sum / n
}

// goldenCases reads the recorded cases and numbers.
func goldenCases(t *testing.T, name string, cases any) func(name string) []float64 {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, cases); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open("testdata/" + name + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func(name string) []float64 {
		x, ok := f.Tensor(name)
		if !ok {
			t.Fatalf("no tensor %s is recorded", name)
		}
		out := make([]float64, x.Elements())
		if err := x.Float64s(out); err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// onEveryKernel runs f on every instruction set; the float64 build has one.
func onEveryKernel(t *testing.T, f func(t *testing.T)) {
	before := asm.Active()
	defer asm.Use(before)
	for _, isa := range asm.Available() {
		if tensor.F64 && isa != before {
			continue
		}
		if err := asm.Use(isa); err != nil {
			t.Fatal(err)
		}
		t.Run(isa.String(), f)
	}
}

// goldenTolerance bounds the errors of logits and losses, which are of order
// one, and of gradients relative to the largest of their tensor. float64: a few
// roundings of 1e-16 a layer, which add up to 2e-15 and 2e-14 here, with room
// for another order of sums; the LayerNorms' eps of 1e-12 is still seen.
// float32: roundings of 6e-8 through at most 4 layers; transformers in float32
// is itself off by up to 1e-6 in the logits and 5e-6 in the gradients of these
// cases (torch_float32 in golden.json).
func goldenTolerance() (logits, gradients float64) {
	if tensor.F64 {
		return 1e-13, 1e-12
	}
	return 1e-5, 1e-4
}

// Logits, loss and every gradient are those of transformers' BERT, whose
// batches are padded where ours are packed.
func TestGoldenAgainstTransformers(t *testing.T) {
	var cases []goldenCase
	recorded := goldenCases(t, "golden", &cases)
	onEveryKernel(t, func(t *testing.T) {
		pool := par.New(2)
		defer pool.Close()
		tape := autograd.NewTape(pool)
		var all goldenErrors
		for i := range cases {
			c := &cases[i]
			t.Run(c.Name, func(t *testing.T) {
				e := c.compare(t, tape, func(name string) []float64 { return recorded(fmt.Sprint(i, ".", name)) })
				t.Logf("worst error: logits %.1e, loss %.1e, gradients %.1e", e.logits, e.loss, e.gradients)
				all.logits, all.loss, all.gradients = max(all.logits, e.logits), max(all.loss, e.loss), max(all.gradients, e.gradients)
			})
		}
		t.Logf("worst of all: logits %.1e, loss %.1e, gradients %.1e", all.logits, all.loss, all.gradients)
	})
}

type goldenErrors struct{ logits, loss, gradients float64 }

func (c *goldenCase) compare(t *testing.T, tape *autograd.Tape, recorded func(string) []float64) (worst goldenErrors) {
	m, b := c.model(t), c.batch()
	logitTol, gradTol := goldenTolerance()
	want := recorded("logits")
	for _, record := range []bool{false, true} { // evaluation frees what training keeps
		tape.Reset(b.seqs, record)
		logits := c.logits(m, tape, b)
		if len(logits.Data) != len(want) {
			t.Fatalf("%d logits, recorded %d", len(logits.Data), len(want))
		}
		for i, z := range logits.Data {
			e := math.Abs(float64(z) - want[i])
			if !(e <= logitTol) {
				t.Errorf("logit %d of example %d: %v, want %v", i%c.Labels, i/c.Labels, z, want[i])
			}
			worst.logits = max(worst.logits, e)
		}
		loss := c.loss(t, tape, logits)
		if worst.loss = max(worst.loss, math.Abs(loss-c.Loss)); !(worst.loss <= logitTol) {
			t.Errorf("loss %v, want %v", loss, c.Loss)
		}
	}
	tape.Backward()
	g := goldenGradients{c: c, store: m.Store.Param, samples: recorded("gradients")}
	if !c.Whole {
		g.norms, g.projections = recorded("norms"), recorded("projections")
	}
	worst.gradients = g.compare(t, gradTol)
	return worst
}

// goldenGradients walks over the recorded gradients, tensor by tensor.
type goldenGradients struct {
	c                  *goldenCase
	store              func(name string) *autograd.Param
	samples            []float64
	norms, projections []float64 // nil when the gradients are whole
}

const goldenSamples = 24 // elements of each tensor of a large case

// compare returns the worst error of an element relative to the largest
// element of its tensor, or to the tensor's root mean square where only samples
// are there. The bias of a key moves all scores of a row alike and has the
// gradient 0; what rounding leaves of it is held against its matrix.
func (g *goldenGradients) compare(t *testing.T, tol float64) (worst float64) {
	at, scale := 0, 0.0
	for i, name := range g.c.Parameters {
		p := g.store(name)
		if p == nil {
			t.Fatalf("the model has no %s", name)
		}
		n := p.Len()
		if !g.c.Whole {
			n = min(n, goldenSamples)
		}
		want := g.samples[at : at+n]
		at += n
		keyBias := strings.HasSuffix(name, "key.bias")
		if !keyBias {
			scale = 0
			for _, v := range want {
				scale = max(scale, math.Abs(v))
			}
			if !g.c.Whole {
				scale = max(scale, g.norms[i]/math.Sqrt(float64(p.Len())))
			}
		}
		check := func(what string, got, want, scale float64) {
			e := math.Abs(got-want) / scale
			if !(e <= tol) {
				t.Errorf("%s of %s: %v, want %v (scale %.2g)", what, name, got, want, scale)
			}
			worst = max(worst, e)
		}
		for k, v := range want {
			j := k * p.Len() / n
			check(fmt.Sprintf("gradient %d", j), float64(p.Grad[j]), v, scale)
		}
		if g.c.Whole || keyBias {
			continue
		}
		square, projection := 0.0, 0.0
		for j, u := range goldenUniform(g.c.Name+"/projection/"+name, p.Len()) {
			v := float64(p.Grad[j])
			square += v * v
			projection += u * v
		}
		check("norm", math.Sqrt(square), g.norms[i], g.norms[i])
		check("projection", projection, g.projections[i], g.norms[i])
	}
	if at != len(g.samples) {
		t.Errorf("%d gradients are recorded, %d compared", len(g.samples), at)
	}
	return worst
}
