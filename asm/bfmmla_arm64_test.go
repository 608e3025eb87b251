//go:build arm64 && !purego

package asm

import (
	"math/rand"
	"testing"
)

// The kernel gives the bits of the reference at every size of a tile, with A
// packed in either way, and touches nothing outside of it.
func TestTileBFMMLAEqualsReference(t *testing.T) {
	if !hasBFMMLA {
		t.Skip("this processor has no FEAT_BF16")
	}
	r := rand.New(rand.NewSource(8))
	normal := func() float32 { return float32(r.NormFloat64()) }
	hard := func() float32 { return randomFloat32(r) }
	tiny := func() float32 { return float32(r.NormFloat64() * 0x1p-64) } // products about 2^-128
	huge := func() float32 { return float32(r.NormFloat64() * 0x1p63) }  // products about 2^126
	for rows := 1; rows <= bfmmla.MR; rows++ {
		for cols := 1; cols <= bfmmla.NR; cols++ {
			n := []int{2, 4, 6, 10}[(rows+cols)%4]
			if rows == bfmmla.MR && cols == bfmmla.NR {
				n = 128
			}
			for _, value := range []func() float32{normal, hard, tiny, huge} {
				testTileBFMMLA(t, r, rows, cols, n, value)
			}
		}
	}
}

func testTileBFMMLA(t *testing.T, r *rand.Rand, rows, cols, n int, value func() float32) {
	t.Helper()
	b := packedBF16(r, n, bfmmla.NR, value)
	for _, accumulate := range []bool{false, true} {
		for _, strides := range [][2]int{{n, 1}, {n + 3, 1}, {1, bfmmla.MR}, {1, bfmmla.MR + 1}} {
			rs, cs := strides[0], strides[1]
			a := packedBF16(r, 1, (bfmmla.MR+1)*(n+3), value)
			got := newMatrix(r, rows, cols)
			want := got.clone()
			bfmmla.Tile(rows, cols, n, a.from(), rs, cs, b.from(), b.ld, got.from(), got.ld, accumulate)
			pair, group := foursA(rs, cs)
			tileFoursReference(rows, cols, n, a.from(), pair, group, b.from(), b.ld, want.from(), want.ld, accumulate)
			if i := differ(got.data, want.data); i >= 0 {
				t.Fatalf("rows=%d cols=%d words=%d rs=%d cs=%d accumulate=%v: element %d is %x, reference %x",
					rows, cols, n, rs, cs, accumulate, i-guards, got.data[i], want.data[i])
			}
		}
	}
}
