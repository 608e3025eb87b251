//go:build !amd64 || purego

package asm

// hasAVX512BF16 tells whether the processor has VDPBF16PS.
const hasAVX512BF16 = false

func tileBF16(_ ISA, rows, cols, words int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	tileBF16Reference(rows, cols, words, a, rs, cs, b, ldb, c, ldc, accumulate)
}

func copyBF16(_ ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	copyBF16Reference(dst, ldd, src, lds, rows, width)
}

func transposeBF16(_ ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	transposeBF16Reference(dst, ldd, src, lds, rows, width)
}

func rowsBF16(_ ISA, dst []float32, ldd int, src []float32, lds, rows, k int) {
	rowsBF16Reference(dst, ldd, src, lds, rows, k)
}

func round(_ ISA, x []float32) { roundReference(x) }
