package bench

import (
	"fmt"
	"strconv"

	"pactune/bert"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/train"
)

// steps is one full training step: AdamW on all weights, dropout 0.1, random
// tokens.
func steps(o *Options) ([]*workload, error) {
	c, err := shape(o, randomVocab)
	if err != nil {
		return nil, err
	}
	lengths := uniform(o.Batch, o.Seq)
	w := &workload{FLOPs: 3 * forwardFLOPs(c, lengths), steps: o.Steps}
	w.Name, w.Model, w.Layers = fmt.Sprintf("step/%s/%dx%d", o.Model, o.Batch, o.Seq), o.Model, c.Layers
	w.Batch, w.Seq, w.Tokens = o.Batch, o.Seq, o.Batch*o.Seq
	w.setup = func() (*job, error) {
		m, err := newModel(*c, bert.HeadPooler)
		if err != nil {
			return nil, err
		}
		settings, err := o.settings(o.Batch, [2]string{"method", "adamw"}, [2]string{"dropout", "0.1"},
			[2]string{"per_device_train_batch_size", strconv.Itoa(o.Batch)})
		if err != nil {
			return nil, err
		}
		pool := par.New(o.Threads)
		u, err := train.NewUpdates(settings, m, randomTexts(lengths), pool)
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

// shape checks the sizes that the options ask for.
func shape(o *Options, vocab int) (*bert.Config, error) {
	c, err := bert.Sized(o.Model, vocab)
	if err != nil {
		return nil, err
	}
	if err := unless(o.Batch >= 1, "--batch %d: expected a whole number from 1 up", o.Batch); err != nil {
		return nil, err
	}
	if err := unless(o.Seq >= 1 && o.Seq <= c.MaxPositions, "--seq %d: expected 1 to %d tokens", o.Seq, c.MaxPositions); err != nil {
		return nil, err
	}
	return &c, unless(o.Steps >= 1, "--steps %d: expected a whole number from 1 up", o.Steps)
}
