package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/plural"
)

// Found is a checkpoint of which every byte is as it was saved.
type Found struct {
	Path string
	Step int

	fsys files.FS
	all  complete
}

// damage is an error that proves that a checkpoint is not as it was saved.
type damage struct{ error }

func (d damage) Unwrap() error { return d.error }

// Damaged tells whether an error of Open proves that the checkpoint is not as it was
// saved: a file is missing, its size or its hash is another. That a disk, the system
// or a right fails to give a file proves nothing.
func Damaged(err error) bool {
	var d damage
	return errors.As(err, &d)
}

func wrong(path, format string, args ...any) error {
	return damage{fault.Errorf(fault.Model, "%s: "+format, append([]any{path}, args...)...)}
}

func unread(path string, err error) error {
	return fault.Errorf(fault.Model, "%s: cannot be read: %w", path, err)
}

// Latest is the newest whole checkpoint of runDir, nil where there is none.
// damaged says of each newer one what is wrong with it. Where there are
// checkpoints and all are damaged, that is the error, of kind fault.Model; and so
// is a newer one that cannot be read, for it may be whole.
func Latest(fsys files.FS, runDir string) (found *Found, damaged []error, err error) {
	steps, err := Steps(fsys, runDir)
	if err != nil {
		return nil, nil, err
	}
	for i := len(steps) - 1; i >= 0; i-- {
		f, err := Open(fsys, filepath.Join(runDir, folder(steps[i])))
		if err == nil {
			return f, damaged, nil
		}
		if !Damaged(err) {
			return nil, damaged, fmt.Errorf("%w; nothing is changed: go on when it can be read, or remove that checkpoint to go on from the one before", err)
		}
		damaged = append(damaged, err)
	}
	if len(damaged) > 0 {
		return nil, damaged, fault.Errorf(fault.Model, "%s: none of its %s is whole; start again in another folder: %w", runDir, plural.Of(len(steps), "checkpoint"), errors.Join(damaged...))
	}
	return nil, nil, nil
}

// Open takes one checkpoint, after comparing every byte of it with COMPLETE. A
// file too few, too short, too long or changed is an error of kind fault.Model, and
// Damaged; a file that COMPLETE does not list is none: nothing reads it.
func Open(fsys files.FS, path string) (*Found, error) {
	step, ok := stepOf(filepath.Base(path))
	if !ok {
		return nil, fault.Errorf(fault.Model, "%s: is no checkpoint; expected the folder checkpoint-<step> of a run", path)
	}
	entries, err := fsys.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrong(path, "not found")
	}
	if err != nil {
		return nil, unread(path, err)
	}
	regular := map[string]bool{}
	for _, e := range entries {
		regular[e.Name()] = e.Type().IsRegular()
	}
	told := filepath.Join(path, completeName)
	if !regular[completeName] {
		return nil, wrong(told, "not found: the checkpoint was never finished, or is damaged")
	}
	text, err := read(fsys, told, maxComplete)
	if err != nil {
		return nil, err
	}
	all, err := parse(text)
	if err != nil {
		return nil, wrong(told, "%w", err)
	}
	if all.step != step {
		return nil, wrong(told, "found step %d, expected %d, as the folder is called", all.step, step)
	}
	for _, f := range all.files {
		if there, ok := regular[f.name]; !ok || !there {
			return nil, wrong(filepath.Join(path, f.name), "not found, or no file; expected the %d bytes that COMPLETE tells", f.Size)
		}
		if err := verify(fsys, filepath.Join(path, f.name), f.Written); err != nil {
			return nil, err
		}
	}
	return &Found{path, step, fsys, all}, nil
}

// verify compares a file with what COMPLETE tells of it: first the size, which
// costs nothing.
func verify(fsys files.FS, path string, want files.Written) error {
	size, err := sizeOf(fsys, path)
	if err != nil {
		return err
	}
	if size != want.Size {
		return wrong(path, "found %d bytes, expected the %d that COMPLETE tells", size, want.Size)
	}
	got, err := files.Hash(fsys, path)
	if err != nil {
		return unread(path, err)
	}
	if got != want {
		return wrong(path, "found %d bytes of SHA-256 %s, expected %s, as COMPLETE tells: its bytes changed since they were saved", got.Size, got.SHA256, want.SHA256)
	}
	return nil
}

func sizeOf(fsys files.FS, path string) (int64, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return 0, unread(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, unread(path, err)
	}
	return info.Size(), nil
}

// read reads a file of at most limit bytes.
func read(fsys files.FS, path string, limit int64) ([]byte, error) {
	data, err := bounded.ReadFile(fsys, path, limit)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, wrong(path, "%w", errors.Unwrap(err))
	}
	if err != nil {
		return nil, unread(path, err)
	}
	return data, nil
}

// Names lists the files of the checkpoint but COMPLETE, by name.
func (f *Found) Names() []string {
	names := make([]string, len(f.all.files))
	for i, e := range f.all.files {
		names[i] = e.name
	}
	return names
}
