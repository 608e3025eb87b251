package pretrain

import (
	"fmt"
	"math"
	"time"

	"pactune/autograd"
	"pactune/bert"
	"pactune/corpus"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/internal/rng"
	"pactune/optim"
	"pactune/tensor"
	"pactune/train"
)

// text is where batches come from: a *corpus.Corpus.
type text interface {
	Next(b *corpus.Batch, sequences int) error
	Epoch() float64
}

// trainer is the state of the training loop.
type trainer struct {
	cfg      *Config
	model    *bert.Model
	text     text
	tape     *autograd.Tape
	micros   []corpus.Batch // of one update
	held     corpus.Batch
	drop     bert.Dropout
	opt      *optim.AdamW
	schedule optim.Schedule
	clipper  *optim.Clipper
	clock    *profile.Clock // nil without a profile
	skips    train.Skips
	spikes   train.Spikes
	rec      train.StepRecord
}

func newTrainer(c *Config, m *bert.Model, text text, steps int, pool *par.Pool) (*trainer, error) {
	t := &trainer{cfg: c, model: m, text: text, micros: make([]corpus.Batch, c.AccumulationSteps)}
	var err error
	if t.tape, err = c.NewTape(pool); err != nil {
		return nil, err
	}
	m.Store.AllocateGrads()
	t.drop = c.Rates(m)
	t.opt = optim.NewAdamW(pool, c.groups(m), optim.Adam{Form: tensor.AdamTorch, Beta1: c.AdamBeta1, Beta2: c.AdamBeta2,
		Eps: c.AdamEpsilon, BiasCorrection: true})
	if t.schedule, err = c.Schedule(steps); err != nil {
		return nil, err
	}
	whole, err := optim.ParseGrouping("tensor")
	if err != nil {
		return nil, err
	}
	t.clipper = optim.NewClipper(pool, m.Store.Trainable(), whole, 0, c.MaxGradNorm)
	return t, nil
}

// groups keep weight decay from biases and LayerNorms, unless the settings want
// it everywhere.
func (c *Config) groups(m *bert.Model) []optim.Group {
	decayed := optim.Group{Name: "weights", LR: c.LearningRate, WeightDecay: c.WeightDecay}
	plain := optim.Group{Name: "weights without decay", LR: c.LearningRate}
	for _, p := range m.Store.Trainable() {
		if c.WeightDecayOn == "all" || len(p.Shape) > 1 {
			decayed.Params = append(decayed.Params, p)
		} else {
			plain.Params = append(plain.Params, p)
		}
	}
	return []optim.Group{decayed, plain}
}

// step is update s, counted from 0. On an error the update is not made: weights and
// moments are as before.
func (t *trainer) step(s int) (train.Timing, error) {
	start := time.Now()
	t.clock.Part(profile.Rest)
	var timing train.Timing
	targets := 0
	for i := range t.micros {
		if err := t.text.Next(&t.micros[i], t.cfg.BatchSize); err != nil {
			return timing, err
		}
		targets += len(t.micros[i].Targets)
		timing.Examples += t.micros[i].Examples
		timing.Tokens += len(t.micros[i].IDs)
	}
	t.clock.Part(profile.Read)
	if err := t.gradients(s, targets); err != nil {
		return timing, err
	}
	if err := t.clipper.Measure(false); err != nil {
		return timing, fault.Errorf(fault.Diverged, "update %d: %w", s+1, err)
	}
	t.clock.Part(profile.Norms)
	t.clipper.Clip()
	t.clock.Part(profile.Clip)
	scale := t.schedule.Scale(s)
	t.opt.Step(s+1-t.skips.Total, scale)
	t.skips.Row = 0
	t.clock.Part(profile.AdamW)
	r := &t.rec
	r.Spike, r.Skipped = t.spikes.Add(r.Loss), ""
	r.Step, r.LR, r.HeadLR = s+1, t.cfg.LearningRate*scale, t.cfg.LearningRate*scale
	r.GradNorm, r.GradNormClip = t.clipper.Norm, t.clipper.After
	r.Epoch = t.text.Epoch()
	timing.Elapsed = time.Since(start)
	return timing, nil
}

// leaveOut makes the record of update s, which failed with err, when it is left
// out. Otherwise it returns the error.
func (t *trainer) leaveOut(s int, err error) error {
	if err := t.skips.Take(t.cfg.Config, err); err != nil {
		return err
	}
	t.rec = train.StepRecord{Step: s + 1, Epoch: t.text.Epoch(), Loss: t.rec.Loss, Skipped: err.Error()}
	return nil
}

// gradients adds up the gradient of the mean loss over the targets of update s.
func (t *trainer) gradients(s, targets int) error {
	t.drop.Key = rng.NewKey(t.cfg.Seed, rng.StreamDropout, uint64(s))
	sum, scale := 0.0, 1/float64(targets)
	t.rec.Loss = math.NaN() // until it is known
	t.model.Store.ZeroGrad()
	t.clock.Part(profile.ZeroGrad)
	for i := range t.micros {
		loss := t.forward(&t.micros[i], true, scale)
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			t.rec.Loss = loss
			return fault.Errorf(fault.Diverged, "update %d: the loss is %v; %s; %s", s+1, loss, train.Culprit(t.model.Store, false), advice)
		}
		sum += loss
		t.tape.Backward()
	}
	t.rec.Loss = float64(sum * scale)
	return nil
}

// forward returns the sum of the losses of a batch.
func (t *trainer) forward(b *corpus.Batch, record bool, scale float64) float64 {
	t.tape.Reset(autograd.Sequences{RowStarts: b.RowStarts, ExampleIDs: b.ExampleIDs}, record)
	drop := t.drop
	if !record {
		drop = bert.Dropout{}
	}
	logits := t.model.MaskedLogits(t.tape, b.IDs, b.Types, b.At, drop)
	return t.tape.TokenCrossEntropy(logits, b.Targets, scale).Sum
}

const advice = "try a lower --learning_rate or a longer --warmup_ratio"

// finite returns an error when a weight is not.
func (t *trainer) finite() error {
	if err := t.model.Store.Finite(); err != nil {
		return fmt.Errorf("update %d: %w; %s", t.rec.Step, err, advice)
	}
	return nil
}

// evaluate returns the mean loss over the held-out targets, their number and
// that of the tokens read. The masks are always the same.
func (t *trainer) evaluate(text *corpus.Corpus, working func(done, total int)) (loss float64, targets, tokens int) {
	n := text.HeldOutSequences()
	for from := 0; from < n; from += t.cfg.EvalBatchSize {
		text.HeldOut(&t.held, from, t.cfg.EvalBatchSize)
		loss += t.forward(&t.held, false, 1)
		targets += len(t.held.Targets)
		tokens += len(t.held.IDs)
		working(min(from+t.cfg.EvalBatchSize, n), n)
	}
	return loss / float64(max(1, targets)), targets, tokens
}
