package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"path/filepath"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// Log is an append-only file beside the checkpoints. A state holds its Mark; a run
// that goes on cuts what was written after that, so that its log is the one of a
// run that was never interrupted.
type Log struct {
	path   string
	file   files.File
	length int64     // of the lines that were written whole
	hash   hash.Hash // of them
	err    error     // the first: what follows a line that failed would be torn
}

// Mark is how far a log goes: its bytes and their SHA-256 in hexadecimal digits, ""
// where a version of before sums did not keep it. The zero Mark is a log without lines.
type Mark struct {
	Length int64
	SHA256 string
}

// MarshalJSON writes {"bytes": …, "sha256": …}, and a length without a sum as a number.
func (m Mark) MarshalJSON() ([]byte, error) {
	if m.SHA256 == "" {
		return json.Marshal(m.Length)
	}
	return json.Marshal(summed{m.Length, m.SHA256})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Mark) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(text, []byte("{")) {
		return json.Unmarshal(text, &m.Length)
	}
	var s summed
	err := json.Unmarshal(text, &s)
	m.Length, m.SHA256 = s.Length, s.SHA256
	return err
}

type summed struct {
	Length int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// CheckLog compares a log, or one that is not there and so has no bytes, with a mark.
// One that is shorter has lost lines, one with other bytes up to there was changed:
// errors of kind fault.Model.
func CheckLog(fsys files.FS, path string, m Mark) error {
	_, _, err := readTo(fsys, path, m)
	return err
}

// readTo is the size of a log and the hash of its bytes up to a mark, which it compares.
func readTo(fsys files.FS, path string, m Mark) (have int64, sum hash.Hash, err error) {
	sum = sha256.New()
	have, err = sizeOf(fsys, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, err
	}
	if have < m.Length {
		return 0, nil, fault.Errorf(fault.Model, "%s: found %d bytes, expected at least the %d that the checkpoint tells: the log was cut or replaced; put it back, or start again in another folder", path, have, m.Length)
	}
	if m.Length == 0 {
		return have, sum, nil
	}
	f, err := fsys.Open(path)
	if err != nil {
		return 0, nil, unread(path, err)
	}
	defer f.Close()
	if _, err := io.CopyN(sum, f, m.Length); err != nil {
		return 0, nil, unread(path, err)
	}
	if found := hex.EncodeToString(sum.Sum(nil)); m.SHA256 != "" && found != m.SHA256 {
		return 0, nil, fault.Errorf(fault.Model, "%s: its first %d bytes have the SHA-256 %s, expected %s, as the checkpoint tells: the log was changed; put it back, or start again in another folder", path, m.Length, found, m.SHA256)
	}
	return have, sum, nil
}

// OpenLog cuts the log to a mark, that of the checkpoint's state or the zero one
// for a run that starts, and opens it to be written on. Errors are those of CheckLog
// and of the disk.
func OpenLog(fsys files.FS, path string, m Mark) (*Log, error) {
	have, sum, err := readTo(fsys, path, m)
	if err != nil {
		return nil, err
	}
	if have > m.Length {
		if err := fsys.Truncate(path, m.Length); err != nil {
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
	return &Log{path: path, file: f, length: m.Length, hash: sum}, nil
}

// Write appends whole lines. After an error it writes no more, and returns that; the
// lines that failed do not count, though a part of them may be in the file.
func (l *Log) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.file.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.err = files.Fault(l.path, int64(len(p)), err)
		return n, l.err
	}
	l.length += int64(n)
	l.hash.Write(p)
	return n, nil
}

// Sync flushes the log to the disk and returns how far it goes, for the state.
func (l *Log) Sync() (Mark, error) {
	if l.err == nil {
		if err := l.file.Sync(); err != nil {
			l.err = files.Fault(l.path, l.length, err)
		}
	}
	return l.Mark(), l.err
}

// Mark is how far the log goes, with what is not flushed yet.
func (l *Log) Mark() Mark { return Mark{l.length, hex.EncodeToString(l.hash.Sum(nil))} }

// Close flushes and closes the log.
func (l *Log) Close() error {
	l.Sync()
	if err := l.file.Close(); err != nil && l.err == nil {
		l.err = files.Fault(l.path, l.length, err)
	}
	return l.err
}
