package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// finished makes a run in dir/run and returns what its last evaluation found.
func finished(t *testing.T, dir string, args ...string) map[string]any {
	t.Helper()
	args = append([]string{"train", "--model_name_or_path", "model", "--output_dir", "run", "--json", "--quiet"}, args...)
	r := pactune(t, dir, "", args...)
	var s struct{ Eval map[string]any }
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil || r.code != 0 {
		t.Fatalf("train: %v, %+v", err, r)
	}
	return s.Eval
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// evaluate finds what the run found, also when its texts were cut elsewhere
// than by default.
func TestEvaluateCutsWhereTheRunDid(t *testing.T) {
	dir := job(t)
	long := strings.Repeat("the plants in the garden ", 32)
	write(t, filepath.Join(dir, "long.txt"), "the kitchen "+long+"\tgarden\n"+long+"the pan\tkitchen\n"+long+"\tgarden\n")
	lengths := []string{"6", "150"}
	if testing.Short() {
		lengths = lengths[:1]
	}
	for _, length := range lengths {
		run := finished(t, dir, "long.txt", "--validation_file", "long.txt", "--method", "adamw", "--max_steps", "2",
			"--learning_rate", "1e-2", "--max_seq_length", length)
		r := pactune(t, dir, "", "evaluate", "run", "long.txt", "--json", "--quiet")
		var found struct{ Eval struct{ Loss float64 } }
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
			t.Fatalf("evaluate: %v, %+v", err, r)
		}
		// In float64 the weights have gone through the float32 of their file;
		// texts that are cut elsewhere change the loss in its fourth digit.
		if math.Abs(found.Eval.Loss-run["loss"].(float64)) > 1e-6 {
			t.Errorf("--max_seq_length %s: evaluate finds the loss %v, the run %v", length, found.Eval.Loss, run["loss"])
		}
		r = pactune(t, dir, "", "evaluate", "run", "long.txt", "--json", "--quiet", "--max_seq_length", "30")
		if strings.Contains(r.stdout, `"loss": `+number(run["loss"])) {
			t.Errorf("--max_seq_length of evaluate has no effect: %s", r.stdout)
		}
		if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
			t.Fatal(err)
		}
	}
}

func number(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// A result that cannot be written is no success.
func TestResultThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	defer full.Close()
	dir := job(t)
	finished(t, dir, "train.txt", "--validation_file", "dev.txt", "--method", "adamw", "--max_steps", "1")
	for _, args := range []string{"evaluate run dev.txt", "evaluate run dev.txt --json", "predict run dev.txt",
		"train train.txt --model_name_or_path model --method adamw --max_steps 1", "version --json"} {
		c := command1(dir, strings.Fields(args)...)
		var errs strings.Builder
		c.Stdout, c.Stderr = full, &errs
		_ = c.Run()
		if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("pactune %s: exit %d, %s", args, code, errs.String())
		}
	}
}

// predict gives the labels that the run's own evaluation gave.
func TestPredictOfSeveralLabels(t *testing.T) {
	dir := job(t)
	var rows, questions strings.Builder
	for i, text := range []string{"the pan", "the plant", "the pan and the plant", "and so"} {
		labels := []string{`["kitchen"]`, `["garden"]`, `["garden","kitchen"]`, `[]`}[i]
		fmt.Fprintf(&rows, "{\"text\":%q,\"label\":%s}\n", text, labels)
		fmt.Fprintln(&questions, text)
	}
	write(t, filepath.Join(dir, "rows.jsonl"), rows.String())
	finished(t, dir, "rows.jsonl", "--validation_file", "rows.jsonl", "--method", "adamw", "--num_train_epochs", "30", "--learning_rate", "3e-3")
	recorded, err := os.ReadFile(filepath.Join(dir, "run", "eval_predictions.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.Split(pactune(t, dir, questions.String(), "predict", "run").stdout, "\n")
	inJSON := strings.Split(pactune(t, dir, questions.String(), "predict", "run", "--json").stdout, "\n")
	several := false
	for i, line := range strings.Split(strings.TrimSpace(string(recorded)), "\n") {
		var want struct{ Prediction string }
		var got struct{ Labels []string }
		if err := errors.Join(json.Unmarshal([]byte(line), &want), json.Unmarshal([]byte(inJSON[i]), &got)); err != nil {
			t.Fatal(err)
		}
		if label, _, _ := strings.Cut(plain[i], "\t"); label != want.Prediction || got.Labels == nil || strings.Join(got.Labels, ",") != want.Prediction {
			t.Errorf("row %d: predict says %q and %v, the run %q", i, label, got.Labels, want.Prediction)
		}
		several = several || strings.Contains(want.Prediction, ",")
	}
	if !several {
		t.Errorf("no row has two labels: the test shows nothing\n%s", recorded)
	}
}

// Who predicts from labelled rows is told, once, how they are read.
func TestPredictOfLabelledRows(t *testing.T) {
	dir := job(t)
	finished(t, dir, "train.txt", "--validation_file", "dev.txt", "--method", "adamw", "--max_steps", "1")
	r := pactune(t, dir, "", "predict", "run", "dev.txt")
	if r.code != 0 || strings.Count(r.stdout, "\n") != 12 || strings.Count(r.stderr, "\n") != 1 ||
		!strings.Contains(r.stderr, "dev.txt: line 1: what follows the tab") {
		t.Errorf("labelled rows: %+v", r)
	}
	if r = pactune(t, dir, "a text\none\tanother\n", "predict", "run"); r.code != 0 || r.stderr != "" {
		t.Errorf("texts: %+v", r)
	}
}
