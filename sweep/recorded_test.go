package sweep

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every sweep in testdata is one that today's options take, and the results beside it
// are of its runs, all of them and in its order.
func TestRecordedSweeps(t *testing.T) {
	grids, err := filepath.Glob("../testdata/*/*.yaml")
	if err != nil || len(grids) == 0 {
		t.Fatal(grids, err)
	}
	for _, path := range grids {
		g, err := ReadGrid(path)
		if err != nil {
			t.Error(err)
			continue
		}
		g.Dir = "out"
		p, err := g.Plan()
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		results := strings.TrimSuffix(path, ".yaml") + ".csv"
		f, err := os.Open(results)
		if err != nil {
			t.Errorf("%s has no results: %v", path, err)
			continue
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil || len(rows) != 1+len(p.Runs) {
			t.Errorf("%s: %d lines for %d runs, %v", results, len(rows), len(p.Runs), err)
			continue
		}
		for i, r := range p.Runs {
			if rows[i+1][0] != r.Folder {
				t.Errorf("%s: line %d is of %s, want %s", results, i+2, rows[i+1][0], r.Folder)
			}
		}
	}
}
