package main

import (
	"fmt"
	"strings"
)

// bf16 is AVX-512 with the instructions for bfloat16, whose words are pairs.
// The tile is that of AVX-512 with another product.
var bf16 = target{name: "BF16AVX512", requires: "AVX512F, AVX512BW, AVX512_BF16", reg: "Z", lanes: 16, mr: 14, pairs: true}

// Opcodes of the instructions that Go's assembler does not know: the byte after
// the prefix's map and type.
const (
	dot   = 0x52 // VDPBF16PS: dst += src1[2i+1]*src2[2i+1], then += src1[2i]*src2[2i]
	round = 0x72 // VCVTNE2PS2BF16: the lower half of dst from src2, the upper from src1
)

// evex encodes an instruction of map 0F38, W0, on three Z registers.
func evex(opcode, dst, src1, src2 int) [6]byte {
	not := func(register, bit int) int { return ^register >> bit & 1 }
	prefix := 2 // F3, of VDPBF16PS
	if opcode == round {
		prefix = 3 // F2
	}
	return [6]byte{0x62,
		byte(not(dst, 3)<<7 | not(src2, 4)<<6 | not(src2, 3)<<5 | not(dst, 4)<<4 | 2),
		byte(^src1&15<<3 | 1<<2 | prefix),
		byte(2<<5 | not(src1, 4)<<3), // 512 bits, no mask
		byte(opcode),
		byte(3<<6 | dst&7<<3 | src2&7)}
}

var mnemonics = map[int]string{dot: "VDPBF16PS", round: "VCVTNE2PS2BF16"}

// raw names an instruction with its operands in the order of Go's assembler, and
// has the header define it as a macro.
func (f *file) raw(opcode, src2, src1, dst int) string {
	name := fmt.Sprintf("%s_Z%d_Z%d_Z%d", mnemonics[opcode], src2, src1, dst)
	if !f.defined[name] {
		f.defined[name] = true
		var bytes []string
		for _, b := range evex(opcode, dst, src1, src2) {
			bytes = append(bytes, fmt.Sprintf("BYTE $0x%02x", b))
		}
		f.macros = append(f.macros, fmt.Sprintf("#define %s %s\n", name, strings.Join(bytes, "; ")))
	}
	return name
}

// pairSource is the file of the kernels for pairs of bfloat16: the macros stand
// before the code that has asked for them.
func (t target) pairSource() []byte {
	body := &file{target: t, defined: map[string]bool{}}
	body.tile()
	body.copyPairs()
	body.rowPairs()
	body.transposePairs()
	f := &file{target: t}
	f.header()
	fmt.Fprintf(f, `// Instructions that the assembler does not know, with their operands: the last
// is the destination.
%s
// ·interleave: the words of 16 bits j and 16+j side by side, for j < 16.
`, strings.Join(body.macros, ""))
	for j := 0; j < 16; j += 2 {
		fmt.Fprintf(f, "DATA interleave<>+%d(SB)/8, $0x%04x%04x%04x%04x\n", 4*j, 17+j, j+1, 16+j, j)
	}
	fmt.Fprint(f, "GLOBL interleave<>(SB), RODATA|NOPTR, $64\n\n")
	f.Write(body.Bytes())
	return f.Bytes()
}

// copyPairs writes the function that packs pairs of rows into a panel.
func (f *file) copyPairs() {
	fmt.Fprintf(f, `
// func copy%s(dst *float32, ldd int, src *float32, lds, rows, width int)
//
//	for p := 0; p < rows; p += 2 { // a row of zeros follows the last of an odd number
//		for j := 0; j < width; j++ { // zeros up to a whole vector
//			dst[p/2*ldd+j] = RoundBF16(src[p*lds+j]) in the upper half, RoundBF16(src[(p+1)*lds+j]) in the lower
//		}
//	}
//
// Requires: %s
//
//	DI     row of dst, DX distance of rows
//	SI     row of src, CX distance of rows
//	AX     rows left
//	K1 K2  columns 0–15, 16–31
//	Z6     the order of interleaved halves
TEXT ·copy%[1]s(SB), NOSPLIT, $0-48
`, f.name, f.requires)
	f.line("", "MOVQ dst+0(FP), DI")
	f.line("", "MOVQ ldd+8(FP), DX")
	f.line("", "MOVQ width+40(FP), CX")
	f.line("", "MOVQ CX, BX")
	f.line("", "MOVQ $1, AX")
	f.line("", "SHLQ CX, AX")
	f.line("mask of the width", "DECQ AX")
	f.line("", "KMOVW AX, K1")
	f.line("", "SHRQ $16, AX")
	f.line("", "KMOVW AX, K2")
	f.line("", "MOVQ src+16(FP), SI")
	f.line("", "MOVQ lds+24(FP), CX")
	f.line("", "MOVQ rows+32(FP), AX")
	f.line("bytes", "SHLQ $2, DX")
	f.line("bytes", "SHLQ $2, CX")
	f.line("", "VMOVDQU32 interleave<>(SB), Z6")
	f.line("", "SUBQ $2, AX")
	f.line("", "CMPQ BX, $16")
	f.line("", "JLE narrow")
	for vectors := 2; vectors >= 1; vectors-- {
		name := []string{"narrow", "wide"}[vectors-1]
		pair := func(odd bool) {
			for v := 0; v < vectors; v++ {
				f.line("row p", "VMOVUPS.Z %d(SI), K%d, Z%d", 64*v, v+1, v)
				if odd {
					f.line("no row p+1", "VPXORD Z%d, Z%[1]d, Z%[1]d", 2+v)
				} else {
					f.line("row p+1", "VMOVUPS.Z %d(SI)(CX*1), K%d, Z%d", 64*v, v+1, 2+v)
				}
				f.line("halves: p+1, p", "%s", f.raw(round, 2+v, v, 4))
				f.line("", "VPERMW Z4, Z6, Z4")
				f.line("", "VMOVDQU32 Z4, %d(DI)", 64*v)
			}
		}
		f.label("%s", name)
		f.line("", "TESTQ AX, AX")
		f.line("", "JLT last%s", name)
		f.label("loop%s", name)
		pair(false)
		f.line("", "LEAQ (SI)(CX*2), SI")
		f.line("", "ADDQ DX, DI")
		f.line("", "SUBQ $2, AX")
		f.line("", "JGE loop%s", name)
		f.label("last%s", name)
		f.line("rows left, −1 if one", "CMPQ AX, $-1")
		f.line("", "JNE end%s", name)
		pair(true)
		f.label("end%s", name)
		f.line("", "VZEROUPPER")
		f.line("", "RET")
	}
}

// rowPairs writes the function that packs rows along k.
func (f *file) rowPairs() {
	fmt.Fprintf(f, `
// func rows%s(dst *float32, ldd int, src *float32, lds, rows, k int)
//
//	for i := 0; i < rows; i++ {
//		for p := 0; p < k; p += 2 { // 0 follows the last of an odd number
//			dst[i*ldd+p/2] = RoundBF16(src[i*lds+p]) in the upper half, RoundBF16(src[i*lds+p+1]) in the lower
//		}
//	}
//
// Requires: %s
//
//	DI     row of dst, DX distance of rows
//	SI     row of src, CX distance of rows
//	R8 R9  present word of dst, value of src
//	R10    whole vectors of a row, BX those left
//	K1 K2  values 0–15, 16–31 after the last whole vector, K3 their words
TEXT ·rows%[1]s(SB), NOSPLIT, $0-48
`, f.name, f.requires)
	f.line("", "MOVQ k+40(FP), CX")
	f.line("", "MOVQ CX, R10")
	f.line("vectors of 32 values", "SHRQ $5, R10")
	f.line("", "ANDQ $31, CX")
	f.line("", "MOVQ $1, AX")
	f.line("", "SHLQ CX, AX")
	f.line("mask of the values left", "DECQ AX")
	f.line("", "KMOVW AX, K1")
	f.line("", "SHRQ $16, AX")
	f.line("", "KMOVW AX, K2")
	f.line("", "INCQ CX")
	f.line("words left", "SHRQ $1, CX")
	f.line("", "MOVQ CX, R11")
	f.line("", "MOVQ $1, AX")
	f.line("", "SHLQ CX, AX")
	f.line("", "DECQ AX")
	f.line("", "KMOVW AX, K3")
	f.line("", "MOVQ dst+0(FP), DI")
	f.line("", "MOVQ ldd+8(FP), DX")
	f.line("", "MOVQ src+16(FP), SI")
	f.line("", "MOVQ lds+24(FP), CX")
	f.line("", "MOVQ rows+32(FP), AX")
	f.line("bytes", "SHLQ $2, DX")
	f.line("bytes", "SHLQ $2, CX")
	f.label("row")
	f.line("", "MOVQ DI, R8")
	f.line("", "MOVQ SI, R9")
	f.line("", "MOVQ R10, BX")
	f.line("", "TESTQ BX, BX")
	f.line("", "JEQ rest")
	f.label("vector")
	f.line("", "VMOVUPS (R9), Z0")
	f.line("", "VMOVUPS 64(R9), Z1")
	f.line("first value in the lower half", "%s", f.raw(round, 0, 1, 2))
	f.line("in the upper", "VPROLD $16, Z2, Z2")
	f.line("", "VMOVDQU32 Z2, (R8)")
	f.line("", "ADDQ $128, R9")
	f.line("", "ADDQ $64, R8")
	f.line("", "DECQ BX")
	f.line("", "JNE vector")
	f.label("rest")
	f.line("", "TESTQ R11, R11")
	f.line("", "JEQ next")
	f.line("", "VMOVUPS.Z (R9), K1, Z0")
	f.line("", "VMOVUPS.Z 64(R9), K2, Z1")
	f.line("", "%s", f.raw(round, 0, 1, 2))
	f.line("", "VPROLD $16, Z2, Z2")
	f.line("", "VMOVDQU32 Z2, K3, (R8)")
	f.label("next")
	f.line("", "ADDQ CX, SI")
	f.line("", "ADDQ DX, DI")
	f.line("", "DECQ AX")
	f.line("", "JNE row")
	f.line("", "VZEROUPPER")
	f.line("", "RET")
}

// transposePairs writes the function that packs a vector of columns: of each of
// 16 rows of src a whole line of the cache at a time.
func (f *file) transposePairs() {
	fmt.Fprintf(f, `
// func transpose%s(dst *float32, ldd int, rows *[16]*float32, k int)
//
//	for p := 0; p < k; p += 2 { // k is a multiple of 16
//		for j := range rows {
//			dst[p/2*ldd+j] = RoundBF16(rows[j][p]) in the upper half, RoundBF16(rows[j][p+1]) in the lower
//		}
//	}
//
// Requires: %s
//
//	DI         row of dst, DX distance of rows, R12 three times that
//	BX         the table of rows
//	CX         p in bytes, AX end of p
//	Z0 … Z3    four words; in lane L of 128 bits: row 4L, 4L+1, 4L+2, 4L+3
//	Z4 … Z7    the next four words
TEXT ·transpose%[1]s(SB), NOSPLIT, $0-32
`, f.name, f.requires)
	f.line("", "MOVQ dst+0(FP), DI")
	f.line("", "MOVQ ldd+8(FP), DX")
	f.line("", "MOVQ rows+16(FP), BX")
	f.line("", "MOVQ k+24(FP), AX")
	f.line("bytes", "SHLQ $2, DX")
	f.line("bytes", "SHLQ $2, AX")
	f.line("", "LEAQ (DX)(DX*2), R12")
	f.line("", "XORQ CX, CX")
	f.label("sixteen")
	pointers := []string{"R8", "R9", "R10", "R11"}
	for r := 0; r < 4; r++ {
		for l, p := range pointers {
			f.line("", "MOVQ %d(BX), %s", 8*(4*l+r), p)
		}
		for l, p := range pointers {
			f.line(fmt.Sprintf("row %d", 4*l+r), "VMOVUPS (%s)(CX*1), Z%d", p, 12+l)
		}
		f.line(fmt.Sprintf("rows %d, %d", r, 4+r), "%s", f.raw(round, 12, 13, 16))
		f.line(fmt.Sprintf("rows %d, %d", 8+r, 12+r), "%s", f.raw(round, 14, 15, 17))
		f.line("", "VPROLD $16, Z16, Z16")
		f.line("", "VPROLD $16, Z17, Z17")
		f.line("words 0–3", "VSHUFI32X4 $0x88, Z17, Z16, Z%d", r)
		f.line("words 4–7", "VSHUFI32X4 $0xdd, Z17, Z16, Z%d", 4+r)
	}
	for from := 0; from < 8; from += 4 {
		z := func(i int) string { return fmt.Sprintf("Z%d", from+i) }
		f.line("a0 b0 a1 b1", "VUNPCKLPS %s, %s, Z8", z(1), z(0))
		f.line("a2 b2 a3 b3", "VUNPCKHPS %s, %s, Z9", z(1), z(0))
		f.line("c0 d0 c1 d1", "VUNPCKLPS %s, %s, Z10", z(3), z(2))
		f.line("c2 d2 c3 d3", "VUNPCKHPS %s, %s, Z11", z(3), z(2))
		f.line("a0 b0 c0 d0", "VUNPCKLPD Z10, Z8, %s", z(0))
		f.line("a1 b1 c1 d1", "VUNPCKHPD Z10, Z8, %s", z(1))
		f.line("a2 b2 c2 d2", "VUNPCKLPD Z11, Z9, %s", z(2))
		f.line("a3 b3 c3 d3", "VUNPCKHPD Z11, Z9, %s", z(3))
		f.line("", "VMOVUPS %s, (DI)", z(0))
		f.line("", "VMOVUPS %s, (DI)(DX*1)", z(1))
		f.line("", "VMOVUPS %s, (DI)(DX*2)", z(2))
		f.line("", "VMOVUPS %s, (DI)(R12*1)", z(3))
		f.line("", "LEAQ (DI)(DX*4), DI")
	}
	f.line("", "ADDQ $64, CX")
	f.line("", "CMPQ CX, AX")
	f.line("", "JLT sixteen")
	f.line("", "VZEROUPPER")
	f.line("", "RET")
}
