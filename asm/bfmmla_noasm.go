//go:build !arm64 || purego

package asm

func tileFours(rows, cols, words int, a []float32, pair, group int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	tileFoursReference(rows, cols, words, a, pair, group, b, ldb, c, ldc, accumulate)
}

func copyFours(dst []float32, ldd int, src []float32, lds, rows, width int) {
	packFoursReference(dst, 4, 2*ldd, src, 1, lds, width, rows)
}

func rowsFours(dst []float32, pair, group int, src []float32, lds, rows, k int) {
	packFoursReference(dst, pair, group, src, lds, 1, rows, k)
}
