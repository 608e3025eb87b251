//go:build amd64 && !purego

package asm

import "golang.org/x/sys/cpu"

// hasAMX tells whether the processor has TDPBF16PS, with AVX-512's instructions
// for bfloat16, and the system lets this process use it.
var hasAMX = hasAVX512BF16 && cpu.X86.HasAMXTile && cpu.X86.HasAMXBF16 && allowAMX()

func tilesAMX(rows, cols, n int, a []float32, rs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	if hasAMX {
		tileAMX(rows, cols, n, &a[0], rs, &b[0], ldb, &c[0], ldc, accumulate)
	} else {
		tilesAMXReference(rows, cols, n, a, rs, b, ldb, c, ldc, accumulate)
	}
}

// transposeWords puts word p of column j at dst[p*ldd+j], as transposePanel does.
func transposeWords(dst []float32, ldd int, src []float32, lds, rows, width int) {
	if hasAMX {
		transposePanel(AVX512, dst, ldd, src, lds, rows, width)
	} else {
		transposeWordsReference(dst, ldd, src, lds, rows, width)
	}
}

//go:noescape
func tileAMX(rows, cols, n int, a *float32, rs int, b *float32, ldb int, c *float32, ldc int, accumulate bool)
