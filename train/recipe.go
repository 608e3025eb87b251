package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"pactune/internal/fault"
)

// A setting gives an option a value.
type setting struct{ name, value string }

// recipes say what each method is: the values that hold where neither an
// option nor the preset says otherwise.
var recipes = map[string][]setting{
	// Hugging Face's defaults, which are those of the option table.
	"adamw": {},
	// Yang and Ma, "Improving Stability of Fine-Tuning Pretrained Language
	// Models via Component-Wise Gradient Norm Clipping", EMNLP 2022.
	"cwgnc": {
		{"per_device_train_batch_size", "16"},
		{"learning_rate", "2e-5"},
		{"num_train_epochs", "3"},
		{"lr_scheduler_type", "linear"},
		{"weight_decay", "0"},
		{"dropout", "0.1"},
		{"max_seq_length", "128"},
		{"adam_form", "hf"},
		{"clip_component", "tensor"},
		{"clip_component_norm", "0.05"},
		{"max_grad_norm", "0"},
	},
	// Liu et al., "PAC-tuning: Fine-tuning Pretrained Language Models with
	// PAC-driven Perturbed Gradient Descent", EMNLP 2023.
	"pac": {
		{"num_train_epochs", "300"},
		{"pac_stage1_epochs", "250"},
		{"pac_gamma", "5"},
		{"per_device_train_batch_size", "100"},
		{"learning_rate", "5e-5"},
		{"head_learning_rate", "1e-2"},
		{"lr_scheduler_type", "constant"},
		{"weight_decay", "1e-2"},
		{"weight_decay_on", "all"},
		{"max_grad_norm", "0"},
		{"dropout", "0"},
		{"head", "cls"},
		{"freeze_embeddings", "true"},
		{"eval_epochs", "10"},
	},
	// PAC-tuning whose loss gradient is clipped by component.
	"pac+cwgnc": {
		{"clip_component", "tensor"},
		{"clip_component_norm", "0.05"},
	},
	// The case study of the same paper, gradual unfreezing: what it has in common
	// with cwgnc, and no clipping. Every layer meets the same rate when its turn comes.
	"unfreeze": {
		{"per_device_train_batch_size", "16"},
		{"learning_rate", "2e-5"},
		{"lr_scheduler_type", "constant"},
		{"weight_decay", "0"},
		{"dropout", "0.1"},
		{"max_seq_length", "128"},
		{"adam_form", "hf"},
		{"max_grad_norm", "0"},
	},
	// Masked language modelling, by pactune pretrain.
	"pretrain": {
		{"num_train_epochs", "1"},
		{"per_device_train_batch_size", "64"},
		{"learning_rate", "1e-3"},
		{"warmup_ratio", "0.05"},
		{"weight_decay", "0.01"},
		{"adam_beta2", "0.98"},
		{"adam_epsilon", "1e-6"},
		{"dropout", "0"},
		{"eval_strategy", "steps"},
		{"eval_steps", "0.05"},
		{"save_every", "5m"},
	},
}

// Recipe gives the options that the user has not set the values of a recipe.
func (c *Config) Recipe(name string) { c.layer("recipe "+name, recipes[name]) }

// presets refine PAC-tuning's recipe.
var presets = map[string][]setting{
	"paper": {
		{"pac_k_samples", "0"},
	},
	"authors": {
		{"num_train_epochs", "250"},
		{"pac_stage1_epochs", "200"},
		{"pac_gamma", "10"},
		{"train_order", "file"},
		{"eval_epochs", "1"},
		{"pac_k_samples", "0"},
	},
	// The encoder inside the binary, with the job's data or others. It is small and has
	// read little, so its weights have to travel far: everything trains, in small
	// batches, at ten times the paper's rate. At the paper's γ the KL term charges every
	// step of that, and stage 1 ends where it began; a large γ makes KL, whose weight is
	// 1/(mγ), cheap enough to learn, and log-stds that grow slowly leave the time for it.
	"embedded": {
		{"num_train_epochs", "12"},
		{"pac_stage1_epochs", "8"},
		{"per_device_train_batch_size", "20"},
		{"learning_rate", "5e-4"},
		{"head_learning_rate", "5e-4"},
		{"dropout", "0.1"},
		{"freeze_embeddings", "false"},
		{"pac_gamma", "1e4"},
		{"pac_noise_learning_rate", "0.02"},
		{"pac_k_samples", "100"},
		{"eval_epochs", "2"},
		{"logging_steps", "0.05"},
	},
}

// compats follow somebody's code where it differs from the method.
var compats = map[string][]setting{
	"authors": {
		{"pac_k_search", "authors"},
	},
	"hf": {
		{"eval_strategy", "no"},
		{"logging_steps", "500"},
		{"logging_first_step", "false"},
		{"per_device_eval_batch_size", "8"},
	},
}

// differences from transformers' defaults, printed once for adamw: but not to
// who has given one of the options that a difference is about.
var differences = []struct {
	text  string
	about []string
}{
	{"no padding: every example keeps its own length; the result is the same as with padding", nil},
	{"evaluation after every epoch (--eval_strategy no turns it off)", []string{"do_eval", "eval_strategy", "eval_epochs"}},
	{"a checkpoint every 10 minutes, of which the last two and the best are kept (--save_strategy steps --save_steps 500 adds transformers')", []string{"save_strategy", "save_every", "save_steps", "save_total_limit"}},
	{"a line in the log for every 1 % of the updates (--logging_steps 500 is transformers')", []string{"logging_strategy", "logging_steps"}},
}

// Facts are what the data say, and what some settings wait for.
type Facts struct {
	Task       string // the GLUE task, "" for a user's own files
	TrainRows  int
	Regression bool
	Builtin    bool // the encoder is the one in the binary
}

// Resolve settles every setting by the precedence option > preset > the
// method's recipe > default. It may be called again with other facts. Errors
// are faults of kind Usage: settings that exclude each other.
func (c *Config) Resolve(f Facts) error {
	if err := c.chooseMethod(f); err != nil {
		return err
	}
	method, preset, compat := c.Method, c.Preset, c.Compat
	c.reset()
	c.Method, c.Preset, c.Compat = method, preset, compat
	if strings.HasPrefix(method, "pac") {
		c.layer("recipe pac", recipes["pac"])
		if f.Task == "sst2" || f.Task == "cola" {
			c.layer("recipe pac for "+f.Task, []setting{{"pac_gamma", "10"}})
		}
	}
	if method != "pac" {
		c.layer("recipe "+method, recipes[method])
	}
	c.layer("preset "+preset, presets[preset])
	c.layer("compat "+compat, compats[compat])
	if c.HeadLearningRate == 0 {
		c.HeadLearningRate = c.LearningRate
	}
	if c.DataSeed == 0 {
		c.DataSeed = c.Seed
	}
	if _, err := c.Schedule(1); err != nil {
		return err
	}
	if c.set["save_steps"] && !c.set["save_strategy"] {
		c.SaveStrategy, c.from["save_strategy"] = "steps", "save_steps"
	}
	if err := c.settleClipping(); err != nil {
		return err
	}
	if !c.PAC() {
		return nil
	}
	c.settleStages(f.TrainRows)
	return c.settleGamma()
}

// layer applies settings to the options that the user has not set.
func (c *Config) layer(from string, settings []setting) {
	for _, s := range settings {
		o, err := lookup(options, s.name)
		if err != nil {
			panic("train: recipe: " + err.Error())
		}
		if !c.set[o.Name] {
			c.apply(o, s.value)
			c.from[o.Name] = from
		}
	}
}

// chooseMethod settles method, preset and compat, which exclude each other in
// many ways.
func (c *Config) chooseMethod(f Facts) error {
	if c.asked == "" {
		c.asked = c.Method
	}
	method := c.asked
	if !c.set["preset"] {
		c.Preset = ""
	}
	auto := method == "auto"
	switch {
	case auto && c.Compat == "hf":
		method = "adamw"
	case auto && (c.Preset != "" || c.Compat == "authors"):
		method = "pac"
	case auto && f.TrainRows <= 1000 && !f.Regression:
		method = "pac"
	case auto:
		method = "cwgnc"
	}
	pac := strings.HasPrefix(method, "pac")
	switch {
	case pac && f.Regression:
		return fault.Errorf(fault.Usage, "--method %s: PAC-tuning is defined for classification only, and the labels are numbers; use --method cwgnc or adamw", method)
	case c.Compat == "hf" && method != "adamw":
		return fault.Errorf(fault.Usage, "--compat hf is --method adamw with the defaults of run_glue, not --method %s", method)
	case c.Compat == "authors" && !pac:
		return fault.Errorf(fault.Usage, "--compat authors belongs to PAC-tuning, not to --method %s", method)
	case c.FreezeEncoder && method == "unfreeze":
		return fault.Errorf(fault.Usage, "--freeze_encoder with --method unfreeze: one leaves the layers as they are, the other trains them; leave one out")
	case c.Preset != "" && !pac:
		return fault.Errorf(fault.Usage, "--preset %s belongs to PAC-tuning, not to --method %s", c.Preset, method)
	}
	if c.Compat == "authors" && c.Preset == "" {
		c.Preset = "authors"
	}
	if pac && c.Preset == "" && (f.Builtin || c.Embedded()) {
		c.Preset = "embedded"
	}
	c.Method = method
	return nil
}

// settleClipping refuses clipping by component that lacks a component, and
// turns global clipping off where components are clipped and nobody asked for
// both.
func (c *Config) settleClipping() error {
	if c.set["clip_component_norm"] && !c.set["clip_component"] && c.ClipComponent == "off" {
		c.ClipComponent, c.from["clip_component"] = "tensor", "clip_component_norm"
	}
	if c.ClipComponent == "off" && strings.HasSuffix(c.Method, "cwgnc") {
		return fault.Errorf(fault.Usage, "--clip_component off with --method %s: choose tensor, qkv or layer, or --method %s",
			c.Method, map[string]string{"cwgnc": "adamw", "pac+cwgnc": "pac"}[c.Method])
	}
	if c.ClipComponent != "off" && !c.set["max_grad_norm"] {
		c.MaxGradNorm, c.from["max_grad_norm"] = 0, "clip_component"
	}
	return nil
}

// settleStages divides the epochs of PAC-tuning: one number given leaves the
// other to the preset, the total by adding its second stage, the first stage
// by keeping its share.
func (c *Config) settleStages(rows int) {
	total, first := c.set["num_train_epochs"], c.set["pac_stage1_epochs"] && c.PACStage1Epochs > 0
	p := NewConfig()
	p.layer("", recipes["pac"])
	p.layer("", presets[c.Preset])
	switch {
	case total && !first:
		c.PACStage1Epochs = math.Round(c.NumTrainEpochs * p.PACStage1Epochs / p.NumTrainEpochs)
		c.from["pac_stage1_epochs"] = "num_train_epochs"
	case first && !total:
		c.NumTrainEpochs = c.PACStage1Epochs + p.NumTrainEpochs - p.PACStage1Epochs
		c.from["num_train_epochs"] = "pac_stage1_epochs"
	case !first:
		c.PACStage1Epochs = p.PACStage1Epochs // also where 0 was given
		c.stretch(rows)
	}
}

// fewestUpdates is how many the paper makes of its 100 examples.
const fewestUpdates = 300

// stretch multiplies the epochs of the embedded preset by the least whole number that
// makes fewestUpdates of the rows: its few epochs are those of a thousand rows.
func (c *Config) stretch(rows int) {
	if c.Preset != "embedded" || c.MaxSteps > 0 || rows == 0 {
		return
	}
	updates := c.NumTrainEpochs * math.Ceil(float64(rows)/float64(c.BatchSize*c.AccumulationSteps))
	factor := math.Ceil(fewestUpdates / updates)
	if factor <= 1 {
		return
	}
	c.NumTrainEpochs *= factor
	c.PACStage1Epochs *= factor
	if !c.set["eval_epochs"] {
		c.EvalEpochs *= int(factor)
	}
	for _, name := range []string{"num_train_epochs", "pac_stage1_epochs", "eval_epochs"} {
		if !c.set[name] {
			c.from[name] = fmt.Sprintf("preset embedded, at least %d updates", fewestUpdates)
		}
	}
}

// settleGamma leaves γ in PACGammaMin and PACGammaMax.
func (c *Config) settleGamma() error {
	if c.PACStage1Epochs > c.NumTrainEpochs {
		return fault.Errorf(fault.Usage, "--pac_stage1_epochs %g: more than the %g epochs of both stages (--num_train_epochs)",
			c.PACStage1Epochs, c.NumTrainEpochs)
	}
	low, high := c.set["pac_gamma_min"] && c.PACGammaMin > 0, c.set["pac_gamma_max"] && c.PACGammaMax > 0
	switch {
	case low != high:
		return fault.Errorf(fault.Usage, "--pac_gamma_min and --pac_gamma_max: give both, or --pac_gamma for a fixed one")
	case low && c.PACGammaMin > c.PACGammaMax:
		return fault.Errorf(fault.Usage, "--pac_gamma_min %g is above --pac_gamma_max %g", c.PACGammaMin, c.PACGammaMax)
	case low && c.set["pac_gamma"] && c.PACGamma > 0 && (c.PACGamma != c.PACGammaMin || c.PACGamma != c.PACGammaMax):
		return fault.Errorf(fault.Usage, "--pac_gamma %g fixes gamma, --pac_gamma_min and --pac_gamma_max free it: give one or the other", c.PACGamma)
	case low:
		c.PACGamma = 0
		if c.PACGammaMin == c.PACGammaMax {
			c.PACGamma = c.PACGammaMin
		}
	case c.PACGamma == 0:
		return fault.Errorf(fault.Usage, "--pac_gamma 0: expected a number above 0, or --pac_gamma_min and --pac_gamma_max for a free one")
	default:
		c.PACGammaMin, c.PACGammaMax = c.PACGamma, c.PACGamma
		c.from["pac_gamma_min"], c.from["pac_gamma_max"] = "pac_gamma", "pac_gamma"
	}
	return nil
}

// Steps returns the updates of a run and those of its first stage, given the
// updates of an epoch. max_steps sets the total, and cuts stage 1 when it is
// shorter; a run that is not PAC-tuning has no first stage.
func (c *Config) Steps(perEpoch int) (total, stage1 int) {
	total = int(math.Ceil(c.NumTrainEpochs * float64(perEpoch)))
	if c.MaxSteps > 0 {
		total = c.MaxSteps
	}
	if c.PAC() {
		stage1 = min(total, int(math.Ceil(c.PACStage1Epochs*float64(perEpoch))))
	}
	return total, stage1
}

// remarks are what a user should know of the settled options: those without
// effect, the method where it was chosen for them, and, for adamw, what is
// unlike transformers.
func (c *Config) remarks(f Facts) []string {
	lines := ignoredNotes(append(c.ignored, c.idle()...))
	switch {
	case c.set["method"] && c.asked != "auto", c.Embedded():
	case c.Method == "pac" && (c.Preset == "" || f.Builtin && !c.set["preset"]) || c.Method == "cwgnc":
		sign := map[bool]string{true: "no more than", false: "more than"}[f.TrainRows <= 1000]
		if f.Regression {
			lines = append(lines, "method cwgnc, because the labels are numbers (--method)")
			break
		}
		lines = append(lines, fmt.Sprintf("method %s, because there are %s 1,000 training rows (--method)", c.Method, sign))
	}
	if c.Method == "adamw" && c.Compat == "" {
		for _, d := range differences {
			if !slices.ContainsFunc(d.about, c.IsSet) {
				lines = append(lines, "unlike transformers: "+d.text)
			}
		}
	}
	return lines
}
