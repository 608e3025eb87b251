package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/embedded"
)

// The tests run the command as a process: this binary, which TestMain turns
// into pactune when the variable is set.
const asCommand = "PACTUNE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

type outcome struct {
	stdout, stderr string
	code           int
}

func command1(dir string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(os.Environ(), asCommand+"=1", "NO_COLOR=1")
	return c
}

func pactune(t *testing.T, dir, stdin string, args ...string) outcome {
	t.Helper()
	return outcomeOf(t, command1(dir, args...), stdin)
}

func outcomeOf(t *testing.T, c *exec.Cmd, stdin string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// smallVocabulary is a vocab.txt of 1,618 tokens for models that are to be small.
func smallVocabulary(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../../testdata/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// job writes a vocabulary, a random model and a small data set into a folder.
func job(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("vocab.txt", smallVocabulary(t))
	write("train.txt", firstLines(embedded.Train(), 40))
	write("dev.txt", firstLines(embedded.Dev(), 12))
	if r := pactune(t, dir, "", "init", "--size", "tiny", "--vocab", "vocab.txt", "--seed", "1", "model"); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	return dir
}

func firstLines(data []byte, n int) []byte {
	lines := bytes.SplitAfterN(data, []byte("\n"), n+1)
	return bytes.Join(lines[:n], nil)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// What a user types wrongly ends with the exit code of its kind and a
// sentence, and leaves nothing behind.
func TestBadCommandLines(t *testing.T) {
	dir := job(t)
	os.WriteFile(filepath.Join(dir, "one.txt"), []byte("a fine film\tgood\na dull one\tgood\n"), 0o644)
	os.WriteFile(filepath.Join(dir, "empty.txt"), nil, 0o644)
	os.WriteFile(filepath.Join(dir, "latin.txt"), []byte("caf\xe9\tgood\nno\tbad\n"), 0o644)
	os.Mkdir(filepath.Join(dir, "full"), 0o755)
	os.WriteFile(filepath.Join(dir, "full", "x"), nil, 0o644)
	before := strings.Join(names(t, dir), " ")
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"trian", 2, "did you mean pactune train?"},
		{"frobnicate", 2, "there are train, sweep, merge, evaluate"},
		{"--frob train.txt", 2, "options follow the subcommand"},
		{"train --learning_rat 1", 2, "did you mean --learning_rate?"},
		{"train --learning_rate -1", 2, `--learning_rate "-1": expected 0 or a number above it`},
		{"train --fp16", 2, "loss scaling"},
		{"train --precision half", 2, "one of f32, bf16"},
		{"train none.txt --model_name_or_path model", 3, "none.txt"},
		{"train empty.txt --model_name_or_path model", 3, "empty.txt"},
		{"train latin.txt --model_name_or_path model", 3, "UTF-8"},
		{"train one.txt --validation_file dev.txt --model_name_or_path model", 3, "one class"},
		{"train train.txt --model_name_or_path nowhere", 4, "nowhere"},
		{"train train.txt --model_name_or_path model --output_dir full", 2, "not empty"},
		{"train train.txt --model_name_or_path model --output_dir model", 2, "folder of the model"},
		{"train train.txt --model_name_or_path model --method cwgnc --preset paper", 2, "belongs to PAC-tuning"},
		{"evaluate", 2, "needs the folder"},
		{"evaluate model --validation_file dev.txt", 4, "classifier"},
		{"evaluate model --method pac", 2, "unknown option --method"},
		{"predict nowhere", 4, "nowhere"},
		{"predict model table.csv", 2, "not tables"},
		{"predict model none.txt", 3, "none.txt"},
		{"init model --vocab vocab.txt", 2, "not empty"},
		{"init new", 2, "--vocab is missing"},
		{"init new --vocab none.txt", 4, "none.txt"},
		{"init new --vocab vocab.txt --size huge", 2, "tiny, mini"},
		{"version now", 2, "no argument"},
	} {
		r := pactune(t, dir, "", strings.Fields(test.args)...)
		if r.code != test.code || !strings.Contains(r.stderr, test.says) || r.stdout != "" {
			t.Errorf("pactune %s: exit %d, want %d and %q\nstderr %s\nstdout %s", test.args, r.code, test.code, test.says, r.stderr, r.stdout)
		}
		if !strings.Contains(r.stderr, "pactune: ") || strings.Contains(r.stderr, "goroutine") {
			t.Errorf("pactune %s: stderr %s", test.args, r.stderr)
		}
	}
	if after := strings.Join(names(t, dir), " "); after != before {
		t.Errorf("left %s, before %s", after, before)
	}
}

// PACTUNE_KERNEL chooses among the kernels of this machine, for every command.
func TestForcedKernel(t *testing.T) {
	dir := t.TempDir()
	have := fmt.Sprint(asm.Available())
	for _, isa := range asm.Available() {
		t.Setenv("PACTUNE_KERNEL", isa.String())
		r := pactune(t, dir, "", "version", "--json")
		var v map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v["isa"] != isa.String() {
			t.Errorf("%v: %v, %+v", isa, err, r)
		}
	}
	missing := []string{"mmx", "ISA(7)"}
	for _, name := range []string{"amx", "avx512", "avx2", "bfmmla", "neon", "generic"} {
		if !strings.Contains(have, name) {
			missing = append(missing, name)
		}
	}
	for _, name := range missing {
		t.Setenv("PACTUNE_KERNEL", name)
		for _, args := range []string{"version", "train --help", "predict model"} {
			r := pactune(t, dir, "", strings.Fields(args)...)
			if r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, "PACTUNE_KERNEL") || !strings.Contains(r.stderr, have) {
				t.Errorf("PACTUNE_KERNEL=%s pactune %s: %+v", name, args, r)
			}
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	dir := t.TempDir()
	for _, args := range []string{"", "--help", "train --help", "train --help all", "train -h", "evaluate --help", "predict --help", "init --help", "vocab --help", "version", "help train", "completion bash", "completion --help"} {
		if r := pactune(t, dir, "", strings.Fields(args)...); r.code != 0 || r.stdout == "" || r.stderr != "" {
			t.Errorf("pactune %s: %+v", args, r)
		}
	}
	for args, says := range map[string]string{"init --help": "--vocab FILE", "plot --help": "--out PATH", "glue-submit --help": "--check FILE", "pretrain --help": "--save_every TIME", "completion --help": "completion SHELL", "vocab --help": "--limit_alphabet N", "evaluate --help": "evaluate DIR FILE"} {
		if r := pactune(t, dir, "", strings.Fields(args)...); !strings.Contains(r.stdout, says) {
			t.Errorf("pactune %s lacks %q:\n%s", args, says, r.stdout)
		}
	}
	for _, args := range []string{"completion", "completion csh"} {
		if r := pactune(t, dir, "", strings.Fields(args)...); r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, "bash, zsh, fish and powershell") {
			t.Errorf("pactune %s: %+v", args, r)
		}
	}
	r := pactune(t, dir, "", "version", "--json")
	var v map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v["version"] == "" || v["isa"] == "" {
		t.Errorf("version --json: %v, %s", err, r.stdout)
	}
}

// A run leaves the folder that its last line of stdout names; evaluate and
// predict read it, and its arguments repeat it to the bit.
func TestTrainEvaluatePredict(t *testing.T) {
	dir := job(t)
	args := strings.Fields("train train.txt --validation_file dev.txt --model_name_or_path model --method cwgnc --num_train_epochs 1 --seed 3")
	r := pactune(t, dir, "", args...)
	folder := filepath.Join("runs", "001-train-cwgnc")
	if r.code != 0 || r.stdout != folder+"\n" {
		t.Fatalf("train: %+v", r)
	}
	if strings.ContainsAny(r.stderr, "\r\x1b") || !strings.Contains(r.stderr, "majority line") {
		t.Errorf("train printed\n%s", r.stderr)
	}
	again := pactune(t, dir, "", "train", filepath.Join(folder, "training_args.json"), "--json", "--quiet")
	var s struct {
		Folder string
		Eval   struct{ Accuracy *float64 }
	}
	if err := json.Unmarshal([]byte(again.stdout), &s); err != nil || again.stderr != "" || s.Eval.Accuracy == nil || !strings.Contains(s.Folder, "002") {
		t.Fatalf("again: %v, %+v", err, again)
	}
	for _, name := range []string{"model.safetensors", "metrics.jsonl", "components.jsonl", "config.json", "eval_predictions.jsonl"} {
		a, err1 := os.ReadFile(filepath.Join(dir, folder, name))
		b, err2 := os.ReadFile(filepath.Join(dir, s.Folder, name))
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s of equal runs: %v, %v, equal %v", name, err1, err2, bytes.Equal(a, b))
		}
	}
	e := pactune(t, dir, "", "evaluate", folder, "dev.txt", "--json", "-q")
	var records map[string]map[string]any
	if err := json.Unmarshal([]byte(e.stdout), &records); err != nil || e.code != 0 || records["eval"]["accuracy"] != *s.Eval.Accuracy {
		t.Errorf("evaluate: %v, %+v, the run had %v", err, e, *s.Eval.Accuracy)
	}
	if e = pactune(t, dir, "", "evaluate", folder, "--validation_file", "dev.txt"); e.code != 0 || !strings.Contains(e.stdout, "majority line") {
		t.Errorf("evaluate: %+v", e)
	}
	checkPredict(t, dir, folder)
}

func checkPredict(t *testing.T, dir, folder string) {
	t.Helper()
	r := pactune(t, dir, "Stir the soup.\r\n\nWater the roses.", "predict", folder, "-")
	rows := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	if r.code != 0 || len(rows) != 3 {
		t.Fatalf("predict: %+v", r)
	}
	label, score, _ := strings.Cut(rows[0], "\t")
	if label != "kitchen" && label != "garden" || !strings.HasPrefix(score, "0.") {
		t.Errorf("predict: %q", rows[0])
	}
	r = pactune(t, dir, `{"id": 7, "text": "Stir the soup."}`+"\n"+`{"sentence1": "a", "sentence2": "b"}`, "predict", folder, "--probs")
	var answer struct {
		ID    int
		Label string
		Probs map[string]float64
	}
	first, _, _ := strings.Cut(r.stdout, "\n")
	if err := json.Unmarshal([]byte(first), &answer); err != nil || answer.ID != 7 || answer.Label != label || len(answer.Probs) != 2 {
		t.Errorf("predict JSON: %v, %+v", err, r)
	}
	r = pactune(t, dir, "fine\ncaf\xe9\n", "predict", folder)
	if r.code != 3 || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stderr, "standard input: line 2: found the byte 0xe9 (byte 4 of the line)") {
		t.Errorf("predict of bad text: %+v", r)
	}
}

// The job inside the program needs no option; here its first updates.
func TestEmbeddedJobStarts(t *testing.T) {
	dir := t.TempDir()
	r := pactune(t, dir, "", "train", "--max_steps", "2", "--pac_k_samples", "10", "--max_eval_samples", "20", "--threads", "1")
	if r.code != 0 || r.stdout != filepath.Join("runs", "001-embedded-pac")+"\n" {
		t.Fatalf("%+v", r)
	}
	if !strings.HasPrefix(r.stderr, "model   the encoder in the binary") || !strings.Contains(r.stderr, "pac (embedded)") {
		t.Errorf("stderr %s", r.stderr)
	}
}
