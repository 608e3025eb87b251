package checkpoint

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// Limit removes checkpoints, the oldest first, but never the newest keep, 1 at
// least, and those of the steps in also, such as the best.
func Limit(fsys files.FS, runDir string, keep int, also ...int) error {
	steps, err := Steps(fsys, runDir)
	if err != nil {
		return err
	}
	for i, step := range steps {
		if i >= len(steps)-max(1, keep) || slices.Contains(also, step) {
			continue
		}
		if err := remove(fsys, runDir, step); err != nil {
			return err
		}
	}
	return nil
}

// Rewind makes runDir what it was when the checkpoint of a step had just been
// saved: later checkpoints, which are damaged or of a course that the run does
// not take again, go, and so does what a killed run left half written. A run
// that goes on from a checkpoint calls it first; step is −1 for one that starts.
func Rewind(fsys files.FS, runDir string, step int) error {
	steps, err := Steps(fsys, runDir)
	if err != nil {
		return err
	}
	for i := len(steps) - 1; i >= 0 && steps[i] > step; i-- {
		if err := remove(fsys, runDir, steps[i]); err != nil {
			return err
		}
	}
	return sweep(fsys, runDir)
}

// remove takes the name first, and for good, so that no power cut leaves half a
// checkpoint under it.
func remove(fsys files.FS, runDir string, step int) error {
	path := filepath.Join(runDir, folder(step))
	gone := filepath.Join(runDir, "."+folder(step)+removedEnd)
	err := fsys.RemoveAll(gone)
	if err == nil {
		err = fsys.Rename(path, gone)
	}
	if err == nil {
		err = fsys.SyncDir(runDir)
	}
	if err == nil {
		err = fsys.RemoveAll(gone)
	}
	if err != nil {
		return fault.Errorf(fault.Internal, "%s: cannot be removed: %w", path, err)
	}
	return nil
}

// sweep removes the files and folders that are half written or half removed.
func sweep(fsys files.FS, runDir string) error {
	entries, err := fsys.ReadDir(runDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Errorf(fault.Internal, "%s: cannot be listed: %w", runDir, err)
	}
	for _, e := range entries {
		if !half(e.Name()) {
			continue
		}
		path := filepath.Join(runDir, e.Name())
		if err := fsys.RemoveAll(path); err != nil {
			return fault.Errorf(fault.Internal, "%s: cannot be removed: %w", path, err)
		}
	}
	return nil
}

// half tells whether a name stands for something that a killed run has left half
// written or half removed.
func half(name string) bool {
	hidden, ok := strings.CutPrefix(name, ".")
	base, staging := strings.CutSuffix(hidden, stagingEnd)
	base, removed := strings.CutSuffix(base, removedEnd)
	_, ours := stepOf(base)
	return files.Temporary(name) || ok && ours && staging != removed
}
