package rooms

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every target of the repository is in the list of testdata/fuzz/run, and every line
// of the list is a target with files that are there.
func TestEveryParserIsFuzzed(t *testing.T) {
	root := filepath.Join("..", "..")
	script, err := os.ReadFile(filepath.Join(root, "testdata", "fuzz", "run"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(script), "<<'TARGETS'\n")
	list, _, found := strings.Cut(list, "\nTARGETS\n")
	listed := map[string]bool{}
	for _, line := range strings.Split(list, "\n") {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("testdata/fuzz/run: found the line %q, expected a package, a target and its files", line)
		}
		listed[fields[0]+" "+fields[1]] = true
		for _, name := range strings.Split(fields[2], ",") {
			if _, err := os.Stat(filepath.Join(root, fields[0], name)); err != nil {
				t.Errorf("testdata/fuzz/run: %s: %v", line, err)
			}
		}
	}
	target := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range target.FindAllStringSubmatch(string(text), -1) {
			pkg, _ := filepath.Rel(root, filepath.Dir(path))
			name := filepath.ToSlash(pkg) + " " + m[1]
			if !listed[name] {
				t.Errorf("%s is not in the list of testdata/fuzz/run", name)
			}
			delete(listed, name)
		}
		return err
	})
	if err != nil || !found || len(listed) > 0 {
		t.Errorf("%v; testdata/fuzz/run lists targets that are not there: %v", err, listed)
	}
}
