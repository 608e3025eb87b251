//go:build amd64 && !purego

package asm

//go:generate go run pactune/asm/internal/gengemm

func tile(isa ISA, rows, cols, kc int, a []float32, rs, cs, step int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	switch isa {
	case AVX512:
		tileAVX512(rows, cols, kc, &a[0], rs, cs, &b[0], ldb, &c[0], ldc, accumulate)
	case AVX2:
		tileAVX2(rows, cols, kc, &a[0], rs, cs, step, &b[0], ldb, &c[0], ldc, accumulate)
	default:
		tileReference(rows, cols, kc, a, rs, cs, b, ldb, c, ldc, accumulate)
	}
}

// tilesAtOnce tells whether tile takes more than MR rows.
func tilesAtOnce(isa ISA) bool { return isa == AVX2 }

// AVX-512 takes AVX2's rows: one row is as fast as B comes from memory.
func rowCols(isa ISA, cols, kc int, transposed bool) int {
	switch {
	case isa == Reference:
		return 0
	case !transposed:
		return cols &^ 63
	case kc%16 == 0:
		return cols &^ 15
	}
	return 0
}

func row(_ ISA, cols, kc int, a []float32, cs int, b []float32, ldb int, transposed bool, c []float32, accumulate bool) {
	if transposed {
		rowTransposedAVX2(cols, kc, &a[0], &b[0], ldb, &c[0], accumulate)
	} else {
		rowAVX2(cols, kc, &a[0], cs, &b[0], ldb, &c[0], accumulate)
	}
}

func copyPanel(isa ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	switch isa {
	case AVX512:
		copyAVX512(&dst[0], ldd, &src[0], lds, rows, width)
	case AVX2:
		copyAVX2(&dst[0], ldd, &src[0], lds, rows, width)
	default:
		copyReference(dst, ldd, src, lds, rows, width)
	}
}

// transposePanel gives the assembly whole vectors of columns, repeating the last
// column where there are fewer, and multiples of four rows.
func transposePanel(isa ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	fours := rows &^ 3
	if isa == Reference || fours == 0 {
		transposeReference(dst, ldd, src, lds, rows, width)
		return
	}
	lanes := kernels[isa].Lanes
	var columns [16]*float32
	for j := 0; j < width; j += lanes {
		for l := range columns[:lanes] {
			columns[l] = &src[min(j+l, width-1)*lds]
		}
		if isa == AVX512 {
			transposeAVX512(&dst[j], ldd, &columns, fours)
		} else {
			transposeAVX2(&dst[j], ldd, (*[8]*float32)(columns[:8]), fours)
		}
	}
	if fours < rows {
		transposeReference(dst[fours*ldd:], ldd, src[fours:], lds, rows-fours, width)
	}
}

func prefetch(isa ISA, x []float32) {
	if isa != Reference {
		prefetchLines(&x[0], len(x))
	}
}

//go:noescape
func tileAVX512(rows, cols, k int, a *float32, rs, cs int, b *float32, ldb int, c *float32, ldc int, accumulate bool)

//go:noescape
func tileAVX2(rows, cols, k int, a *float32, rs, cs, step int, b *float32, ldb int, c *float32, ldc int, accumulate bool)

//go:noescape
func rowAVX2(cols, k int, a *float32, cs int, b *float32, ldb int, c *float32, accumulate bool)

//go:noescape
func rowTransposedAVX2(cols, k int, a, b *float32, ldb int, c *float32, accumulate bool)

//go:noescape
func copyAVX512(dst *float32, ldd int, src *float32, lds, rows, width int)

//go:noescape
func copyAVX2(dst *float32, ldd int, src *float32, lds, rows, width int)

//go:noescape
func transposeAVX512(dst *float32, ldd int, rows *[16]*float32, k int)

//go:noescape
func transposeAVX2(dst *float32, ldd int, rows *[8]*float32, k int)

//go:noescape
func prefetchLines(x *float32, n int)
