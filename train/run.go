package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/safetensors"
	"pactune/tokenizer"
)

// run is one run from its data to its folder.
type run struct {
	cfg       *Config
	hooks     Hooks
	fsys      *Builtin
	data      *glue.Data
	tok       *tokenizer.Tokenizer
	evals     []*glue.Encoded
	t         *trainer
	plan      *Plan
	origin    Origin
	folder    *Folder
	finish    Finish
	weightsOf int // update whose weights the model has at the end, 0: the last
	last      []*evaluation
	loss      mean
	before    time.Duration // that the run took before it was interrupted
	disk      files.FS
	saved     int // step of the newest checkpoint, 0 for none
	tried     int // step of the last one that was to be saved
	savedAt   time.Time
	memory    Memory         // forecast
	limit     int64          // of memory; 0: not known
	need      Disk           // forecast
	clock     *profile.Clock // nil without --profile

	tests     []*glue.Encoded
	predicted []glue.Predictions // of tests, once all updates are made
}

// Run fine-tunes a model as cfg says and leaves a run folder, or goes on with the
// one that cfg.Resume names. b, when not nil, replaces the model and the data that
// cfg does not name. When ctx ends, the update in progress is finished, a
// checkpoint is saved and Result.Interrupted is set; before the first update there
// is nothing to save, and the error wraps ctx's. On an error before it the folder is
// removed. After it the folder stays, with the last good weights where the numbers
// went wrong, else with a checkpoint if one can be written; the error says what is
// kept and what is lost.
func Run(ctx context.Context, cfg *Config, b *Builtin, hooks Hooks) (*Result, error) {
	return (&run{cfg: cfg, hooks: hooks, fsys: b, disk: files.OS}).do(ctx)
}

func (r *run) do(ctx context.Context) (*Result, error) {
	cfg := r.cfg
	r.finish = Finish{Config: cfg, Start: time.Now(), Argv: os.Args, Result: &Result{}}
	defer func() {
		if r.folder != nil {
			r.folder.Discard()
		}
	}()
	from, err := r.earlier()
	if err == nil && from == nil {
		err = CheckOutput(cfg)
	}
	if err != nil {
		return nil, err
	}
	cfg.Resume = "never" // what is recorded describes the whole run
	if from != nil && from.ended() {
		r.note(from.dir + ": this run has ended: nothing is left to do")
		return &Result{Folder: from.dir, Steps: from.Steps}, nil
	}
	if cfg.Profile {
		r.clock = profile.Start()
		defer r.hooks.EndProfile(r.clock)
	}
	pool := par.New(Threads(cfg.Threads))
	defer pool.Close()
	if err := r.prepare(pool); err != nil {
		return nil, from.needs(err)
	}
	if err := r.open(from); err != nil {
		return nil, err
	}
	if err := r.train(ctx); err != nil {
		return nil, r.fail(err)
	}
	if r.finish.Result.Interrupted {
		if err := r.interrupt(); err != nil {
			return nil, err
		}
		return r.finish.Result, nil
	}
	if err := r.save(); err != nil {
		return nil, r.rescue(err)
	}
	return r.finish.Result, nil
}

// note tells the user of a choice, warn of what may be wrong; "" is nothing to tell.
func (r *run) note(text string) { r.tell(text, r.hooks.OnNote) }
func (r *run) warn(text string) { r.tell(text, r.hooks.OnWarn) }

func (r *run) tell(text string, hook func(string)) {
	if text == "" {
		return
	}
	r.finish.Notes = append(r.finish.Notes, text)
	if hook != nil {
		hook(text)
	}
}

// train measures the K table, then makes the updates that are missing and every
// evaluation.
func (r *run) train(ctx context.Context) error {
	if r.hooks.OnPlan != nil {
		r.hooks.OnPlan(r.plan)
	}
	if r.t.noise != nil && r.t.table == nil {
		if err := r.t.measureK(ctx, r.hooks.working("K table")); err != nil {
			return tooEarly(ctx, err)
		}
	}
	if r.t.table != nil {
		r.finish.KSigma, r.finish.K = r.t.table.Std, r.t.table.K
	}
	r.savedAt = time.Now()
	for s := r.finish.Result.Steps; s < r.plan.Steps; s++ {
		if err := r.between(ctx, s); err != nil || r.finish.Result.Interrupted {
			return err
		}
		timing, err := r.t.step(s)
		if err != nil {
			if err = r.t.leaveOut(s, err); err != nil {
				return err
			}
		}
		r.finish.Result.Steps = s + 1
		if r.t.rec.Skipped == "" {
			r.loss.add(r.t.rec.Loss)
		}
		r.warn(r.t.rec.Remark(&r.t.spikes))
		r.folder.Step(&r.t.rec, timing)
		r.t.logComponents(r.folder.Log)
		if err := r.folder.Log.Err(); err != nil {
			return err
		}
		if r.hooks.OnStep != nil {
			r.hooks.OnStep(&r.t.rec, timing)
		}
	}
	err := r.interrupted(ctx, r.evaluate(ctx, true))
	if err == nil {
		err = r.t.finite()
	}
	if err == nil && !r.finish.Result.Interrupted && r.cfg.LoadBestModelAtEnd {
		err = r.interrupted(ctx, r.takeBest(ctx))
	}
	if err == nil && !r.finish.Result.Interrupted {
		err = r.interrupted(ctx, r.predict(ctx))
	}
	return err
}

// between is what may be done after update s: an evaluation, a checkpoint, an end.
func (r *run) between(ctx context.Context, s int) error {
	every := r.plan.EvalEvery
	if every > 0 && s > 0 && s%every == 0 && r.folder.history.evaluated(s) < len(r.evals) {
		if err := r.interrupted(ctx, r.evaluate(ctx, false)); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		r.finish.Result.Interrupted = true
		if s == 0 {
			return tooEarly(ctx, err)
		}
		return nil
	}
	if r.wantsCheckpoint(s) {
		return r.checkpoint()
	}
	return nil
}

// interrupted turns an error that only says that ctx has ended into a run that
// ends early.
func (r *run) interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		r.finish.Result.Interrupted = true
		return nil
	}
	return err
}

// tooEarly turns an error that only says that ctx has ended, before the first
// update, into a message.
func tooEarly(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return early{ctx.Err()}
	}
	return err
}

// early is the end of a run before its first update.
type early struct{ error }

func (early) Error() string   { return "ended before the first update: there is nothing to save" }
func (e early) Unwrap() error { return e.error }

// evaluate runs the clean model over the evaluation sets. What the log has
// already, of a run that goes on, is not logged again.
func (r *run) evaluate(ctx context.Context, last bool) error {
	logged := r.folder.history.evaluated(r.t.rec.Step)
	evs, err := r.evaluations(ctx, &r.t.rec, last)
	if err != nil {
		return err
	}
	var failed error // what the log has must be what the run knows, with a line that is to be written again
	for _, ev := range evs[min(logged, len(evs)):] {
		failed = cmp.Or(failed, r.folder.Eval(ev.record))
		if r.hooks.OnEval != nil {
			r.hooks.OnEval(ev.record)
		}
	}
	if logged < len(evs) {
		r.t.logNoise(r.folder.Log)
	}
	r.last = evs
	if last {
		for _, ev := range r.last {
			for _, w := range ev.warnings {
				r.note(w)
			}
		}
	}
	if len(r.last) > 0 {
		r.keepBest(r.last[0].record)
		if r.t.finite() == nil {
			r.t.undo, r.t.unproved = false, false // these weights have proved good
		}
	}
	return cmp.Or(failed, r.folder.Log.Err())
}

// evaluations are those of the weights after the update of a record.
func (r *run) evaluations(ctx context.Context, at *StepRecord, last bool) ([]*evaluation, error) {
	var evs []*evaluation
	for _, e := range r.evals {
		ev, err := r.t.forward.evaluate(ctx, e, r.cfg.EvalBatchSize, r.hooks.OnWork)
		if fault.KindOf(err) == fault.Diverged {
			return nil, fmt.Errorf("update %d: %w; %s; %s", at.Step, err, r.t.culprit(), r.t.remedy())
		}
		if err != nil {
			return nil, err
		}
		ev.record.Step, ev.record.Epoch, ev.record.Stage, ev.record.Last = at.Step, at.Epoch, at.Stage, last
		if last {
			ev.details(e.Data)
		}
		evs = append(evs, ev)
	}
	return evs, nil
}

func (r *run) keepBest(e *EvalRecord) {
	if res := r.finish.Result; r.cfg.better(e, res.Best) {
		res.Best = e
	}
}

// save writes the model and everything about the run into its folder.
func (r *run) save() error {
	r.clock.Part(profile.Rest)
	defer r.clock.Part(profile.Write)
	if err := r.write("finished"); err != nil {
		return err
	}
	if r.hooks.OnSave != nil {
		r.hooks.OnSave(r.folder.Path())
	}
	return nil
}

func (r *run) write(exit string) error {
	res, f := r.finish.Result, r.folder
	if len(r.last) > 0 && r.last[0].record.Step != cmp.Or(r.weightsOf, res.Steps) {
		r.last = nil // of other weights than those that are saved
	}
	res.TrainLoss, res.FLOs, res.Folder = r.loss.take(), r.flos(), f.Path()
	r.finish.End, r.finish.Exit = time.Now(), exit
	res.Elapsed = r.before + r.finish.End.Sub(r.finish.Start)
	for _, ev := range r.last {
		res.Evals = append(res.Evals, ev.record)
	}
	if err := WriteModel(f.Write, r.t.model, r.tok); err != nil {
		return err
	}
	if r.t.noise != nil {
		err := f.Write("noise.safetensors", func(w io.Writer) error {
			return safetensors.Write(w, noiseTensors(r.t.noise, r.t.model.Store), map[string]string{"format": "pt", "content": "log standard deviations of PAC-tuning's noise"})
		})
		if err != nil {
			return err
		}
	}
	for i, ev := range r.last {
		if err := f.WritePredictions(ev.record.Suffix, ev.list(r.evals[i])); err != nil {
			return err
		}
		if err := f.WriteJSON("eval_report"+ev.record.Suffix+".json", 2, SummaryMap(ev.record)); err != nil {
			return err
		}
	}
	for i, p := range r.predicted {
		if err := f.WriteAnswers(r.tests[i].Data, p); err != nil {
			return err
		}
	}
	return f.Finish(&r.finish)
}

// WriteModel writes the files that make a folder a model: config.json,
// model.safetensors and the tokeniser's.
func WriteModel(write func(name string, content func(io.Writer) error) error, m *bert.Model, tok *tokenizer.Tokenizer) error {
	if err := describeModel(write, m, tok); err != nil {
		return err
	}
	return write("model.safetensors", func(w io.Writer) error {
		return safetensors.Write(w, m.Tensors(), map[string]string{"format": "pt"})
	})
}

// describeModel writes all of them but the weights.
func describeModel(write func(name string, content func(io.Writer) error) error, m *bert.Model, tok *tokenizer.Tokenizer) error {
	bytes := func(data []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(data); return err }
	}
	config, err := m.Config.JSON()
	if err != nil {
		return err
	}
	if err := write("config.json", bytes(config)); err != nil {
		return err
	}
	return tok.Within(m.Config.MaxPositions).WriteFiles(func(name string, data []byte) error { return write(name, bytes(data)) })
}
