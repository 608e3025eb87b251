package faulty

import (
	"io/fs"

	"pactune/internal/files"
)

// Failing is a file system of which one operation that writes fails.
type Failing struct {
	files.FS
	At  int   // the number of the operation, from 0
	Err error // its error; nil: a Write that writes half and does not say so

	Ops    int    // operations so far
	Failed string // the file or folder of the one that failed
}

// fails counts an operation and is its error.
func (f *Failing) fails(op, name string) error {
	f.Ops++
	if f.Ops-1 != f.At || f.Err == nil && op != "write" {
		return nil
	}
	f.Failed = name
	return &fs.PathError{Op: op, Path: name, Err: f.Err}
}

// Create implements files.FS.
func (f *Failing) Create(name string) (files.File, error) {
	return f.opened("create", name, f.FS.Create)
}

// Append implements files.FS.
func (f *Failing) Append(name string) (files.File, error) {
	return f.opened("append", name, f.FS.Append)
}

func (f *Failing) opened(op, name string, open func(string) (files.File, error)) (files.File, error) {
	if err := f.fails(op, name); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &failingFile{file, f, name}, nil
}

// Truncate implements files.FS.
func (f *Failing) Truncate(name string, size int64) error {
	if err := f.fails("truncate", name); err != nil {
		return err
	}
	return f.FS.Truncate(name, size)
}

// Rename implements files.FS.
func (f *Failing) Rename(from, to string) error {
	if err := f.fails("rename", to); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

// Remove implements files.FS.
func (f *Failing) Remove(name string) error {
	if err := f.fails("remove", name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// Symlink implements files.FS.
func (f *Failing) Symlink(target, name string) error {
	if err := f.fails("symlink", name); err != nil {
		return err
	}
	return f.FS.Symlink(target, name)
}

// RemoveAll implements files.FS.
func (f *Failing) RemoveAll(name string) error {
	if err := f.fails("remove", name); err != nil {
		return err
	}
	return f.FS.RemoveAll(name)
}

// Mkdir implements files.FS.
func (f *Failing) Mkdir(name string) error {
	if err := f.fails("mkdir", name); err != nil {
		return err
	}
	return f.FS.Mkdir(name)
}

// SyncDir implements files.FS.
func (f *Failing) SyncDir(name string) error {
	if err := f.fails("sync", name); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

type failingFile struct {
	files.File
	disk *Failing
	name string
}

// Write writes half of p when it fails.
func (f *failingFile) Write(p []byte) (int, error) {
	if err := f.disk.fails("write", f.name); err != nil {
		n, other := f.File.Write(p[:len(p)/2])
		if f.disk.Err == nil {
			err = other
		}
		return n, err
	}
	return f.File.Write(p)
}

func (f *failingFile) Sync() error {
	if err := f.disk.fails("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *failingFile) Close() error {
	err := f.File.Close()
	if failed := f.disk.fails("close", f.name); failed != nil {
		return failed
	}
	return err
}
