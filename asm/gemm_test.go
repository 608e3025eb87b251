package asm

import (
	"math"
	"math/rand"
	"testing"
)

// guards is the number of NaN around and between the rows of every operand.
const guards = 3

// matrix is a (rows, cols) operand with rows ld apart and NaN everywhere else.
type matrix struct {
	data []float32
	ld   int
}

func newMatrix(r *rand.Rand, rows, cols int) matrix {
	m := matrix{make([]float32, guards+rows*(cols+guards)), cols + guards}
	for i := range m.data {
		m.data[i] = float32(math.NaN())
	}
	for i := 0; i < rows; i++ {
		for j := 0; j < cols; j++ {
			m.data[guards+i*m.ld+j] = float32(r.NormFloat64())
		}
	}
	return m
}

func (m matrix) from() []float32 { return m.data[guards:] }

func (m matrix) clone() matrix { return matrix{append([]float32(nil), m.data...), m.ld} }

// differ returns the first place where bits differ, NaN being equal to NaN, or −1.
func differ(x, y []float32) int {
	for i := range x {
		if math.Float32bits(x[i]) != math.Float32bits(y[i]) && (x[i] == x[i] || y[i] == y[i]) {
			return i
		}
	}
	return -1
}

// Every kernel gives the bits of the reference at every size of a tile, and
// touches nothing outside of it.
func TestTileEqualsReference(t *testing.T) {
	for _, k := range Kernels()[1:] {
		r := rand.New(rand.NewSource(1))
		for rows := 1; rows <= k.MR; rows++ {
			for cols := 1; cols <= k.NR; cols++ {
				kc := []int{1, 2, 3, 4, 5, 8, 11}[(rows+cols)%7]
				if rows*cols%31 == 0 || rows == k.MR && cols == k.NR {
					kc = 256
				}
				testTile(t, k, r, rows, cols, kc)
			}
		}
	}
}

func testTile(t *testing.T, k Kernel, r *rand.Rand, rows, cols, kc int) {
	t.Helper()
	b := newMatrix(r, kc, k.NR)
	for _, accumulate := range []bool{false, true} {
		for _, transposed := range []bool{false, true} {
			a := newMatrix(r, rows, kc)
			rs, cs := a.ld, 1
			if transposed {
				a = newMatrix(r, kc, rows)
				rs, cs = 1, a.ld
			}
			got := newMatrix(r, rows, cols)
			want := got.clone()
			k.Tile(rows, cols, kc, a.from(), rs, cs, b.from(), b.ld, got.from(), got.ld, accumulate)
			tileReference(rows, cols, kc, a.from(), rs, cs, b.from(), b.ld, want.from(), want.ld, accumulate)
			if i := differ(got.data, want.data); i >= 0 {
				t.Fatalf("%v: rows=%d cols=%d k=%d rs=%d cs=%d accumulate=%v: element %d is %x, reference %x",
					k.ISA, rows, cols, kc, rs, cs, accumulate, i-guards, got.data[i], want.data[i])
			}
		}
	}
}

// Tiles below each other are tiles.
func TestTilesEqualReference(t *testing.T) {
	for _, k := range Kernels() {
		r := rand.New(rand.NewSource(4))
		for n := 0; n < 60; n++ {
			rows, cols, kc := 1+r.Intn(3*k.MR), 1+r.Intn(k.NR), 1+r.Intn(20)
			if n%2 == 0 {
				cols = k.NR
			}
			a, b, got := newMatrix(r, rows, kc), newMatrix(r, kc, k.NR), newMatrix(r, rows, cols)
			rs, cs, step := a.ld, 1, k.MR*a.ld
			if n%3 == 0 { // packed panels: MR columns, far apart
				a = newMatrix(r, (rows+k.MR-1)/k.MR*kc, k.MR)
				rs, cs, step = 1, a.ld, kc*a.ld
			}
			want := got.clone()
			k.Tiles(rows, cols, kc, a.from(), rs, cs, step, b.from(), b.ld, got.from(), got.ld, n%4 < 2, b.from()[:n%7])
			for i := 0; i < rows; i += k.MR {
				tileReference(min(k.MR, rows-i), cols, kc, a.from()[i/k.MR*step:], rs, cs, b.from(), b.ld, want.from()[i*want.ld:], want.ld, n%4 < 2)
			}
			if i := differ(got.data, want.data); i >= 0 {
				t.Fatalf("%v: rows=%d cols=%d k=%d rs=%d: element %d is %x, reference %x", k.ISA, rows, cols, kc, rs, i-guards, got.data[i], want.data[i])
			}
		}
	}
}

// Row computes the columns that it promises as a tile of one row, and no other.
func TestRowEqualsReference(t *testing.T) {
	for _, k := range Kernels() {
		r := rand.New(rand.NewSource(5))
		for n := 0; n < 200; n++ {
			most, kc, cs, transposed := 1+r.Intn(200), 1+r.Intn(70), 1, n%2 == 0
			if n%4 == 0 {
				kc = kc/16*16 + 16
			}
			cols := k.RowCols(most, kc, transposed)
			if cols == 0 {
				continue
			}
			a, b, got := newMatrix(r, 1, kc), newMatrix(r, kc, cols), newMatrix(r, 1, most)
			bi, bj := b.ld, 1
			if transposed {
				b = newMatrix(r, cols, kc)
				bi, bj = 1, b.ld
			} else if n%3 == 0 {
				a = newMatrix(r, kc, 1)
				cs = a.ld
			}
			want := got.clone()
			k.Row(cols, kc, a.from(), cs, b.from(), b.ld, transposed, got.from(), n%8 < 4)
			for j := 0; j < cols; j++ {
				acc := float32(0)
				for p := 0; p < kc; p++ {
					acc = FMA32(a.from()[p*cs], b.from()[p*bi+j*bj], acc)
				}
				if n%8 < 4 {
					acc += want.from()[j]
				}
				want.from()[j] = acc
			}
			if i := differ(got.data, want.data); i >= 0 {
				t.Fatalf("%v: cols=%d of %d k=%d cs=%d transposed=%v: element %d is %x, reference %x", k.ISA, cols, most, kc, cs, transposed, i-guards, got.data[i], want.data[i])
			}
		}
	}
}

// Subnormal, huge and infinite operands: no kernel flushes or saturates.
func TestTileEqualsReferenceOnHardNumbers(t *testing.T) {
	for _, k := range Kernels()[1:] {
		r := rand.New(rand.NewSource(2))
		for n := 0; n < 200; n++ {
			rows, cols, kc := 1+r.Intn(k.MR), 1+r.Intn(k.NR), 1+r.Intn(9)
			a, b, got := newMatrix(r, rows, kc), newMatrix(r, kc, k.NR), newMatrix(r, rows, cols)
			for _, x := range [][]float32{a.data, b.data} {
				for i := range x {
					x[i] = randomFloat32(r)
				}
			}
			want := got.clone()
			k.Tile(rows, cols, kc, a.from(), a.ld, 1, b.from(), b.ld, got.from(), got.ld, true)
			tileReference(rows, cols, kc, a.from(), a.ld, 1, b.from(), b.ld, want.from(), want.ld, true)
			if i := differ(got.data, want.data); i >= 0 {
				t.Fatalf("%v: rows=%d cols=%d k=%d: element %d is %x, reference %x", k.ISA, rows, cols, kc, i-guards, got.data[i], want.data[i])
			}
		}
	}
}

// Copy and Transpose put every element in its place, and write no further than a
// whole vector after the last row.
func TestPack(t *testing.T) {
	for _, k := range Kernels() {
		r := rand.New(rand.NewSource(3))
		for width := 1; width <= k.NR; width++ {
			for _, rows := range []int{1, 2, 3, 4, 5, 7, 8, 64, 67} {
				vector := (width + k.Lanes - 1) / k.Lanes * k.Lanes
				for _, ldd := range []int{width, vector, vector + 3} {
					testPack(t, k, r, rows, width, ldd, (rows-1)*ldd+vector)
				}
			}
		}
	}
}

func testPack(t *testing.T, k Kernel, r *rand.Rand, rows, width, ldd, end int) {
	t.Helper()
	nan := float32(math.NaN())
	for _, transpose := range []bool{false, true} {
		dst := make([]float32, end+40)
		for i := range dst {
			dst[i] = nan
		}
		src := newMatrix(r, rows, width)
		si, sj := src.ld, 1
		if transpose && ldd < end-(rows-1)*ldd {
			continue
		} else if transpose {
			src = newMatrix(r, width, rows)
			si, sj = 1, src.ld
			k.Transpose(dst, ldd, src.from(), src.ld, rows, width)
		} else {
			k.Copy(dst, ldd, src.from(), src.ld, rows, width)
		}
		for p := 0; p < rows; p++ {
			for j := 0; j < width; j++ {
				if got, want := dst[p*ldd+j], src.from()[p*si+j*sj]; got != want {
					t.Fatalf("%v: transpose=%v rows=%d width=%d ldd=%d: row %d, column %d is %v, want %v",
						k.ISA, transpose, rows, width, ldd, p, j, got, want)
				}
			}
		}
		for i, x := range dst[end:] {
			if x == x {
				t.Fatalf("%v: transpose=%v rows=%d width=%d ldd=%d: element %d was written", k.ISA, transpose, rows, width, ldd, end+i)
			}
		}
	}
}
