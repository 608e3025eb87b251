package main

import "strings"

// The BFMMLA micro-kernel: 6 rows of 16 columns in 24 accumulators of 2 × 2. Its
// tile has NEON's size, hence the same last part.
const bfmmlaFile = "gemm_bfmmla_arm64.s"

func bfmmlaSource() []byte {
	f := &neonWriter{}
	f.header()
	f.tileFours()
	f.copyFours()
	f.transposeFours()
	return f.Bytes()
}

// squareAcc is the accumulator of rows 2i, 2i+1 and columns 2v, 2v+1.
func squareAcc(i, v int) int { return 8 + 8*i + v }

// tileFours writes the function that computes a tile of C, once for each number
// of pairs of rows: r + 4 loads for 8r BFMMLA.
func (f *neonWriter) tileFours() {
	f.WriteString(`// func tileBFMMLA(rows, cols, groups int, a *float32, pair, group int, b *float32, ldb int, c *float32, ldc int, accumulate bool)
//
//	for i := 0; i < rows; i++ {
//		for j := 0; j < cols; j++ {
//			acc := float32(0)
//			for g := 0; g < groups; g++ {
//				x, y := a[i/2*pair+g*group+i%2*2:], b[g*2*ldb+2*j:]
//				acc = BFDotAdd(acc, x[0] and y[0], the lower halves, then the upper ones)
//				acc = BFDotAdd(acc, x[1] and y[1], the same)
//			}
//			c[i*ldc+j] = acc // or += acc
//		}
//	}
//
// Requires: FEAT_BF16
//
//	R0 … R2  pairs of rows of A, R6 offset of the present group, R7 distance of groups
//	R8       group of B, R9 distance of groups
//	R10      row of C, R11 distance of rows
//	R12      groups left
//	V0 … V6  A and B
//	V8 …     accumulators: rows 2i and 2i+1 in V(8+8i) … V(15+8i)
TEXT ·tileBFMMLA(SB), NOSPLIT, $384-81
	MOVD a+24(FP), R0
	MOVD pair+32(FP), R13
	MOVD group+40(FP), R7
	MOVD b+48(FP), R8
	MOVD ldb+56(FP), R9
	MOVD c+64(FP), R10
	MOVD ldc+72(FP), R11
	LSL $2, R13, R13 // bytes
	LSL $2, R7, R7 // bytes
	LSL $3, R9, R9 // bytes of two rows
	LSL $2, R11, R11 // bytes
	ADD R13, R0, R1
	ADD R13, R1, R2
	MOVD ZR, R6
	MOVD groups+16(FP), R12
	MOVD rows+0(FP), R14
	CMP $4, R14
	BGT pairs3
	CMP $2, R14
	BGT pairs2
`)
	for r := 1; r <= neonMR/2; r++ {
		f.pairs(r)
	}
	f.part()
}

// pairs writes the code for tiles of r pairs of rows, of which the last may have
// one row only.
func (f *neonWriter) pairs(r int) {
	f.label("pairs%d", r)
	f.op("MOVD R10, R15")
	for i := 0; i < 2*r; i++ {
		f.op("PRFM (R15), PLDL1KEEP // a row of C will be needed")
		f.op("ADD R11, R15")
	}
	for v := 0; v < 8*r; v++ {
		f.op("VMOVI $0, V%d.B16", squareAcc(0, v))
	}
	f.label("group%d", r)
	for i := 0; i < r; i++ {
		f.word("ldr", i, i, 6)
	}
	for v := 0; v < 8; v += 2 {
		b := 3 + v%4
		f.op("FLDPQ %d(R8), (F%d, F%d)", 16*v, b, b+1)
		for i := 0; i < r; i++ {
			f.word("bfmmla", squareAcc(i, v), i, b)
			f.word("bfmmla", squareAcc(i, v+1), i, b+1)
		}
	}
	f.op("ADD R7, R6")
	f.op("ADD R9, R8")
	f.op("SUBS $1, R12, R12")
	f.op("BNE group%d", r)
	f.storeSquares(r)
}

// storeSquares makes rows of the accumulators and ends like store: whole rows of
// C, or the stack.
func (f *neonWriter) storeSquares(r int) {
	f.op("MOVBU accumulate+80(FP), R15")
	f.op("MOVD cols+8(FP), R14")
	f.op("MOVD rows+0(FP), R13")
	f.op("CMP $%d, R14", neonNR)
	f.op("BNE part%d", r)
	f.op("CMP $%d, R13", 2*r)
	f.op("BNE part%d", r)
	f.op("CBZ R15, set%d", r)
	for i := 0; i < r; i++ {
		f.rowsOfSquares(i)
		for q := 0; q < 2; q++ {
			f.op("FLDPQ (R10), (F%d, F%d)", squareAcc(i, 0), squareAcc(i, 1))
			f.op("FLDPQ 32(R10), (F%d, F%d)", squareAcc(i, 2), squareAcc(i, 3))
			for v := 0; v < 4; v++ {
				f.word("fadd.4s", 4*q+v, squareAcc(i, v), 4*q+v)
			}
			f.saveRow(2*i+q, 2*r, 4*q)
		}
	}
	f.op("RET")
	f.label("set%d", r)
	for i := 0; i < r; i++ {
		f.rowsOfSquares(i)
		f.saveRow(2*i, 2*r, 0)
		f.saveRow(2*i+1, 2*r, 4)
	}
	f.op("RET")
	f.label("part%d", r)
	for i := 0; i < r; i++ {
		f.rowsOfSquares(i)
		for v := 0; v < 8; v += 2 {
			f.op("FSTPQ (F%d, F%d), tile-%d(SP)", v, v+1, 4*neonMR*neonNR-128*i-16*v)
		}
	}
	f.op("B part")
}

// rowsOfSquares leaves row 2i in V0 … V3, row 2i+1 in V4 … V7.
func (f *neonWriter) rowsOfSquares(i int) {
	for v := 0; v < 4; v++ {
		f.word("trn1.2d", v, squareAcc(i, 2*v), squareAcc(i, 2*v+1))
		f.word("trn2.2d", 4+v, squareAcc(i, 2*v), squareAcc(i, 2*v+1))
	}
}

// flush puts the zero of its sign in place of each subnormal number of V(v), by
// way of V(t); V31 holds 2^-126. BFCVTN would round the largest ones to 2^-126.
func (f *neonWriter) flush(v, t int) {
	f.word("facgt.4s", t, 31, v)
	f.word("ushr.4s", t, t, 1) // all but the sign
	f.word("bic", v, v, t)
}

func (f *neonWriter) leastNormal() {
	f.op("MOVD $0x00800000, R10")
	f.op("VDUP R10, V31.S4")
}

// copyFours writes the function that packs four rows at a time.
func (f *neonWriter) copyFours() {
	f.WriteString(`
// func copyBFMMLA(dst *float32, ldd int, src *float32, lds, groups, width int)
//
//	for g := 0; g < groups; g++ {
//		for j := 0; j < width; j++ { // width ≥ 4; the last four columns may be packed twice
//			dst[g*2*ldd+2*j:][:2] = RoundBF16(src[(4*g+q)*lds+j]) for q = 0 … 3, from the lowest bits up
//		}
//	}
//
// Requires: FEAT_BF16
//
//	R0       group of dst, R1 distance of groups
//	R2 … R5  rows of src, R6 distance of rows
//	R7       groups left
//	R10      offset of four columns in src, R9 that of the last ones
TEXT ·copyBFMMLA(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD ldd+8(FP), R1
	MOVD src+16(FP), R2
	MOVD lds+24(FP), R6
	MOVD groups+32(FP), R7
	MOVD width+40(FP), R9
	LSL $3, R1, R1 // bytes of two rows
	LSL $2, R6, R6 // bytes
	SUB $4, R9, R9
	LSL $2, R9, R9
	ADD R6, R2, R3
	ADD R6, R3, R4
	ADD R6, R4, R5
	LSL $2, R6, R6 // of four rows
`)
	f.leastNormal()
	f.label("group")
	f.op("MOVD ZR, R10")
	f.label("columns")
	for q := 0; q < 4; q++ {
		f.word("ldr", q, 2+q, 10)
	}
	for q := 0; q < 4; q++ {
		f.flush(q, 4+q)
		f.word("bfcvtn", q, q)
	}
	f.word("zip1.8h", 4, 0, 1) // a0 a1 b0 b1 c0 c1 d0 d1
	f.word("zip1.8h", 5, 2, 3) // a2 a3 b2 b3 …
	f.word("zip1.4s", 0, 4, 5) // a0 a1 a2 a3 b0 …
	f.word("zip2.4s", 1, 4, 5)
	f.op("ADD R10<<1, R0, R11")
	f.op("FSTPQ (F0, F1), (R11)")
	f.op("CMP R9, R10")
	f.op("BEQ next")
	f.op("ADD $16, R10")
	f.op("CMP R9, R10")
	f.op("CSEL LT, R10, R9, R10")
	f.op("B columns")
	f.label("next")
	for q := 0; q < 4; q++ {
		f.op("ADD R6, R%d", 2+q)
	}
	f.op("ADD R1, R0")
	f.op("SUBS $1, R7, R7")
	f.op("BNE group")
	f.op("RET")
}

// transposeFours writes the function that packs two columns, or two rows along k.
func (f *neonWriter) transposeFours() {
	f.WriteString(`
// func transposeBFMMLA(dst *float32, step int, x, y *float32, groups int)
//
//	for g := 0; g < groups; g++ {
//		dst[g*step:][:4] = RoundBF16(x[4*g+q]), RoundBF16(y[4*g+q]) for q = 0 … 3, from the lowest bits up
//	}
//
// Requires: FEAT_BF16
//
//	R0     dst, R1 step
//	R2 R3  x, y
//	R4     groups left
TEXT ·transposeBFMMLA(SB), NOSPLIT, $0-40
`)
	for i, name := range strings.Fields("dst+0 step+8 x+16 y+24 groups+32") {
		f.op("MOVD %s(FP), R%d", name, i)
	}
	f.op("LSL $2, R1, R1 // bytes")
	f.leastNormal()
	f.label("group")
	f.op("FMOVQ.P 16(R2), F0")
	f.op("FMOVQ.P 16(R3), F1")
	f.flush(0, 2)
	f.flush(1, 3)
	f.word("bfcvtn", 4, 0)
	f.word("bfcvtn2", 4, 1)
	f.op("FMOVQ F4, (R0)")
	f.op("ADD R1, R0")
	f.op("SUBS $1, R4, R4")
	f.op("BNE group")
	f.op("RET")
}
