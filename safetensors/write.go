package safetensors

import (
	"encoding/binary"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"pactune/internal/fault"
)

// Write writes a file of the tensors and the metadata, in the order and the
// bytes of the Python package: wide types first, then by name; the header padded
// with spaces to a multiple of 8. The tensors' Data goes to w as it stands, so
// that nothing is held twice. A tensor whose Data does not fit its shape, and a
// name that is there twice, are errors of kind fault.Internal; those of w are
// returned as they are.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	sorted := make([]*Tensor, len(tensors))
	names := make(map[string]bool, len(tensors))
	for i := range tensors {
		t := &tensors[i]
		if err := t.check(); err != nil {
			return err
		}
		if names[t.Name] {
			return fault.Errorf(fault.Internal, "safetensors: tensor %q is to be written twice", t.Name)
		}
		names[t.Name] = true
		sorted[i] = t
	}
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if x, y := a.DType.rank(), b.DType.rank(); x != y {
			return x > y
		}
		return a.Name < b.Name
	})
	header, err := appendHeader(make([]byte, lengthBytes, 4096), sorted, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range sorted {
		if wrong := t.from.guard(func() { _, err = w.Write(t.Data) }); wrong != nil {
			return wrong
		}
		if err != nil {
			return err
		}
		t.from.giveBack(t.Data)
	}
	return nil
}

// check refuses tensors that no reader would accept.
func (t *Tensor) check() error {
	n, ok := byteSize(t.DType, t.Shape)
	switch {
	case t.DType.Size() == 0:
		return fault.Errorf(fault.Internal, "safetensors: tensor %q has the unknown dtype %q", t.Name, t.DType)
	case !ok || n != uint64(len(t.Data)):
		return fault.Errorf(fault.Internal, "safetensors: tensor %q has %d bytes, expected %s", t.Name, len(t.Data), describe(t.DType, t.Shape, n, ok))
	case slices.ContainsFunc(t.Shape, func(size int) bool { return int64(size) > MaxSize }):
		return fault.Errorf(fault.Internal, "safetensors: tensor %q has the shape %v, expected sizes of at most %d", t.Name, t.Shape, MaxSize)
	case t.Name == metadataKey || !utf8.ValidString(t.Name) || strings.IndexByte(t.Name, 0) >= 0:
		return fault.Errorf(fault.Internal, "safetensors: %q is no name of a tensor", t.Name)
	}
	return nil
}

// appendHeader adds the JSON of the header, and writes its length into the
// first bytes.
func appendHeader(b []byte, tensors []*Tensor, metadata map[string]string) ([]byte, error) {
	b = append(b, '{')
	if len(metadata) > 0 {
		b = appendMetadata(b, metadata)
	}
	offset := 0
	for _, t := range tensors {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = appendString(b, t.Name)
		b = append(b, `:{"dtype":"`...)
		b = append(b, t.DType...)
		b = append(b, `","shape":[`...)
		for i, size := range t.Shape {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(size), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, int64(offset), 10)
		b = append(b, ',')
		offset += len(t.Data)
		b = strconv.AppendInt(b, int64(offset), 10)
		b = append(b, `]}`...)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	n := len(b) - lengthBytes
	if n > maxHeader {
		return nil, fault.Errorf(fault.Internal, "safetensors: the header of %d tensors has %d bytes, more than the %d that readers accept", len(tensors), n, maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(n))
	return b, nil
}

func appendMetadata(b []byte, metadata map[string]string) []byte {
	keys := make([]string, 0, len(metadata))
	for key := range metadata {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	b = append(appendString(b, metadataKey), ":{"...)
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, key), ':')
		b = appendString(b, metadata[key])
	}
	return append(b, '}')
}

// appendString adds a JSON string, in which only what must be is escaped;
// invalid UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20 && strings.IndexByte("\b\f\n\r\t", byte(r)) >= 0:
			b = append(b, '\\', "bfnrt"[strings.IndexByte("\b\f\n\r\t", byte(r))])
		case r < 0x20:
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
