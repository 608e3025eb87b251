package torchfile

import (
	"fmt"
	"math/bits"
	"strings"

	"pactune/safetensors"
)

// storage is a row of elements in the file.
type storage struct {
	key      string
	dtype    safetensors.DType
	elements int64
}

// bytes is the storage's length; elements are at most MaxInt64/8.
func (s *storage) bytes() uint64 { return uint64(s.elements) * uint64(s.dtype.Size()) }

// tensor is a view of a storage: the element (i, j, …) is the storage's element
// offset + i·stride[0] + j·stride[1] + …
type tensor struct {
	storage *storage
	offset  int64
	shape   []int
	stride  []int
}

const maxRank = 64

// newTensor takes the arguments of _rebuild_tensor_v2: storage, offset, shape,
// strides, requires_grad and hooks, perhaps followed by metadata, of which the
// values do not depend.
func newTensor(args tuple) (*tensor, error) {
	if len(args) != 6 && len(args) != 7 {
		return nil, fmt.Errorf("found a tensor of %d arguments, expected 6", len(args))
	}
	t := &tensor{}
	var ok [2]bool
	t.storage, ok[0] = args[0].(*storage)
	t.offset, ok[1] = args[1].(int64)
	if !ok[0] || !ok[1] || t.offset < 0 {
		return nil, fmt.Errorf("found a tensor of %s at %s, expected a storage and a place in it", describe(args[0]), describe(args[1]))
	}
	var err error
	if t.shape, err = sizes("shape", args[2]); err != nil {
		return nil, err
	}
	if t.stride, err = sizes("strides", args[3]); err != nil {
		return nil, err
	}
	if len(t.shape) != len(t.stride) {
		return nil, fmt.Errorf("found a tensor of %d sizes and %d strides", len(t.shape), len(t.stride))
	}
	return t, t.within()
}

func sizes(what string, v any) ([]int, error) {
	values, ok := v.(tuple)
	if !ok || len(values) > maxRank {
		return nil, fmt.Errorf("%s: found %s, expected a tuple of at most %d", what, describe(v), maxRank)
	}
	out := make([]int, len(values))
	for i, v := range values {
		n, ok := v.(int64)
		if !ok || n < 0 || n > safetensors.MaxSize || int64(int(n)) != n {
			return nil, fmt.Errorf("%s: found %s, expected an integer from 0 to 2^53", what, describe(v))
		}
		out[i] = int(n)
	}
	return out, nil
}

// elements is the product of the shape, false where it overflows.
func (t *tensor) elements() (n uint64, ok bool) {
	n, ok = 1, true
	for _, size := range t.shape {
		high, low := bits.Mul64(n, uint64(size))
		n, ok = low, ok && high == 0
	}
	return n, ok
}

// within checks that the tensor lies in its storage and has no more elements
// than it, so that a small file cannot make a large tensor.
func (t *tensor) within() error {
	have := uint64(t.storage.elements)
	n, ok := t.elements()
	last := uint64(t.offset)
	for i, size := range t.shape {
		if n == 0 && ok {
			break
		}
		high, low := bits.Mul64(uint64(size-1), uint64(t.stride[i]))
		sum, carry := bits.Add64(last, low, 0)
		last, ok = sum, ok && high == 0 && carry == 0
	}
	if !ok || n > have || last > have || n > 0 && last == have {
		return fmt.Errorf("found a tensor of shape %v and strides %v at element %d, expected it to lie within the %d elements of its storage and to have no more", t.shape, t.stride, t.offset, have)
	}
	return nil
}

// rowMajor tells whether the elements lie one behind the other.
func (t *tensor) rowMajor() bool {
	next := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.stride[i] != next {
			return false
		}
		next *= t.shape[i]
	}
	return true
}

// tensors gives the state dict's tensors the bytes of their storages. A file of
// fileSize bytes may make copies of as many, and name as many tensors over its
// bytes as eight times that.
func (a *archive) tensors(fileSize int) ([]safetensors.Tensor, error) {
	state, ok := a.state.(*dict)
	if !ok {
		return nil, fmt.Errorf("found %s in the pickle, expected a state dict: names and their tensors", describe(a.state))
	}
	out := make([]safetensors.Tensor, 0, len(state.keys))
	copied, total := 0, 0
	for _, name := range state.keys {
		t, ok := state.values[name].(*tensor)
		if !ok {
			return nil, fmt.Errorf("key %.100q: found %s, expected a tensor: the file holds more than weights; save model.state_dict() alone", name, describe(state.values[name]))
		}
		if name == "__metadata__" || strings.IndexByte(name, 0) >= 0 {
			return nil, fmt.Errorf("found the tensor name %.100q, which safetensors does not take", name)
		}
		n, _ := t.elements() // at most the storage's
		size := t.storage.dtype.Size()
		length := int(n) * size
		data := a.bytesOf[t.storage]
		if total += length; total > 8*fileSize {
			return nil, fmt.Errorf("tensor %.100q: the tensors have more than eight times the bytes of the file", name)
		}
		switch {
		case n == 0 || t.rowMajor():
			at := min(int(t.offset)*size, len(data)-length)
			data = data[at : at+length : at+length]
		case copied+length > fileSize:
			return nil, fmt.Errorf("tensor %.100q: the tensors that must be put in order have more bytes than the file", name)
		default:
			copied += length
			data = t.inOrder(data, int(n), size)
		}
		out = append(out, safetensors.Tensor{Name: name, DType: t.storage.dtype, Shape: t.shape, Data: data})
	}
	return out, nil
}

// inOrder copies n elements into row-major order.
func (t *tensor) inOrder(data []byte, n, size int) []byte {
	out := make([]byte, 0, n*size)
	place := make([]int, len(t.shape)) // of the element, by dimension
	at := int(t.offset)
	for len(out) < n*size {
		out = append(out, data[at*size:(at+1)*size]...)
		for i := len(place) - 1; i >= 0; i-- {
			place[i]++
			at += t.stride[i]
			if place[i] < t.shape[i] {
				break
			}
			place[i] = 0
			at -= t.stride[i] * t.shape[i]
		}
	}
	return out
}
