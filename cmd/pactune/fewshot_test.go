package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/realdata"
)

// The sets of the command are those that were published, and train reads them.
func TestFewshot(t *testing.T) {
	data, dir := realdata.Dir(t), t.TempDir()
	rte := filepath.Join(data, "glue", "RTE")
	if !filepath.IsAbs(rte) {
		rte, _ = filepath.Abs(rte)
	}
	r := pactune(t, dir, "", "fewshot", "--task_name", "rte", "--data_dir", rte, "--seeds", "13,42", "--out", "sets")
	if r.code != 0 || r.stdout != "sets\n" {
		t.Fatalf("%+v", r)
	}
	same := func(a, b string) {
		t.Helper()
		x, err := os.ReadFile(a)
		y, err2 := os.ReadFile(b)
		if err != nil || err2 != nil || string(x) != string(y) {
			t.Errorf("%s differs from %s (%v, %v)", a, b, err, err2)
		}
	}
	for _, seed := range []string{"16-13", "16-42"} {
		for _, name := range []string{"train.tsv", "dev.tsv"} {
			same(filepath.Join(dir, "sets", "RTE", seed, name), filepath.Join(data, "fewshot", "k-shot", "RTE", seed, name))
		}
		same(filepath.Join(dir, "sets", "RTE", seed, "test.tsv"), filepath.Join(rte, "dev.tsv"))
	}
	r = pactune(t, dir, "", "fewshot", "--task_name", "rte", "--data_dir", rte, "--train_size", "20", "--sample_seed", "7", "--out", "random")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	text, err := os.ReadFile(filepath.Join(dir, "random", "RTE", "20-7", "train.tsv"))
	if err != nil || strings.Count(string(text), "\n") != 21 {
		t.Errorf("20 random rows: %d lines, %v", strings.Count(string(text), "\n"), err)
	}
	same(filepath.Join(dir, "random", "RTE", "20-7", "dev.tsv"), filepath.Join(rte, "dev.tsv"))
	for args, says := range map[string]string{
		"":                                      "needs --task_name",
		"--task_name rte --data_dir " + rte:     "needs --task_name, --data_dir and --out",
		"--task_name none --data_dir x --out y": "unknown task",
		"--task_name rte --data_dir none --out y":                                        "none: no such folder",
		"--task_name rte --out y --seeds 1,x --data_dir " + rte:                          "--seeds",
		"--task_name rte --out y --seeds 3,03 --data_dir " + rte:                         "3 is there twice",
		"--task_name rte --out y --seeds 3 --sample_seed 3 --data_dir " + rte:            "two names of one option",
		"--task_name rte --out y --kshot 4 --train_size 9 --data_dir " + rte:             "give one of the two",
		"--task_name ax --out y --data_dir " + filepath.Dir(rte):                         "--task_name ax: has no training file",
		"--task_name rte --out y --kshot 5000 --data_dir " + rte:                         "expected at least 5000",
		"--task_name rte --out y --kshot 0 --data_dir " + rte:                            "--kshot 0",
		"--task_name rte --out y --train_size 5000 --data_dir " + rte:                    "--train_size 5000",
		"--task_name rte --out sets --data_dir " + rte:                                   "not empty",
		"--task_name rte --out y --train_size 5 --data_dir " + rte + " --seeds 13 extra": "options only",
	} {
		r := pactune(t, dir, "", append([]string{"fewshot"}, strings.Fields(args)...)...)
		if r.code != 2 && r.code != 3 || !strings.Contains(r.stderr, says) {
			t.Errorf("fewshot %s: %+v", args, r)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

// MNLI's sets are those of LM-BFF: of the development files the matched one alone,
// of the test files both. A class that has too few rows for development is told.
func TestFewshotOfMNLI(t *testing.T) {
	dir := t.TempDir()
	row := func(n int, label string) string { return fmt.Sprintf("%d\ta pan %d\ta lid\t%s\n", n, n, label) }
	text := "index\tsentence1\tsentence2\tgold_label\n"
	for i, label := range strings.Fields("neutral neutral entailment entailment contradiction contradiction contradiction") {
		text += row(i, label)
	}
	os.MkdirAll(filepath.Join(dir, "MNLI"), 0o755)
	for _, name := range []string{"train.tsv", "dev_matched.tsv", "dev_mismatched.tsv"} {
		if err := os.WriteFile(filepath.Join(dir, "MNLI", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := pactune(t, dir, "", "fewshot", "--task_name", "mnli", "--data_dir", "MNLI", "--kshot", "2", "--seeds", "1,2", "--out", "sets")
	if r.code != 0 || strings.Count(r.stderr, "note    ") != 3 || !strings.Contains(r.stderr, `the class "contradiction" has 3 rows: 2 for training, and 1 instead of 2 for development`) {
		t.Fatalf("%+v", r)
	}
	var names []string
	entries, _ := os.ReadDir(filepath.Join(dir, "sets", "MNLI", "2-1"))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "dev_matched.tsv test_matched.tsv test_mismatched.tsv train.tsv" {
		t.Error(got)
	}
	r = pactune(t, dir, "", "debug-data", "--task_name", "mnli", "--data_dir", filepath.Join("sets", "MNLI", "2-1"))
	if r.code != 0 || !strings.Contains(r.stdout, "validation") || !strings.Contains(r.stdout, "dev_mismatched.tsv is not there") {
		t.Errorf("%+v", r)
	}
}

// A file that cannot be read has its error in the table, which goes on.
func TestTasksOfBadFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"CoLA/train.tsv": "sentence\tlabel\na\t1\n", "SST-2/dev.tsv": "sentence\tlabel\na\t1\n"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := pactune(t, dir, "", "tasks", "--data_dir", ".")
	if r.code != 3 || !strings.Contains(r.stdout, "CoLA/train.tsv: line 1: found the header") || !strings.Contains(r.stdout, "SST-2/dev.tsv ") ||
		!strings.Contains(r.stderr, ".: files that cannot be read as the task's: 1;") {
		t.Errorf("%+v", r)
	}
}
