package optim

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/tensor"
)

func gradients(params ...*autograd.Param) []float64 {
	var all []float64
	for _, p := range params {
		for _, g := range p.Grad {
			all = append(all, float64(g))
		}
	}
	return all
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// rounding of one multiplication of a weight by a rounded factor.
func rounding() float64 {
	if tensor.F64 {
		return 1e-13
	}
	return 2e-7
}

func TestComponentsAreClippedByTheirOwnNorm(t *testing.T) {
	large, small := newParam("large", 0, PieceSize+100), newParam("small", 1, 10)
	tensor.Scale(small.Grad, 0.001)
	params := []*autograd.Param{large, small}
	before := [][]float64{gradients(large), gradients(small)}
	c := NewClipper(nil, params, ByTensor, 0.05, 0)
	if err := c.Measure(false); err != nil {
		t.Fatal(err)
	}
	near(t, "global norm", c.Norm, floats.Norm(append(append([]float64{}, before[0]...), before[1]...), 2), 1e-13)
	c.Clip()
	norm := floats.Norm(before[0], 2)
	near(t, "norm of large", c.Tensors[0].Norm, norm, 1e-13)
	if !c.Tensors[0].Clipped || c.Tensors[1].Clipped {
		t.Errorf("clipped: %t and %t, want large only", c.Tensors[0].Clipped, c.Tensors[1].Clipped)
	}
	for i, g := range large.Grad {
		near(t, "large", float64(g), before[0][i]*0.05/(norm+1e-6), rounding())
	}
	for i, g := range small.Grad {
		if float64(g) != before[1][i] {
			t.Fatalf("small[%d] has changed, though its norm is below the threshold", i)
		}
	}
	near(t, "clip rate", c.Rate, float64(PieceSize+100)/float64(PieceSize+110), 1e-15)
	near(t, "norm after", c.Tensors[0].After, floats.Norm(gradients(large), 2), rounding())
	near(t, "global norm after", c.After, floats.Norm(gradients(params...), 2), rounding())
}

func TestGlobalClippingFollowsTheComponents(t *testing.T) {
	a, b := newParam("a", 0, 4000), newParam("b", 1, 10)
	wantA, wantB := gradients(a), gradients(b)
	if n := floats.Norm(wantA, 2); n > 3 {
		floats.Scale(3/(n+1e-6), wantA)
	}
	total := math.Hypot(floats.Norm(wantA, 2), floats.Norm(wantB, 2))
	floats.Scale(1/(total+1e-6), wantA)
	floats.Scale(1/(total+1e-6), wantB)

	c := NewClipper(nil, []*autograd.Param{a, b}, ByTensor, 3, 1)
	if err := c.Measure(false); err != nil {
		t.Fatal(err)
	}
	c.Clip()
	for i, g := range a.Grad {
		near(t, "a", float64(g), wantA[i], 2*rounding())
	}
	for i, g := range b.Grad {
		near(t, "b", float64(g), wantB[i], 2*rounding())
	}
	near(t, "norm after", c.After, total/(total+1e-6), 1e-12)
	if !c.Tensors[0].Clipped || c.Tensors[1].Clipped {
		t.Error("only a's own threshold was exceeded")
	}
}

func TestWithoutThresholdsNothingIsClipped(t *testing.T) {
	p := newParam("p", 0, 100)
	before := gradients(p)
	c := NewClipper(nil, []*autograd.Param{p}, ByTensor, 0, 0)
	if err := c.Measure(false); err != nil {
		t.Fatal(err)
	}
	c.Clip()
	if c.Rate != 0 || c.After != c.Norm || !floats.Equal(before, gradients(p)) {
		t.Errorf("clip rate %v, norm %v then %v", c.Rate, c.Norm, c.After)
	}
}

func TestGroupings(t *testing.T) {
	names := []string{
		"bert.embeddings.word_embeddings.weight", "bert.embeddings.LayerNorm.bias",
		"bert.encoder.layer.0.attention.self.query.weight", "bert.encoder.layer.0.attention.self.query.bias",
		"bert.encoder.layer.0.attention.self.key.weight", "bert.encoder.layer.0.attention.self.key.bias",
		"bert.encoder.layer.0.attention.self.value.weight", "bert.encoder.layer.0.output.dense.weight",
		"bert.encoder.layer.10.attention.self.key.weight",
		"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
	}
	var params []*autograd.Param
	for i, name := range names {
		params = append(params, newParam(name, uint32(i), i+1))
	}
	for grouping, want := range map[Grouping][]string{
		ByTensor: names,
		ByQKV: {"bert.embeddings.word_embeddings.weight", "bert.embeddings.LayerNorm.bias",
			"bert.encoder.layer.0.attention.self.qkv.weight", "bert.encoder.layer.0.attention.self.qkv.bias",
			"bert.encoder.layer.0.output.dense.weight", "bert.encoder.layer.10.attention.self.qkv.weight",
			"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"},
		ByLayer: {"bert.embeddings", "bert.encoder.layer.0", "bert.encoder.layer.10", "bert.pooler", "classifier"},
	} {
		c := NewClipper(nil, params, grouping, 0.5, 0)
		var got []string
		elements := 0
		for _, m := range c.Components {
			got = append(got, m.Name)
			elements += m.Elements
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: components %v, want %v", grouping, got, want)
		}
		if elements != 91 {
			t.Errorf("%s: %d elements, want 91", grouping, elements)
		}
	}
	c := NewClipper(nil, params, ByQKV, 0.5, 0)
	if err := c.Measure(false); err != nil {
		t.Fatal(err)
	}
	near(t, "norm of qkv", c.Components[2].Norm, floats.Norm(gradients(params[2], params[4], params[6]), 2), 1e-13)
	if _, err := ParseGrouping("layers"); fault.KindOf(err) != fault.Usage {
		t.Errorf("unknown grouping: %v", err)
	}
}

func TestNonFiniteGradientsAreNamed(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		a, b, z := newParam("fine", 0, 10), newParam("broken", 1, PieceSize+10), newParam("later", 2, 4)
		b.Grad[PieceSize+3] = tensor.Float(bad)
		z.Grad[0] = tensor.Float(bad)
		err := NewClipper(nil, []*autograd.Param{a, b, z}, ByTensor, 1, 1).Measure(false)
		if fault.KindOf(err) != fault.Diverged || !strings.Contains(err.Error(), "broken") {
			t.Errorf("gradient %v: error %v, want one of kind Diverged that names broken", bad, err)
		}
	}
}

func TestRecordedStatistics(t *testing.T) {
	p := newParam("p", 0, PieceSize+100)
	g, w := gradients(p), make([]float64, len(p.Clean))
	for i, v := range p.Clean {
		w[i] = float64(v)
	}
	c := NewClipper(nil, []*autograd.Param{p}, ByTensor, 0.05, 0)
	if err := c.Measure(true); err != nil {
		t.Fatal(err)
	}
	c.Clip()
	s := c.Tensors[0]
	if s.Gradient.Max != floats.Max(g) || s.Gradient.Min != floats.Min(g) || s.Weight.Max != floats.Max(w) || s.Weight.Min != floats.Min(w) {
		t.Errorf("extremes %+v", s)
	}
	near(t, "weight norm", s.WeightNorm, floats.Norm(w, 2), 1e-13)
	// sums of 16,484 terms of both signs: rounding relative to the terms
	if d := s.Gradient.Mean - floats.Sum(g)/float64(len(g)); math.Abs(d) > 1e-14 {
		t.Errorf("mean of the gradient is off by %v", d)
	}
	if d := s.Weight.Mean - floats.Sum(w)/float64(len(w)); math.Abs(d) > 1e-14 {
		t.Errorf("mean of the weights is off by %v", d)
	}
	if s.Elements != PieceSize+100 || s.Shape[0] != s.Elements || s.Name != "p" {
		t.Errorf("%q, shape %v, %d elements", s.Name, s.Shape, s.Elements)
	}
}
