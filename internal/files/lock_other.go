//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package files

import (
	"errors"
	"os"
)

const removeWhileOpen = true

// lock refuses: this system has no locks that end with their process.
func lock(*os.File) (held bool, err error) { return false, errors.ErrUnsupported }
