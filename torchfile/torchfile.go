// Package torchfile reads pytorch_model.bin, the weights that torch.save wrote,
// without running anything in it.
//
// Since torch 1.6 the file is a zip archive of stored entries; before, it was the
// same parts one behind the other (legacy.go):
//
//	name/data.pkl   a pickle of OrderedDict{"bert.pooler.dense.bias": tensor, …}
//	name/data/0     the bytes of the storage "0"; a tensor is a storage with an
//	name/data/1     offset, a shape and strides, and tensors may share a storage
//
// A pickle is a program for a small stack machine, and its opcode REDUCE calls any
// function that Python can import: loading such a file hands the computer to
// whoever wrote it. Open runs the program on a machine (pickle.go) that knows the
// 30 opcodes of a state dict and ten names in place of functions: OrderedDict,
// two ways to make a tensor, and seven types of storages. Everything else is
// refused with its name and place. Nothing recurses, and what a file can make
// the machine allocate is bounded by its size and by limits below it.
//
// The result is a safetensors.File, whose tensors are views of the mapped file.
// Tensors whose strides are not those of row-major order are copied in order.
// All errors are of kind fault.Model.
//
//	f, err := torchfile.Open("pytorch_model.bin")
//	defer f.Close()
//	t, ok := f.Tensor("bert.pooler.dense.bias")
package torchfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"pactune/internal/fault"
	"pactune/internal/mapped"
	"pactune/safetensors"
)

const (
	single = "pytorch_model.bin"
	index  = "pytorch_model.bin.index.json"
)

// Found tells whether a model's folder has weights of this format.
func Found(dir string) bool {
	for _, name := range []string{single, index} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// OpenModel opens the weights of a model's folder: pytorch_model.bin, or the
// parts that pytorch_model.bin.index.json lists, as one File, under the rules
// of safetensors.OpenModel.
func OpenModel(dir string) (*safetensors.File, error) {
	return safetensors.OpenParts(dir, single, index, Open)
}

// Open opens one file.
func Open(path string) (*safetensors.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	defer file.Close() // a mapping outlives its file
	info, err := file.Stat()
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Errorf(fault.Model, "%s: found a %s, expected a file", path, info.Mode().Type())
	}
	if info.Size() != int64(int(info.Size())) {
		return nil, fault.Errorf(fault.Resources, "%s: found %d bytes, more than this machine can address", path, info.Size())
	}
	m, err := mapped.Open(file, int(info.Size()))
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", path, err)
	}
	var tensors []safetensors.Tensor
	if wrong := m.Guard(func() { tensors, err = parse(m.Data, m.GiveBack) }); wrong != nil {
		err = wrong
	}
	if err != nil {
		m.Close()
		return nil, fault.Errorf(fault.Model, "%s: %w", path, err)
	}
	return safetensors.Of(path, tensors, m), nil
}

// parse reads a file; served is told which parts were read to their end.
func parse(data []byte, served func([]byte)) ([]safetensors.Tensor, error) {
	var a *archive
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		a, err = readZip(data, served)
	case bytes.HasPrefix(data, []byte(legacyMagic)):
		a, err = readLegacy(data)
	default:
		return nil, fmt.Errorf("byte 0: found %q, expected a zip archive or a pickle as torch.save writes it (perhaps this is a web page, a pointer of Git LFS, or a file of torch 0.1)", data[:min(len(data), 16)])
	}
	if err != nil {
		return nil, err
	}
	return a.tensors(len(data))
}

// archive is what both layouts come down to.
type archive struct {
	state   any                 // what the pickle makes
	bytesOf map[*storage][]byte // of every storage that it names
}
