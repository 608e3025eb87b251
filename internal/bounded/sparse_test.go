//go:build unix

package bounded

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A file of 50 GB, which takes no room on the disk, costs a look at its size.
func TestSparseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 50e9); err != nil {
		t.Skip(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadFile(nil, path, Settings)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "found 50000000000 bytes, expected at most 16777216") {
		t.Errorf("%v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<16 {
		t.Errorf("allocated %d bytes", n)
	}
}
