package pac

import (
	"testing"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/optim"
)

// BenchmarkUpdate measures what PAC-tuning adds to the backward passes of an
// update of 16 million weights, by part; BERT-base trains 5.3 times as many.
func BenchmarkUpdate(b *testing.B) {
	const weights = 16 << 20
	pool := par.New(2)
	defer pool.Close()
	var body []*autograd.Param
	for range 16 {
		body = append(body, newParam("weight", 0, weights/16, 0.1))
	}
	head := []*autograd.Param{newParam("head", 1, 1538, 0.1)}
	n := NewNoise(pool, body, head, Options{Seed: 1, Granularity: PerWeight})
	bound := &Bound{Noise: n, Table: &testTable, Examples: 100, GammaMin: 10, GammaMax: 10, Rate: 0.1, HeadRate: 1e-2}
	params := both(body, head)
	setGrads(params, 1)
	clip := optim.NewClipper(pool, params, optim.ByTensor, 0.05, 0)
	adam := optim.NewAdamW(pool, []optim.Group{{Params: params, LR: 5e-5, WeightDecay: 1e-2}}, optim.DefaultAdam())
	step := 0
	for _, part := range []struct {
		name string
		run  func()
	}{
		{"Begin", func() { n.Begin(step); n.End() }},
		{"Measure", func() { _ = clip.Measure(false) }},
		{"StepNoise", func() { _ = bound.StepNoise() }},
		{"Clip", clip.Clip},
		{"Backward", bound.Backward},
		{"StepPrior", bound.StepPrior},
		{"AdamW", func() { adam.Step(step+1, 1) }},
		{"Record", func() { _ = clip.Measure(true) }},
		{"Extremes", func() { n.Extremes() }},
	} {
		b.Run(part.name, func(b *testing.B) {
			for range b.N {
				part.run()
				step++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/weights, "ns/weight")
		})
	}
}
