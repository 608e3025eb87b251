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
