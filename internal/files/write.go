package files

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"

	"pactune/internal/fault"
)

// Written is what a file holds.
type Written struct {
	Size   int64
	SHA256 string // in hexadecimal digits
}

// WriteFile writes a file, whole or not at all; one that was there before is
// replaced. Errors are as Fault tells them.
func WriteFile(fsys FS, path string, write func(io.Writer) error) (Written, error) {
	f, temporary, err := CreateTemp(fsys, path)
	w, err := fill(f, err, path, write)
	if err == nil {
		if err = fsys.Rename(temporary, path); err != nil {
			err = Fault(path, w.Size, err)
		}
	}
	if err != nil {
		if f != nil {
			fsys.Remove(temporary)
		}
		return w, err
	}
	if err := fsys.SyncDir(filepath.Dir(path)); err != nil {
		return w, Fault(path, w.Size, err)
	}
	return w, nil
}

// WriteNew writes a file that is not there yet, and flushes it; its folder is
// the caller's to flush. After an error a part of it may be there, and
// Written.Size is the bytes that it needs.
func WriteNew(fsys FS, path string, write func(io.Writer) error) (Written, error) {
	f, err := fsys.Create(path)
	return fill(f, err, path, write)
}

// Measure is what a file would hold.
func Measure(write func(io.Writer) error) (Written, error) {
	return fill(nowhere{}, nil, "", write)
}

// fill writes, flushes and closes f, of whose opening came err.
func fill(f File, err error, path string, write func(io.Writer) error) (Written, error) {
	s := &sink{f: f, hash: sha256.New(), err: err}
	buffered := bufio.NewWriterSize(s, 1<<16)
	wrong := write(buffered)
	buffered.Flush() // into the sink, which keeps the error
	if s.err == nil {
		s.err = f.Sync()
	}
	if err == nil {
		if e := f.Close(); s.err == nil {
			s.err = e
		}
	}
	w := Written{s.size, hex.EncodeToString(s.hash.Sum(nil))}
	if wrong == nil {
		wrong = s.err
	}
	if wrong != nil {
		return w, Fault(path, w.Size, wrong)
	}
	return w, nil
}

// sink writes until the first error and from then on only counts, so that the
// error can say how many bytes the file needs.
type sink struct {
	f    File
	hash hash.Hash
	size int64
	err  error
}

func (s *sink) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.err != nil {
		return len(p), nil
	}
	s.hash.Write(p)
	n, err := s.f.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.err = err
	return len(p), nil
}

// Fault says what a failed write of a file that needs so many bytes (0: not
// known) means to the user; it is of the kind Kind.
func Fault(path string, bytes int64, err error) error {
	its := ""
	if bytes > 0 {
		its = fmt.Sprintf(" its %d bytes", bytes)
	}
	switch kind := Kind(err); kind {
	case fault.Resources:
		if bytes > 0 {
			its = " for" + its
		}
		return fault.Errorf(kind, "%s: no space left on the disk%s: %w; free some, or write elsewhere", path, its, err)
	case fault.Usage:
		return fault.Errorf(kind, "%s: cannot write%s: %w; name a place that can be written", path, its, err)
	default:
		return fault.Errorf(kind, "%s: cannot write%s: %w", path, its, err)
	}
}

// Kind is the kind of fault that a failed write is, or the making of a folder:
// Resources where the disk is full, Usage where this user cannot write under that
// name, Internal for anything else, such as a disk that fails.
func Kind(err error) fault.Kind {
	if NoSpace(err) {
		return fault.Resources
	}
	for _, place := range []error{fs.ErrPermission, fs.ErrNotExist, fs.ErrExist, syscall.EROFS, syscall.ENOTDIR, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.ELOOP} {
		if errors.Is(err, place) {
			return fault.Usage
		}
	}
	return fault.Internal
}

// NoSpace tells whether err says that a disk, or a user's share of it, is full.
func NoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Hash reads a file and returns its size and its SHA-256.
func Hash(fsys FS, path string) (Written, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return Written{}, err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.CopyBuffer(hash, onlyReader{f}, make([]byte, 1<<18))
	if err != nil {
		return Written{}, err
	}
	return Written{n, hex.EncodeToString(hash.Sum(nil))}, nil
}

// onlyReader hides what would make io.CopyBuffer leave its buffer unused.
type onlyReader struct{ io.Reader }

// nowhere is a file that keeps nothing.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Sync() error                 { return nil }
func (nowhere) Close() error                { return nil }
