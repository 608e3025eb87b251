package bench

import (
	"fmt"

	"pactune/bert"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/internal/rng"
	"pactune/pretrain"
)

// pretraining is one update of masked language modelling on random tokens, of
// which 15 % are masked.
func pretraining(o *Options) ([]*workload, error) {
	if err := unless(o.VocabSize >= 1, "--vocab_size %d: expected a whole number from 1 up", o.VocabSize); err != nil {
		return nil, err
	}
	c, err := shape(o, o.VocabSize)
	if err != nil {
		return nil, err
	}
	settings := pretrain.NewConfig()
	settings.BatchSize, settings.MaxSeqLength = o.Batch, o.Seq
	if err := settings.Set("precision", o.Precision.String()); err != nil {
		return nil, err
	}
	batch := settings.Longest(o.Batch, settings.MLMProbability)
	for i := range batch.IDs {
		batch.IDs[i] = randomID(i, o.VocabSize)
	}
	for i := range batch.Targets {
		batch.Targets[i] = randomID(len(batch.IDs)+i, o.VocabSize)
	}
	head := 2 * float64(len(batch.At)) * float64(c.HiddenSize) * float64(c.HiddenSize+o.VocabSize)
	w := &workload{FLOPs: 3 * (forwardFLOPs(c, uniform(o.Batch, o.Seq)) + head), steps: o.Steps}
	w.Name, w.Model, w.Layers = fmt.Sprintf("pretrain/%s/%dx%d", o.Model, o.Batch, o.Seq), o.Model, c.Layers
	w.Batch, w.Seq, w.Tokens = o.Batch, o.Seq, o.Batch*o.Seq
	w.setup = func() (*job, error) {
		m, err := bert.New(*c, bert.HeadMLM, 0)
		if err != nil {
			return nil, err
		}
		m.Initialise(1)
		pool := par.New(o.Threads)
		u, err := pretrain.NewUpdates(settings, m, &batch, pool)
		if err != nil {
			return nil, err
		}
		step := 0
		return &job{done: pool.Close, run: timed(func() error {
			step++
			if step == 2 && o.Profile { // the first is not counted
				w.Profile = profile.Start()
				u.Profile(w.Profile)
			}
			return u.Step(step - 1)
		})}, nil
	}
	return []*workload{w}, nil
}

func randomID(i, vocab int) int32 {
	return int32(rng.NewKey(1, rng.StreamSubset, 0).Intn(uint64(i), vocab))
}
