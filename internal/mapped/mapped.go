// Package mapped reads files through the memory of the process.
//
// A model of 400 MB is mapped rather than read: its pages come from the disk
// when they are touched and go when they have served, so that it is never held
// twice. The price is that a file which somebody cuts short while it is open has
// pages without content, and touching one ends a program with SIGBUS. Whoever
// reads a mapping therefore does so within Guard, which makes of it an error:
//
//	m, err := mapped.Open(file, size)
//	defer m.Close()
//	err = m.Guard(func() { sum = crc32.ChecksumIEEE(m.Data) })
//
// A file that is replaced by another of its name stays as it was: the mapping
// holds on to the old one.
package mapped

import (
	"fmt"
	"os"
	"runtime/debug"
)

// File is the content of an open file. Its methods may be called on nil, which
// stands for memory that needs no care.
type File struct {
	Data  []byte // valid until Close
	unmap func() error
}

// Open maps the first size bytes of a file, or reads them where the system has
// no mapping. The file may be closed afterwards.
func Open(file *os.File, size int) (*File, error) {
	data, unmap, err := mapFile(file, size)
	if err != nil {
		return nil, err
	}
	return &File{data, unmap}, nil
}

// Close gives the memory back. Calling it again does nothing.
func (f *File) Close() error {
	if f == nil || f.unmap == nil {
		return nil
	}
	unmap := f.unmap
	f.unmap = nil
	return unmap()
}

// GiveBack tells the system that a part of Data has served: its pages are read
// from the file again when they are touched again.
func (f *File) GiveBack(part []byte) {
	if f != nil && f.unmap != nil {
		giveBack(part)
	}
}

// Guard runs read, which touches Data, and turns the memory fault of a file that
// was cut short, or closed, into an error.
func (f *File) Guard(read func()) (err error) {
	if f == nil {
		read()
		return nil
	}
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		r := recover()
		if r == nil {
			return
		}
		at, ok := r.(interface{ Addr() uintptr }) // only memory faults have one
		if !ok {
			panic(r)
		}
		err = fmt.Errorf("%v: the file was cut short or closed while it was read (address %#x)", r, at.Addr())
	}()
	read()
	return nil
}
