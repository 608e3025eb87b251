//go:build amd64 && !purego

package asm

import "golang.org/x/sys/cpu"

// hasAVX512BF16 tells whether the processor has VDPBF16PS.
var hasAVX512BF16 = cpu.X86.HasAVX512BF16

func tileBF16(isa ISA, rows, cols, words int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	if isa == AVX512 {
		tileBF16AVX512(rows, cols, words, &a[0], rs, cs, &b[0], ldb, &c[0], ldc, accumulate)
		return
	}
	tileBF16Reference(rows, cols, words, a, rs, cs, b, ldb, c, ldc, accumulate)
}

// hasPairs tells whether the assembly that packs pairs runs.
func hasPairs(isa ISA) bool { return isa == AVX512 || isa == AMX && hasAMX }

func copyBF16(isa ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	if hasPairs(isa) {
		copyBF16AVX512(&dst[0], ldd, &src[0], lds, rows, width)
		return
	}
	copyBF16Reference(dst, ldd, src, lds, rows, width)
}

// transposeBF16 gives the assembly whole vectors of columns, repeating the last
// column where there are fewer, and multiples of sixteen rows.
func transposeBF16(isa ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	whole := rows &^ 15
	if !hasPairs(isa) || whole == 0 {
		transposeBF16Reference(dst, ldd, src, lds, rows, width)
		return
	}
	var columns [16]*float32
	for j := 0; j < width; j += len(columns) {
		for l := range columns {
			columns[l] = &src[min(j+l, width-1)*lds]
		}
		transposeBF16AVX512(&dst[j], ldd, &columns, whole)
	}
	if whole < rows {
		transposeBF16Reference(dst[whole/2*ldd:], ldd, src[whole:], lds, rows-whole, width)
	}
}

func rowsBF16(isa ISA, dst []float32, ldd int, src []float32, lds, rows, k int) {
	if hasPairs(isa) {
		rowsBF16AVX512(&dst[0], ldd, &src[0], lds, rows, k)
		return
	}
	rowsBF16Reference(dst, ldd, src, lds, rows, k)
}

func round(isa ISA, x []float32) {
	whole := 0
	if isa != Reference { // AVX-512 has AVX2
		if whole = len(x) &^ 7; whole > 0 {
			roundAVX2(&x[0], whole)
		}
	}
	roundReference(x[whole:])
}

//go:noescape
func roundAVX2(x *float32, n int)

//go:noescape
func tileBF16AVX512(rows, cols, k int, a *float32, rs, cs int, b *float32, ldb int, c *float32, ldc int, accumulate bool)

//go:noescape
func copyBF16AVX512(dst *float32, ldd int, src *float32, lds, rows, width int)

//go:noescape
func transposeBF16AVX512(dst *float32, ldd int, rows *[16]*float32, k int)

//go:noescape
func rowsBF16AVX512(dst *float32, ldd int, src *float32, lds, rows, k int)
