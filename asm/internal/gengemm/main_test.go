package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreUpToDate(t *testing.T) {
	for name, want := range sources() {
		have, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not what the generator writes: run go generate ./asm", name)
		}
	}
}

// AMX's encodings are those that a disassembler shows for these operands.
func TestTileEncodings(t *testing.T) {
	for _, c := range []struct {
		code []byte
		want string
	}{
		{vex(noType, 0x49, 10, 0, 0, 2), "c4c2784902"},               // ldtilecfg (%r10)
		{vex(noType, 0x49, 0, 0, 0, 0xc0), "c4e27849c0"},             // tilerelease
		{move(typeF2, 4, "SI", 0, "R15"), "c4a27b4b643e00"},          // tileloadd 0x0(%rsi,%r15,1),%tmm4
		{move(typeF2, 7, "BX", 64, "R13"), "c4a27b4b7c2b40"},         // tileloadd 0x40(%rbx,%r13,1),%tmm7
		{move(typeF3, 3, "R8", 2112, "R14"), "c4827a4b9c3040080000"}, // tilestored %tmm3,0x840(%r8,%r14,1)
		{vex(typeF3, 0x5c, 0, 0, 7, 3<<6|3<<3|5), "c4e2425cdd"},      // tdpbf16ps %tmm7,%tmm5,%tmm3
		{vex(typeF2, 0x49, 0, 0, 0, 3<<6|2<<3), "c4e27b49d0"},        // tilezero %tmm2
	} {
		if got := fmt.Sprintf("%x", c.code); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// The encodings are those that a disassembler shows for these operands.
func TestEncodings(t *testing.T) {
	for _, c := range []struct {
		opcode, dst, src1, src2 int
		want                    string
	}{
		{dot, 2, 1, 0, "62f2764852d0"},
		{round, 2, 1, 0, "62f2774872d0"},
		{dot, 31, 3, 1, "6262664852f9"},
		{dot, 17, 2, 9, "62c26e4852c9"},
		{round, 8, 21, 30, "6212574072c6"},
	} {
		if got := fmt.Sprintf("%x", evex(c.opcode, c.dst, c.src1, c.src2)); got != c.want {
			t.Errorf("%s Z%d, Z%d, Z%d is %s, want %s", mnemonics[c.opcode], c.src2, c.src1, c.dst, got, c.want)
		}
	}
}
