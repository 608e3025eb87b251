// Package bounded reads files whole that come from anywhere: config.json, run.json,
// an index of weights. Each kind has a most that it may have in bytes, and a file
// above it is refused by the size that the system tells, before memory is taken:
//
//	text, err := bounded.ReadFile(nil, "run/run.json", bounded.Settings)
//	// read run/run.json: found 50000000000 bytes, expected at most 16777216
//
// What has no size, such as a pipe, is read to that bound. The kind of the error is
// the caller's to say, as with errors of package os.
package bounded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Settings is the most that a file of settings or results may have: run.json,
// training_args.json, all_results.json and their like. The largest hold a command
// line, which systems keep below 2 MB, three times.
const Settings = 16 << 20

// ErrTooLarge is what errors.Is finds in the error of a file that has more.
var ErrTooLarge = errors.New("too large")

type tooLarge struct {
	found string
	limit int64
}

func (e *tooLarge) Error() string {
	return fmt.Sprintf("found %s, expected at most %d", e.found, e.limit)
}

func (e *tooLarge) Is(target error) bool { return target == ErrTooLarge }

// ReadFile returns the content of a file of fsys, nil standing for the system's,
// that has at most limit bytes. Errors are of type *fs.PathError, as those of
// os.ReadFile.
func ReadFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, name, limit)
}

func open(fsys fs.FS, name string) (fs.File, error) {
	if fsys == nil {
		return os.Open(name)
	}
	return fsys.Open(name)
}

// Read is ReadFile for what is open already; name stands for it in errors.
func Read(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := read(r, limit)
	if path := new(fs.PathError); err != nil && !errors.As(err, &path) {
		err = &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, err
}

func read(r io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if f, ok := r.(fs.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if info.Size() > limit {
				return nil, &tooLarge{fmt.Sprintf("%d bytes", info.Size()), limit}
			}
			b.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = &tooLarge{fmt.Sprintf("more than %d bytes", limit), limit}
	}
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
