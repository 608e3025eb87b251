package asm

import "math"

// AMX multiplies tiles of 16 × 32 and 32 × 16 bfloat16 at once, 16 rows of 16
// words by 16 words of 16 columns. Panels of B are those of BF16 with zeros up to a
// multiple of 16 words. A lies in squares of 16 × 16 words, row by row, those of the
// same 16 rows after each other, with zeros likewise:
//
//	row i, word p:  i/16·16·ldd + p/16·256 + i%16·16 + p%16
//
// Rows packs it, or Columns where the caller has its transpose. Whole squares are
// read, so that rows up to a multiple of 16 must be there, which may hold anything.

// TileDotAdd returns acc + x·y as AMX's TDPBF16PS computes it, of at most 32 terms:
// the sums of the even and of the odd terms, each from 0 in order with one fused
// multiply-add a term, are added to each other and the sum to acc. What is below
// 2^-126 becomes the zero of its sign each time.
//
// x and y are bfloat16, and no operand is subnormal.
func TileDotAdd(acc float32, x, y []float32) float32 {
	var even, odd float32
	for p := 0; p < len(x); p += 2 {
		even = flush(FMA32(x[p], y[p], even))
		if p+1 < len(x) {
			odd = flush(FMA32(x[p+1], y[p+1], odd))
		}
	}
	return flush(acc + flush(even+odd))
}

// tilesAMXReference is TileDotAdd on packed operands.
func tilesAMXReference(rows, cols, n int, a []float32, rs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	first := func(w uint32) float32 { return math.Float32frombits(w &^ 0xffff) }
	second := func(w uint32) float32 { return math.Float32frombits(w << 16) }
	wa, wb := words(a), words(b)
	for i := 0; i < rows; i++ {
		var acc [32]float32
		for p := 0; p < n; p += 16 {
			var even, odd [32]float32
			for q, x := range wa[i/16*16*rs+16*p+i%16*16:][:16] {
				for j, y := range wb[(p+q)*ldb:][:cols] {
					even[j&31] = flush(FMA32(first(x), first(y), even[j&31]))
					odd[j&31] = flush(FMA32(second(x), second(y), odd[j&31]))
				}
			}
			for j := range acc {
				acc[j] = flush(acc[j] + flush(even[j]+odd[j]))
			}
		}
		storeRow(c[i*ldc:][:cols], &acc, accumulate)
	}
}

// copyAMX is Copy: a panel of B.
func copyAMX(dst []float32, ldd int, src []float32, lds, rows, width int) {
	copyBF16(AMX, dst, ldd, src, lds, rows, width)
	endPanel(dst, ldd, rows, width)
}

// transposeAMX is Transpose: a panel of B.
func transposeAMX(dst []float32, ldd int, src []float32, lds, rows, width int) {
	transposeBF16(AMX, dst, ldd, src, lds, rows, width)
	endPanel(dst, ldd, rows, width)
}

// endPanel puts zeros after the pairs of rows values, up to a multiple of 16 words.
func endPanel(dst []float32, ldd, rows, width int) {
	for p := (rows + 1) / 2; p%16 != 0; p++ {
		clear(dst[p*ldd:][:width])
	}
}

// rowsAMX is Rows: squares of A.
func rowsAMX(dst []float32, ldd int, src []float32, lds, rows, k int) {
	for i := 0; i < rows; i += 16 {
		some := min(16, rows-i)
		for p := 0; p < k; p += 32 {
			square, terms := dst[i*ldd+8*p:], min(32, k-p)
			rowsBF16(AMX, square, 16, src[i*lds+p:], lds, some, terms)
			if words := (terms + 1) / 2; words < 16 {
				for r := range some {
					clear(square[16*r+words : 16*r+16])
				}
			}
		}
	}
}

// columnsAMX is Columns: squares of A from their transposes.
func columnsAMX(dst []float32, ldd int, src []float32, lds, rows, width int) {
	var square [16 * 16]float32
	for p := 0; p < rows; p += 32 {
		for j := 0; j < width; j += 16 {
			across := min(16, width-j)
			copyAMX(square[:], 16, src[p*lds+j:], lds, min(32, rows-p), across)
			transposeWords(dst[j*ldd+8*p:], 16, square[:], 16, across, 16)
		}
	}
}

// transposeWordsReference keeps the bits of words, which are no numbers.
func transposeWordsReference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	d := words(dst)
	for j := 0; j < width; j++ {
		for p, w := range words(src[j*lds:])[:rows] {
			d[p*ldd+j] = w
		}
	}
}
