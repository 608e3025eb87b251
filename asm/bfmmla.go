package asm

import "math"

// BFMMLA multiplies a matrix of 2 × 4 bfloat16 by the transpose of another: of
// each row four values of k lie side by side, and two rows fill a vector. So its
// packed operands are words like those of BF16, two values of k each, the first
// in the lower half; but the words 2g and 2g+1 of a row follow each other, and
// those of the next row follow them:
//
//	row i, word p:  i/2·pair + p/2·group + i%2·2 + p%2
//
// Copy and Transpose make a panel of such rows, the columns of src: pair = 4,
// group = 2·ldd, so that two rows of the panel are interleaved. Rows puts pairs
// beside each other: pair = 2·ldd, group = 4.

// BFDotAdd returns acc + (x0·y0 + x1·y1) as BFMMLA and BFDOT compute it, without
// FEAT_EBF16 or with FPCR.EBF = 0, which is how systems start a process: the
// products, their sum and the sum with acc are each rounded to odd, cut to 24
// bits of which the last is set when anything was lost. What is below 2^-126
// then is the zero of its sign, what is beyond the largest float32 infinity.
//
// x and y are bfloat16, and no operand is subnormal.
func BFDotAdd(acc, x0, y0, x1, y1 float32) float32 {
	p0, p1 := odd32(float64(x0)*float64(y0)), odd32(float64(x1)*float64(y1))
	return sumOdd32(acc, sumOdd32(p0, p1))
}

func sumOdd32(x, y float32) float32 { return odd32(sumOdd(float64(x), float64(y))) }

// odd32 rounds s to odd. Where s is itself a sum rounded to odd, its last bits
// still tell whether anything was lost.
func odd32(s float64) float32 {
	const infinity, largest = 0x7ff << 52, (1023 + 128) << 52
	b := math.Float64bits(s)
	sign := uint32(b>>32) & (1 << 31)
	switch b &^= 1 << 63; {
	case b > infinity:
		return math.Float32frombits(0x7fc00000)
	case b >= largest:
		return math.Float32frombits(sign | 0xff<<23)
	case b < smallest32:
		return math.Float32frombits(sign)
	}
	m := sign | uint32((b-(1023-127)<<52)>>29)
	if b&(1<<29-1) != 0 {
		m |= 1
	}
	return math.Float32frombits(m)
}

// foursA returns the distances of pairs of rows and of groups in an operand A for
// Tile: Rows packed it where cs = 1, else Copy or Transpose.
func foursA(rs, cs int) (pair, group int) {
	if cs == 1 {
		return 2 * rs, 4
	}
	return 4, 2 * cs
}

// placeFours is the place of word p of row i.
func placeFours(i, p, pair, group int) int { return i/2*pair + p/2*group + i%2*2 + p%2 }

// tileFoursReference is the loop that Tile documents for BFMMLA.
func tileFoursReference(rows, cols, n int, a []float32, pair, group int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	lower := func(w uint32) float32 { return math.Float32frombits(w << 16) }
	upper := func(w uint32) float32 { return math.Float32frombits(w &^ 0xffff) }
	wa, wb := words(a), words(b)
	for i := 0; i < rows; i++ {
		var acc [32]float32
		for p := 0; p < n; p++ {
			x := wa[placeFours(i, p, pair, group)]
			for j := 0; j < cols; j++ {
				y := wb[placeFours(j, p, 4, 2*ldb)]
				acc[j&31] = BFDotAdd(acc[j&31], lower(x), lower(y), upper(x), upper(y))
			}
		}
		storeRow(c[i*ldc:][:cols], &acc, accumulate)
	}
}

// packFoursReference packs n rows of k values: value q of row i is
// src[i*si+q*sq]. Zeros follow up to a multiple of four values.
func packFoursReference(dst []float32, pair, group int, src []float32, si, sq, n, k int) {
	d := words(dst)
	value := func(i, q int) float32 { return at(src, i*si+q*sq, q < k) }
	for i := 0; i < n; i++ {
		for p := 0; p < (k+3)/4*2; p++ {
			d[placeFours(i, p, pair, group)] = pairBF16(value(i, 2*p+1), value(i, 2*p))
		}
	}
}
