// Package neon encodes the arm64 vector instructions that Go's assembler does
// not know, for the generators of package asm: each becomes a WORD whose comment
// is the instruction in GNU syntax. A test holds the words to those that GNU as
// made of the comments.
package neon

import (
	"fmt"
	"strings"
)

// instruction is the word with all operands zero, and the text, in which {field}
// stands for an operand.
type instruction struct {
	word uint32
	text string
}

// fields says where an operand goes in the word.
var fields = map[string]func(x int) uint32{
	"d":       func(x int) uint32 { return uint32(x) },
	"n":       func(x int) uint32 { return uint32(x) << 5 },
	"m":       func(x int) uint32 { return uint32(x) << 16 },
	"lane":    func(x int) uint32 { return uint32(x&1)<<21 | uint32(x>>1)<<11 },
	"byte":    func(x int) uint32 { return uint32(x) << 11 },
	"right32": func(x int) uint32 { return uint32(64-x) << 16 },
	"left32":  func(x int) uint32 { return uint32(32+x) << 16 },
	"left64":  func(x int) uint32 { return uint32(64+x) << 16 },
}

func three(name, arrangement string, word uint32) instruction {
	return instruction{word, fmt.Sprintf("%s v{d}.%[2]s, v{n}.%[2]s, v{m}.%[2]s", name, arrangement)}
}

func two(name, arrangement string, word uint32) instruction {
	return instruction{word, fmt.Sprintf("%s v{d}.%[2]s, v{n}.%[2]s", name, arrangement)}
}

var instructions = map[string]instruction{
	"fadd.4s":  three("fadd", "4s", 0x4e20d400),
	"fsub.4s":  three("fsub", "4s", 0x4ea0d400),
	"fmul.4s":  three("fmul", "4s", 0x6e20dc00),
	"fdiv.4s":  three("fdiv", "4s", 0x6e20fc00),
	"fmla.4s":  three("fmla", "4s", 0x4e20cc00),
	"fmls.4s":  three("fmls", "4s", 0x4ea0cc00),
	"fcmgt.4s": three("fcmgt", "4s", 0x6ea0e400),
	"facgt.4s": three("facgt", "4s", 0x6ea0ec00),
	"fsqrt.4s": two("fsqrt", "4s", 0x6ea1f800),
	"scvtf.4s": two("scvtf", "4s", 0x4e21d800),

	"fadd.2d":  three("fadd", "2d", 0x4e60d400),
	"fsub.2d":  three("fsub", "2d", 0x4ee0d400),
	"fmul.2d":  three("fmul", "2d", 0x6e60dc00),
	"fmla.2d":  three("fmla", "2d", 0x4e60cc00),
	"fcmgt.2d": three("fcmgt", "2d", 0x6ee0e400),

	"add.4s": three("add", "4s", 0x4ea08400),
	"sub.4s": three("sub", "4s", 0x6ea08400),
	"add.2d": three("add", "2d", 0x4ee08400),
	"and":    three("and", "16b", 0x4e201c00),
	"orr":    three("orr", "16b", 0x4ea01c00),
	"eor":    three("eor", "16b", 0x6e201c00),
	"bic":    three("bic", "16b", 0x4e601c00), // d = n and not m
	"bsl":    three("bsl", "16b", 0x6e601c00), // d = d ? n : m, bit by bit
	"bit":    three("bit", "16b", 0x6ea01c00), // d = m ? n : d
	"mov":    {0x4ea01c00, "mov v{d}.16b, v{n}.16b"},

	"uzp1.4s": three("uzp1", "4s", 0x4e801800),
	"uzp2.4s": three("uzp2", "4s", 0x4e805800),
	"trn1.4s": three("trn1", "4s", 0x4e802800),
	"trn2.4s": three("trn2", "4s", 0x4e806800),
	"zip1.4s": three("zip1", "4s", 0x4e803800),
	"zip2.4s": three("zip2", "4s", 0x4e807800),
	"zip1.8h": three("zip1", "8h", 0x4e403800),
	"trn1.2d": three("trn1", "2d", 0x4ec02800),
	"trn2.2d": three("trn2", "2d", 0x4ec06800),

	"ushr.4s": {0x6f000400, "ushr v{d}.4s, v{n}.4s, #{right32}"},
	"sshr.4s": {0x4f000400, "sshr v{d}.4s, v{n}.4s, #{right32}"},
	"shl.4s":  {0x4f005400, "shl v{d}.4s, v{n}.4s, #{left32}"},
	"shl.2d":  {0x4f005400, "shl v{d}.2d, v{n}.2d, #{left64}"},

	"fcvtl":    {0x0e617800, "fcvtl v{d}.2d, v{n}.2s"},
	"fcvtl2":   {0x4e617800, "fcvtl2 v{d}.2d, v{n}.4s"},
	"fcvtn":    {0x0e616800, "fcvtn v{d}.2s, v{n}.2d"},
	"fcvtn2":   {0x4e616800, "fcvtn2 v{d}.4s, v{n}.2d"},
	"umull":    {0x2ea0c000, "umull v{d}.2d, v{n}.2s, v{m}.2s"},
	"umull2":   {0x6ea0c000, "umull2 v{d}.2d, v{n}.4s, v{m}.4s"},
	"ext":      {0x6e000000, "ext v{d}.16b, v{n}.16b, v{m}.16b, #{byte}"},
	"dup.4s":   {0x4e040400, "dup v{d}.4s, v{n}.s[0]"},
	"umaxv.4s": {0x6eb0a800, "umaxv s{d}, v{n}.4s"},
	"fmla.s":   {0x4f801000, "fmla v{d}.4s, v{n}.4s, v{m}.s[{lane}]"},

	"bfmmla":  {0x6e40ec00, "bfmmla v{d}.4s, v{n}.8h, v{m}.8h"},
	"bfcvtn":  {0x0ea16800, "bfcvtn v{d}.4h, v{n}.4s"},
	"bfcvtn2": {0x4ea16800, "bfcvtn2 v{d}.8h, v{n}.4s"},

	"ldr": {0x3ce06800, "ldr q{d}, [x{n}, x{m}]"},
	"str": {0x3ca06800, "str q{d}, [x{n}, x{m}]"},
}

// Encode returns an instruction's word and its text; operands are in the order
// of the text. It panics when there is no such instruction.
func Encode(op string, operands ...int) (word uint32, text string) {
	ins, ok := instructions[op]
	if !ok {
		panic("neon: no instruction " + op)
	}
	word = ins.word
	parts := strings.Split(ins.text, "{")
	text = parts[0]
	if len(parts) != len(operands)+1 {
		panic(fmt.Sprintf("neon: %s takes %d operands, not %d", op, len(parts)-1, len(operands)))
	}
	for i, p := range parts[1:] {
		field, rest, _ := strings.Cut(p, "}")
		word |= fields[field](operands[i])
		text += fmt.Sprint(operands[i]) + rest
	}
	if op == "mov" { // mov is orr with the source twice
		word |= fields["m"](operands[1])
	}
	return word, text
}

// Line returns an instruction as Go's assembler takes it.
func Line(op string, operands ...int) string {
	word, text := Encode(op, operands...)
	return fmt.Sprintf("WORD $0x%08x // %s", word, text)
}
