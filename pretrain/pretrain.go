// Package pretrain teaches a BERT to read: masked language modelling (Devlin et
// al., NAACL 2019) on plain text.
//
// Some tokens of every sequence are hidden, and the model names them from what
// stands around. One update:
//
//	corpus    Next: sequences of whole sentences, packed without padding, with masks
//	bert      MaskedLogits: the encoder, then the decoder at the masked tokens alone
//	autograd  TokenCrossEntropy over the vocabulary, Backward
//	optim     the norm of the gradient, clipping, AdamW
//
// The loss is the mean of −ln p(token) over the masked tokens of an update.
// Knowing only how frequent every token is gives corpus.Stats.UnigramNats, a
// level on which a young model stays until its attention finds the neighbours.
// The held-out loss compares with it: every held-out target is [MASK], while in
// training a tenth stays readable, which makes the loss of an update smaller.
//
// Every few minutes the run leaves a checkpoint, from which Resume goes on to the
// bit: the order of the text, masks and dropout are functions of the seed and of
// the place, and what is kept besides weights and moments is the number of
// updates and a place in the text (state.go).
package pretrain

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"pactune/asm"
	"pactune/bert"
	"pactune/corpus"
	"pactune/internal/fault"
	"pactune/internal/fmath"
	"pactune/internal/par"
	"pactune/internal/plural"
	"pactune/internal/profile"
	"pactune/tokenizer"
	"pactune/train"
)

// Result is what a run leaves.
type Result struct {
	Folder      string
	Steps       int
	Tokens      int64   // read by all updates
	Loss        float64 // held out, the last one
	Unigram     float64 // what knowing the frequencies alone gives
	Elapsed     time.Duration
	Interrupted bool // the context ended; a checkpoint was saved
}

// run is one run from its text to its folder.
type run struct {
	cfg    *Config
	hooks  train.Hooks
	text   *corpus.Corpus
	tok    *tokenizer.Tokenizer
	terms  train.Licence // of the model that it goes on with
	t      *trainer
	plan   *train.Plan
	stats  corpus.Stats
	folder *train.Folder
	start  time.Time
	notes  []string
	clock  *profile.Clock
	done   state // what a checkpoint holds besides the arrays
	last   *train.EvalRecord
	saved  time.Time
	tried  int // step of the last checkpoint that was to be saved
	origin train.Origin
}

// Run pretrains a model as cfg says and leaves a folder with it. When ctx ends,
// the update in progress is finished and a checkpoint is saved.
func Run(ctx context.Context, cfg *Config, hooks train.Hooks) (*Result, error) {
	if err := train.CheckOutput(cfg.Config); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, hooks: hooks}
	return r.do(ctx, func() error {
		folder, err := train.NewRun(cfg.Config, "text")
		if err != nil {
			return err
		}
		r.folder = folder
		if err := folder.WriteJSON("training_args.json", 2, cfg.values()); err != nil {
			return err
		}
		if err := folder.WriteJSON(originName, 2, &r.origin); err != nil {
			return err
		}
		return folder.Publish()
	})
}

// do prepares a run, opens its folder and makes the updates that are missing.
func (r *run) do(ctx context.Context, open func() error) (*Result, error) {
	r.start = time.Now()
	if r.cfg.Profile {
		r.clock = profile.Start()
		defer r.hooks.EndProfile(r.clock)
	}
	pool := par.New(train.Threads(r.cfg.Threads))
	defer pool.Close()
	if err := r.prepare(pool); err != nil {
		return nil, err
	}
	defer r.text.Close()
	defer r.close()
	if err := open(); err != nil {
		return nil, err
	}
	res, err := r.train(ctx)
	if err != nil {
		return nil, r.fail(err)
	}
	return res, nil
}

// fail ends a run that cannot go on. Where not its numbers are at fault, mostly on a
// full disk, its updates go into a checkpoint if one can still be written, and its
// folder stays.
func (r *run) fail(err error) error {
	made := r.done.Step
	diverged := fault.KindOf(err) == fault.Diverged
	if r.done.Saved == 0 && (made == 0 || diverged && r.last == nil) {
		r.folder.Retract()
		return err
	}
	if !diverged && made > r.done.Saved && made > r.tried && made < r.plan.Steps {
		again := r.folder.Log.Retry()
		if again == nil {
			again = r.save()
		}
		if again != nil && r.done.Saved < made {
			err = fmt.Errorf("%w; nor can a checkpoint be saved: %w", err, again)
		}
	}
	return train.Kept(err, r.folder.Path(), r.done.Saved, made)
}

// close gives logs and folder free.
func (r *run) close() {
	if r.folder != nil {
		r.folder.Discard()
	}
}

// note tells the user of a choice, warn of what may be wrong; "" is nothing to tell.
func (r *run) note(text string) { r.tell(text, r.hooks.OnNote) }
func (r *run) warn(text string) { r.tell(text, r.hooks.OnWarn) }

func (r *run) tell(text string, hook func(string)) {
	if text == "" {
		return
	}
	r.notes = append(r.notes, text)
	if hook != nil {
		hook(text)
	}
}

// prepare reads vocabulary, model and text.
func (r *run) prepare(pool *par.Pool) error {
	c := r.cfg
	source, err := c.open()
	if err != nil {
		return err
	}
	defer source.close()
	r.tok, r.terms = source.tok, source.licence
	model, err := source.model(c)
	if err != nil {
		return err
	}
	r.text, err = corpus.Open(corpus.Options{
		Files: c.files(), Tokenizer: r.tok, MaxLength: c.MaxSeqLength, Seed: c.Seed,
		Probability: c.MLMProbability, WholeWord: c.WholeWord, MaskShare: c.MaskShare, RandomShare: c.RandomShare,
		HeldOut: c.HeldOut / 100, HeldOutTokens: c.EvalTokens,
	}, pool)
	if err != nil {
		return err
	}
	r.stats = r.text.Stats()
	for _, n := range r.text.Notes() {
		r.note(n)
	}
	steps, perEpoch := c.updates(r.stats)
	memory, limit, err := c.checkMemory(model, pool.Workers())
	var disk train.Disk
	if err == nil {
		disk, err = c.checkDisk(model, steps, r.folder)
	}
	if err == nil {
		var loaded string
		loaded, err = source.load(c, model, r.text)
		r.note(loaded)
	}
	if err == nil {
		if r.t, err = newTrainer(c, model, r.text, steps, pool); err == nil {
			for i := range r.t.micros {
				r.text.Grow(&r.t.micros[i], c.BatchSize)
			}
			r.text.Grow(&r.t.held, c.EvalBatchSize)
		}
	}
	if err != nil {
		r.text.Close()
		return err
	}
	r.t.tape.Reserve(memory.Dry, memory.Longest)
	r.t.clock, r.t.tape.Clock = r.clock, r.clock
	r.describe(model, steps, perEpoch, pool.Workers())
	r.plan.Memory, r.plan.MemoryLimit, r.plan.Disk = memory, limit, disk
	if err := r.describeOrigin(model); err != nil {
		r.text.Close()
		return err
	}
	r.clock.Part(profile.Read)
	return nil
}

// updates returns the number of updates of the run and of an epoch.
func (c *Config) updates(s corpus.Stats) (total, perEpoch int) {
	perEpoch = max(1, int(s.Sequences)/(c.BatchSize*c.AccumulationSteps))
	total, _ = c.Steps(perEpoch)
	return total, perEpoch
}

// describe makes the plan, for the user and for the folder.
func (r *run) describe(m *bert.Model, steps, perEpoch, threads int) {
	c := r.cfg
	p := &train.Plan{
		Model: fmt.Sprintf("%s of width %d, %s", plural.Of(m.Config.Layers, "layer"), m.Config.HiddenSize, plural.Of(m.Config.VocabSize, "token")),
		Task:  strings.Join(c.files(), ", "), Method: c.Method,
		TrainRows: int(r.stats.Sequences), TrainTokens: int(r.stats.Tokens),
		EvalRows: r.stats.HeldOutSequences, EvalTokens: r.stats.HeldOutTokens,
		MetricNames: []string{"perplexity"},
		Epochs:      c.NumTrainEpochs, StepsPerEpoch: perEpoch, Steps: steps, Batch: c.BatchSize * c.AccumulationSteps,
		Threads: threads, ISA: asm.Active().String(), Precision: c.Precision, Kernel: c.Kernel().String(),
		LogEvery: c.LogEvery(steps, perEpoch), LogFirst: c.LoggingFirstStep, EvalEvery: c.EvalEvery(steps, perEpoch),
	}
	if c.ModelNameOrPath != "" {
		p.Model = c.ModelNameOrPath
	}
	p.Parameters, p.Trainable = m.Store.Len()
	p.Tensors = len(m.Store.Trainable())
	r.plan = p
	if r.stats.HeldOutSequences > 0 {
		r.note(fmt.Sprintf("guessing by frequency alone has a held-out loss of %.3f", r.stats.UnigramNats))
	}
	if r.stats.Unknown > 0.001 {
		r.warn(fmt.Sprintf("%.2f %% of the tokens are %s: the vocabulary does not fit the text", 100*r.stats.Unknown, "[UNK]"))
	}
}

// train makes the updates that are missing, evaluates, and leaves checkpoints
// and at the end the model.
func (r *run) train(ctx context.Context) (*Result, error) {
	if r.hooks.OnPlan != nil {
		r.hooks.OnPlan(r.plan)
	}
	r.saved = time.Now()
	evalEvery := r.cfg.EvalEvery(r.plan.Steps, r.plan.StepsPerEpoch)
	for r.done.Step < r.plan.Steps {
		if ctx.Err() != nil {
			return r.result(true), r.save()
		}
		timing, err := r.t.step(r.done.Step)
		if err != nil {
			if err = r.t.leaveOut(r.done.Step, err); err != nil {
				return nil, err
			}
		}
		r.warn(r.t.rec.Remark(&r.t.spikes))
		r.done.Step++
		r.done.Tokens += int64(timing.Tokens)
		r.folder.Log.Step(&r.t.rec, timing)
		if r.hooks.OnStep != nil {
			r.hooks.OnStep(&r.t.rec, timing)
		}
		if evalEvery > 0 && r.done.Step%evalEvery == 0 || r.done.Step == r.plan.Steps {
			if err := r.evaluate(); err != nil {
				return nil, err
			}
		}
		if err := r.folder.Log.Err(); err != nil { // after the evaluation, which its checkpoint counts as made
			return nil, err
		}
		if r.cfg.SaveEvery > 0 && time.Since(r.saved) >= time.Duration(r.cfg.SaveEvery) && r.done.Step < r.plan.Steps {
			if err := r.save(); err != nil {
				return nil, err
			}
		}
	}
	r.clock.Part(profile.Rest)
	defer r.clock.Part(profile.Write)
	return r.result(false), r.finish()
}

// evaluate reads the held-out text.
func (r *run) evaluate() error {
	if r.text.HeldOutSequences() == 0 {
		return nil
	}
	start := time.Now()
	loss, targets, tokens := r.t.evaluate(r.text, func(done, total int) {
		if r.hooks.OnWork != nil {
			r.hooks.OnWork("evaluation", done, total)
		}
	})
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fault.Errorf(fault.Diverged, "update %d: the held-out loss is %v; %s", r.done.Step, loss, advice)
	}
	r.last = &train.EvalRecord{Step: r.done.Step, Epoch: r.t.rec.Epoch, Loss: loss, Samples: targets, Tokens: tokens,
		Metrics: []train.Metric{{Name: "perplexity", Value: fmath.Exp(loss)}}, Elapsed: time.Since(start),
		Last: r.done.Step == r.plan.Steps}
	r.folder.Log.Eval(r.last)
	if r.hooks.OnEval != nil {
		r.hooks.OnEval(r.last)
	}
	return r.folder.Log.Err()
}

func (r *run) result(interrupted bool) *Result {
	res := &Result{Folder: r.folder.Path(), Steps: r.done.Step, Tokens: r.done.Tokens, Unigram: r.stats.UnigramNats,
		Elapsed: time.Since(r.start), Interrupted: interrupted}
	if r.last != nil {
		res.Loss = r.last.Loss
	}
	return res
}

// files are the names of the text.
func (c *Config) files() []string {
	var names []string
	for _, n := range strings.Split(c.TrainFiles, ",") {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	return names
}
