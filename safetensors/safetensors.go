// Package safetensors reads and writes the file format of model weights.
//
// A file is a length, a header and the numbers:
//
//	8 bytes   N, the length of the header, little-endian
//	N bytes   JSON: {"__metadata__": {"format": "pt"},
//	                 "bert.pooler.dense.bias": {"dtype": "F32", "shape": [768],
//	                                            "data_offsets": [0, 3072]}, …}
//	the rest  the tensors, little-endian, row-major, one behind the other;
//	          offsets count from here
//
// A model file comes from anywhere, so nothing in it is believed: the header's
// length is held against the file's before anything is made of it, every
// tensor's bytes must follow from shape and type, and the tensors must tile the
// rest of the file, with no hole, no overlap and no byte left over. Duplicate
// names, which other readers resolve in other ways, are refused. An error says
// the file, the tensor, the byte, what was found and what was expected.
//
// Open maps the file into memory where the system can; the numbers are read
// when a Tensor is converted:
//
//	f, err := safetensors.Open("model.safetensors")
//	defer f.Close()
//	t, ok := f.Tensor("bert.pooler.dense.bias")
//	err = t.Float32s(dst)
package safetensors

import (
	"bytes"
	"slices"

	"pactune/internal/mapped"
)

// DType names the type of a tensor's elements as the format spells it.
type DType string

const (
	Bool   DType = "BOOL"
	U8     DType = "U8"
	I8     DType = "I8"
	F8E5M2 DType = "F8_E5M2"
	F8E4M3 DType = "F8_E4M3"
	F8E8M0 DType = "F8_E8M0"
	I16    DType = "I16"
	U16    DType = "U16"
	F16    DType = "F16"
	BF16   DType = "BF16"
	I32    DType = "I32"
	U32    DType = "U32"
	F32    DType = "F32"
	C64    DType = "C64"
	F64    DType = "F64"
	I64    DType = "I64"
	U64    DType = "U64"
)

// dtypes holds the types in the format's order, in which alignment grows: files
// are written from the last to the first.
var dtypes = []struct {
	name DType
	size int
}{
	{Bool, 1}, {U8, 1}, {I8, 1}, {F8E5M2, 1}, {F8E4M3, 1}, {F8E8M0, 1},
	{I16, 2}, {U16, 2}, {F16, 2}, {BF16, 2},
	{I32, 4}, {U32, 4}, {F32, 4},
	{C64, 8}, {F64, 8}, {I64, 8}, {U64, 8},
}

// rank is the place of d in dtypes, −1 for no type of the format.
func (d DType) rank() int {
	for i := range dtypes {
		if dtypes[i].name == d {
			return i
		}
	}
	return -1
}

// Size is the bytes of one element, 0 for no type of the format.
func (d DType) Size() int {
	if i := d.rank(); i >= 0 {
		return dtypes[i].size
	}
	return 0
}

// Tensor is a named array. Data holds its elements in the bytes of the file.
// The Data of a mapped file is valid until File.Close; reading it directly
// after somebody has cut the file short ends the program, where Float32s,
// Float64s, Equal and Write return an error.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // empty: a scalar
	Data  []byte

	from *File
}

// Equal tells whether two tensors have the same type, shape and bytes. Errors
// are of kind fault.Model.
func (t Tensor) Equal(u Tensor) (equal bool, err error) {
	if t.DType != u.DType || !slices.Equal(t.Shape, u.Shape) {
		return false, nil
	}
	if wrong := t.from.guard(func() { err = u.from.guard(func() { equal = bytes.Equal(t.Data, u.Data) }) }); wrong != nil {
		err = wrong
	}
	return equal, err
}

// File is an open file, or the parts of a model as one. It is immutable until
// Close, and safe for concurrent use.
type File struct {
	name     string
	body     []byte           // what the offsets count in
	entries  []entry          // by offset
	sizes    []int            // the shapes, one behind the other
	index    map[string]int32 // name to entry, to tensor, or to part
	metadata map[string]string
	mapping  *mapped.File // nil: in memory
	tensors  []Tensor     // of another format, in place of entries
	parts    []*File      // of a model in parts, which has no entries itself
}

// Of is a File of tensors that were read from a file of another format. Their
// Data may be views of m, which Close closes and which may be nil. Names that are
// there twice panic.
func Of(name string, tensors []Tensor, m *mapped.File) *File {
	f := &File{name: name, mapping: m, tensors: tensors, index: make(map[string]int32, len(tensors))}
	for i := range tensors {
		tensors[i].from = f
		f.index[tensors[i].Name] = int32(i)
	}
	if len(f.index) != len(tensors) {
		panic("safetensors: " + name + ": tensors of one name")
	}
	return f
}

// Name is the file, or of a model in parts its index: for messages.
func (f *File) Name() string { return f.name }

// Names is the names of the tensors in the order of the file, part by part.
func (f *File) Names() []string {
	names := make([]string, 0, len(f.index))
	for i := range f.entries {
		names = append(names, f.entries[i].name)
	}
	for i := range f.tensors {
		names = append(names, f.tensors[i].Name)
	}
	for _, p := range f.parts {
		names = append(names, p.Names()...)
	}
	return names
}

// Tensor is the tensor of that name, false where the file has none.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.index[name]
	if !ok {
		return Tensor{}, false
	}
	if len(f.parts) > 0 {
		return f.parts[i].Tensor(name)
	}
	if len(f.tensors) > 0 {
		return f.tensors[i], true
	}
	e := &f.entries[i]
	return Tensor{e.name, dtypes[e.dtype].name, f.shape(e), f.body[e.begin:e.end:e.end], f}, true
}

// Metadata is the texts that the file carries besides the tensors, nil for
// none; of a model in parts, those of its first part. Not to be changed.
func (f *File) Metadata() map[string]string { return f.metadata }

// Close gives the mapped memory back; no Data is valid after it. Calling it
// again does nothing.
func (f *File) Close() error {
	var first error
	for _, p := range f.parts {
		if err := p.Close(); err != nil && first == nil {
			first = err
		}
	}
	if err := f.mapping.Close(); err != nil {
		first = err
	}
	return first
}
