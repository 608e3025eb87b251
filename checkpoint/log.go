package checkpoint

import (
	"errors"
	"io/fs"
	"path/filepath"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// Log is an append-only file beside the checkpoints. A state holds its length; a
// run that goes on cuts what was written after that, so that its log is the one
// of a run that was never interrupted.
type Log struct {
	path   string
	file   files.File
	length int64
	err    error // the first: what follows a line that failed would be torn
}

// CheckLog is the size of a log, 0 where there is none, after comparing it with the
// length that a checkpoint's state has. A log that is shorter has lost lines: an
// error of kind fault.Model.
func CheckLog(fsys files.FS, path string, length int64) (have int64, err error) {
	have, err = sizeOf(fsys, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if have < length {
		return 0, fault.Errorf(fault.Model, "%s: found %d bytes, expected at least the %d that the checkpoint tells: the log was cut or replaced; put it back, or start again in another folder", path, have, length)
	}
	return have, nil
}

// OpenLog cuts the log to a length, that of the checkpoint's state or 0 for a
// run that starts, and opens it to be written on. Errors are those of CheckLog and
// of the disk.
func OpenLog(fsys files.FS, path string, length int64) (*Log, error) {
	have, err := CheckLog(fsys, path, length)
	if err != nil {
		return nil, err
	}
	if have > length {
		if err := fsys.Truncate(path, length); err != nil {
			return nil, files.Fault(path, 0, err)
		}
	}
	f, err := fsys.Append(path)
	if err != nil {
		return nil, files.Fault(path, 0, err)
	}
	if err := fsys.SyncDir(filepath.Dir(path)); err != nil { // its name
		f.Close()
		return nil, files.Fault(path, 0, err)
	}
	return &Log{path: path, file: f, length: length}, nil
}

// Write appends whole lines. After an error it writes no more, and returns that.
func (l *Log) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.file.Write(p)
	l.length += int64(n)
	if err != nil {
		l.err = files.Fault(l.path, int64(len(p)), err)
	}
	return n, l.err
}

// Sync flushes the log to the disk and returns its length, for the state.
func (l *Log) Sync() (length int64, err error) {
	if l.err == nil {
		if err := l.file.Sync(); err != nil {
			l.err = files.Fault(l.path, l.length, err)
		}
	}
	return l.length, l.err
}

// Len is the length of the log, with what is not flushed yet.
func (l *Log) Len() int64 { return l.length }

// Close flushes and closes the log.
func (l *Log) Close() error {
	l.Sync()
	if err := l.file.Close(); err != nil && l.err == nil {
		l.err = files.Fault(l.path, l.length, err)
	}
	return l.err
}
