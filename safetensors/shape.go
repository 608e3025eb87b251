package safetensors

import (
	"fmt"
	"math"
	"math/bits"
)

// byteSize is the product of the shape and the size of an element, false where
// it, or the product of the first sizes, overflows.
func byteSize(dtype DType, shape []int) (uint64, bool) {
	n := uint64(1)
	for _, size := range shape {
		high, low := bits.Mul64(n, uint64(size))
		if size < 0 || high != 0 {
			return 0, false
		}
		n = low
	}
	high, n := bits.Mul64(n, uint64(dtype.Size()))
	return n, high == 0 && n <= math.MaxInt64
}

// MaxSize is the largest size of a dimension: every reader of JSON keeps integers up to
// 2^53, and this one refuses those above.
const MaxSize int64 = 1 << 53

func describe(dtype DType, shape []int, bytes uint64, ok bool) string {
	if !ok {
		return fmt.Sprintf("a size that can be addressed of %s %v", dtype, shape)
	}
	return fmt.Sprintf("the %d bytes of %s %v", bytes, dtype, shape)
}

// Elements is the number of the tensor's elements, the product of its shape.
func (t Tensor) Elements() int {
	n := 1
	for _, size := range t.Shape {
		n *= size
	}
	return n
}
