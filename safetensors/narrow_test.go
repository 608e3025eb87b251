package safetensors

import (
	"math"
	"math/rand"
	"reflect"
	"testing"

	"pactune/internal/fault"
)

// Of every half-precision number, of the point halfway to the next, and of the
// float32 on either side of that: the nearest half, of two equally near the even
// one, found from the exact values of the two.
func TestHalvesAreNearest(t *testing.T) {
	check := func(v float32, low uint16) {
		t.Helper()
		below, above := float64(fromF16(low)), float64(fromF16(low+1))
		if low+1 == 0x7c00 {
			above = 65536 // infinity stands where the next number would
		}
		want := low
		if d, e := float64(v)-below, above-float64(v); e < d || e == d && low%2 == 1 {
			want = low + 1
		}
		if got := toF16(v); got != want {
			t.Fatalf("%v: %#04x, want %#04x", v, got, want)
		}
		if got := toF16(-v); got != want|0x8000 {
			t.Fatalf("%v: %#04x, want %#04x", -v, got, want|0x8000)
		}
	}
	r := rand.New(rand.NewSource(1))
	for low := uint16(0); low < 0x7c00; low++ {
		above := float64(fromF16(low + 1))
		if low+1 == 0x7c00 {
			above = 65536
		}
		below := float64(fromF16(low))
		half := float32((below + above) / 2)
		check(float32(below), low)
		check(half, low)
		check(math.Nextafter32(half, 0), low)
		check(math.Nextafter32(half, 1e9), low)
		check(float32(below+(above-below)*r.Float64()*0.99), low)
	}
	if h := toF16(float32(math.NaN())); h&0x7fff <= 0x7c00 {
		t.Errorf("NaN became %#04x", h)
	}
	if h := toF16(float32(math.Inf(-1))); h != 0xfc00 {
		t.Errorf("-Inf became %#04x", h)
	}
}

func TestAs(t *testing.T) {
	data := []float32{1, -0.1, 65504, 3}
	x := FromFloat32s("x", []int{2, 2}, data)
	for dtype, want := range map[DType][]float32{
		F32:  data,
		F16:  {1, -0.0999755859375, 65504, 3},
		BF16: {1, -0.10009765625, 65536, 3},
	} {
		y, err := x.As(dtype)
		got := make([]float32, 4)
		if err == nil {
			err = y.Float32s(got)
		}
		if err != nil || y.DType != dtype || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, want %v", dtype, got, err, want)
		}
		if again, err := y.As(F32); err != nil || again.DType != F32 {
			t.Errorf("%s back: %v, %v", dtype, again.DType, err)
		}
	}
	data[1] = 65520
	if _, err := x.As(F16); fault.KindOf(err) != fault.Model {
		t.Errorf("65520 as F16: %v", err)
	}
	whole := Tensor{Name: "ids", DType: I64, Shape: []int{1}, Data: make([]byte, 8)}
	if y, err := whole.As(F16); err != nil || y.DType != I64 {
		t.Errorf("whole numbers became %s, %v", y.DType, err)
	}
}
