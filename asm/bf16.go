package asm

import (
	"math"
	"unsafe"
)

// RoundBF16 returns x rounded to bfloat16, which is the upper half of a float32:
// to the nearest, of two equally near to the one whose last bit is 0. A
// subnormal number becomes the zero of its sign, NaN a quiet NaN, and what is
// beyond the largest bfloat16 infinity. It is what VCVTNEPS2BF16 does.
func RoundBF16(x float32) float32 { return math.Float32frombits(roundBF16(math.Float32bits(x))) }

// roundBF16 is RoundBF16 on bits.
func roundBF16(b uint32) uint32 {
	const subnormals, infinity = 1 << 23, 0xff << 23
	switch magnitude := b &^ (1 << 31); {
	case magnitude < subnormals:
		return b & (1 << 31)
	case magnitude > infinity:
		return (b | 1<<22) &^ 0xffff
	}
	return (b + 0x7fff + b>>16&1) &^ 0xffff
}

// pairBF16 is the word of two values that follow each other in k, rounded to
// bfloat16: the first in its upper half, because VDPBF16PS adds the product of
// the upper halves first.
func pairBF16(first, second float32) uint32 {
	return roundBF16(math.Float32bits(first)) | roundBF16(math.Float32bits(second))>>16
}

// flush is what VDPBF16PS does to a result: zero in place of a subnormal number.
func flush(x float32) float32 {
	if b := math.Float32bits(x); b&(0xff<<23) == 0 {
		return math.Float32frombits(b & (1 << 31))
	}
	return x
}

// words is x seen as words: a pair of bfloat16 is no number to be moved as one.
func words(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// tileBF16Reference is the loop that Tile documents for pairs of bfloat16.
func tileBF16Reference(rows, cols, n int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	first := func(w uint32) float32 { return math.Float32frombits(w &^ 0xffff) }
	second := func(w uint32) float32 { return math.Float32frombits(w << 16) }
	wa, wb := words(a), words(b)
	for i := 0; i < rows; i++ {
		var acc [32]float32
		for p := 0; p < n; p++ {
			x := wa[i*rs+p*cs]
			for j, y := range wb[p*ldb:][:cols] {
				s := flush(FMA32(first(x), first(y), acc[j&31]))
				acc[j&31] = flush(FMA32(second(x), second(y), s))
			}
		}
		storeRow(c[i*ldc:][:cols], &acc, accumulate)
	}
}

func copyBF16Reference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	d := words(dst)
	for p := 0; p < rows; p += 2 {
		for j := 0; j < width; j++ {
			d[p/2*ldd+j] = pairBF16(src[p*lds+j], at(src, (p+1)*lds+j, p+1 < rows))
		}
	}
}

func transposeBF16Reference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	d := words(dst)
	for j := 0; j < width; j++ {
		for p := 0; p < rows; p += 2 {
			d[p/2*ldd+j] = pairBF16(src[j*lds+p], at(src, j*lds+p+1, p+1 < rows))
		}
	}
}

func rowsBF16Reference(dst []float32, ldd int, src []float32, lds, rows, k int) {
	d := words(dst)
	for i := 0; i < rows; i++ {
		for p := 0; p < k; p += 2 {
			d[i*ldd+p/2] = pairBF16(src[i*lds+p], at(src, i*lds+p+1, p+1 < k))
		}
	}
}

// at is x[i], or 0 beyond the last term of a sum.
func at(x []float32, i int, exists bool) float32 {
	if exists {
		return x[i]
	}
	return 0
}

// roundReference rounds x to bfloat16 where it is.
func roundReference(x []float32) {
	for i, b := range words(x) {
		words(x)[i] = roundBF16(b)
	}
}
