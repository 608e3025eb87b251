package train

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/tensor"
)

// Every form of an option that run_glue's users type.
func TestParseForms(t *testing.T) {
	rate := func(c *Config) any { return c.LearningRate }
	eval := func(c *Config) any { return c.DoEval }
	frozen := func(c *Config) any { return c.FreezeEmbeddings }
	for _, test := range []struct {
		args string
		get  func(*Config) any
		want any
	}{
		{"--learning_rate 1e-3", rate, 1e-3},
		{"--learning-rate 1e-3", rate, 1e-3},
		{"--learning_rate=1e-3", rate, 1e-3},
		{"--learning-rate=1e-3", rate, 1e-3},
		{"--learning_rate 1 --learning_rate 2", rate, 2.0},
		{"--freeze_embeddings", frozen, true},
		{"--freeze-embeddings", frozen, true},
		{"--freeze_embeddings true", frozen, true},
		{"--freeze_embeddings True", frozen, true},
		{"--freeze_embeddings yes", frozen, true},
		{"--freeze_embeddings 1", frozen, true},
		{"--freeze_embeddings=true", frozen, true},
		{"--freeze_embeddings --seed 3", frozen, true},
		{"--do_eval false", eval, false},
		{"--do_eval no", eval, false},
		{"--do_eval 0", eval, false},
		{"--do_eval=False", eval, false},
		{"--no_do_eval", eval, false},
		{"--no-do-eval", eval, false},
		{"--do_eval", eval, true},
		{"--max_steps -1", func(c *Config) any { return c.MaxSteps }, -1},
		{"--seed 7", func(c *Config) any { return c.Seed }, uint64(7)},
		{"--evaluation_strategy steps", func(c *Config) any { return c.EvalStrategy }, "steps"},
		{"--text_column_names a,b", func(c *Config) any { return strings.Join(c.TextColumnNames, "|") }, "a|b"},
		{"data.csv --seed 1", func(c *Config) any { return c.DataFile }, "data.csv"},
		{"--do_train data.csv", func(c *Config) any { return c.DataFile }, "data.csv"},
		{"--seed 1 -- --odd.csv", func(c *Config) any { return c.DataFile }, "--odd.csv"},
		{"--do_regression", func(c *Config) any { return c.ProblemType }, "regression"},
		{"--bf16 false", func(c *Config) any { return c.Precision }, "f32"},
		{"-q", func(c *Config) any { return c.Quiet }, true},
		{"--do_train --do_eval --fp16 false --report_to none --trust_remote_code no --optim adamw_torch --overwrite_output_dir", eval, true},
	} {
		c, err := ParseArgs(strings.Fields(test.args))
		if err != nil {
			t.Errorf("%s: %v", test.args, err)
		} else if got := test.get(c); got != test.want {
			t.Errorf("%s: got %v, want %v", test.args, got, test.want)
		}
	}
}

// A wrong option is a usage error whose message says what to do.
func TestParseRefusals(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"--learing_rate 1", "did you mean --learning_rate?"},
		{"--learningrate 1", "did you mean --learning_rate?"},
		{"--batch_size 8", "batch_size?"},
		{"--lr 1e-4", "did you mean --learning_rate?"},
		{"--num_epochs 3", "did you mean --num_train_epochs?"},
		{"--max_length 64", "did you mean --max_seq_length?"},
		{"--sed 8", "did you mean --seed?"},
		{"--no_cuda_please", "unknown option"},
		{"--xyzzyplugh 1", "--help lists"},
		{"--learning_rate -1", `--learning_rate "-1": expected 0 or a number above it`},
		{"--learning_rate nan", "expected 0 or a number above it"},
		{"--learning_rate inf", "expected"},
		{"--learning_rate abc", `"abc"`},
		{"--learning_rate", "needs a value"},
		{"--learning_rate --seed 1", "needs a value"},
		{"--clip_component_norm 0", "expected a number above 0"},
		{"--dropout 1", "0 or more and below 1"},
		{"--adam_beta2 1.5", "0 or more and below 1"},
		{"--num_train_epochs 0", "expected a number above 0"},
		{"--per_device_train_batch_size 0", "a whole number from 1 up"},
		{"--per_device_train_batch_size 1.5", "a whole number from 1 up"},
		{"--max_train_samples -3", "a whole number from 0 up"},
		{"--max_steps 0", "-1 for no limit"},
		{"--seed -1", "a whole number from 0 up"},
		{"--method sgd", "one of auto, adamw, cwgnc, pac, pac+cwgnc"},
		{"--do_eval=maybe", "true or false"},
		{"--no_learning_rate", "true-or-false"},
		{"--no_do_eval=true", "takes no value"},
		{"-lr 1", "two dashes"},
		{"--fp16", "loss scaling"},
		{"--precision fp16", "loss scaling"},
		{"--precision half", "one of f32, bf16"},
		{"--bf16=maybe", "true or false"},
		{"--trust_remote_code", "never run"},
		{"--report_to wandb", "local files"},
		{"--save_every 10", "10m or 1h"},
		{"--optim sgd", "AdamW"},
		{"--remove_columns id,date", "--text_column_names"},
		{"--train_split_name train", "--train_file"},
		{"--validation_split_name=dev", "--validation_file"},
		{"--kshot 16", "pactune fewshot --kshot K"},
		{"--kshot-seed 13", "pactune fewshot --kshot K"},
		{"--input a.csv", "stands without an option"},
		{"--offline=maybe", "true or false"},
		{"a.csv b.csv", "two files"},
	} {
		_, err := ParseArgs(strings.Fields(test.args))
		if err == nil {
			t.Errorf("%s: accepted", test.args)
			continue
		}
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: kind %d, %q; want usage and %q", test.args, fault.KindOf(err), err, test.says)
		}
	}
}

// --bf16 is --precision bf16 in every subcommand that computes; the float64 build
// refuses both.
func TestBF16Option(t *testing.T) {
	for _, args := range []string{"--bf16", "--bf16 true", "--precision bf16", "--precision BF16"} {
		for _, in := range []int{0, InEvaluate, InPredict, InFillMask} {
			c, err := ParseArgs(strings.Fields(args))
			if in != 0 {
				c, _, err = Parse(strings.Fields(args), in)
			}
			switch {
			case !tensor.F64 && (err != nil || c.Precision != "bf16" || !c.IsSet("precision")):
				t.Errorf("%s: %v", args, err)
			case tensor.F64 && (fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "float64")):
				t.Errorf("%s: %v, want an error that speaks of float64", args, err)
			}
		}
	}
}

// Any single slip of the finger in an option's name leads back to it.
func TestNearestFindsSlips(t *testing.T) {
	for _, o := range listed {
		if len(o.Name) < 6 {
			continue
		}
		for i := 1; i < len(o.Name)-1; i++ {
			slips := []string{o.Name[:i] + o.Name[i+1:], o.Name[:i] + "z" + o.Name[i:],
				o.Name[:i] + o.Name[i+1:i+2] + o.Name[i:i+1] + o.Name[i+2:]}
			for _, slip := range slips {
				if known, _ := lookup(options, slip); known != nil {
					continue // another option, or two equal letters swapped
				}
				if near := nearest(options, slip); edits(near, slip) > 1 {
					t.Errorf("%s: suggested %q, want %s", slip, near, o.Name)
				}
			}
		}
	}
}

func TestJSONFileOfOptions(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := write("args.json", `{"learning_rate": 1e-3, "do_eval": false, "method": "cwgnc", "max_steps": -1,
		"text_column_names": ["a", "b"], "task_name": null, "seed": 5}`)
	c, err := ParseArgs([]string{"--seed", "9", args})
	if err != nil {
		t.Fatal(err)
	}
	if c.LearningRate != 1e-3 || c.DoEval || c.Method != "cwgnc" || c.Seed != 9 || len(c.TextColumnNames) != 2 || c.DataFile != "" {
		t.Errorf("read %+v", c)
	}
	if c, err = ParseArgs([]string{write("rows.json", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":0}\n")}); err != nil || c.DataFile == "" {
		t.Errorf("JSON lines: %v, data file %q", err, c.DataFile)
	}
	_, err = ParseArgs([]string{write("typo.json", `{"learnin_rate": 1}`)})
	if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "did you mean --learning_rate") || !strings.Contains(err.Error(), "typo.json") {
		t.Errorf("a misspelt key: %v", err)
	}
	if _, err = ParseArgs([]string{filepath.Join(dir, "none.json")}); fault.KindOf(err) != fault.Data {
		t.Errorf("a missing file: %v", err)
	}
}

// training_args.json of a run, read again, gives the same settings.
func TestValuesReadBack(t *testing.T) {
	for _, args := range []string{"", "data.csv", "--method pac --preset authors --task_name sst2 --data_dir d --pac_gamma_min 1 --pac_gamma_max 10 --model_name_or_path m",
		"--method cwgnc --text_column_names a,b --max_steps 7 --train_file t.csv", "--compat hf --task_name rte --data_dir d"} {
		first, err := ParseArgs(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Resolve(Facts{TrainRows: 100}); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(first.Values())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "training_args.json")
		os.WriteFile(path, text, 0o644)
		second, err := ParseArgs([]string{path})
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		if err := second.Resolve(Facts{TrainRows: 5000}); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		again, _ := json.Marshal(second.Values())
		if !bytes.Equal(text, again) {
			t.Errorf("%s:\n%s\n%s", args, text, again)
		}
	}
}

// Every default passes its own option's rule, every option has its own field,
// a group that is printed and a help text.
func TestOptionTable(t *testing.T) {
	c := NewConfig()
	seen, fields := map[string]bool{}, map[any]string{}
	for i := range options {
		o := &options[i]
		for _, name := range append([]string{o.Name}, o.Other...) {
			if seen[name] {
				t.Errorf("--%s is there twice", name)
			}
			seen[name] = true
		}
		if o.bind == nil {
			continue
		}
		if other := fields[o.bind(c)]; other != "" {
			t.Errorf("--%s and --%s share a field", o.Name, other)
		}
		fields[o.bind(c)] = o.Name
		if !contains(groups, o.Group) || o.Help == "" {
			t.Errorf("--%s: group %q, help %q", o.Name, o.Group, o.Help)
		}
	}
	for _, name := range everyday {
		if !seen[name] {
			t.Errorf("everyday option --%s is not in the table", name)
		}
	}
}

func TestHelpIsReadable(t *testing.T) {
	var everyday, all bytes.Buffer
	WriteHelp(&everyday, false)
	WriteHelp(&all, true)
	if n := strings.Count(everyday.String(), "\n"); n > 70 {
		t.Errorf("--help has %d lines: a wall", n)
	}
	for _, line := range strings.Split(all.String(), "\n") {
		if len([]rune(line)) > 100 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for i := range options {
		if !strings.Contains(all.String(), "--"+options[i].Name) {
			t.Errorf("--help all lacks --%s", options[i].Name)
		}
	}
}

func TestOptionsPageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	WriteMarkdown(&want)
	have, err := os.ReadFile("../docs/OPTIONS.md")
	if err != nil || !bytes.Equal(have, want.Bytes()) {
		t.Errorf("docs/OPTIONS.md is not what the table says: run go generate ./train (%v)", err)
	}
}
