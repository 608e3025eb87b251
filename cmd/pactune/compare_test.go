package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// Two seeds of two methods are paired by seed, whatever the format.
func TestCompare(t *testing.T) {
	dir := job(t)
	for _, run := range []string{"adamw/seed1", "adamw/seed2", "cwgnc/seed1", "cwgnc/seed2"} {
		method, seed, _ := strings.Cut(run, "/seed")
		r := pactune(t, dir, "", "train", "train.txt", "--validation_file", "dev.txt", "--model_name_or_path", "model", "--quiet",
			"--max_steps", "1", "--method", method, "--seed", seed, "--output_dir", run)
		if r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	for format, want := range map[string]string{
		"text":     "\nadamw − cwgnc   ",
		"markdown": "| failed runs | ",
		"csv":      "\n,accuracy,adamw,cwgnc,wilcoxon,",
	} {
		if r := pactune(t, dir, "", "compare", "adamw", "cwgnc", "--format", format); r.code != 0 || !strings.Contains(r.stdout, want) || r.stderr != "" {
			t.Errorf("%s: %+v lacks %q", format, r, want)
		}
	}
	r := pactune(t, dir, "", "compare", "adamw", "cwgnc", "--format", "json", "--metric", "loss")
	var report struct {
		Metric string
		Groups []struct{ N int }
		Pairs  []struct {
			Paired  bool
			Pairs   int
			Verdict string
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || report.Metric != "loss" || report.Groups[1].N != 2 ||
		report.Pairs[0].Pairs != 2 || !strings.HasPrefix(report.Pairs[0].Verdict, "No difference shown in loss") {
		t.Errorf("%v: %+v", err, r)
	}
}
