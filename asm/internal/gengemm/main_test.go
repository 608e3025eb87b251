package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreUpToDate(t *testing.T) {
	for _, target := range targets {
		have, err := os.ReadFile(filepath.Join("..", "..", target.file()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, target.source()) {
			t.Errorf("%s is not what the generator writes: run go generate ./asm", target.file())
		}
	}
}
