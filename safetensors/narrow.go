package safetensors

import (
	"encoding/binary"
	"math"

	"pactune/internal/fault"
)

// As is t with its elements rounded to the nearest of dtype, F32, F16 or BF16,
// of two equally near to the even one. A tensor whose elements are no floating
// point numbers stays as it is. An element that F16 is too narrow for, 65520 and
// above, is an error of kind fault.Model.
func (t Tensor) As(dtype DType) (Tensor, error) {
	if t.DType == dtype || reader[float32](t.DType) == nil {
		return t, nil
	}
	data := make([]float32, len(t.Data)/t.DType.Size())
	if err := t.Float32s(data); err != nil {
		return t, err
	}
	switch dtype {
	case F32:
		return FromFloat32s(t.Name, t.Shape, data), nil
	case BF16:
		return BF16FromFloat32s(t.Name, t.Shape, data), nil
	case F16:
		out := make([]byte, 2*len(data))
		for i, v := range data {
			h := toF16(v)
			if h&0x7fff == 0x7c00 && !math.IsInf(float64(v), 0) {
				return t, fault.Errorf(fault.Model, "tensor %q: element %d is %v, which does not fit F16 (at most 65504); take BF16", t.Name, i, v)
			}
			binary.LittleEndian.PutUint16(out[2*i:], h)
		}
		return Tensor{Name: t.Name, DType: F16, Shape: t.Shape, Data: out}, nil
	}
	return t, fault.Errorf(fault.Usage, "the dtype %q: expected F32, F16 or BF16", dtype)
}

// toF16 rounds to the nearest, of two equally near to the even one; from 65520
// on that is infinity, and NaN stays a quiet NaN.
func toF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520
		return sign | 0x7c00
	case b < 0x38800000: // 2⁻¹⁴: subnormal, in units of 2⁻²⁴
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(b))*0x1p24))
	}
	return sign | uint16((b+0xfff+b>>13&1)>>13-(127-15)<<10)
}
