package main

import (
	"fmt"
	"strings"
)

// The AMX micro-kernel: 32 rows of 32 columns in four tiles of 16 × 16 sums. A word
// is two values of k, a round multiplies 16 of them.

const amxFile = "gemm_amx_amd64.s"

// numbers are those of the registers that AMX's instructions address memory with.
var numbers = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "BP": 5, "SI": 6, "DI": 7,
	"R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15}

// Prefixes of AMX's instructions: the byte of VEX that has their type.
const (
	noType = 0 // LDTILECFG, TILERELEASE
	typeF3 = 2
	typeF2 = 3
)

// vex encodes an instruction of map 0F38, W0, 128 bits, whose operands modrm names.
// base and index are registers of an address, 0 where there is none, source that of
// the operand outside of modrm.
func vex(kind, opcode, base, index, source int, modrm ...byte) []byte {
	return append([]byte{0xc4,
		byte(0x80 | (^index>>3&1)<<6 | (^base>>3&1)<<5 | 2),
		byte(^source&15<<3 | kind), byte(opcode)}, modrm...)
}

// move encodes TILELOADD (0xf2) or TILESTORED (0xf3) of tile t: its rows of 64 bytes
// start at base+displacement, index apart.
func move(kind, t int, base string, displacement int, index string) []byte {
	b, i := numbers[base], numbers[index]
	modrm := []byte{byte(1<<6 | t<<3 | 4), byte(i&7<<3 | b&7), byte(displacement)}
	if displacement >= 128 {
		modrm = []byte{byte(2<<6 | t<<3 | 4), byte(i&7<<3 | b&7), byte(displacement), byte(displacement >> 8), 0, 0}
	}
	return vex(kind, 0x4b, b, i, 0, modrm...)
}

// instruction writes bytes under the name of what they are.
func (f *file) instruction(code []byte, format string, args ...any) {
	var bytes []string
	for _, b := range code {
		bytes = append(bytes, fmt.Sprintf("BYTE $0x%02x", b))
	}
	f.line(fmt.Sprintf(format, args...), "%s", strings.Join(bytes, "; "))
}

func (f *file) load(t int, base string, displacement int, index string) {
	f.instruction(move(typeF2, t, base, displacement, index), "TILELOADD %d(%s)(%s*1), T%d", displacement, base, index, t)
}

func (f *file) storeTile(t int, base string, displacement int, index string) {
	f.instruction(move(typeF3, t, base, displacement, index), "TILESTORED T%d, %d(%s)(%s*1)", t, displacement, base, index)
}

// dotTiles is T(c) += T(a)·T(b).
func (f *file) dotTiles(c, a, b int) {
	f.instruction(vex(typeF3, 0x5c, 0, 0, b, byte(3<<6|c<<3|a)), "TDPBF16PS T%d, T%d, T%d", b, a, c)
}

func (f *file) zeroTile(t int) {
	f.instruction(vex(typeF2, 0x49, 0, 0, 0, byte(3<<6|t<<3)), "TILEZERO T%d", t)
}

// amxSource is the file of the kernel.
func amxSource() []byte {
	f := &file{target: target{reg: "Z"}}
	f.header()
	f.WriteString(`// ·shapes: all eight tiles are of 16 rows of 64 bytes.
DATA shapes<>+0(SB)/8, $1
DATA shapes<>+8(SB)/8, $0
DATA shapes<>+16(SB)/8, $0x0040004000400040
DATA shapes<>+24(SB)/8, $0x0040004000400040
DATA shapes<>+32(SB)/8, $0
DATA shapes<>+40(SB)/8, $0
DATA shapes<>+48(SB)/8, $0x1010101010101010
DATA shapes<>+56(SB)/8, $0
GLOBL shapes<>(SB), RODATA|NOPTR, $64

// func tileAMX(rows, cols, n int, a *float32, rs int, b *float32, ldb int, c *float32, ldc int, accumulate bool)
//
//	for i := 0; i < rows; i++ {
//		for j := 0; j < cols; j++ {
//			acc := float32(0)
//			for p := 0; p < n; p += 16 { // n is a multiple of 16
//				acc = TileDotAdd(acc, the pairs p … p+15 of row i of a, the pairs b[p*ldb+j] … b[(p+15)*ldb+j])
//			}
//			c[i*ldc+j] = acc // or += acc
//		}
//	}
//
// Any number of rows, 32 at a time, of at most 32 columns. a lies in squares of 16 × 16,
// those of 16 rows after each other, 16*rs from those of the 16 rows before.
//
// Requires: AMX-BF16, AVX512F
//
//	AX     rows left
//	SI     square of a, DI that of the next 16 rows
//	BX     row of b, R13 distance of rows, R9 of 16 of them
//	CX     row of c, R12 distance of rows
//	DX     bytes of a row of a, R10 those left; R11 bytes of 16 rows
//	R8     32 rows of sums, R14 distance of them; R15 distance of rows of a square
//	T0 T1  sums of rows 0–15, T2 T3 of rows 16–31
//	T4 T5  rows 0–15 and 16–31 of a; T6 T7 columns 0–15 and 16–31 of b
//	K1 K2  columns 0–15, 16–31
TEXT ·tileAMX(SB), 0, $4160-73
`)
	f.line("", "MOVQ cols+8(FP), CX")
	f.line("", "MOVQ $1, AX")
	f.line("", "SHLQ CX, AX")
	f.line("mask of the columns", "DECQ AX")
	f.line("", "KMOVW AX, K1")
	f.line("", "SHRQ $16, AX")
	f.line("", "KMOVW AX, K2")
	f.line("", "MOVQ rows+0(FP), AX")
	f.line("", "MOVQ n+16(FP), DX")
	f.line("", "MOVQ a+24(FP), SI")
	f.line("", "MOVQ rs+32(FP), R11")
	f.line("", "MOVQ ldb+48(FP), R13")
	f.line("", "MOVQ c+56(FP), CX")
	f.line("", "MOVQ ldc+64(FP), R12")
	for _, r := range []string{"DX", "R11", "R13", "R12"} {
		f.line("bytes", "SHLQ $2, %s", r)
	}
	f.line("bytes of 16 rows", "SHLQ $4, R11")
	f.line("", "MOVQ R13, R9")
	f.line("", "SHLQ $4, R9")
	f.line("", "LEAQ sums-4160(SP), R8")
	f.line("to whole lines", "ADDQ $63, R8")
	f.line("", "ANDQ $~63, R8")
	f.line("", "MOVQ $128, R14")
	f.line("", "MOVQ $64, R15")
	f.line("", "LEAQ shapes<>(SB), R10")
	f.instruction(vex(noType, 0x49, 10, 0, 0, 2), "LDTILECFG (R10)")
	f.label("block")
	f.line("", "MOVQ b+40(FP), BX")
	f.line("", "MOVQ DX, R10")
	f.line("", "CMPQ AX, $16")
	f.line("", "JLE sixteen")
	f.line("", "LEAQ (SI)(R11*1), DI")
	f.amxRows(2)
	f.line("", "JMP sums")
	f.label("sixteen")
	f.amxRows(1)
	f.label("sums")
	f.amxSums()
	f.instruction(vex(noType, 0x49, 0, 0, 0, 0xc0), "TILERELEASE")
	f.line("", "VZEROUPPER")
	f.line("", "RET")
	return f.Bytes()
}

// amxRows writes the loop over k for one or two tiles of rows.
func (f *file) amxRows(tiles int) {
	for t := range 2 * tiles {
		f.zeroTile(t)
	}
	f.label("loop%d", tiles)
	f.load(4, "SI", 0, "R15")
	f.load(6, "BX", 0, "R13")
	f.dotTiles(0, 4, 6)
	f.load(7, "BX", 64, "R13")
	f.dotTiles(1, 4, 7)
	if tiles == 2 {
		f.load(5, "DI", 0, "R15")
		f.dotTiles(2, 5, 6)
		f.dotTiles(3, 5, 7)
		f.line("", "ADDQ $1024, DI")
	}
	f.line("", "ADDQ $1024, SI")
	f.line("", "ADDQ R9, BX")
	f.line("", "SUBQ $64, R10")
	f.line("", "JNE loop%d", tiles)
	for t := range 2 * tiles {
		f.storeTile(t, "R8", t/2*16*128+t%2*64, "R14")
	}
}

// amxSums writes the loop that stores the sums of up to 32 rows.
func (f *file) amxSums() {
	f.line("", "MOVQ DX, DI")
	f.line("", "SHLQ $4, DI")
	f.line("", "SUBQ DI, SI")
	f.line("the next 32 rows", "LEAQ (SI)(R11*2), SI")
	f.line("", "MOVQ $32, DI")
	f.line("", "CMPQ AX, $32")
	f.line("", "JGE some")
	f.line("", "MOVQ AX, DI")
	f.label("some")
	f.line("", "SUBQ DI, AX")
	f.line("", "MOVQ R8, BX")
	f.line("", "CMPB accumulate+72(FP), $0")
	f.line("", "JEQ set")
	for _, name := range []string{"add", "set"} {
		f.label("%s", name)
		f.line("", "VMOVUPS (BX), Z0")
		f.line("", "VMOVUPS 64(BX), Z1")
		if name == "add" {
			f.line("", "VMOVUPS.Z (CX), K1, Z2")
			f.line("", "VMOVUPS.Z 64(CX), K2, Z3")
			f.line("", "VADDPS Z0, Z2, Z0")
			f.line("", "VADDPS Z1, Z3, Z1")
		}
		f.line("", "VMOVUPS Z0, K1, (CX)")
		f.line("", "VMOVUPS Z1, K2, 64(CX)")
		f.line("", "ADDQ $128, BX")
		f.line("", "ADDQ R12, CX")
		f.line("", "DECQ DI")
		f.line("", "JNE %s", name)
		if name == "add" {
			f.line("", "JMP stored")
		}
	}
	f.label("stored")
	f.line("", "TESTQ AX, AX")
	f.line("", "JNE block")
}
