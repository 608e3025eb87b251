package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"testing"
)

const oneUpdate = `{"step":1,"split":"train","epoch":1,"loss":0.7,"grad_norm":1,"grad_norm_clipped":1,"clip_rate":0,"learning_rate":1e-05,"head_learning_rate":1e-05}
{"step":1,"split":"eval","epoch":1,"loss":0.6,"accuracy":0.5,"samples":4,"tokens":20}
`

func runFolder(t *testing.T, dir, metrics string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte(metrics), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPlotWritesPictures(t *testing.T) {
	dir := t.TempDir()
	a := runFolder(t, filepath.Join(dir, "1", "run"), oneUpdate)
	b := runFolder(t, filepath.Join(dir, "2", "run"), oneUpdate)
	components := `{"step":1,"tensor":"classifier.weight","shape":[2,2],"elements":4,"clipped":false,"grad_norm":1}` + "\n"
	if err := os.WriteFile(filepath.Join(b, "components.jsonl"), []byte(components), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "pictures", "here")
	for _, args := range [][]string{{"plot", a, "--out", out}, {"plot", "--out=" + out, a, b}} {
		if code := run(args); code != 0 {
			t.Fatalf("%v ended with %d", args, code)
		}
	}
	for _, name := range []string{"curves.svg", "run-curves.svg", "run-2-curves.svg", "run-2-components.svg", "compare.svg"} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Error(err)
		} else if err := xml.Unmarshal(text, new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "components.svg")); err == nil {
		t.Error("components.svg of a run that recorded none")
	}
}

// A number that makes one name of two never makes that of a third run.
func TestPlotNamesRunsApart(t *testing.T) {
	dir := t.TempDir()
	args := []string{"plot", "--out", filepath.Join(dir, "out")}
	for _, name := range []string{"1/run", "2/run", "3/run-2"} {
		args = append(args, runFolder(t, filepath.Join(dir, filepath.FromSlash(name)), oneUpdate))
	}
	if code := run(args); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "out", "*-curves.svg")); err != nil || len(found) != 3 {
		t.Errorf("pictures %q, %v; want one of each of three runs", found, err)
	}
}

func TestPlotRefuses(t *testing.T) {
	dir := t.TempDir()
	broken := runFolder(t, filepath.Join(dir, "broken"), "{\n{}\n")
	file := filepath.Join(broken, "metrics.jsonl")
	whole := runFolder(t, filepath.Join(dir, "whole"), oneUpdate)
	for _, c := range []struct {
		code int
		args []string
	}{
		{2, []string{"plot"}},
		{2, []string{"plot", whole, "--width", "3"}},
		{2, []string{"plot", whole, "--out", filepath.Join(file, "pictures")}},
		{3, []string{"plot", filepath.Join(dir, "missing"), "--out", dir}},
		{3, []string{"plot", file, "--out", dir}},
		{3, []string{"plot", whole, broken, "--out", filepath.Join(dir, "none")}},
	} {
		if code := run(c.args); code != c.code {
			t.Errorf("%v ended with %d, want %d", c.args, code, c.code)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a refused command left a folder")
	}
}
