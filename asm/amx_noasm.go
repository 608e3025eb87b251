//go:build !amd64 || purego

package asm

func tilesAMX(rows, cols, n int, a []float32, rs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	tilesAMXReference(rows, cols, n, a, rs, b, ldb, c, ldc, accumulate)
}

// transposeWords puts word p of column j at dst[p*ldd+j], as transposePanel does.
func transposeWords(dst []float32, ldd int, src []float32, lds, rows, width int) {
	transposeWordsReference(dst, ldd, src, lds, rows, width)
}
