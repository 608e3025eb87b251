package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// init takes the folder of a tokeniser as pretrain does: one with nothing but a
// vocab.txt is that file.
func TestInitFromFolder(t *testing.T) {
	dir := job(t)
	if err := os.Mkdir(filepath.Join(dir, "words"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "vocab.txt"), filepath.Join(dir, "words", "vocab.txt")); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"--vocab words from-folder", "--vocab words/vocab.txt from-file"} {
		if r := pactune(t, dir, "", strings.Fields("init --size 1x16 "+args)...); r.code != 0 {
			t.Fatalf("%s: %+v", args, r)
		} else if !strings.Contains(r.stderr, ": 1 layer of width 16, ") {
			t.Errorf("%s: %s", args, r.stderr)
		}
	}
	for _, name := range names(t, filepath.Join(dir, "from-file")) {
		a, errA := os.ReadFile(filepath.Join(dir, "from-folder", name))
		b, errB := os.ReadFile(filepath.Join(dir, "from-file", name))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s differs (%v, %v)", name, errA, errB)
		}
	}
	if r := pactune(t, dir, "", "init", "--vocab", ".", "new"); r.code != 4 || !strings.Contains(r.stderr, "--vocab .: ") || !strings.Contains(r.stderr, "no vocabulary found") {
		t.Errorf("a folder without one: %+v", r)
	}
}
