package train

import (
	"context"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/pac"
)

// Updates makes the updates of a run one by one, without a folder, a log or
// evaluations at times of its own: what benchmarks time.
type Updates struct{ t *trainer }

// NewUpdates prepares updates of m on data, as c, which is resolved, says.
// Until MeasureK is called PAC-tuning's K is a constant, which changes no time.
func NewUpdates(c *Config, m *bert.Model, data *glue.Encoded, pool *par.Pool) (*Updates, error) {
	t, err := newTrainer(c, m, data, pool)
	if err == nil && t.noise != nil {
		t.bound.Table = &pac.KTable{Std: []float64{1e-3, 1}, K: []float64{0.2, 0.2}}
	}
	return &Updates{t}, err
}

// Step makes update s, counted from 0.
func (u *Updates) Step(s int) error {
	_, err := u.t.step(s)
	return err
}

// Gradients makes the forward and backward passes of update s at the clean
// weights: the update without noise, bound, clipping and optimisers.
func (u *Updates) Gradients(s int) error {
	_, err := u.t.passes(s)
	return err
}

// Profile has the time of every op and part of the updates to come told to c.
func (u *Updates) Profile(c *profile.Clock) { u.t.profile(c) }

// MeasureK builds PAC-tuning's K table.
func (u *Updates) MeasureK(ctx context.Context) error { return u.t.measureK(ctx, nil) }

// Evaluate runs the clean model over e.
func (u *Updates) Evaluate(ctx context.Context, e *glue.Encoded) (*EvalRecord, error) {
	ev, err := u.t.forward.evaluate(ctx, e, u.t.cfg.EvalBatchSize, nil)
	if err != nil {
		return nil, err
	}
	return ev.record, nil
}
