package asm

import "fmt"

// Precision says how a micro-kernel holds the operands of a product. Sums are
// float32.
type Precision string

const (
	Float32     Precision = "float32"
	BF16        Precision = "bf16"            // two values of k in one word, rounded to bfloat16
	RoundedBF16 Precision = "bf16 in float32" // rounded to bfloat16, multiplied as float32
)

// Kernel is a micro-kernel of the matrix product: the loops that run in
// registers and first-level cache. Its methods may run concurrently, on
// different results.
//
// Copy, Transpose, Rows and Columns pack operands, of which Tile makes a tile of C. What
// they pack are words of 32 bits: a float32 each, or, in BF16, two values that
// follow each other in k, rounded by RoundBF16, the first in the upper half; the
// partner of the last of an odd number is 0. The instruction set BFMMLA has the
// first in the lower half, an even number of words, and an order of its own
// (bfmmla.go), in which two rows of dst share the space of both. AMX has zeros up to
// a multiple of 16 words, and A in squares (amx.go).
type Kernel struct {
	ISA       ISA
	Precision Precision
	MR, NR    int // largest tile of C: MR rows, NR columns
	Lanes     int // columns of a panel in a vector; NR is a multiple

	// KC is the number of values of k that are summed up before the sum is added to C.
	// It is part of the number format: the bits of every result depend on it.
	KC int
}

// KC is that of all kernels but AMX's: a panel of B of so many rows stays in the
// first-level cache. AMX multiplies so fast that to add to C costs more than panels
// from the second level.
const KC, KCAMX = 256, 1024

var kernels = [...]Kernel{
	Reference: {Reference, Float32, 4, 32, 16, KC},
	AVX2:      {AVX2, Float32, 6, 16, 8, KC},
	AVX512:    {AVX512, Float32, 14, 32, 16, KC},
	NEON:      {NEON, Float32, 6, 16, 4, KC},
	BFMMLA:    {NEON, Float32, 6, 16, 4, KC},
	AMX:       {AVX512, Float32, 14, 32, 16, KC},
}

// Kernels returns the float32 micro-kernels that this process can run, slowest
// first.
func Kernels() []Kernel {
	var ks []Kernel
	for _, isa := range available {
		if kernels[isa].ISA == isa {
			ks = append(ks, kernels[isa])
		}
	}
	return ks
}

// ActiveKernel returns the float32 micro-kernel of the instruction set in use.
func ActiveKernel() Kernel { return kernels[Active()] }

// BF16Kernels returns the micro-kernels for operands in bfloat16 that this
// process can run, slowest first.
func BF16Kernels() []Kernel {
	var ks []Kernel
	for _, isa := range available {
		if isa != Reference && kernels[isa].ISA == isa {
			ks = append(ks, rounded(isa))
		}
		if k := BF16Kernel(isa); k.Precision == BF16 {
			ks = append(ks, k)
		}
	}
	return ks
}

// ActiveBF16Kernel returns the micro-kernel for operands in bfloat16 of the
// instruction set in use.
func ActiveBF16Kernel() Kernel { return BF16Kernel(Active()) }

// BF16Kernel returns the micro-kernel for operands in bfloat16 of an available
// instruction set. Where that has no instruction for them the operands are rounded
// and the float32 kernel multiplies them, with the result of VDPBF16PS unless a
// partial sum is subnormal (see Tile). BFMMLA and AMX need not be available: their
// kernels are in plain Go elsewhere.
func BF16Kernel(isa ISA) Kernel {
	switch {
	case isa == Reference:
		return Kernel{Reference, BF16, 4, 32, 16, KC}
	case isa == AVX512 && hasAVX512BF16:
		return Kernel{AVX512, BF16, 14, 32, 16, KC}
	case isa == BFMMLA:
		return bfmmla
	case isa == AMX:
		return amx
	}
	return rounded(isa)
}

// The kernels of BFMMLA and AMX; in builds and on machines without the instruction
// their methods run in plain Go.
var (
	bfmmla = Kernel{BFMMLA, BF16, 6, 16, 2, KC}
	amx    = Kernel{AMX, BF16, 32, 32, 16, KCAMX}
)

func rounded(isa ISA) Kernel {
	k := kernels[isa]
	k.Precision = RoundedBF16
	return k
}

// String names the kernel as in "avx512 bf16 14x32".
func (k Kernel) String() string {
	return fmt.Sprintf("%v %s %dx%d", k.ISA, k.Precision, k.MR, k.NR)
}

// Words returns the number of words that hold n values of k.
func (k Kernel) Words(n int) int {
	switch {
	case k == bfmmla:
		return (n + 3) / 4 * 2
	case k == amx:
		return (n + 31) / 32 * 16
	case k.Precision == BF16:
		return (n + 1) / 2
	}
	return n
}

// Tile computes C = A·B, or C = C + A·B to accumulate, for one tile of C:
// rows ≤ MR, cols ≤ NR, all sizes ≥ 1. Each element is
//
//	acc := 0
//	for p := 0; p < words; p++ { acc = FMA32(a[i*rs+p*cs], b[p*ldb+j], acc) }
//	c[i*ldc+j] = acc   // or c[i*ldc+j] + acc
//
// In BF16 a word holds two values, and one round of the loop is
//
//	acc = flush(FMA32(first(a), first(b), acc))
//	acc = flush(FMA32(second(a), second(b), acc))
//
// where flush puts 0 in place of a subnormal number. So BF16 and RoundedBF16 give
// the same bits unless a partial sum is below 2^-126; then each step moves the
// sum by less than 2^-126. With BFMMLA a round is
//
//	acc = BFDotAdd(acc, first(a), first(b), second(a), second(b))
//
// and with AMX one of 16 words, a multiple of which words is then,
//
//	acc = TileDotAdd(acc, the 32 values of a, the 32 values of b)
//
// a is (rows, words) with any strides rs between rows and cs between columns. b is
// (words, NR) with rows ldb apart: all NR columns are read, also those ≥ cols,
// which may hold anything. With BFMMLA one of rs and cs is 1: a is what Rows packed
// with ldd = rs, or what Copy or Transpose packed with ldd = cs. With AMX a is what
// Rows or Columns packed with ldd = rs, and its rows are read up to a multiple of 16.
// c is (rows, cols) with rows ldc apart; nothing outside of it is written, nothing of it
// is read unless accumulate.
func (k Kernel) Tile(rows, cols, words int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	b = b[:(words-1)*ldb+k.NR]
	c = c[:(rows-1)*ldc+cols]
	if k == bfmmla {
		pair, group := foursA(rs, cs)
		a = a[:(rows-1)/2*pair+(words/2-1)*group+4]
		tileFours(rows, cols, words, a, pair, group, b, ldb, c, ldc, accumulate)
		return
	}
	if k == amx {
		a = a[:(rows-1)/16*16*rs+16*words]
		tilesAMX(rows, cols, words, a, rs, b, ldb, c, ldc, accumulate)
		return
	}
	a = a[:(rows-1)*rs+(words-1)*cs+1]
	if k.Precision == BF16 {
		tileBF16(k.ISA, rows, cols, words, a, rs, cs, b, ldb, c, ldc, accumulate)
		return
	}
	tile(k.ISA, rows, cols, words, a, rs, cs, 0, b, ldb, c, ldc, accumulate)
}

// Tiles computes tiles of C below each other: what Tile does for any number of
// rows ≥ 1, of which the first MR lie at a, the next MR at a[step:] and so on.
//
// next, which may be empty, is what the caller reads afterwards. AVX2 leaves it to
// the processor, which sees that it follows b: to ask costs more time than it gains.
// So does AMX, for which step is MR·rs.
func (k Kernel) Tiles(rows, cols, words int, a []float32, rs, cs, step int, b []float32, ldb int, c []float32, ldc int, accumulate bool, next []float32) {
	if k == amx {
		k.Tile(rows, cols, words, a, rs, cs, b, ldb, c, ldc, accumulate)
		return
	}
	if !tilesAtOnce(k.ISA) {
		share := (len(next)*k.MR/rows + k.NR) / k.NR * k.NR
		for i := 0; i < rows; i += k.MR {
			if n := min(share, len(next)); n > 0 {
				k.Prefetch(next[:n])
				next = next[n:]
			}
			k.Tile(min(k.MR, rows-i), cols, words, a[i/k.MR*step:], rs, cs, b, ldb, c[i*ldc:], ldc, accumulate)
		}
		return
	}
	last := (rows - 1) / k.MR
	a = a[:last*step+(rows-1-last*k.MR)*rs+(words-1)*cs+1]
	b = b[:(words-1)*ldb+k.NR]
	c = c[:(rows-1)*ldc+cols]
	tile(k.ISA, rows, cols, words, a, rs, cs, step, b, ldb, c, ldc, accumulate)
}

// RowCols returns how many of cols columns Row can compute with kc values of k.
func (k Kernel) RowCols(cols, kc int, transposed bool) int {
	if k.Precision != Float32 {
		return 0
	}
	return rowCols(k.ISA, cols, kc, transposed)
}

// Row computes one row of C, or adds to it, from operands that are not packed:
// c[j] is what Tile says for a[p*cs] and b[p*ldb+j] or, when transposed, a[p] and
// b[j*ldb+p]. Such a product is as fast as B comes from memory. cols is what
// RowCols returned, ≥ 1.
func (k Kernel) Row(cols, kc int, a []float32, cs int, b []float32, ldb int, transposed bool, c []float32, accumulate bool) {
	a, c = a[:(kc-1)*cs+1], c[:cols]
	if transposed {
		b = b[:(cols-1)*ldb+kc]
	} else {
		b = b[:(kc-1)*ldb+cols]
	}
	row(k.ISA, cols, kc, a, cs, b, ldb, transposed, c, accumulate)
}

// Copy packs rows: dst[p*ldd+j] = src[p*lds+j] for p < rows, j < width ≤ NR,
// all sizes ≥ 1; in BF16 row p of dst pairs the rows 2p and 2p+1 of src. It goes
// from the first row to the last and writes whole vectors: up to Lanes−1 elements
// after each row are overwritten with unspecified values.
func (k Kernel) Copy(dst []float32, ldd int, src []float32, lds, rows, width int) {
	dst = dst[:(k.Words(rows)-1)*ldd+(width+k.Lanes-1)/k.Lanes*k.Lanes]
	src = src[:(rows-1)*lds+width]
	if k == bfmmla {
		copyFours(dst, ldd, src, lds, rows, width)
		return
	}
	if k == amx {
		copyAMX(dst, ldd, src, lds, rows, width)
		return
	}
	if k.Precision == BF16 {
		copyBF16(k.ISA, dst, ldd, src, lds, rows, width)
		return
	}
	copyPanel(k.ISA, dst, ldd, src, lds, rows, width)
	if k.Precision == RoundedBF16 {
		k.round(dst, ldd, rows, width)
	}
}

// Transpose packs columns: dst[p*ldd+j] = src[j*lds+p] for p < rows,
// j < width ≤ NR, all sizes ≥ 1; in BF16 row p of dst pairs the columns 2p and
// 2p+1 of src. It writes whole vectors as Copy does, and ldd has room for them.
func (k Kernel) Transpose(dst []float32, ldd int, src []float32, lds, rows, width int) {
	dst = dst[:(k.Words(rows)-1)*ldd+(width+k.Lanes-1)/k.Lanes*k.Lanes]
	src = src[:(width-1)*lds+rows]
	if k == bfmmla {
		rowsFours(dst, 4, 2*ldd, src, lds, width, rows)
		return
	}
	if k == amx {
		transposeAMX(dst, ldd, src, lds, rows, width)
		return
	}
	if k.Precision == BF16 {
		transposeBF16(k.ISA, dst, ldd, src, lds, rows, width)
		return
	}
	transposePanel(k.ISA, dst, ldd, src, lds, rows, width)
	if k.Precision == RoundedBF16 {
		k.round(dst, ldd, rows, width)
	}
}

// Rows packs rows along k: dst[i*ldd+p] = src[i*lds+p] for i < rows, p < n, all
// sizes ≥ 1; in BF16 column p of dst pairs the columns 2p and 2p+1 of src. With
// BFMMLA dst has room for an even number of rows, with AMX for a multiple of 16.
func (k Kernel) Rows(dst []float32, ldd int, src []float32, lds, rows, n int) {
	src = src[:(rows-1)*lds+n]
	if k == bfmmla {
		rowsFours(dst[:(rows-1)/2*2*ldd+2*k.Words(n)], 2*ldd, 4, src, lds, rows, n)
		return
	}
	if k == amx {
		rowsAMX(dst[:(rows-1)/16*16*ldd+16*k.Words(n)], ldd, src, lds, rows, n)
		return
	}
	dst = dst[:(rows-1)*ldd+k.Words(n)]
	if k.Precision == BF16 {
		rowsBF16(k.ISA, dst, ldd, src, lds, rows, n)
		return
	}
	copyReference(dst, ldd, src, lds, rows, n)
	if k.Precision == RoundedBF16 {
		k.round(dst, ldd, rows, n)
	}
}

// Columns packs columns along k, which AMX has instead of Copy for A: what Rows makes
// of the transpose of src, whose width columns become rows; all sizes ≥ 1.
func (k Kernel) Columns(dst []float32, ldd int, src []float32, lds, rows, width int) {
	dst = dst[:(width-1)/16*16*ldd+16*k.Words(rows)]
	src = src[:(rows-1)*lds+width]
	columnsAMX(dst, ldd, src, lds, rows, width)
}

// Squares tells whether A has to lie in squares, which Rows and Columns pack, 16 rows
// at a time.
func (k Kernel) Squares() bool { return k == amx }

// round rounds the rows of a packed operand to bfloat16 where they are, as one
// where nothing lies between them.
func (k Kernel) round(x []float32, ld, rows, width int) {
	if ld == width {
		width, rows = width*rows, 1
	}
	for i := 0; i < rows; i++ {
		round(k.ISA, x[i*ld:][:width])
	}
}

// Prefetch asks for x, not empty, to be brought into the second-level cache while
// other work goes on. It changes no values; the reference does nothing.
func (k Kernel) Prefetch(x []float32) { prefetch(k.ISA, x) }

// tileReference is the loop that Tile documents.
func tileReference(rows, cols, kc int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	for i := 0; i < rows; i++ {
		var acc [32]float32
		for p := 0; p < kc; p++ {
			x := float64(a[i*rs+p*cs])
			for j, y := range b[p*ldb:][:cols] {
				// FMA32(x, y, acc[j]), whose first half is worth having in line.
				if s := x*float64(y) + float64(acc[j&31]); roundsOnce(s) {
					acc[j&31] = float32(s)
				} else {
					acc[j&31] = fma32Odd(x*float64(y), float64(acc[j&31]))
				}
			}
		}
		storeRow(c[i*ldc:][:cols], &acc, accumulate)
	}
}

// storeRow ends a row of a tile: c = acc, or c + acc to accumulate.
func storeRow(c []float32, acc *[32]float32, accumulate bool) {
	if !accumulate {
		copy(c, acc[:])
		return
	}
	for j := range c {
		c[j] += acc[j]
	}
}

func copyReference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	for p := 0; p < rows; p++ {
		copy(dst[p*ldd:][:width], src[p*lds:][:width])
	}
}

func transposeReference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	for j := 0; j < width; j++ {
		for p, x := range src[j*lds:][:rows] {
			dst[p*ldd+j] = x
		}
	}
}
