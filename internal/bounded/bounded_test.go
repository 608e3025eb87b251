package bounded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// A file of the limit is read, one of a byte more is refused, of the system and of
// another file system alike; a stream has no size and the same bound.
func TestLimit(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("seven ."), 0o666); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x")
	for _, c := range []struct {
		name string
		read func(limit int64) ([]byte, error)
		says string
	}{
		{path, func(limit int64) ([]byte, error) { return ReadFile(nil, path, limit) }, "found 7 bytes"},
		{"x", func(limit int64) ([]byte, error) { return ReadFile(os.DirFS(dir), "x", limit) }, "found 7 bytes"},
		{"a/x", func(limit int64) ([]byte, error) {
			return ReadFile(fstest.MapFS{"a/x": {Data: []byte("seven .")}}, "a/x", limit)
		}, "found 7 bytes"},
		{"stdin", func(limit int64) ([]byte, error) { return Read(strings.NewReader("seven ."), "stdin", limit) }, "found more than 6 bytes"},
	} {
		if text, err := c.read(7); err != nil || string(text) != "seven ." {
			t.Errorf("%s: %q, %v", c.name, text, err)
		}
		_, err := c.read(6)
		if want := "read " + c.name + ": " + c.says + ", expected at most 6"; !errors.Is(err, ErrTooLarge) || err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if _, err := ReadFile(nil, filepath.Join(dir, "y"), 7); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := ReadFile(nil, dir, 7); err == nil {
		t.Error("read a folder")
	}
}
