package safetensors

import (
	"io"
	"io/fs"
	"math"
	"os"

	"pactune/internal/fault"
	"pactune/internal/mapped"
)

// Open reads the file's header and maps the file into memory, or reads it where
// the system has no mapping. Errors are of kind fault.Model.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	return From(file, path)
}

// From is Open for a file that is open already, and which it closes; name stands
// for it in errors. A file that is not the system's is read into memory.
func From(file fs.File, name string) (*File, error) {
	defer file.Close() // a mapping outlives its file
	size, err := sizeOf(file, name)
	if err != nil {
		return nil, err
	}
	onDisk, ok := file.(*os.File)
	if !ok {
		data := make([]byte, size)
		if _, err := io.ReadFull(file, data); err != nil {
			return nil, fault.Errorf(fault.Model, "%s: %w", name, err)
		}
		return Parse(data, name)
	}
	m, err := mapped.Open(onDisk, size)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", name, err)
	}
	f := &File{name: name, mapping: m}
	if readErr := f.guard(func() { err = f.parse(m.Data) }); readErr != nil {
		err = readErr
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	f.giveBack(m.Data) // the system may have mapped much more than the header
	return f, nil
}

// OpenFS reads a file of fsys into memory. Errors are of kind fault.Model.
func OpenFS(fsys fs.FS, path string) (*File, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	defer file.Close()
	size, err := sizeOf(file, path)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", path, err)
	}
	return Parse(data, path)
}

// sizeOf is the size of a regular file that fits into memory's addresses.
func sizeOf(file fs.File, path string) (int, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, fault.Errorf(fault.Model, "%s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return 0, fault.Errorf(fault.Model, "%s: found a %s, expected a file", path, info.Mode().Type())
	}
	if info.Size() > math.MaxInt {
		return 0, fault.Errorf(fault.Resources, "%s: found %d bytes, more than this machine can address", path, info.Size())
	}
	return int(info.Size()), nil
}

// giveBack tells the system that a part of the mapping has served.
func (f *File) giveBack(data []byte) {
	if f != nil {
		f.mapping.GiveBack(data)
	}
}

// guard runs read, which touches the mapping, and turns the memory fault of a
// file that somebody has cut short, or closed, into an error.
func (f *File) guard(read func()) error {
	if f == nil {
		read()
		return nil
	}
	return wrong(f.name, f.mapping.Guard(read))
}
