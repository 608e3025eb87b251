// Package realdata finds the folder of real data that tests read: GLUE, text and
// vocabularies, which are not part of the project.
package realdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder that PACTUNE_DATA names, which must exist, or the one
// beside the project. Without either the test is skipped.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("PACTUNE_DATA"); dir != "" {
		if _, err := os.Stat(dir); err != nil {
			t.Fatalf("PACTUNE_DATA: %v", err)
		}
		return dir
	}
	dir := filepath.Join("..", "shared", "data")
	for range 3 { // packages lie up to three folders deep
		dir = filepath.Join("..", dir)
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	t.Skip("no folder of real data: set PACTUNE_DATA to it")
	return ""
}
