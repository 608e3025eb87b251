//go:build (!amd64 && !arm64) || purego

package asm

func tile(_ ISA, rows, cols, kc int, a []float32, rs, cs, _ int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	tileReference(rows, cols, kc, a, rs, cs, b, ldb, c, ldc, accumulate)
}

func tilesAtOnce(ISA) bool { return false }

func rowCols(ISA, int, int, bool) int { return 0 }

func row(ISA, int, int, []float32, int, []float32, int, bool, []float32, bool) {}

func copyPanel(_ ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	copyReference(dst, ldd, src, lds, rows, width)
}

func transposePanel(_ ISA, dst []float32, ldd int, src []float32, lds, rows, width int) {
	transposeReference(dst, ldd, src, lds, rows, width)
}

func prefetch(ISA, []float32) {}
