package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"pactune/internal/fault"
)

// littleEndian says that memory has the byte order of the format.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// Float32s sets dst to the elements, of type F32, F64, F16 or BF16; F64 is
// rounded to nearest. dst must have one place for each. Errors are of kind
// fault.Model.
func (t Tensor) Float32s(dst []float32) error { return convert(t, dst) }

// Float64s sets dst to the elements, exactly; otherwise it is as Float32s.
func (t Tensor) Float64s(dst []float64) error { return convert(t, dst) }

func convert[T float32 | float64](t Tensor, dst []T) error {
	name := "the tensor"
	if t.from != nil {
		name = t.from.name
	}
	read := reader[T](t.DType)
	if read == nil {
		return fault.Errorf(fault.Model, "%s: tensor %q: found the dtype %s, expected F32, F64, F16 or BF16", name, t.Name, t.DType)
	}
	if size := t.DType.Size(); len(t.Data) != size*len(dst) {
		return fault.Errorf(fault.Model, "%s: tensor %q: found %d elements (shape %v), expected %d", name, t.Name, len(t.Data)/size, t.Shape, len(dst))
	}
	return t.from.guard(func() {
		for lo, size := 0, t.DType.Size(); lo < len(dst); lo += blockElements {
			hi := min(lo+blockElements, len(dst))
			read(dst[lo:hi], t.Data[lo*size:hi*size])
			t.from.giveBack(t.Data[lo*size : hi*size])
		}
	})
}

// blockElements is how many elements are copied before the pages that they came
// from are given back, so that a model is not held twice while it is read.
const blockElements = 1 << 20

// reader is the loop that converts elements of a type to T, nil for types that
// are no numbers of a model.
func reader[T float32 | float64](dtype DType) func(dst []T, src []byte) {
	var zero T
	if dtype.Size() == int(unsafe.Sizeof(zero)) && (dtype == F32 || dtype == F64) && littleEndian {
		return func(dst []T, src []byte) { copy(bytesOf(dst), src) }
	}
	switch dtype {
	case F32:
		return func(dst []T, src []byte) {
			for i := range dst {
				dst[i] = T(math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:])))
			}
		}
	case F64:
		return func(dst []T, src []byte) {
			for i := range dst {
				dst[i] = T(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
			}
		}
	case F16:
		return func(dst []T, src []byte) {
			for i := range dst {
				dst[i] = T(fromF16(binary.LittleEndian.Uint16(src[2*i:])))
			}
		}
	case BF16:
		return func(dst []T, src []byte) {
			for i := range dst {
				dst[i] = T(fromBF16(binary.LittleEndian.Uint16(src[2*i:])))
			}
		}
	}
	return nil
}

// fromF16 is the value of a half-precision number: 1 sign bit, 5 of exponent
// with bias 15, 10 of mantissa.
func fromF16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, mantissa := uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // zero and subnormal: mantissa·2⁻²⁴, exact
		v := float32(mantissa) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(v))
	case 31: // infinity, NaN
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}

// fromBF16 is the value of the upper half of a float32.
func fromBF16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// toBF16 rounds to the nearest, of two equally near to the even one; NaN stays
// a quiet NaN.
func toBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// FromFloat32s is a tensor of type F32 over data. It is a view where memory has
// the format's byte order, else a copy. A shape that does not fit panics.
func FromFloat32s(name string, shape []int, data []float32) Tensor {
	return fromFloats(name, F32, shape, data)
}

// FromFloat64s is a tensor of type F64 over data; otherwise it is as FromFloat32s.
func FromFloat64s(name string, shape []int, data []float64) Tensor {
	return fromFloats(name, F64, shape, data)
}

// BF16FromFloat32s is a new tensor of type BF16: data rounded to nearest, ties
// to even. A shape that does not fit panics.
func BF16FromFloat32s(name string, shape []int, data []float32) Tensor {
	checkShape(name, BF16, shape, len(data))
	out := make([]byte, 2*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint16(out[2*i:], toBF16(v))
	}
	return Tensor{Name: name, DType: BF16, Shape: shape, Data: out}
}

func fromFloats[T float32 | float64](name string, dtype DType, shape []int, data []T) Tensor {
	checkShape(name, dtype, shape, len(data))
	t := Tensor{Name: name, DType: dtype, Shape: shape, Data: bytesOf(data)}
	if !littleEndian {
		t.Data = reversed(t.Data, dtype.Size())
	}
	return t
}

// bytesOf is the memory of v.
func bytesOf[T float32 | float64](v []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

// reversed is a copy of data in which the bytes of each element stand in the
// other order.
func reversed(data []byte, size int) []byte {
	out := make([]byte, len(data))
	for i := range data {
		out[i] = data[i-i%size+size-1-i%size]
	}
	return out
}

func checkShape(name string, dtype DType, shape []int, elements int) {
	if n, ok := byteSize(dtype, shape); !ok || n != uint64(elements)*uint64(dtype.Size()) {
		panic(fmt.Sprintf("safetensors: tensor %q: shape %v does not have %d elements", name, shape, elements))
	}
}
