package train

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pactune/internal/fault"
)

func resolved(t *testing.T, args string, f Facts) *Config {
	t.Helper()
	c, err := ParseArgs(strings.Fields(args))
	if err == nil {
		err = c.Resolve(f)
	}
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	return c
}

// The recipes hold the numbers of the papers.
func TestRecipes(t *testing.T) {
	few := Facts{TrainRows: 100}
	sst := Facts{Task: "sst2", TrainRows: 100}
	row := func(c *Config) string {
		return fmt.Sprint(c.Method, " batch ", c.BatchSize, " lr ", c.LearningRate, " ", c.HeadLearningRate, " wd ", c.WeightDecay, " ",
			c.WeightDecayOn, " epochs ", c.NumTrainEpochs, " ", c.PACStage1Epochs, " ", c.LRSchedulerType, " dropout ", c.Dropout,
			" head ", c.Head, " frozen ", c.FreezeEmbeddings, " norm ", c.MaxGradNorm, " adam ", c.AdamForm, " ", c.AdamEpsilon,
			" clip ", c.ClipComponent, " gamma ", c.PACGammaMin, " ", c.PACGammaMax, " k ", c.PACKSamples, " ", c.PACKSearch,
			" order ", c.TrainOrder, " eval ", c.EvalStrategy, " ", c.EvalEpochs)
	}
	const pac = " lr 5e-05 0.01 wd 0.01 all epochs "
	const still = " constant dropout 0 head cls frozen true norm 0 adam torch 1e-08"
	for _, test := range []struct {
		args  string
		facts Facts
		want  string
	}{
		{"d.csv --method pac", few, "pac batch 100" + pac + "300 250" + still + " clip off gamma 5 5 k 1000 closed order shuffle eval epoch 10"},
		{"d.csv --method pac --preset paper", few, "pac batch 100" + pac + "300 250" + still + " clip off gamma 5 5 k 0 closed order shuffle eval epoch 10"},
		{"--task_name sst2 --method pac --preset paper", sst, "pac batch 100" + pac + "300 250" + still + " clip off gamma 10 10 k 0 closed order shuffle eval epoch 10"},
		{"d.csv --method pac --preset authors", few, "pac batch 100" + pac + "250 200" + still + " clip off gamma 10 10 k 0 closed order file eval epoch 1"},
		{"d.csv --method pac --compat authors", few, "pac batch 100" + pac + "250 200" + still + " clip off gamma 10 10 k 0 authors order file eval epoch 1"},
		{"d.csv --method pac+cwgnc", few, "pac+cwgnc batch 100" + pac + "300 250" + still + " clip tensor gamma 5 5 k 1000 closed order shuffle eval epoch 10"},
		{"d.csv --method cwgnc", few, "cwgnc batch 16 lr 2e-05 2e-05 wd 0 matrices epochs 3 0 linear dropout 0.1 head pooler frozen false norm 0 adam hf 1e-08 clip tensor gamma 0 0 k 1000 closed order shuffle eval epoch 1"},
		{"d.csv --method adamw", few, "adamw batch 8 lr 5e-05 5e-05 wd 0 matrices epochs 3 0 linear dropout -1 head pooler frozen false norm 1 adam torch 1e-08 clip off gamma 0 0 k 1000 closed order shuffle eval epoch 1"},
		{"d.csv --compat hf", few, "adamw batch 8 lr 5e-05 5e-05 wd 0 matrices epochs 3 0 linear dropout -1 head pooler frozen false norm 1 adam torch 1e-08 clip off gamma 0 0 k 1000 closed order shuffle eval no 1"},
	} {
		if got := row(resolved(t, test.args, test.facts)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.args, got, test.want)
		}
	}
	if c := resolved(t, "d.csv --method cwgnc", few); c.ClipComponentNorm != 0.05 || c.MaxSeqLength != 128 || c.WarmupRatio != 0 {
		t.Errorf("cwgnc: %+v", c)
	}
	if c := resolved(t, "d.csv --compat hf", few); c.LoggingSteps != 500 {
		t.Errorf("compat hf logs every %v", c.LoggingSteps)
	}
}

// The embedded preset makes 300 updates of few rows, unless the user says how long.
func TestFewRowsMakeMoreEpochs(t *testing.T) {
	for _, test := range []struct {
		args string
		rows int
		want string // epochs, of stage 1, between evaluations
	}{
		{"", 750, "12 8 2"},
		{"", 500, "12 8 2"}, // 25 updates an epoch
		{"", 480, "24 16 4"},
		{"", 100, "60 40 10"},
		{"", 3, "300 200 50"},
		{"--per_device_train_batch_size 5", 100, "24 16 4"},
		{"--gradient_accumulation_steps 2", 100, "108 72 18"},
		{"--num_train_epochs 12", 100, "12 8 2"},
		{"--pac_stage1_epochs 8", 100, "12 8 2"},
		{"--pac_stage1_epochs 0", 100, "60 40 10"},
		{"--max_steps 60", 100, "12 8 2"},
		{"--eval_epochs 1", 100, "60 40 1"},
		{"--preset paper", 100, "300 250 10"},
	} {
		c := resolved(t, "d.csv --method pac "+test.args, Facts{TrainRows: test.rows, Builtin: true})
		if got := fmt.Sprint(c.NumTrainEpochs, c.PACStage1Epochs, c.EvalEpochs); got != test.want {
			t.Errorf("%q, %d rows: %s, want %s", test.args, test.rows, got, test.want)
		}
	}
}

// Option beats preset beats recipe beats default, whatever comes first.
func TestPrecedence(t *testing.T) {
	few := Facts{TrainRows: 100}
	for _, test := range []struct {
		args, option, from string
		value              any
	}{
		{"d.csv --method pac", "adam_beta1", "default", 0.9},
		{"d.csv --method pac", "learning_rate", "recipe pac", 5e-5},
		{"d.csv --method pac --preset authors", "pac_gamma", "preset authors", 10.0},
		{"d.csv --pac_gamma 3 --method pac --preset authors", "pac_gamma", "option", 3.0},
		{"d.csv --preset authors --method pac --pac-gamma=3", "pac_gamma", "option", 3.0},
		{"d.csv --method pac --train_order shuffle --preset authors", "train_order", "option", "shuffle"},
		{"d.csv --method pac --compat authors", "pac_k_search", "compat authors", "authors"},
		{"d.csv --method pac --compat authors --preset paper", "train_order", "default", "shuffle"},
		{"d.csv --method pac --compat authors --pac_k_search closed", "pac_k_search", "option", "closed"},
		{"d.csv --method cwgnc --per_device_train_batch_size 8", "per_device_train_batch_size", "option", 8},
		{"d.csv --method cwgnc --max_grad_norm 1", "max_grad_norm", "option", 1.0},
		{"d.csv --method adamw --clip_component_norm 0.1", "max_grad_norm", "clip_component", 0.0},
		{"d.csv --method adamw --clip_component_norm 0.1", "clip_component", "clip_component_norm", "tensor"},
		{"d.csv --compat hf --eval_strategy epoch", "eval_strategy", "option", "epoch"},
		{"d.csv --method pac --num_train_epochs 30", "pac_stage1_epochs", "num_train_epochs", 25.0},
		{"d.csv --method pac --pac_stage1_epochs 10", "num_train_epochs", "pac_stage1_epochs", 60.0},
		{"d.csv --method pac --head_learning_rate 1e-3", "head_learning_rate", "option", 1e-3},
		{"d.csv --method pac --pac_gamma 7", "pac_gamma_max", "pac_gamma", 7.0},
	} {
		c := resolved(t, test.args, few)
		o, _ := lookup(options, test.option)
		if got := c.Values()[test.option]; got != test.value || c.From(o.Name) != test.from {
			t.Errorf("%s: %s is %v from %s, want %v from %s", test.args, test.option, got, c.From(o.Name), test.value, test.from)
		}
	}
}

// Resolve may be asked again: settings of the first answer do not linger.
func TestResolveAgain(t *testing.T) {
	c := resolved(t, "d.csv", Facts{TrainRows: 100})
	if c.Method != "pac" || c.BatchSize != 100 {
		t.Fatalf("100 rows: %s, batch %d", c.Method, c.BatchSize)
	}
	if err := c.Resolve(Facts{TrainRows: 1001}); err != nil || c.Method != "cwgnc" || c.BatchSize != 16 || c.Head != "pooler" {
		t.Errorf("1001 rows: %v, %s, batch %d, head %s", err, c.Method, c.BatchSize, c.Head)
	}
	if err := c.Resolve(Facts{TrainRows: 10, Regression: true}); err != nil || c.Method != "cwgnc" {
		t.Errorf("regression: %v, %s", err, c.Method)
	}
}

// Who gives an option that does nothing is told so.
func TestIdleOptions(t *testing.T) {
	for args, want := range map[string]string{
		"d.csv --method adamw --pac_gamma 7 --pac_granularity tensor":         "--pac_gamma, --pac_granularity have no effect: method adamw trains no noise",
		"d.csv --method pac --pac_granularity tensor --pac_noise_init weight": "--pac_noise_init has no effect: with --pac_granularity tensor no weight has noise of its own",
		"--task_name rte --method cwgnc --label_column_name x":                "--label_column_name has no effect: the columns of task rte are known",
		"d.csv --method cwgnc --data_dir x":                                   "--data_dir has no effect: it holds the files of a --task_name",
		"d.csv --method pac --warmup_steps 5":                                 "--warmup_steps has no effect: the constant schedule has no warm-up; constant_with_warmup has",
		"d.csv --method cwgnc --eval_steps 5":                                 "--eval_steps has no effect: it belongs to --eval_strategy steps",
		"d.csv --method cwgnc --eval_steps 5 --eval_strategy steps":           "",
		"d.csv --method cwgnc --pac_gamma 0 --eval_epochs 2":                  "",
		"d.csv --method pac --pac_gamma 7 --no_do_eval":                       "",
	} {
		c := resolved(t, args, Facts{TrainRows: 100})
		got := ""
		for _, line := range c.remarks(Facts{TrainRows: 100}) {
			if strings.Contains(line, "no effect") {
				got += line
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// What a run says of transformers' defaults is true of this run.
func TestDifferencesAreTrue(t *testing.T) {
	for args, want := range map[string]string{
		"d.csv --method adamw":                                      "no padding, evaluation, a line",
		"d.csv --method adamw --eval_strategy no":                   "no padding, a line",
		"d.csv --method adamw --no_do_eval --logging_steps 500":     "no padding",
		"d.csv --method adamw --logging_strategy no --eval_steps 3": "no padding, evaluation",
		"d.csv --method cwgnc":                                      "",
		"d.csv --compat hf":                                         "",
	} {
		var got []string
		for _, line := range resolved(t, args, Facts{TrainRows: 100}).remarks(Facts{TrainRows: 100}) {
			for _, start := range []string{"no padding", "evaluation", "a line"} {
				if strings.HasPrefix(line, "unlike transformers: "+start) {
					got = append(got, start)
				}
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: says %q, want %s", args, got, want)
		}
	}
}

func TestAutoMethod(t *testing.T) {
	for _, test := range []struct {
		args  string
		facts Facts
		want  string
	}{
		{"d.csv", Facts{TrainRows: 1000}, "pac"},
		{"d.csv", Facts{TrainRows: 1001}, "cwgnc"},
		{"d.csv", Facts{TrainRows: 10, Regression: true}, "cwgnc"},
		{"d.csv --method auto --preset paper", Facts{TrainRows: 5000}, "pac"},
		{"d.csv --compat hf", Facts{TrainRows: 10}, "adamw"},
		{"", Facts{TrainRows: 300}, "pac"},
	} {
		if c := resolved(t, test.args, test.facts); c.Method != test.want {
			t.Errorf("%q with %+v: %s, want %s", test.args, test.facts, c.Method, test.want)
		}
	}
	if c := resolved(t, "", Facts{TrainRows: 300}); c.Preset != "embedded" {
		t.Errorf("the job inside the program has preset %q", c.Preset)
	}
}

// Settings that exclude each other are refused.
func TestResolveRefusals(t *testing.T) {
	for _, test := range []struct {
		args, says string
		regression bool
	}{
		{"d.csv --method pac", "classification only", true},
		{"d.csv --preset paper", "classification only", true},
		{"d.csv --method cwgnc --compat hf", "--method adamw", false},
		{"d.csv --method cwgnc --preset authors", "belongs to PAC-tuning", false},
		{"d.csv --method adamw --compat authors", "belongs to PAC-tuning", false},
		{"d.csv --method unfreeze --freeze_encoder", "leave one out", false},
		{"d.csv --method cwgnc --clip_component off", "--method adamw", false},
		{"d.csv --method pac --num_train_epochs 10 --pac_stage1_epochs 11", "more than the 10 epochs", false},
		{"d.csv --method pac --pac_gamma_min 1", "give both", false},
		{"d.csv --method pac --pac_gamma_min 5 --pac_gamma_max 1", "is above", false},
		{"d.csv --method pac --pac_gamma 3 --pac_gamma_min 1 --pac_gamma_max 5", "one or the other", false},
		{"d.csv --method pac --pac_gamma 0", "above 0", false},
	} {
		c, err := ParseArgs(strings.Fields(test.args))
		if err == nil {
			err = c.Resolve(Facts{TrainRows: 100, Regression: test.regression})
		}
		if fault.KindOf(err) != fault.Usage || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s: %v, want a usage error with %q", test.args, err, test.says)
		}
	}
}

func TestSteps(t *testing.T) {
	for _, test := range []struct {
		args                 string
		perEpoch, all, first int
	}{
		{"d.csv --method pac", 1, 300, 250},
		{"d.csv --method pac --preset authors --max_steps 3", 1, 3, 3},
		{"d.csv --method pac --max_steps 260", 1, 260, 250},
		{"d.csv --method cwgnc", 156, 468, 0},
		{"d.csv --method cwgnc --num_train_epochs 0.5", 5, 3, 0},
		{"d.csv --method adamw --max_steps 10", 3, 10, 0},
	} {
		c := resolved(t, test.args, Facts{TrainRows: 100})
		if all, first := c.Steps(test.perEpoch); all != test.all || first != test.first {
			t.Errorf("%s: %d and %d updates, want %d and %d", test.args, all, first, test.all, test.first)
		}
	}
	c := resolved(t, "d.csv --method pac", Facts{TrainRows: 100})
	if c.EvalEvery(300, 1) != 10 || c.LogEvery(300, 1) != 3 || c.Warmup(300) != 0 {
		t.Errorf("evaluates every %d, logs every %d, warms up %d", c.EvalEvery(300, 1), c.LogEvery(300, 1), c.Warmup(300))
	}
	c = resolved(t, "d.csv --method adamw --warmup_ratio 0.06 --eval_strategy steps --eval_steps 0.25 --logging_steps 500", Facts{TrainRows: 100})
	if c.Warmup(101) != 7 || c.EvalEvery(101, 10) != 26 || c.LogEvery(101, 10) != 500 {
		t.Errorf("warms up %d, evaluates every %d, logs every %d", c.Warmup(101), c.EvalEvery(101, 10), c.LogEvery(101, 10))
	}
}

// The best evaluation has the smallest loss or mse, or the largest value of any
// other metric; one that is not a number is never the best.
func TestBetter(t *testing.T) {
	for _, c := range []struct {
		metric     string
		value, old float64
		want       bool
	}{
		{"loss", 0.1, 0.2, true}, {"eval_loss", 0.2, 0.1, false},
		{"mse", 0.1, 0.2, true}, {"mse", 0.2, 0.1, false},
		{"pearson", 0.2, 0.1, true}, {"", 0.1, 0.2, false},
		{"pearson", math.NaN(), 0.1, false}, {"pearson", 0.1, math.NaN(), true},
	} {
		record := func(v float64) *EvalRecord {
			return &EvalRecord{Loss: v, Metrics: []Metric{{"pearson", v}, {"mse", v}}}
		}
		cfg := NewConfig()
		cfg.MetricForBestModel = c.metric
		if got := cfg.better(record(c.value), record(c.old)); got != c.want {
			t.Errorf("%s %g after %g: better %v", c.metric, c.value, c.old, got)
		}
	}
	for _, value := range []string{"true", "False"} {
		cfg := NewConfig()
		if err := cfg.Set("greater_is_better", value); err != nil || len(cfg.ignored) != 1 {
			t.Errorf("%s: %v, told %v", value, err, cfg.ignored)
		}
	}
	if err := NewConfig().Set("greater_is_better", "maybe"); fault.KindOf(err) != fault.Usage {
		t.Errorf("maybe: %v", err)
	}
}
