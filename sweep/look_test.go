package sweep

import (
	"path/filepath"
	"testing"

	"pactune/train"
)

// What is forecast of a run is of its own folder, also when its options are settled: the
// room on another disk says nothing.
func TestConfigOfARun(t *testing.T) {
	dir := t.TempDir()
	g := &Grid{Dir: dir, Base: []string{"--train_file=train.txt"}, Seeds: []uint64{7}}
	p, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.config(&p.Runs[0], []string{"--threads=3"})
	if err == nil {
		err = c.Resolve(train.Facts{TrainRows: 100})
	}
	if want := filepath.Join(dir, "seed7"); err != nil || c.OutputDir != want || c.Threads != 3 || c.Seed != 7 {
		t.Errorf("%v: folder %s, want %s; %d threads, seed %d", err, c.OutputDir, want, c.Threads, c.Seed)
	}
}
