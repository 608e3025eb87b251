package rooms

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// writes are the functions of package os that change files.
var writes = regexp.MustCompile(`\bos\.(Create|CreateTemp|WriteFile|OpenFile|Mkdir|MkdirTemp|Rename|Remove|RemoveAll|Truncate|Link|Symlink)\(`)

// Everything that the project writes goes through internal/files, where tests put
// disks that fail. Programs that write Go sources are not the project.
func TestWritesGoThroughFiles(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if err != nil || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") ||
			strings.HasPrefix(rel, "internal/files/") || strings.HasPrefix(rel, "asm/internal/gen") || strings.HasPrefix(rel, "testdata/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for i, line := range strings.Split(string(text), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if m := writes.FindString(code); m != "" {
				t.Errorf("%s:%d calls %s…); internal/files has one that a test can make fail", rel, i+1, m)
			}
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("%d files, %v", seen, err)
	}
}
