// Package files is the way to the disk: everything that the project writes goes
// through FS, so that a test can put a disk there that is full, that fails, or
// that loses its power (internal/files/faulty).
//
// What it takes for data to outlive a crash:
//
//	File.Sync    the bytes of a file
//	FS.SyncDir   the names in a folder: a file made, renamed or removed
//
// Until then a system may keep any part of them, in any order. WriteFile does it
// all for one file: a temporary name beside it, the bytes, Sync, Rename, SyncDir;
// the name never stands for half of a file.
//
// Fault says what a failed write means to the user. Lock keeps a second process
// out of a folder.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FS is a file system. Names are those of package os, and so are the errors:
// errors.Is finds fs.ErrExist and fs.ErrNotExist.
type FS interface {
	// Create makes a file that is not there yet.
	Create(name string) (File, error)
	// Append opens a file to write at its end; one that is not there is made.
	Append(name string) (File, error)
	// Truncate cuts a file to size bytes.
	Truncate(name string, size int64) error
	// Rename gives a file, or a folder, another name; a file of that name goes.
	Rename(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// Symlink makes name a link to target, a path from the folder of name.
	Symlink(target, name string) error
	// RemoveAll removes a folder with all that is in it; nothing there is no error.
	RemoveAll(name string) error
	// Mkdir makes a folder that is not there yet.
	Mkdir(name string) error
	// SyncDir flushes the names in a folder to the disk.
	SyncDir(name string) error
	// Open opens a file to read it.
	Open(name string) (fs.File, error)
	// ReadDir lists a folder by name.
	ReadDir(name string) ([]fs.DirEntry, error)
}

// File is a file that is open for writing.
type File interface {
	io.Writer
	Sync() error // flushes the bytes to the disk
	Close() error
}

// OS is the file system of the machine.
var OS FS = osFS{}

type osFS struct{}

func (osFS) Create(name string) (File, error) {
	return open(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY)
}

func (osFS) Append(name string) (File, error) {
	return open(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY)
}

// open keeps a nil *os.File out of the interface.
func open(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o666)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) Truncate(name string, size int64) error     { return os.Truncate(name, size) }
func (osFS) Rename(from, to string) error               { return os.Rename(from, to) }
func (osFS) Remove(name string) error                   { return os.Remove(name) }
func (osFS) Symlink(target, name string) error          { return os.Symlink(target, name) }
func (osFS) RemoveAll(name string) error                { return os.RemoveAll(name) }
func (osFS) Mkdir(name string) error                    { return os.Mkdir(name, 0o777) }
func (osFS) SyncDir(name string) error                  { return syncDir(name) }
func (osFS) Open(name string) (fs.File, error)          { return os.Open(name) }
func (osFS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// Existing is path, or the nearest folder above it that is there.
func Existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// temporaryStart begins the names of files that are not yet whole.
const temporaryStart = ".tmp-"

// Leftover tells whether a name is that of a file which a killed process may leave
// and which holds nothing: a lock, or a part of a file.
func Leftover(name string) bool { return name == LockName || Temporary(name) }

// Temporary tells whether a name is that of a file which is not yet whole. In a
// folder that one has locked, nobody goes on with it.
func Temporary(name string) bool { return strings.HasPrefix(name, temporaryStart) }

// CreateTemp makes a file with a temporary name beside path.
func CreateTemp(fsys FS, path string) (f File, name string, err error) {
	for i := 0; ; i++ {
		name = filepath.Join(filepath.Dir(path), fmt.Sprintf("%s%d-%s", temporaryStart, i, filepath.Base(path)))
		if f, err = fsys.Create(name); !errors.Is(err, fs.ErrExist) {
			return f, name, err
		}
	}
}
