package main

import (
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
	r = pactune(t, dir, "", "fewshot", "--task_name", "rte", "--data_dir", rte, "--train_size", "20", "--seeds", "7", "--out", "random")
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
