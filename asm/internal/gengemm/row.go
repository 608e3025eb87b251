package main

import "fmt"

// rowCols is the number of columns that the functions for one row of C do at a time.
const rowCols = 64

// row writes the function for one row of C and rows of B: a row of B passes by and
// nothing of it is needed again, so that only the way from memory counts.
func (f *file) row() {
	fmt.Fprintf(f, `
// func row%s(cols, k int, a *float32, cs int, b *float32, ldb int, c *float32, accumulate bool)
//
//	for j := 0; j < cols; j++ { // cols is a multiple of %d
//		acc := float32(0)
//		for p := 0; p < k; p++ {
//			acc = FMA32(a[p*cs], b[p*ldb+j], acc)
//		}
//		c[j] = acc // or += acc
//	}
//
// Requires: %s
//
//	AX     k, counted down
//	SI     element of A, R12 distance of elements in bytes
//	BX     B, DX row of B, R13 distance of rows, R9 eight times that
//	DI CX  C, columns left
//	Y0 …   accumulators
TEXT ·row%[1]s(SB), NOSPLIT, $0-57
`, f.name, rowCols, f.requires)
	f.line("", "MOVQ cols+0(FP), CX")
	f.line("", "MOVQ cs+24(FP), R12")
	f.line("", "MOVQ b+32(FP), BX")
	f.line("", "MOVQ ldb+40(FP), R13")
	f.line("", "MOVQ c+48(FP), DI")
	f.line("bytes", "SHLQ $2, R12")
	f.line("bytes", "SHLQ $2, R13")
	f.line("", "LEAQ (R13*8), R9")
	f.label("group")
	f.line("", "MOVQ a+16(FP), SI")
	f.line("", "MOVQ BX, DX")
	f.line("", "MOVQ k+8(FP), AX")
	vectors := rowCols / f.lanes
	for v := 0; v < vectors; v++ {
		f.line("acc = 0", "VXORPS Y%[1]d, Y%[1]d, Y%[1]d", v)
	}
	f.label("step")
	for v := 0; v < vectors; v += 2 {
		f.line("eight rows ahead", "PREFETCHT0 %d(DX)(R9*1)", 4*f.lanes*v)
	}
	f.line("", "VBROADCASTSS (SI), Y8")
	for v := 0; v < vectors; v++ {
		f.line("", "VFMADD231PS %d(DX), Y8, Y%d", 4*f.lanes*v, v)
	}
	f.line("", "ADDQ R12, SI")
	f.line("", "ADDQ R13, DX")
	f.line("", "DECQ AX")
	f.line("", "JNE step")
	f.endRow("accumulate+56(FP)", 0, vectors)
	f.line("", "ADDQ $%d, BX", 4*rowCols)
	f.line("", "ADDQ $%d, DI", 4*rowCols)
	f.line("", "SUBQ $%d, CX", rowCols)
	f.line("", "JNE group")
	f.line("", "VZEROUPPER")
	f.line("", "RET")
}

// endRow stores the accumulators from Y(first) on.
func (f *file) endRow(accumulate string, first, vectors int) {
	f.line("", "CMPB %s, $0", accumulate)
	f.line("", "JEQ set")
	for v := 0; v < vectors; v++ {
		f.line("acc = c + acc", "VADDPS %d(DI), Y%d, Y%[2]d", 4*f.lanes*v, first+v)
	}
	f.label("set")
	for v := 0; v < vectors; v++ {
		f.line("", "VMOVUPS Y%d, %d(DI)", first+v, 4*f.lanes*v)
	}
}

// rowTransposed writes the function for one row of C and B stored transposed, which
// is transposed in registers.
func (f *file) rowTransposed() {
	fmt.Fprintf(f, `
// func rowTransposed%s(cols, k int, a, b *float32, ldb int, c *float32, accumulate bool)
//
//	for j := 0; j < cols; j++ { // cols is a multiple of 16, k of 16
//		acc := float32(0)
//		for p := 0; p < k; p++ {
//			acc = FMA32(a[p], b[j*ldb+p], acc)
//		}
//		c[j] = acc // or += acc
//	}
//
// Requires: %s
//
//	AX      k, counted down
//	SI      element of A
//	R8 … R11  rows 0, 4, 8, 12 of B at the present column
//	BX      row 0 of the next group, R13 distance of rows in bytes, DX three times that
//	DI CX   C, columns left
//	Y0 … Y7  as in transpose%[1]s
//	Y14 Y15  accumulators
TEXT ·rowTransposed%[1]s(SB), NOSPLIT, $0-49
`, f.name, f.requires)
	f.line("", "MOVQ cols+0(FP), CX")
	f.line("", "MOVQ b+24(FP), BX")
	f.line("", "MOVQ ldb+32(FP), R13")
	f.line("", "MOVQ c+40(FP), DI")
	f.line("bytes", "SHLQ $2, R13")
	f.line("", "LEAQ (R13)(R13*2), DX")
	f.label("group")
	f.line("", "MOVQ a+16(FP), SI")
	f.line("", "MOVQ k+8(FP), AX")
	f.line("", "MOVQ BX, R8")
	f.line("", "LEAQ (R8)(R13*4), R9")
	f.line("", "LEAQ (R9)(R13*4), R10")
	f.line("", "LEAQ (R10)(R13*4), R11")
	f.line("", "LEAQ (R11)(R13*4), BX")
	f.line("acc = 0", "VXORPS Y14, Y14, Y14")
	f.line("acc = 0", "VXORPS Y15, Y15, Y15")
	f.label("sixteen")
	for g, rows := range [][2]string{{"R8", "R9"}, {"R10", "R11"}} {
		for p := 0; p < 16; p += 4 {
			for r, at := range []string{"", "(R13*1)", "(R13*2)", "(DX*1)"} {
				f.line(fmt.Sprintf("rows %d, %d", 8*g+r, 8*g+r+4), "VMOVUPS %d(%s)%s, X%d", 4*p, rows[0], at, r)
				f.line("", "VINSERTF128 $1, %d(%s)%s, Y%d, Y%[4]d", 4*p, rows[1], at, r)
			}
			f.transposeFour()
			for q := 0; q < 4; q++ {
				f.line("", "VBROADCASTSS %d(SI), Y%d", 4*(p+q), 8+q)
				f.line("", "VFMADD231PS Y%d, Y%d, Y%d", q, 8+q, 14+g)
			}
		}
	}
	for _, r := range []string{"SI", "R8", "R9", "R10", "R11"} {
		f.line("", "ADDQ $64, %s", r)
	}
	f.line("", "SUBQ $16, AX")
	f.line("", "JNE sixteen")
	f.endRow("accumulate+48(FP)", 14, 2)
	f.line("", "ADDQ $64, DI")
	f.line("", "SUBQ $16, CX")
	f.line("", "JNE group")
	f.line("", "VZEROUPPER")
	f.line("", "RET")
}
