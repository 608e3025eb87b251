package files

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// MakeFolders makes a folder and those above it, where they are not there yet.
// Errors are as Fault tells them.
func MakeFolders(fsys FS, dir string) error {
	err := fsys.Mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err := MakeFolders(fsys, filepath.Dir(dir)); err != nil {
			return err
		}
		err = fsys.Mkdir(dir)
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return Fault(dir, 0, err)
}
