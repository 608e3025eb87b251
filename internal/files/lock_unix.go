//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A file is removed before its lock is given free: whoever opens it in between
// sees that its name is gone.
const removeWhileOpen = true

// lock takes f, held if somebody else has it.
func lock(f *os.File) (held bool, err error) {
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			return errors.Is(err, unix.EWOULDBLOCK), err
		}
	}
}
