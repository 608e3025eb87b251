package asm

import (
	"math"
	"math/rand"
	"testing"
)

// What bfloat16 makes of the numbers on which implementations differ.
func TestRoundBF16Cases(t *testing.T) {
	for _, c := range []struct{ x, want uint32 }{
		{0x00000000, 0x00000000}, {0x80000000, 0x80000000}, // zeros
		{0x3f808000, 0x3f800000}, {0x3f818000, 0x3f820000}, // ties go to even
		{0x3f807fff, 0x3f800000}, {0x3f808001, 0x3f810000}, // the neighbours of a tie
		{0xbf818000, 0xbf820000}, {0x3fffffff, 0x40000000}, // a carry into the exponent
		{0x7f7f7fff, 0x7f7f0000}, {0x7f7f8000, 0x7f800000}, {0xff7fffff, 0xff800000}, // the largest, and beyond
		{0x7f800000, 0x7f800000}, {0xff800000, 0xff800000}, // infinities
		{0x7f800001, 0x7fc00000}, {0xff80ffff, 0xffc00000}, {0x7fffffff, 0x7fff0000}, // NaN stays NaN
		{0x00000001, 0x00000000}, {0x807fffff, 0x80000000}, {0x007fffff, 0x00000000}, // subnormal
		{0x00800000, 0x00800000}, {0x80808000, 0x80800000}, // the least normal
	} {
		if got := math.Float32bits(RoundBF16(math.Float32frombits(c.x))); got != c.want {
			t.Errorf("%08x: %08x, want %08x", c.x, got, c.want)
		}
	}
}

// RoundBF16 is the nearest of the two bfloat16 around x, by distances that
// float64 holds exactly.
func TestRoundBF16IsNearest(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for n := 0; n < 1000000; n++ {
		b := r.Uint32()
		if n%2 == 0 {
			b = b&^0xffff | uint32(0x7ffe+r.Intn(5)) // about a tie
		}
		x := math.Float32frombits(b)
		if e := b >> 23 & 0xff; e == 0 || e == 0xff || b&0x7fffffff >= 0x7f7f0000 {
			continue
		}
		low, high := math.Float32frombits(b&^0xffff), math.Float32frombits(b&^0xffff+1<<16)
		below, above := math.Abs(float64(x)-float64(low)), math.Abs(float64(high)-float64(x))
		want := low
		if above < below || above == below && b>>16&1 == 1 {
			want = high
		}
		if got := RoundBF16(x); got != want {
			t.Fatalf("%08x: %v, want %v", b, got, want)
		}
	}
}

// testedBF16Kernels are BF16Kernels, and those of BFMMLA and AMX in plain Go where
// there is no such instruction.
func testedBF16Kernels() []Kernel {
	ks := BF16Kernels()
	best := ks[len(ks)-1]
	for _, k := range []Kernel{bfmmla, amx} {
		if k != best {
			ks = append(ks, k)
		}
	}
	return ks
}

// Packing rounds as RoundBF16 does, in every kernel: every sign and exponent with
// the fractions about ties and random ones, with -exhaustive every float32.
func TestExhaustiveRoundBF16(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	lower := func(i int) uint32 {
		return []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, r.Uint32() & 0xffff, r.Uint32() & 0xffff}[i%8]
	}
	each := uint32(8) // numbers with the same upper half
	if *exhaustive {
		each, lower = 1<<16, func(i int) uint32 { return uint32(i) }
	}
	src, dst := make([]float32, 1<<16), make([]float32, 1<<19)
	for _, k := range testedBF16Kernels() {
		for upper := uint32(0); upper < 1<<16; upper += uint32(len(src)) / each {
			for i := range src {
				words(src)[i] = (upper+uint32(i)/each)<<16 | lower(i%int(each))
			}
			k.Rows(dst, k.Words(len(src)), src, len(src), 1, len(src))
			for i, x := range words(src) {
				at := i / 2
				if k == amx {
					at = at/16*256 + at%16
				}
				got := words(dst)[at] >> (16 * (1 - i%2)) << 16
				if k == bfmmla {
					got = words(dst)[i/4*4+i%4/2] >> (16 * (i % 2)) << 16
				} else if k.Precision != BF16 {
					got = words(dst)[i]
				}
				if want := roundBF16(x); got != want {
					t.Fatalf("%v: %08x is rounded to %08x, want %08x", k, x, got, want)
				}
			}
		}
	}
}

// packedBF16 is a packed operand of random pairs.
func packedBF16(r *rand.Rand, rows, cols int, value func() float32) matrix {
	m := newMatrix(r, rows, cols)
	w := words(m.data)
	for i := 0; i < rows; i++ {
		for j := 0; j < cols; j++ {
			w[guards+i*m.ld+j] = pairBF16(value(), value())
		}
	}
	return m
}

// The kernel for pairs gives the bits of the reference at every size of a tile,
// and touches nothing outside of it: normal numbers, then every bit pattern.
func TestTileBF16EqualsReference(t *testing.T) {
	for _, k := range BF16Kernels() {
		if k.Precision != BF16 || k.ISA == Reference || k == bfmmla || k == amx {
			continue
		}
		r := rand.New(rand.NewSource(4))
		normal := func() float32 { return float32(r.NormFloat64()) }
		hard := func() float32 { return randomFloat32(r) }
		tiny := func() float32 { return float32(r.NormFloat64() * 0x1p-64) } // products about 2^-128
		for rows := 1; rows <= k.MR; rows++ {
			for cols := 1; cols <= k.NR; cols++ {
				n := []int{1, 2, 3, 4, 5, 8, 11}[(rows+cols)%7]
				if rows*cols%31 == 0 || rows == k.MR && cols == k.NR {
					n = 128
				}
				for _, value := range []func() float32{normal, hard, tiny} {
					testTileBF16(t, k, r, rows, cols, n, value)
				}
			}
		}
	}
}

func testTileBF16(t *testing.T, k Kernel, r *rand.Rand, rows, cols, n int, value func() float32) {
	t.Helper()
	b := packedBF16(r, n, k.NR, value)
	for _, accumulate := range []bool{false, true} {
		for _, transposed := range []bool{false, true} {
			a := packedBF16(r, rows, n, value)
			rs, cs := a.ld, 1
			if transposed {
				a = packedBF16(r, n, rows, value)
				rs, cs = 1, a.ld
			}
			got := newMatrix(r, rows, cols)
			want := got.clone()
			k.Tile(rows, cols, n, a.from(), rs, cs, b.from(), b.ld, got.from(), got.ld, accumulate)
			tileBF16Reference(rows, cols, n, a.from(), rs, cs, b.from(), b.ld, want.from(), want.ld, accumulate)
			if i := differ(got.data, want.data); i >= 0 {
				t.Fatalf("%v: rows=%d cols=%d words=%d rs=%d cs=%d accumulate=%v: element %d is %x, reference %x",
					k, rows, cols, n, rs, cs, accumulate, i-guards, got.data[i], want.data[i])
			}
		}
	}
}

// The reference against the exact sum of exact products. Each of n additions
// rounds by at most half a unit, 2^-24 of a partial sum, and no partial sum
// exceeds Σ|ab| by more than what was rounded: n·2^-24·(1+n·2^-24)·Σ|ab|, and
// float64's own error is far below. BFMMLA adds half as often, to the sums of two
// terms, and rounds by a whole unit: a term goes through n/2 roundings at most,
// with those of the first two, hence the same bound, n + 1 for n where n is odd. AMX
// has shorter chains.
func TestTileBF16ErrorBound(t *testing.T) {
	for _, k := range testedBF16Kernels() {
		for _, n := range []int{256, 7, 2} {
			testTileBF16ErrorBound(t, k, n)
		}
	}
}

func testTileBF16ErrorBound(t *testing.T, k Kernel, n int) {
	t.Helper()
	r := rand.New(rand.NewSource(5))
	bound := float64(n) * 0x1p-24
	if k == bfmmla {
		bound = float64((n+1)/2) * 0x1p-23
	}
	rows, cols := k.MR, k.NR
	x, y := newMatrix(r, rows, n), newMatrix(r, n, cols)
	a, b := make([]float32, rows*k.Words(n)), make([]float32, k.Words(n)*k.NR+k.Lanes)
	k.Rows(a, k.Words(n), x.from(), x.ld, rows, n)
	k.Copy(b, k.NR, y.from(), y.ld, n, cols)
	c := make([]float32, rows*cols)
	k.Tile(rows, cols, k.Words(n), a, k.Words(n), 1, b, k.NR, c, cols, false)
	for i := 0; i < rows; i++ {
		for j := 0; j < cols; j++ {
			sum, size := 0.0, 0.0
			for p := 0; p < n; p++ {
				product := float64(RoundBF16(x.from()[i*x.ld+p])) * float64(RoundBF16(y.from()[p*y.ld+j]))
				sum, size = sum+product, size+math.Abs(product)
			}
			if e := math.Abs(float64(c[i*cols+j]) - sum); !(e <= bound*(1+bound)*size) {
				t.Fatalf("%v: n=%d row %d, column %d is %v, want %v; Σ|ab| = %v", k, n, i, j, c[i*cols+j], sum, size)
			}
		}
	}
}

// Copy, Transpose, Rows and Columns put every rounded element in its place, in every
// kernel and from numbers of every kind, and write no further than they say.
func TestPackBF16(t *testing.T) {
	for _, k := range testedBF16Kernels() {
		r := rand.New(rand.NewSource(6))
		for width := 1; width <= k.NR; width++ {
			for _, rows := range []int{1, 2, 3, 5, 15, 16, 17, 31, 32, 33, 64, 67} {
				vector := (width + k.Lanes - 1) / k.Lanes * k.Lanes
				for _, ldd := range []int{width, vector, vector + 3} {
					for _, way := range []string{"Copy", "Transpose", "Rows", "Columns"} {
						if way == "Columns" && !k.Squares() {
							continue
						}
						testPackBF16(t, k, r, way, rows, width, ldd)
					}
				}
			}
		}
	}
}

func testPackBF16(t *testing.T, k Kernel, r *rand.Rand, way string, rows, width, ldd int) {
	t.Helper()
	n := k.Words(rows)
	vector := (width + k.Lanes - 1) / k.Lanes * k.Lanes
	place := func(p, j int) int { return p*ldd + j }
	end := (n-1)*ldd + vector
	inRows := way == "Rows" || way == "Columns"
	if inRows {
		place = func(p, j int) int { return j*(n+ldd) + p }
		end = (width-1)*(n+ldd) + n
	} else if way == "Transpose" && ldd < vector {
		return
	}
	if k == amx && inRows { // squares; the next 16 rows after the space of these
		place = func(p, j int) int { return j/16*16*(n+ldd) + p/16*256 + j%16*16 + p%16 }
		end = (width-1)/16*16*(n+ldd) + 16*n
	}
	if k == bfmmla {
		plain, rows := place, way == "Rows"
		place = func(p, j int) int { // two rows of words share their space
			if rows {
				return plain(0, j&^1) + p/2*4 + j%2*2 + p%2
			}
			return plain(p&^1, 0) + 2*j + p%2
		}
		end = max(end, place(n-1, width|1)+1)
	}
	dst := make([]float32, end+40)
	for i := range dst {
		dst[i] = float32(math.NaN())
	}
	guard := math.Float32bits(dst[0])
	src := newMatrix(r, rows, width)
	si, sj := src.ld, 1
	if way == "Transpose" || way == "Rows" {
		src = newMatrix(r, width, rows)
		si, sj = 1, src.ld
	}
	if rows%2 == 0 {
		for i := range src.data {
			src.data[i] = randomFloat32(r)
		}
	}
	switch way {
	case "Copy":
		k.Copy(dst, ldd, src.from(), src.ld, rows, width)
	case "Transpose":
		k.Transpose(dst, ldd, src.from(), src.ld, rows, width)
	case "Rows":
		k.Rows(dst, n+ldd, src.from(), src.ld, width, rows)
	case "Columns":
		k.Columns(dst, n+ldd, src.from(), src.ld, rows, width)
	}
	written := make([]bool, len(dst))
	for p := 0; p < n; p++ {
		for j := 0; j < width; j++ {
			value := func(p int) float32 { return at(src.from(), p*si+j*sj, p < rows) } // 0 beyond the last
			want := math.Float32bits(RoundBF16(value(p)))
			if k.Precision == BF16 {
				want = pairBF16(value(2*p), value(2*p+1))
			}
			if k == bfmmla {
				want = want>>16 | want<<16
			}
			written[place(p, j)] = true
			if got := words(dst)[place(p, j)]; got != want {
				t.Fatalf("%v: %s rows=%d width=%d ldd=%d: word %d, column %d is %08x, want %08x", k, way, rows, width, ldd, p, j, got, want)
			}
		}
	}
	for i, w := range words(dst) {
		if w != guard && !written[i] && (i >= end || inRows && k != bfmmla) {
			t.Fatalf("%v: %s rows=%d width=%d ldd=%d: element %d was written", k, way, rows, width, ldd, i)
		}
	}
}
