package files

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

const removeWhileOpen = false // the system refuses

// lock takes f, held if somebody else has it. The lock is on a byte far behind
// the text, which stays readable.
func lock(f *os.File) (held bool, err error) {
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	return errors.Is(err, windows.ERROR_LOCK_VIOLATION), err
}
