package train

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"pactune/checkpoint"
	"pactune/internal/fault"
	"pactune/internal/files"
)

// ReopenFolder opens the folder of a run that goes on. It stays, whatever comes.
func ReopenFolder(path string) (*Folder, error) { return reopen(files.OS, path) }

func reopen(disk files.FS, path string) (*Folder, error) {
	lock, err := files.Lock(path)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil, fault.Errorf(fault.KindOf(err), "%w; a run goes on in its own folder: make that writable, or go on with a copy of it", err)
	}
	if err != nil {
		return nil, err
	}
	return &Folder{disk: disk, path: path, dir: path, result: true, lock: lock, sums: map[string]string{}, Log: newLog(disk, path)}, nil
}

// Newest opens the checkpoint to go on from: the named one or, for "", the newest
// whole one, nil where there is none. warn is told of damaged ones, which it passes over.
func (f *Folder) Newest(named string, warn func(string)) (*checkpoint.Found, error) {
	if named != "" {
		found, err := checkpoint.Open(f.disk, named)
		if checkpoint.Damaged(err) {
			err = fmt.Errorf("%w; pactune resume %s goes on from the newest whole one", err, f.path)
		}
		return found, err
	}
	found, damaged, err := checkpoint.Latest(f.disk, f.path)
	for _, d := range damaged {
		if err == nil {
			warn(fmt.Sprintf("a damaged checkpoint is passed over: %v", d))
		}
	}
	return found, err
}

// Rewind makes the folder what it was when a checkpoint was saved, nil for the start.
// Nothing changes before the logs have proved to begin with marks and load has taken
// the checkpoint. warn is told of newer checkpoints, which are removed.
func (f *Folder) Rewind(found *checkpoint.Found, marks Marks, load func() error, warn func(string)) error {
	step := -1
	if found != nil {
		step = found.Step
		if err := f.Log.check(marks); err != nil {
			return err
		}
		if err := load(); err != nil {
			return err
		}
	}
	steps, err := checkpoint.Steps(f.disk, f.path)
	if err != nil {
		return err
	}
	var newer []string
	for _, s := range steps {
		if s > step {
			newer = append(newer, fmt.Sprintf("checkpoint-%d", s))
		}
	}
	if len(newer) > 0 {
		warn(fmt.Sprintf("%s: removed, because the run goes on from before it: %s", f.path, strings.Join(newer, ", ")))
	}
	if err := checkpoint.Rewind(f.disk, f.path, step); err != nil {
		return err
	}
	return f.Log.cut(marks)
}
