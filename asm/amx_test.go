package asm

import (
	"math"
	"math/rand"
	"testing"
)

// Even and odd terms have sums of their own, which meet before acc: by hand.
func TestTileDotAddCases(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	ones := func(x ...float32) (y []float32) {
		for range x {
			y = append(y, 1)
		}
		return y
	}
	for _, c := range []struct {
		acc  float32
		x    []float32
		want float32
	}{
		{0, []float32{0x1p30, 1, -0x1p30, 1}, 2},       // in order 1 would be lost
		{0, []float32{0x1p30, -0x1p30, 1, 0}, 0},       // 2^30 + 1 is 2^30
		{0x1p30, []float32{1, 1, 1, 1, -0x1p30}, 0},    // −2^30 + 2 is −2^30, and 2 in twos
		{-0x1p30, []float32{1, 64, 0x1p30, 64}, 128},   // acc comes last: 2^30 + 1 is 2^30
		{1, []float32{0x1p-24, 0x1p-24}, 1 + 0x1p-23},  // each alone would be lost
		{1, []float32{0x1p-24}, 1},                     // a tie, to even
		{1 + 0x1p-23, []float32{0x1p-24}, 1 + 0x1p-22}, // a tie, to even
		{0, []float32{0x1p-126, 0, -0x1.8p-126}, 0},    // −2^-127 is flushed
		{0x1.8p-126, []float32{-0x1p-126}, 0},          // 2^-127 too
		{1, []float32{inf, -inf}, nan}, {1, []float32{inf, 1}, inf}, {inf, []float32{1}, inf}, {1, []float32{nan}, nan},
		{2, nil, 2},
	} {
		got := TileDotAdd(c.acc, c.x, ones(c.x...))
		if got != c.want && (got == got || c.want == c.want) {
			t.Errorf("%v + %v = %x, want %x", c.acc, c.x, got, c.want)
		}
	}
}

// Packed in every way, of every size, tile by tile and all rows at once: the products
// that a plain loop over the unpacked operands gives, with zeros after the last term.
func TestAMXProducts(t *testing.T) {
	r := rand.New(rand.NewSource(20))
	normal := func() float32 { return float32(r.NormFloat64()) }
	hard := func() float32 { return randomFloat32(r) }
	tiny := func() float32 { return float32(r.NormFloat64() * 0x1p-64) } // products about 2^-128
	sizes := []int{1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 70}
	if testing.Short() {
		sizes = []int{1, 15, 17, 33, 65}
	}
	for _, rows := range sizes {
		for _, cols := range []int{1, 15, 16, 17, 32, 1 + r.Intn(32)} {
			for _, value := range []func() float32{normal, hard, tiny} {
				testAMXProducts(t, r, rows, cols, 1+r.Intn(100), value)
			}
		}
	}
	testAMXProducts(t, r, 34, 32, 256, normal)
}

func testAMXProducts(t *testing.T, r *rand.Rand, rows, cols, n int, value func() float32) {
	t.Helper()
	k := amx
	a, ta := newMatrix(r, rows, n), newMatrix(r, n, rows)
	b, tb := newMatrix(r, n, cols), newMatrix(r, cols, n)
	for p := 0; p < n; p++ {
		for i := 0; i < rows; i++ {
			x := RoundBF16(value())
			a.from()[i*a.ld+p], ta.from()[p*ta.ld+i] = x, x
		}
		for j := 0; j < cols; j++ {
			y := RoundBF16(value())
			b.from()[p*b.ld+j], tb.from()[j*tb.ld+p] = y, y
		}
	}
	w := k.Words(n)
	pa, pb := make([]float32, (rows+15)/16*16*w), make([]float32, w*k.NR)
	for i := range pa {
		pa[i] = float32(math.NaN()) // what is there beyond the last row
	}
	for way := 0; way < 4; way++ {
		if way%2 == 0 {
			k.Rows(pa, w, a.from(), a.ld, rows, n)
		} else {
			k.Columns(pa, w, ta.from(), ta.ld, n, rows)
		}
		if way/2 == 0 {
			k.Copy(pb, k.NR, b.from(), b.ld, n, cols)
		} else {
			k.Transpose(pb, k.NR, tb.from(), tb.ld, n, cols)
		}
		accumulate := way%3 == 0
		got := newMatrix(r, rows, cols)
		want := got.clone()
		for i := 0; i < rows; i++ {
			for j := 0; j < cols; j++ {
				sum := naiveAMX(a.from()[i*a.ld:][:n], tb.from()[j*tb.ld:][:n])
				if accumulate {
					sum += want.from()[i*want.ld+j]
				}
				want.from()[i*want.ld+j] = sum
			}
		}
		if way == 3 {
			k.Tiles(rows, cols, w, pa, w, 1, k.MR*w, pb, k.NR, got.from(), got.ld, accumulate, nil)
		} else {
			for i := 0; i < rows; i += k.MR {
				k.Tile(min(k.MR, rows-i), cols, w, pa[i*w:], w, 1, pb, k.NR, got.from()[i*got.ld:], got.ld, accumulate)
			}
		}
		if i := differ(got.data, want.data); i >= 0 {
			t.Fatalf("rows=%d cols=%d k=%d, way %d: element %d is %x, want %x", rows, cols, n, way, i-guards, got.data[i], want.data[i])
		}
	}
}

// naiveAMX is the sum of all terms of x·y, with the zeros that follow them.
func naiveAMX(x, y []float32) float32 {
	acc := float32(0)
	for p := 0; p < len(x); p += 32 {
		var a, b [32]float32
		copy(a[:], x[p:])
		copy(b[:], y[p:])
		acc = TileDotAdd(acc, a[:], b[:])
	}
	return acc
}
