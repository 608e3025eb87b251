package main

// mutants is the list of faults. Those of the number formats are planted in the
// plain loops of the f64 build or, where the assembly is to be kept out of it,
// in the reference under purego.
var mutants = []mutant{
	// activations, softmax, LayerNorm
	{"GELU' without z·φ(z)", "tensor/vec_f64.go", "slope = math.FMA(x, density, normalCDF(x))", "slope = math.FMA(0, density, normalCDF(x))", "f64", "./autograd ./tensor"},
	{"GELU' without z·φ(z)", "asm/vec.go", "dy[i] * FMA32(x, density, 0.5+halfErf32(x))", "dy[i] * FMA32(0, density, 0.5+halfErf32(x))", "purego", "./tensor"},
	{"softmax's gradient with a swapped sign", "tensor/vec_f64.go", "p[i] * (dp[i] - dot) * scale", "p[i] * (dp[i] + dot) * scale", "f64", "./autograd"},
	{"softmax's gradient with a swapped sign", "asm/vec_rows.go", "p[i] * (dp[i] - dot) * scale", "p[i] * (dp[i] + dot) * scale", "purego", "./tensor"},
	{"softmax without subtracting the maximum", "tensor/vec_f64.go", "fmath.Exp((x[i] - top) * scale)", "fmath.Exp((x[i] - 0*top) * scale)", "f64", "./tensor"},
	{"softmax without subtracting the maximum", "asm/vec_rows.go", "exp32((v - top) * scale)", "exp32((v - 0*top) * scale)", "purego", "./tensor"},
	{"LayerNorm's variance unbiased", "tensor/vec_f64.go", "math.Sqrt(variance/n+eps)", "math.Sqrt(variance/(n-1)+eps)", "f64", "./tensor ./autograd"},
	{"LayerNorm's variance unbiased", "asm/vec_rows.go", "math.Sqrt(float64(l.sum()/n)+eps)", "math.Sqrt(float64(l.sum()/(n-1))+eps)", "purego", "./tensor"},
	{"LayerNorm with eps 1e-5 for 1e-12", "autograd/layernorm.go", "beta: beta, eps: eps,", "beta: beta, eps: 1e-5,", "", "./bert"},
	{"quantile's tail: a coefficient off by 1e-3", "asm/internal/coef/coef.go", "1.06600189", "1.06500189", "purego", "./asm ./tensor"},
	{"noise not clipped to ±2", "tensor/vec_noise_f64.go", "z = math.Max(-2, math.Min(2, z))", "z = math.Max(-3, math.Min(3, z))", "f64", "./tensor"},

	// ops
	{"[CLS] gradient one row too far", "autograd/first.go", "dx := b.x.grad.Data[in : in+c]", "in = (in + c) % len(b.x.grad.Data)\n\tdx := b.x.grad.Data[in : in+c]", "f64", "./autograd"},
	{"positions one row too low", "autograd/embed.go", "append(r.positions, p)", "append(r.positions, max(p-1, 0))", "", "./bert"},
	{"embedding's gradient overwritten, not added", "autograd/embed.go", "tensor.Add(dst, dst, r.g[row*c+from:row*c+to])", "copy(dst, r.g[row*c+from:row*c+to])", "f64", "./autograd"},
	{"bias forgotten", "autograd/linear.go", "tensor.AddBias(z, int(p.to-p.from), cols, r.b.Data)", "tensor.AddBias(z, 0, cols, r.b.Data)", "", "./bert"},
	{"bias gradient without the last row", "autograd/linear.go", "r.dz[from:], r.out.Rows, r.out.Cols)", "r.dz[from:], r.out.Rows-1, r.out.Cols)", "f64", "./autograd"},
	{"residual's gradient dropped", "autograd/layernorm.go", "copy(r.dres[from:to], ds)", "clear(r.dres[from:to])", "f64", "./autograd"},
	{"second reader overwrites a gradient", "autograd/tape.go", "return v.grad.Data, false", "return v.grad.Data, true", "f64", "./autograd"},
	{"pre-activations freed too soon", "autograd/linear.go", "		r.dz = r.z.Data\n", "		r.dz = r.z.Data\n		t.arena.Free(r.z)\n", "f64", "./autograd"},
	{"attention without its scale", "bert/bert.go", "Scale: 1 / math.Sqrt(float64(headDim)),", "Scale: 1,", "", "./bert"},
	{"label off by one", "autograd/loss.go", "if c == class {", "if c == (class+1)%len(z) {", "f64", "./autograd"},

	// dropout
	{"dropout not scaled", "tensor/vec_f64.go", "v = x[i] / keep", "v = x[i]", "f64", "./tensor"},
	{"dropout not scaled", "asm/vec_noise.go", "v = x[i] * c[1]", "v = x[i]", "purego", "./tensor"},
	{"dropout's mask not made again (LayerNorm)", "autograd/layernorm.go", "	dropRows(ds, ds, r.drop, r.x.layout, p, c)", "	_ = ds", "f64", "./autograd"},
	{"dropout's mask not made again (attention)", "autograd/attention.go", "tensor.Dropout(dp, dp, drop.Key, id, start, drop.keep())", "_ = id", "f64", "./autograd"},
	{"dropout: position within the sequence ignored", "autograd/layout.go", "int(p.from - l.starts[p.seq])", "0", "", "./autograd ./bert"},
	{"dropout: heads share a mask", "autograd/attention.go", "uint64(head * perHead)", "uint64(0 * perHead)", "", "./autograd ./bert"},
	{"dropout: sites share a mask", "bert/bert.go", "Key: d.Key.Fold(uint32(site))", "Key: d.Key", "", "./bert"},
	{"dropout: the same masks in every update", "train/step.go", "rng.StreamDropout, uint64(s))", "rng.StreamDropout, 0)", "", "./train"},

	// optimiser
	{"bias correction dropped", "tensor/vec.go", "if biasCorrection {", "if biasCorrection && t < 0 {", "", "./tensor ./optim"},
	{"decay after instead of before the step", "tensor/vec.go", "s.Decay = Float(1 - decay)", "s.After = Float(decay)", "", "./tensor ./optim"},
	{"clip without 1e-6", "optim/clip.go", "threshold/(norm+clipEps)", "threshold/norm", "", "./optim"},
	{"global clip by the norm before components were clipped", "optim/clip.go", "norm := math.Sqrt(square)", "norm := c.Norm", "", "./optim"},
	{"biases and LayerNorms decayed", "train/step.go", "len(p.Shape) > 1", "len(p.Shape) > 0", "", "./train"},
	{"rate of the next update", "train/step.go", "t.schedule.Scale(s)", "t.schedule.Scale(s + 1)", "", "./train"},
	{"Adam always at its first update", "train/step.go", "t.opt.Step(s+1-t.skips.Total, scale)", "t.opt.Step(1, scale)", "", "./train"},
	{"gradients not cleared", "train/step.go", "t.model.Store.ZeroGrad() //", "_ = i //", "", "./train"},
	{"mean over the micro-batch", "train/step.go", "t.forward.loss(t.data.Data.Problem, logits, scale)", "t.forward.loss(t.data.Data.Problem, logits, 1/float64(len(micro)))", "", "./train"},

	// PAC-tuning
	{"noise not removed", "pac/noise.go", "p.Data = p.Clean", "_ = p", "", "./pac"},
	{"the same noise in every update", "pac/noise.go", "rng.StreamNoise, uint64(step))", "rng.StreamNoise, 0*uint64(step))", "", "./pac"},
	{"γ not clamped", "pac/bound.go", "t.Gamma = min(max(t.Gamma, b.GammaMin), b.GammaMax)", "t.Gamma = max(t.Gamma, 0)", "f64", "./pac"},
	{"KL without its ½", "pac/bound.go", "float64(0.5 * (moved", "float64(1 * (moved", "f64", "./pac"},
	{"K's slope not sent to b", "pac/bound.go", "*b.weight()) + viaK)", "*b.weight()) + 0*viaK)", "f64", "./pac"},
	{"running maximum of K dropped", "pac/ktable.go", "k = max(k, t.K[s-1])", "k = max(k, 0*t.K[s-1])", "", "./pac"},
	{"the head's p at the body's rate", "pac/bound.go", "adam.Step(b.HeadRate*headFactor(t), 0, t))", "adam.Step(b.Rate, 0, t))", "f64", "./pac"},
	{"KL term once per micro-batch", "train/step.go", "		t.bound.Backward() //", "		for range t.order.Micros(s) {\n			t.bound.Backward()\n		} //", "", "./train"},
	{"clip before dp", "train/step.go", "	if stage1 {\n		if err := t.bound.StepNoise(); err != nil { // dp from the unclipped gradient\n			return timing, fault.Errorf(fault.Diverged, \"update %d: %w; %s\", s+1, err, t.remedy())\n		}\n		t.clock.Part(profile.NoiseStep)\n	}\n	t.clipper.Clip()", "	t.clipper.Clip()\n	if stage1 {\n		if err := t.bound.StepNoise(); err != nil { // dp from the unclipped gradient\n			return timing, fault.Errorf(fault.Diverged, \"update %d: %w; %s\", s+1, err, t.remedy())\n		}\n		t.clock.Part(profile.NoiseStep)\n	}\n", "", "./train"},
	{"stage 1 one update too long", "train/step.go", "t.noise != nil && s < t.stage1", "t.noise != nil && s <= t.stage1", "", "./train"},

	// data
	{"truncation cuts the shorter text", "tokenizer/encode.go", "return long, short", "return short, long", "", "./tokenizer"},
	{"truncation gives an odd token to the first text", "tokenizer/encode.go", "short = limit / 2", "short = (limit + 1) / 2", "", "./tokenizer"},
	{"labels of a task reversed", "glue/task_reader.go", "e.Label = id", "e.Label = len(t.Labels) - 1 - id", "", "./glue"},
}
