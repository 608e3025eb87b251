//go:build unix

package files

import (
	"errors"
	"os"
	"syscall"
)

// syncDir flushes a folder. Where the file system cannot, there is nothing to be
// done, and no error.
func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
