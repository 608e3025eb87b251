package train

import (
	"math"
	"time"

	"pactune/autograd"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/internal/rng"
	"pactune/optim"
	"pactune/pac"
	"pactune/tensor"
)

// trainer is the state of the training loop.
type trainer struct {
	cfg       *Config
	model     *bert.Model
	data      *glue.Encoded
	order     glue.Plan
	forward   forward
	drop      bert.Dropout
	opt       *optim.AdamW
	schedule  optim.Schedule
	clipper   *optim.Clipper
	noise     *pac.Noise // nil without PAC-tuning
	bound     *pac.Bound
	table     *pac.KTable
	stage1    int // updates of the first stage
	perEpoch  int
	undo      bool // the gradients hold the weights of before the last update
	unproved  bool // the weights come from a checkpoint, and no loss at them is known yet
	skips     Skips
	spikes    Spikes
	clock     *profile.Clock // nil without a profile
	rec       StepRecord
	component ComponentRecord
}

func newTrainer(c *Config, m *bert.Model, data *glue.Encoded, pool *par.Pool) (*trainer, error) {
	t := &trainer{cfg: c, model: m, data: data}
	t.order = c.order(data)
	t.perEpoch = t.order.Steps()
	total, stage1 := c.Steps(t.perEpoch)
	t.stage1 = stage1
	tape, err := c.NewTape(pool)
	if err != nil {
		return nil, err
	}
	t.forward = forward{model: m, tape: tape}
	data.Grow(&t.forward.batch, max(c.BatchSize, c.EvalBatchSize))
	m.Store.AllocateGrads()
	t.drop = c.Rates(m)
	t.spikes.Floor = spikeFloor(data.Data, c.BatchSize*c.AccumulationSteps)

	form := tensor.AdamTorch
	if c.AdamForm == "hf" {
		form = tensor.AdamHF
	}
	body, head := t.parts()
	t.opt = optim.NewAdamW(pool, t.groups(body, head), optim.Adam{Form: form, Beta1: c.AdamBeta1, Beta2: c.AdamBeta2,
		Eps: c.AdamEpsilon, BiasCorrection: c.AdamBiasCorrection})
	t.opt.KeepOld = true
	if t.schedule, err = c.Schedule(total); err != nil {
		return nil, err
	}
	grouping, norm := "tensor", 0.0
	if c.ClipComponent != "off" {
		grouping, norm = c.ClipComponent, c.ClipComponentNorm
	}
	g, err := optim.ParseGrouping(grouping)
	if err != nil {
		return nil, err
	}
	t.clipper = optim.NewClipper(pool, m.Store.Trainable(), g, norm, c.MaxGradNorm)
	if c.unfreezes() {
		t.clipper.KeepStart()
	}
	if c.PAC() {
		g, err := pac.ParseGranularity(c.PACGranularity)
		if err != nil {
			return nil, err
		}
		t.noise = pac.NewNoise(pool, body, head, pac.Options{Seed: c.Seed, Granularity: g, Magnitude: c.PACNoiseInit == "weight"})
		t.bound = &pac.Bound{Noise: t.noise, Examples: data.Rows(), GammaMin: c.PACGammaMin, GammaMax: c.PACGammaMax,
			Rate: c.PACNoiseLearningRate, HeadRate: c.HeadLearningRate}
	}
	return t, nil
}

// profile has the time of every op and part of an update told to c.
func (t *trainer) profile(c *profile.Clock) { t.clock, t.forward.tape.Clock = c, c }

// order is that of the training rows over the updates.
func (c *Config) order(data *glue.Encoded) glue.Plan {
	return glue.Plan{Examples: data.Rows(), Batch: c.BatchSize, Accumulation: c.AccumulationSteps,
		Shuffle: c.TrainOrder == "shuffle", Seed: c.DataSeed}
}

// Rates are those of dropout: the model's, or those that the settings name.
func (c *Config) Rates(m *bert.Model) bert.Dropout {
	if c.Dropout < 0 {
		return m.Config.Rates()
	}
	return bert.Dropout{Hidden: c.Dropout, Attention: c.Dropout, Classifier: c.Dropout}
}

// parts divides the trainable parameters into the pretrained body and the
// head.
func (t *trainer) parts() (body, head []*autograd.Param) {
	for _, p := range t.model.Store.Trainable() {
		if bert.IsHead(p.Name) {
			head = append(head, p)
		} else {
			body = append(body, p)
		}
	}
	return body, head
}

// groups gives body and head their rates, and divides each by weight decay: with
// "matrices" biases and LayerNorms have none. Layers that are unfrozen one by one
// are groups of their own.
func (t *trainer) groups(body, head []*autograd.Param) []optim.Group {
	var groups []optim.Group
	add := func(name string, params []*autograd.Param, lr float64) {
		var decayed, plain []*autograd.Param
		for _, p := range params {
			if t.cfg.WeightDecayOn == "all" || len(p.Shape) > 1 {
				decayed = append(decayed, p)
			} else {
				plain = append(plain, p)
			}
		}
		if len(decayed) > 0 {
			groups = append(groups, optim.Group{Name: name, Params: decayed, LR: lr, WeightDecay: t.cfg.WeightDecay})
		}
		if len(plain) > 0 {
			groups = append(groups, optim.Group{Name: name + " without decay", Params: plain, LR: lr})
		}
	}
	if t.cfg.unfreezes() {
		for _, layer := range t.layers(body) {
			add("layer", layer, t.cfg.LearningRate)
		}
	} else {
		add("body", body, t.cfg.LearningRate)
	}
	add("head", head, t.cfg.HeadLearningRate)
	return groups
}

// step is update s, counted from 0. On an error the update is not made: weights,
// moments and noise are as before, and t.undo says that the update before it can still be taken back. The record of
// the update is in t.rec.
func (t *trainer) step(s int) (Timing, error) {
	start := time.Now()
	t.clock.Part(profile.Rest)
	t.unfreeze(s)
	stage1 := t.noise != nil && s < t.stage1
	if t.noise != nil && !stage1 && !t.noise.Frozen() {
		t.noise.Freeze()
	}
	timing, err := t.gradients(s)
	if err != nil {
		return timing, err
	}
	record := t.recordsComponents(s + 1)
	if err := t.clipper.Measure(record); err != nil {
		return timing, fault.Errorf(fault.Diverged, "update %d: %w", s+1, err)
	}
	t.clock.Part(profile.Norms)
	if stage1 {
		if err := t.bound.StepNoise(); err != nil { // dp from the unclipped gradient
			return timing, fault.Errorf(fault.Diverged, "update %d: %w; %s", s+1, err, t.remedy())
		}
		t.clock.Part(profile.NoiseStep)
	}
	t.clipper.Clip() // CWGNC: the loss's gradient, per component
	t.clock.Part(profile.Clip)
	if stage1 {
		t.bound.Backward() // KL and K terms into dw and db, at the clean weights
		t.bound.StepPrior()
		t.clock.Part(profile.Bound)
	}
	scale := t.schedule.Scale(s)
	t.opt.Step(s+1-t.skips.Total, scale)
	t.clock.Part(profile.AdamW)
	t.undo, t.skips.Row = true, 0
	t.describe(s, stage1, scale)
	t.clock.Part(profile.Record)
	timing.Elapsed = time.Since(start)
	return timing, nil
}

// gradients adds up the gradient of the mean loss over the examples of update
// s at the noisy weights: one draw of the noise for all micro-batches.
func (t *trainer) gradients(s int) (Timing, error) {
	if t.noise != nil {
		t.noise.Begin(s)
		defer t.noise.End()
		t.clock.Part(profile.Noise)
	}
	return t.passes(s)
}

// passes adds up the same at the weights that the parameters read.
func (t *trainer) passes(s int) (Timing, error) {
	rows := t.order.Rows(s)
	scale := 1 / float64(len(rows))
	timing := Timing{Examples: len(rows)}
	t.drop.Key = rng.NewKey(t.cfg.Seed, rng.StreamDropout, uint64(s))
	sum := 0.0
	t.rec.Loss = math.NaN() // until it is known
	for i := range t.order.Micros(s) {
		micro := t.order.Micro(s, i)
		logits := t.forward.run(t.data, micro, true, t.drop)
		loss := t.forward.loss(t.data.Data.Problem, logits, scale)
		if math.IsNaN(loss.Sum) || math.IsInf(loss.Sum, 0) {
			t.rec.Loss = loss.Sum
			return timing, t.diverged(s, micro, loss)
		}
		sum += loss.Sum
		if i == 0 {
			t.model.Store.ZeroGrad() // the first loss is finite: no way back from here
			t.undo, t.unproved = false, false
			t.clock.Part(profile.ZeroGrad)
		}
		t.forward.tape.Backward()
		timing.Tokens += len(t.forward.batch.IDs)
	}
	t.rec.Loss = float64(sum * scale)
	return timing, nil
}

// recordsComponents tells whether update number n (from 1) records the
// statistics of every tensor.
func (t *trainer) recordsComponents(n int) bool {
	return t.cfg.ComponentSteps > 0 && (n == 1 || n%t.cfg.ComponentSteps == 0)
}

// describe fills the record of update s.
func (t *trainer) describe(s int, stage1 bool, scale float64) {
	r := &t.rec
	r.Step, r.Epoch, r.Skipped = s+1, float64(s+1)/float64(t.perEpoch), ""
	r.Spike = t.spikes.Add(r.Loss)
	r.GradNorm, r.GradNormClip, r.ClipRate = t.clipper.Norm, t.clipper.After, t.clipper.Rate
	r.LR, r.HeadLR = t.cfg.LearningRate*scale, t.cfg.HeadLearningRate*scale
	if t.noise == nil {
		r.Total = r.Loss
		return
	}
	spread := t.noise.Spread()
	r.NoiseBody, r.NoiseHead, r.PriorBody, r.PriorHead = spread.PosteriorBody, spread.PosteriorHead, spread.PriorBody, spread.PriorHead
	r.NoiseMin, r.NoiseMax = t.noise.Extremes()
	r.Stage, r.Total = 2, r.Loss
	if stage1 {
		terms := t.bound.Terms
		r.Stage, r.KL = 1, terms.KLShown()
		r.KLPerRow = r.KL / float64(t.bound.Examples)
		r.K, r.Gamma, r.LPAC = terms.K, terms.Gamma, terms.LPac
		r.DistanceFromInit = terms.Distance
		r.Total = r.Loss + r.LPAC
	}
}

// logComponents writes the statistics that the last update recorded.
func (t *trainer) logComponents(l *Log) {
	if !t.recordsComponents(t.rec.Step) || t.rec.Skipped != "" {
		return
	}
	for i := range t.clipper.Tensors {
		s := &t.clipper.Tensors[i]
		t.component = ComponentRecord{
			Step: t.rec.Step, Tensor: s.Name, Shape: s.Shape, Elements: s.Elements, Clipped: s.Clipped,
			GradNorm: s.Norm, GradNormClip: s.After, WeightNorm: s.WeightNorm, Moved: s.Moved,
			GradMax: s.Gradient.Max, GradMin: s.Gradient.Min, GradMean: s.Gradient.Mean,
			WeightMax: s.Weight.Max, WeightMin: s.Weight.Min, WeightMean: s.Weight.Mean,
		}
		l.Component(&t.component)
	}
}
