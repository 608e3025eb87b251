package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A page is written in whole, or a message says why not and nothing is there.
func TestReport(t *testing.T) {
	dir := job(t)
	if r := pactune(t, dir, "", "train", "train.txt", "--validation_file", "dev.txt", "--model_name_or_path", "model", "--quiet",
		"--max_steps", "1", "--method", "adamw", "--output_dir", "adamw/seed42"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := pactune(t, dir, "", "report", "adamw", "--out", "page.html")
	if r.code != 0 || r.stdout != "page.html\n" || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	text, err := os.ReadFile(filepath.Join(dir, "page.html"))
	if err != nil || !strings.HasPrefix(string(text), "<!DOCTYPE html>") || !strings.HasSuffix(string(text), "</html>\n") {
		t.Errorf("%v: no page:\n%.300s", err, text)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, "report needs folders of runs", []string{"report", "--out", "bad.html"}},
		{3, "none: no such folder", []string{"report", "none", "--out", "bad.html"}},
		{3, "has no eval_f2", []string{"report", "adamw", "--metric", "f2", "--out", "bad.html"}},
		{5, "--out train.txt/bad.html", []string{"report", "adamw", "--out", "train.txt/bad.html"}},
	} {
		r := pactune(t, dir, "", c.args...)
		if _, err := os.Stat(filepath.Join(dir, "bad.html")); r.code != c.code || !strings.Contains(r.stderr, c.says) || err == nil {
			t.Errorf("%v: %+v, file: %v; want exit %d and %q", c.args, r, err == nil, c.code, c.says)
		}
	}
}
