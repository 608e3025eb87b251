package train

import (
	"strings"

	"pactune/internal/fault"
	"pactune/tensor"
)

const (
	fp16Reason    = "fp16 needs loss scaling and has no fast path on CPUs; there are --precision f32 and --precision bf16"
	bestWay       = "of loss and mse the smallest is best, of every other metric the largest"
	noSplits      = "a data set of the hub has splits; here files are named: --train_file, --validation_file, --test_file"
	kshotReason   = "pactune fewshot --kshot K --seeds S writes LM-BFF's sets, which --data_dir names; --train_size N --sample_seed S takes a random subset"
	plateauReason = "it follows the evaluations instead of the updates and is not offered; cosine_with_min_lr and warmup_stable_decay end at a lowest rate"
)

// elsewhere are services that Trainer reports to.
var elsewhere = func() map[string]string {
	why := map[string]string{}
	for _, name := range []string{"all", "wandb", "mlflow", "comet_ml", "clearml", "neptune", "codecarbon", "azure_ml", "dagshub", "dvclive", "flyte"} {
		why[name] = "nothing is ever sent, there are only local files: metrics.jsonl, trainer_state.json and, with tensorboard, an event file"
	}
	return why
}()

// refusedPrecisions are those that somebody may ask for and this build has not.
func refusedPrecisions() map[string]string {
	refused := map[string]string{"fp16": fp16Reason}
	if _, err := tensor.ParsePrecision("bf16"); err != nil {
		refused["bf16"] = err.Error()
	}
	return refused
}

// unlisted are options of run_glue.py and Trainer that have no field here:
// those that change nothing are accepted with a note, those that would change
// the result are refused with the reason.
var unlisted = []Option{
	noted("do_train", true, "", "true", "evaluate a finished run with: pactune evaluate DIR, which takes --do_predict too"),
	noted("pad_to_max_length", true, "nothing is ever padded; the results are those of padding", "", ""),
	silent("use_fast_tokenizer", true, "there is one tokenizer"),
	noted("trust_remote_code", true, "", "false", "code from a model's folder is never run"),
	noted("token", false, "only pactune download uses a network, and takes the token from HF_TOKEN", "", ""),
	noted("use_auth_token", true, "only pactune download uses a network, and takes the token from HF_TOKEN", "", ""),
	noted("overwrite_cache", true, "there is no cache", "", ""),
	noted("preprocessing_num_workers", false, "--threads sets the workers", "", ""),
	noted("dataloader_num_workers", false, "--threads sets the workers", "", ""),
	noted("overwrite_output_dir", true, "a folder that is not empty is never overwritten", "", ""),
	noted("save_only_model", true, "checkpoints are whole, so that a run can go on from them", "", ""),
	noted("save_safetensors", true, "", "true", "weights are only written as safetensors"),
	noted("ignore_data_skip", true, "", "false", "a run that goes on reads the rows that it would have read"),
	silent("remove_unused_columns", true, "only the text and label columns are read"),
	silent("full_determinism", true, "every run is deterministic"),
	silent("use_cpu", true, "there is no other device than the CPU"),
	silent("no_cuda", true, "there is no other device than the CPU"),
	noted("group_by_length", true, "", "false", "nothing is padded, so grouping gains nothing, and it would change the order of the examples"),
	noted("log_level", false, "--quiet leaves only warnings", "", ""),
	noted("logging_dir", false, "all logs are in the run's folder, TensorBoard's event file too", "", ""),
	noted("logging_nan_inf_filter", true, "NaN is never hidden: the run stops and names the tensor", "", ""),
	noted("optim", false, "", "adamw_torch adamw_torch_fused adamw_hf adamw", "there is AdamW; --adam_form chooses PyTorch's form or transformers'"),
	noted("push_to_hub", true, "", "false", "nothing is ever uploaded"),
	noted("label_smoothing_factor", false, "", "0 0.0", "label smoothing is not offered"),
	noted("fp16", true, "", "false", fp16Reason),
	{Name: "bf16", boolean: true, special: halfPrecision, in: InEvaluate | InPredict | InFillMask | InPretrain, Help: "the same as --precision bf16"},
	{Name: "greater_is_better", boolean: true, special: greaterIsBetter, Help: bestWay},
	noted("eval_on_start", true, "", "false", "evaluate the untrained model with: pactune evaluate DIR"),
	{Name: "resume_from_checkpoint", special: resumeFrom, Help: "true: the same as --resume auto; else --resume"},
	noted("config_name", false, "", "-", "config.json is read from the model's folder"),
	noted("dataset_name", false, "", "-", "data come from local files: --train_file, or --task_name with --data_dir"),
	noted("metric_name", false, "", "-", "all metrics of the problem are computed"),
	noted("shuffle_train_dataset", true, "", "false", "--train_size N --sample_seed S takes a random subset"),
	noted("shuffle_seed", false, "--data_seed is the seed of the order, --sample_seed that of a random subset", "", ""),
	refused("train_split_name", 0, noSplits),
	refused("validation_split_name", 0, noSplits),
	refused("test_split_name", 0, noSplits),
	refused("remove_columns", 0, "--text_column_names and --label_column_name name the columns that are read, and no other is"),
	refused("kshot", 0, kshotReason),
	refused("kshot_seed", 0, kshotReason),
	refused("kshot_sampler", 0, kshotReason),
	refused("input", InPredict|InEvaluate, "the file stands without an option: pactune predict DIR FILE"),
	silent("offline", true, "only pactune download uses a network, and with HF_HUB_OFFLINE=1 it does not either"),
	noted("text_column_delimiter", false, "", "-", "two text columns are read as a pair, not joined"),
	{Name: "do_regression", boolean: true, special: regression, Help: "the same as --problem_type regression"},
}

// noted makes an option without a field. With taken "" every value is
// accepted, else only the words in it, "-" being none; note is what the user
// is told then, refusal what is said of any other value.
func noted(name string, boolean bool, note, taken, refusal string) Option {
	words, help := strings.Fields(taken), note
	if refusal != "" {
		help = strings.TrimPrefix(note+"; else refused: ", "; else ") + refusal
	}
	return Option{Name: name, boolean: boolean, Help: help,
		special: func(c *Config, value string) error {
			if b, ok := truth(value); boolean && ok {
				value = map[bool]string{true: "true", false: "false"}[b]
			} else if boolean {
				return fault.Errorf(fault.Usage, "--%s %q: expected true or false", name, value)
			}
			if len(words) > 0 && !contains(words, value) {
				return fault.Errorf(fault.Usage, "--%s %s: %s", name, value, refusal)
			}
			if note != "" && value != "false" {
				c.ignored = append(c.ignored, ignored{"--" + name, note})
			}
			return nil
		}}
}

// refused makes an option, also of the subcommands that in names, that is known
// for the sake of the reason alone.
func refused(name string, in int, why string) Option {
	return Option{Name: name, in: in, Help: "refused: " + why, special: func(*Config, string) error {
		return fault.Errorf(fault.Usage, "--%s: %s", name, why)
	}}
}

// silent makes an option without a field that changes nothing anybody would
// miss.
func silent(name string, boolean bool, help string) Option {
	o := noted(name, boolean, "", "", "")
	o.Help = help
	return o
}

// ignored is an option without effect that the user gave, and why it has none.
type ignored struct{ name, why string }

// idle are the options that the user gave and that the settled ones leave
// without effect. A value that is the default, as in a run's
// training_args.json, asked for nothing.
func (c *Config) idle() []ignored {
	var list []ignored
	defaults := NewConfig()
	for i := range listed {
		o := &listed[i]
		if c.set[o.Name] && o.text(c) != o.text(defaults) {
			if why := c.idleBecause(o); why != "" {
				list = append(list, ignored{"--" + o.Name, why})
			}
		}
	}
	return list
}

// idleBecause tells why an option has no effect, "" when it has one.
func (c *Config) idleBecause(o *Option) string {
	if o.Group == "PAC-tuning" && !c.PAC() {
		return "method " + c.Method + " trains no noise"
	}
	if o.Group == "Gradual unfreezing" && !c.unfreezes() {
		return "method " + c.Method + " freezes no layers"
	}
	switch o.Name {
	case "model_revision", "cache_dir":
		if c.ModelNameOrPath == "" || isFolder(c.ModelNameOrPath) {
			return "the model is not looked up by a name"
		}
	case "text_column_names", "label_column_name":
		if c.TaskName != "" {
			return "the columns of task " + c.TaskName + " are known"
		}
	case "test_file", "max_predict_samples":
		if !c.DoPredict {
			return "it belongs to --do_predict"
		}
	case "data_dir":
		if c.TaskName == "" {
			return "it holds the files of a --task_name"
		}
	case "warmup_steps", "warmup_ratio":
		if c.LRSchedulerType == "constant" {
			return "the constant schedule has no warm-up; constant_with_warmup has"
		}
	case "eval_steps":
		if c.EvalStrategy != "steps" {
			return "it belongs to --eval_strategy steps"
		}
	case "eval_epochs":
		if c.EvalStrategy != "epoch" {
			return "it belongs to --eval_strategy epoch"
		}
	case "pac_noise_init":
		if c.PACGranularity == "tensor" {
			return "with --pac_granularity tensor no weight has noise of its own"
		}
	}
	return ""
}

// ignoredNotes tells the user of options without effect, those with one reason
// together.
func ignoredNotes(list []ignored) []string {
	var whys, lines []string
	names := map[string][]string{}
	for _, i := range list {
		if names[i.why] == nil {
			whys = append(whys, i.why)
		}
		names[i.why] = append(names[i.why], i.name)
	}
	for _, why := range whys {
		verb := "have"
		if len(names[why]) == 1 {
			verb = "has"
		}
		lines = append(lines, strings.Join(names[why], ", ")+" "+verb+" no effect: "+why)
	}
	return lines
}

// greaterIsBetter tells of the way that each metric has; false would turn it, too.
func greaterIsBetter(c *Config, value string) error {
	if _, ok := truth(value); !ok {
		return fault.Errorf(fault.Usage, "--greater_is_better %q: expected true or false", value)
	}
	c.ignored = append(c.ignored, ignored{"--greater_is_better", bestWay})
	return nil
}

// regression is run_classification's --do_regression.
func regression(c *Config, value string) error {
	b, ok := truth(value)
	if !ok {
		return fault.Errorf(fault.Usage, "--do_regression %q: expected true or false", value)
	}
	if b {
		c.ProblemType, c.set["problem_type"] = "regression", true
	}
	return nil
}

// halfPrecision is Trainer's --bf16.
func halfPrecision(c *Config, value string) error {
	b, ok := truth(value)
	if !ok {
		return fault.Errorf(fault.Usage, "--bf16 %q: expected true or false", value)
	}
	if why := refusedPrecisions()["bf16"]; b && why != "" {
		return fault.Errorf(fault.Usage, "--bf16: %s", why)
	}
	if b {
		c.Precision, c.set["precision"] = "bf16", true
	}
	return nil
}

// resumeFrom is Trainer's --resume_from_checkpoint.
func resumeFrom(c *Config, value string) error {
	switch b, ok := truth(value); {
	case ok && b:
		value = "auto"
	case ok:
		value = "never"
	}
	c.Resume, c.set["resume"] = value, true
	return nil
}
