package files

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pactune/internal/fault"
)

// LockName is the file of a folder that the process which writes there holds.
const LockName = ".lock"

// FolderLock is a folder, or a file, that this process has for itself.
type FolderLock struct{ file *os.File }

// Lock takes a folder for this process, until Unlock or the end of the process,
// however it ends: the system knows the lock, not the file. If another process
// has it, the error, of kind fault.Usage, names process and host.
func Lock(dir string) (*FolderLock, error) {
	path := filepath.Join(dir, LockName)
	l, by, err := TryLock(path)
	if err == nil && l == nil {
		err = fault.Errorf(fault.Usage, "%s: %s is writing there (%s); wait for it, end it, or name another folder", dir, by, path)
	}
	return l, err
}

// patience is how long a lock may be held before that counts: who looks at it, by
// HeldBy, has it for a moment.
const patience = 100 * time.Millisecond

// TryLock takes a file, which is there for nothing else, as Lock takes a folder.
// If another process has it there is neither lock nor error, but its name.
func TryLock(path string) (l *FolderLock, by string, err error) {
	for start := time.Now(); ; {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return nil, "", fault.Errorf(Kind(err), "%s: cannot take the folder: %w", filepath.Dir(path), err)
		}
		held, err := lock(f)
		if held && time.Since(start) < patience {
			f.Close()
			time.Sleep(2 * time.Millisecond)
			continue
		}
		if held {
			by = owner(f)
			f.Close()
			return nil, by, nil
		}
		if err != nil {
			f.Close()
			return nil, "", fault.Errorf(fault.Usage, "%s: the file system has no locks: %w; name a folder on another one", path, err)
		}
		if !stillThere(f, path) { // its owner removed it between our two calls
			f.Close()
			continue
		}
		host, _ := os.Hostname()
		if err := f.Truncate(0); err == nil {
			_, err = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), cmp.Or(host, "an unnamed host"))
		}
		if err != nil {
			f.Close()
			return nil, "", Fault(path, 0, err)
		}
		return &FolderLock{f}, "", nil
	}
}

// LockedBy names the process and the host that have a folder, "" for a free one.
func LockedBy(dir string) string { return HeldBy(filepath.Join(dir, LockName)) }

// HeldBy names those that have a file by TryLock, "" for one that is free or not there.
func HeldBy(path string) string {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if held, _ := lock(f); held {
		return owner(f)
	}
	return ""
}

// owner is what the owner of a lock file has written there.
func owner(f *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(f, 300))
	return cmp.Or(strings.TrimSpace(string(text)), "another process")
}

// Unlock gives the folder free and removes the file.
func (l *FolderLock) Unlock() error {
	if removeWhileOpen {
		os.Remove(l.file.Name())
		return l.file.Close()
	}
	err := l.file.Close()
	os.Remove(l.file.Name()) // fails if the next owner has opened it, as it should
	return err
}

// stillThere tells whether path still names the open file f.
func stillThere(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(mine, named)
}
