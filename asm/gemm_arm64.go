//go:build arm64 && !purego

package asm

func tile(isa ISA, rows, cols, kc int, a []float32, rs, cs, _ int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	if isa == NEON {
		tileNEON(rows, cols, kc, &a[0], rs, cs, &b[0], ldb, &c[0], ldc, accumulate)
	} else {
		tileReference(rows, cols, kc, a, rs, cs, b, ldb, c, ldc, accumulate)
	}
}

func tilesAtOnce(ISA) bool { return false }

func rowCols(ISA, int, int, bool) int { return 0 }

func row(ISA, int, int, []float32, int, []float32, int, bool, []float32, bool) {}

func copyPanel(isa ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	if isa == NEON {
		copyNEON(&dst[0], ldd, &src[0], lds, rows, width)
	} else {
		copyReference(dst, ldd, src, lds, rows, width)
	}
}

// transposePanel gives the assembly four columns at a time, repeating the last
// column where there are fewer, and multiples of four rows.
func transposePanel(isa ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	fours := rows &^ 3
	if isa != NEON || fours == 0 {
		transposeReference(dst, ldd, src, lds, rows, width)
		return
	}
	var columns [4]*float32
	for j := 0; j < width; j += len(columns) {
		for l := range columns {
			columns[l] = &src[min(j+l, width-1)*lds]
		}
		transposeNEON(&dst[j], ldd, &columns, fours)
	}
	if fours < rows {
		transposeReference(dst[fours*ldd:], ldd, src[fours:], lds, rows-fours, width)
	}
}

func prefetch(isa ISA, x []float32) {
	if isa != Reference {
		prefetchNEON(&x[0], len(x))
	}
}

//go:noescape
func tileNEON(rows, cols, k int, a *float32, rs, cs int, b *float32, ldb int, c *float32, ldc int, accumulate bool)

//go:noescape
func copyNEON(dst *float32, ldd int, src *float32, lds, rows, width int)

//go:noescape
func transposeNEON(dst *float32, ldd int, rows *[4]*float32, k int)

//go:noescape
func prefetchNEON(x *float32, n int)
