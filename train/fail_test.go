package train

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/files/faulty"
)

var apart = flag.Int("apart", 25, "TestEveryWriteOfARunFails lets one operation of so many fail")

// on makes a run on a disk, and tells how many updates it made.
func (r *resumable) on(disk files.FS, dir string, hook func(step int)) (made int, err error) {
	r.t.Helper()
	c := settings(r.t, r.options+"output_dir "+dir)
	_, err = (&run{cfg: c, disk: disk, hooks: Hooks{OnStep: func(s *StepRecord, _ Timing) {
		if made = s.Step; hook != nil {
			hook(made)
		}
	}}}).do(context.Background())
	return made, err
}

// Every operation of a run that writes fails once, from its folder to its last file.
// Once there is an update the run goes on afterwards, mostly from a checkpoint, and
// leaves what any other does; before, it leaves nothing.
func TestEveryWriteOfARunFails(t *testing.T) {
	r, root := newResumable(t, "adamw"), t.TempDir()
	r.options += "max_steps 3 eval_steps 2 save_strategy steps save_steps 2 component_steps 9 report_to tensorboard "
	whole := filepath.Join(root, "whole")
	counted := &faulty.Failing{FS: files.OS, At: -1}
	if _, err := r.on(counted, whole, nil); err != nil {
		t.Fatal(err)
	}
	from := map[string]int{}
	for op := 0; op < counted.Ops; op += *apart {
		disk := &faulty.Failing{FS: files.OS, At: op, Err: syscall.ENOSPC}
		dir := filepath.Join(root, fmt.Sprint(op))
		made, err := r.on(disk, dir, nil)
		left := ""
		if _, gone := os.Stat(dir); gone == nil {
			left = listing(t, dir)
		}
		what := fmt.Sprintf("operation %d, %s, after update %d: %v; left %s", op, disk.Failed, made, err, left)
		switch {
		case err == nil:
			from["ended"]++
			r.equal(what, whole, dir)
			continue
		case fault.KindOf(err) != fault.Resources:
			t.Error(what)
		case left == "":
			from["removed"]++
			if made > 0 {
				t.Error(what)
			}
			continue
		case strings.Contains(err.Error(), "starts again"):
			from["the start"]++
		case strings.Contains(err.Error(), ": pactune resume "+dir):
			from["a checkpoint"]++
		default:
			t.Error(what)
		}
		r.must(dir, "resume auto", 0, false)
		r.equal(what, whole, dir)
		os.RemoveAll(dir)
	}
	t.Logf("%d operations: %v", counted.Ops, from)
	if from["a checkpoint"]**apart < counted.Ops/3 {
		t.Errorf("%d operations: %v", counted.Ops, from)
	}
}

// full is a disk without room once it is full.
type full struct {
	files.FS
	full bool
}

type fullFile struct {
	files.File
	disk *full
}

func (d *full) open(f files.File, err error) (files.File, error) {
	if err != nil {
		return nil, err
	}
	return &fullFile{f, d}, nil
}

func (d *full) Create(name string) (files.File, error) { return d.open(d.FS.Create(name)) }
func (d *full) Append(name string) (files.File, error) { return d.open(d.FS.Append(name)) }

func (f *fullFile) Write(p []byte) (int, error) {
	if f.disk.full {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, &fs.PathError{Op: "write", Path: "it", Err: syscall.ENOSPC}
	}
	return f.File.Write(p)
}

// A disk that fills up before the first checkpoint, and after one.
func TestFullDisk(t *testing.T) {
	r, root := newResumable(t, "pac"), t.TempDir()
	r.options += "max_steps 12 "
	whole := filepath.Join(root, "whole")
	r.must(whole, "", 0, false)
	for save, says := range map[string]string{
		"save_strategy no ":                 "its work of 8 updates cannot be saved and is lost; the log is in DIR, and pactune resume DIR starts again",
		"save_strategy steps save_steps 3 ": "2 updates after update 6 cannot be saved, and will be made again; the checkpoint of update 6 is in DIR: pactune resume DIR",
	} {
		dir := filepath.Join(root, "run"+fmt.Sprint(len(says)))
		disk := &full{FS: files.OS}
		options := r.options
		r.options += save
		_, err := r.on(disk, dir, func(step int) { disk.full = step == 7 })
		r.options = options
		for _, part := range []string{says, "nor can a checkpoint be saved: DIR/metrics.jsonl: no space left on the disk"} {
			if part = strings.ReplaceAll(part, "DIR", dir); fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v lacks %s", save, err, part)
			}
		}
		r.must(dir, "resume auto", 0, false)
		r.equal(save, whole, dir)
	}
}

// A model that cannot be written at the end is not trained again.
func TestModelCannotBeWritten(t *testing.T) {
	for _, method := range []string{"pac", "best"} {
		r, root := newResumable(t, method), t.TempDir()
		r.options += "max_steps 12 save_strategy no "
		whole, dir := filepath.Join(root, "whole"), filepath.Join(root, "run")
		r.must(whole, "", 0, false)
		inTheWay := filepath.Join(dir, "model.safetensors", "x")
		_, err := r.on(files.OS, dir, func(int) { os.MkdirAll(inTheWay, 0o777) })
		if want := "the checkpoint of update 12 is in " + dir + ": pactune resume " + dir; err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: %v", method, err)
		}
		os.RemoveAll(filepath.Dir(inTheWay))
		made := 0
		c := settings(t, r.options+"output_dir "+dir+" resume auto")
		if _, err := Run(context.Background(), c, nil, Hooks{OnStep: func(*StepRecord, Timing) { made++ }}); err != nil || made > 0 {
			t.Errorf("%s: %d updates again, %v", method, made, err)
		}
		r.equal(method, whole, dir)
	}
}

// Of a folder that somebody has removed nothing is promised.
func TestFolderIsGone(t *testing.T) {
	r, dir := newResumable(t, "adamw"), filepath.Join(t.TempDir(), "run")
	r.options += "max_steps 12 save_strategy steps save_steps 3 "
	_, err := r.on(files.OS, dir, func(step int) {
		if step == 4 {
			os.RemoveAll(dir)
		}
	})
	if fault.KindOf(err) != fault.Internal || !strings.Contains(fmt.Sprint(err), dir+", is gone, and with it its work of ") || strings.Contains(err.Error(), "pactune resume") {
		t.Error(err)
	}
}
