//go:build !unix

package mapped

import (
	"io"
	"os"
)

// mapFile reads the first size bytes: this system has no mapping.
func mapFile(file *os.File, size int) (data []byte, unmap func() error, err error) {
	data = make([]byte, size)
	_, err = io.ReadFull(file, data)
	return data, nil, err
}

// giveBack does nothing: there is no mapping.
func giveBack([]byte) {}
