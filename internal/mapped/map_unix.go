//go:build unix

package mapped

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes for reading; unmap gives them back.
func mapFile(file *os.File, size int) (data []byte, unmap func() error, err error) {
	if size == 0 { // cannot be mapped, and needs not
		return nil, nil, nil
	}
	data, err = unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, os.NewSyscallError("mmap", err)
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

// giveBack lets go of the whole pages of a part of a mapping. They are read
// again from the file when they are asked for again.
func giveBack(data []byte) {
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) & (page - 1)
	if n := (len(data) - skip) &^ (page - 1); n > 0 {
		unix.Madvise(data[skip:skip+n], unix.MADV_DONTNEED) // advice: nothing depends on it
	}
}
