package train

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"pactune/checkpoint"
	"pactune/internal/fault"
	"pactune/internal/profile"
)

// wantsCheckpoint tells whether one is due after update s.
func (r *run) wantsCheckpoint(s int) bool {
	c, best := r.cfg, r.finish.Result.Best
	switch {
	case s == 0:
		return false
	case c.SavesAt(s, r.plan.Steps, r.t.perEpoch):
		return true
	case (c.SaveStrategy == "best" || c.LoadBestModelAtEnd) && best != nil && best.Step == s:
		return true
	}
	return c.SaveStrategy != "no" && c.SaveEvery > 0 && time.Since(r.savedAt) >= time.Duration(c.SaveEvery)
}

// checkpoint leaves a checkpoint of now, from which resume goes on to the bit and
// which is the folder of a model, and removes old ones.
func (r *run) checkpoint() error {
	step := r.finish.Result.Steps
	if step == r.saved {
		return nil
	}
	if err := r.t.finite(); err != nil {
		return err
	}
	r.tried = step
	logs, err := r.folder.Log.Flush()
	if err != nil {
		return err
	}
	content := checkpoint.Content{Model: Weights(r.t.model.Store), Optimizer: r.t.moments(), State: r.state(logs)}
	add := func(name string, write func(io.Writer) error) error {
		content.Files = append(content.Files, checkpoint.File{Name: name, Write: write})
		return nil
	}
	if err := describeModel(add, r.t.model, r.tok); err != nil {
		return err
	}
	args, err := marshal(r.cfg.Values(), "  ")
	if err != nil {
		return fault.Errorf(fault.Internal, "training_args.json: %w", err)
	}
	add("training_args.json", func(w io.Writer) error { _, err := w.Write(args); return err })
	if _, err := checkpoint.Save(r.folder.disk, r.folder.Path(), step, content); err != nil {
		return err
	}
	r.saved, r.savedAt = step, time.Now()
	if err := r.folder.Publish(); err != nil {
		return err
	}
	var also []int
	if b := r.finish.Result.Best; b != nil {
		also = append(also, b.Step)
	}
	return checkpoint.Limit(r.folder.disk, r.folder.Path(), r.cfg.SaveTotalLimit, also...)
}

// interrupt ends a run that a signal has ended early.
func (r *run) interrupt() error {
	r.clock.Part(profile.Rest)
	defer r.clock.Part(profile.Write)
	if err := r.checkpoint(); err != nil {
		return r.fail(err)
	}
	r.finish.Result.Elapsed = r.before + time.Since(r.finish.Start)
	r.note(fmt.Sprintf("ended early: saved is a checkpoint after update %d of %d; go on with: pactune resume %s", r.finish.Result.Steps, r.plan.Steps, r.folder.Path()))
	if err := r.writeManifest("interrupted"); err != nil {
		return r.rescue(err)
	}
	return nil
}

// checkBest refuses settings about the best evaluation that the data cannot meet.
func (c *Config) checkBest(p *Plan) error {
	if c.LoadBestModelAtEnd && (p.EvalRows == 0 || !c.DoEval) {
		return fault.Errorf(fault.Usage, "--load_best_model_at_end: there are no evaluations; give a --validation_file")
	}
	if name, _, ok := c.watched(&EvalRecord{}); c.MetricForBestModel != "" && !ok && !slices.Contains(p.MetricNames, name) {
		return fault.Errorf(fault.Usage, "--metric_for_best_model %s: expected loss or one of %v", c.MetricForBestModel, p.MetricNames)
	}
	return nil
}

// takeBest ends a run with the weights of its best evaluation. Those of its last
// update stay in a checkpoint; where that of the best is damaged, they are the model.
func (r *run) takeBest(ctx context.Context) error {
	best := r.finish.Result.Best
	if best == nil || best.Step == r.finish.Result.Steps {
		return nil
	}
	if err := r.checkpoint(); err != nil {
		return err
	}
	found, err := checkpoint.Open(r.folder.disk, filepath.Join(r.folder.Path(), fmt.Sprintf("checkpoint-%d", best.Step)))
	if checkpoint.Damaged(err) {
		r.warn(fmt.Sprintf("the model is that after the last update, %d: the evaluation after update %d was the best, but its checkpoint is damaged: %v", r.finish.Result.Steps, best.Step, err))
		return nil
	}
	if err != nil {
		return err
	}
	if err := found.Load(checkpoint.Model, Weights(r.t.model.Store)); err != nil {
		return err
	}
	if err := found.LoadSome(checkpoint.Optimizer, r.t.logStds()); err != nil {
		return err
	}
	at := StepRecord{Step: best.Step, Epoch: best.Epoch, Stage: best.Stage}
	if r.last, err = r.evaluations(ctx, &at, true); err != nil {
		return err
	}
	r.weightsOf = best.Step
	r.note(fmt.Sprintf("the model is that after update %d, whose evaluation was the best", best.Step))
	return nil
}
