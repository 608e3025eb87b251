package pretrain

import (
	"pactune/bert"
	"pactune/corpus"
	"pactune/internal/par"
	"pactune/internal/profile"
)

// Updates makes the updates of a run one by one on one batch, without text, a
// folder or evaluations: what benchmarks time.
type Updates struct{ t *trainer }

// NewUpdates prepares updates of m, as c says, on a batch.
func NewUpdates(c *Config, m *bert.Model, batch *corpus.Batch, pool *par.Pool) (*Updates, error) {
	c.Recipe(method)
	t, err := newTrainer(c, m, (*same)(batch), 1<<20, pool)
	return &Updates{t}, err
}

// Profile has the time of every op and part of an update told to c.
func (u *Updates) Profile(c *profile.Clock) { u.t.clock, u.t.tape.Clock = c, c }

// Step makes update s, counted from 0.
func (u *Updates) Step(s int) error {
	_, err := u.t.step(s)
	return err
}

// same is a text that is one batch again and again.
type same corpus.Batch

func (b *same) Next(to *corpus.Batch, _ int) error { *to = corpus.Batch(*b); return nil }
func (b *same) Epoch() float64                     { return 0 }
