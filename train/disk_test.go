package train

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// A run writes what was forecast or a little less; a small model's folder is mostly
// logs, which are taken at their largest.
func TestForecastOfTheDisk(t *testing.T) {
	model, data := modelFolder(t, "", nil, nil), writeText(t, "train.txt", strings.Repeat(twoClasses, 20))
	for _, options := range []string{"num_train_epochs 3", "num_train_epochs 3 save_strategy epoch save_total_limit 2", "method pac num_train_epochs 20 pac_stage1_epochs 10 pac_k_samples 3 component_steps 5", "method pac pac_granularity tensor num_train_epochs 2 pac_stage1_epochs 1 pac_k_samples 3"} {
		var plan *Plan
		result, err := Run(context.Background(), settings(t, quick(t, model, data)+options), nil, Hooks{OnPlan: func(p *Plan) { plan = p }})
		if err != nil {
			t.Fatal(err)
		}
		var written int64
		if err := filepath.WalkDir(result.Folder, func(_ string, d fs.DirEntry, err error) error {
			if info, e := d.Info(); e == nil && d.Type().IsRegular() {
				written += info.Size()
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: forecast %d, written %d", options, plan.Disk.Total(), written)
		if total := plan.Disk.Total() - plan.Disk.Checkpoints + plan.Disk.Kept; written > total || total > 2*written+otherFiles {
			t.Errorf("%s: forecast %+v, %d bytes written", options, plan.Disk, written)
		}
		if plan.Disk.Free < 1<<20 {
			t.Errorf("%d bytes are said to be free", plan.Disk.Free)
		}
	}
}

func TestTooLittleDisk(t *testing.T) {
	c := &Config{OutputDir: filepath.Join(t.TempDir(), "not", "there", "yet")}
	if free := files.Free(t.TempDir()); free < 0 {
		t.Skip("this system does not tell how much is free")
	}
	if err := c.CheckDisk(&Disk{Model: 1 << 20}, 0, nil); err != nil {
		t.Error(err)
	}
	err := c.CheckDisk(&Disk{Model: 1 << 20, Checkpoints: 1 << 60}, 2, nil)
	if fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), "--save_total_limit") {
		t.Error(err)
	}
}

// A run that goes on has written a part of what is forecast, on the disk of its
// folder, wherever the current one is.
func TestDiskOfARunThatGoesOn(t *testing.T) {
	dir, c := t.TempDir(), &Config{OutputDir: "elsewhere"}
	file := filepath.Join(dir, "checkpoint")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	free := files.Free(dir)
	if err := os.Truncate(file, 1<<40); err != nil || free < 0 { // without content
		t.Skip("no file of 1 TiB here, or free space is not known: ", err)
	}
	folder, err := ReopenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Discard()
	if err := c.CheckDisk(&Disk{Model: free + 1<<39}, 2, folder); err != nil {
		t.Error(err)
	}
	err = c.CheckDisk(&Disk{Model: free + 1<<41}, 2, folder)
	if fault.KindOf(err) != fault.Resources || !strings.HasPrefix(err.Error(), dir+": the run writes ") {
		t.Error(err)
	}
}
