package main

import (
	"fmt"
	"strings"

	"pactune/asm/internal/neon"
)

// NEON: the instructions of the segments keep their AVX2 names, and stepNEON
// prints what does the same with 4 lanes. There are no operands in memory and no
// masked loads and stores: constants are loaded as whole vectors, and the
// remainder of a stream is copied to the stack and back.

// scratch is the vector register that one instruction's lowering may use.
const scratch = 31

// armBinary, armUnary and armShift are instructions with one counterpart.
var armBinary = map[string]string{
	"VADDPS": "fadd.4s", "VSUBPS": "fsub.4s", "VMULPS": "fmul.4s", "VDIVPS": "fdiv.4s",
	"VADDPD": "fadd.2d", "VSUBPD": "fsub.2d", "VMULPD": "fmul.2d",
	"VPAND": "and", "VPOR": "orr", "VPXOR": "eor",
	"VPADDD": "add.4s", "VPSUBD": "sub.4s", "VPADDQ": "add.2d",
	"umull": "umull", "umull2": "umull2", "uzp1": "uzp1.4s", "uzp2": "uzp2.4s",
}

var armUnary = map[string]string{
	"VSQRTPS": "fsqrt.4s", "VCVTDQ2PS": "scvtf.4s", "VMOVAPS": "mov",
	"fcvtl": "fcvtl", "fcvtl2": "fcvtl2", "fcvtn": "fcvtn", "dup": "dup.4s",
}

var armShift = map[string]string{"VPSRLD": "ushr.4s", "VPSRAD": "sshr.4s", "VPSLLD": "shl.4s", "VPSLLQ": "shl.2d"}

// stepNEON prints instruction i. Sources are in Go's order, last one first.
func (a *allocation) stepNEON(i int, in *ins) {
	switch {
	case in.op == "label":
		fmt.Fprintf(a.w, "%s:\n", in.in[0].imm)
	case in.op == "unless": // no lane of the mask
		a.word("umaxv.4s", scratch, a.num(in.in[0]))
		fmt.Fprintf(a.w, "\tFMOVS F%d, R12\n\tCBZW R12, %s\n", scratch, in.in[1].imm)
		a.dies(i, in, 0)
	case in.op == "text":
		fmt.Fprintf(a.w, "\t%s\n", in.in[0].imm)
	case in.op == "VMOVUPS" && in.out == 0:
		a.storeNEON(a.num(in.in[0]), in.in[1].imm)
		a.dies(i, in, 0)
	case in.fma != 0:
		op := map[bool]string{false: "fmla", true: "fmls"}[in.neg] + map[byte]string{'s': ".4s", 'd': ".2d"}[in.fma]
		x, y := a.num(in.in[0]), a.num(in.in[1])
		a.overwrite(i, in, in.in[2])
		a.word(op, a.reg[in.out], x, y)
	case in.op == "fcvtn2":
		high := a.num(in.in[0])
		a.overwrite(i, in, in.in[1])
		a.word("fcvtn2", a.reg[in.out], high)
	case in.op == "VBLENDVPS" && in.tied != 0: // mask, new, old
		m, x := a.num(in.in[0]), a.num(in.in[1])
		a.overwrite(i, in, in.in[2])
		a.word("bit", a.reg[in.out], x, m)
	case in.op == "VBLENDVPS":
		x, y := a.num(in.in[1]), a.num(in.in[2])
		a.overwrite(i, in, in.in[0])
		a.word("bsl", a.reg[in.out], x, y)
	case strings.HasPrefix(in.op, "VMAX") || strings.HasPrefix(in.op, "VMIN"):
		a.greaterNEON(i, in)
	default:
		a.simpleNEON(i, in)
	}
}

// greaterNEON prints x > y ? x : y for VMAX and y > x ? x : y for VMIN, which
// treat NaN and zeros as those do; FMAX does not.
func (a *allocation) greaterNEON(i int, in *ins) {
	y, x := a.num(in.in[0]), a.num(in.in[1])
	op := "fcmgt.4s"
	if strings.HasSuffix(in.op, "PD") {
		op = "fcmgt.2d"
	}
	p, q := x, y
	if strings.HasPrefix(in.op, "VMIN") {
		p, q = y, x
	}
	if _, fixed := a.reg[in.out]; !fixed && a.last[in.in[0].id] != i { // y lives on
		a.take(in.out)
		d := a.reg[in.out]
		a.word(op, d, p, q)
		a.word("bsl", d, x, y)
		a.dies(i, in, 0)
		return
	}
	a.word(op, scratch, p, q)
	a.overwrite(i, in, in.in[0])
	a.word("bit", a.reg[in.out], x, scratch)
}

// simpleNEON prints an instruction whose result may take the place of a source.
func (a *allocation) simpleNEON(i int, in *ins) {
	var sources []int
	for _, o := range in.in {
		if o.id != 0 {
			sources = append([]int{a.num(o)}, sources...)
		}
	}
	a.dies(i, in, 0)
	if _, fixed := a.reg[in.out]; !fixed {
		a.take(in.out)
	}
	if _, used := a.last[in.out]; !used {
		panic(a.c.k.name + ": a value is never used: " + in.op)
	}
	d := a.reg[in.out]
	operands := append([]int{d}, sources...)
	n := 0
	if len(in.in) > 0 {
		fmt.Sscanf(in.in[0].imm, "$%d", &n)
	}
	switch {
	case in.op == "VMOVUPS":
		a.loadNEON(d, in.in[0].mem)
	case strings.HasPrefix(in.op, "VBROADCAST"):
		fmt.Fprint(a.w, broadcast(d, in.in[0].mem, map[string]int{"VBROADCASTSS": 4, "VBROADCASTSD": 8}[in.op]))
	case in.op == "VCMPPS": // sources are a, b of a < b
		a.word("fcmgt.4s", d, sources[1], sources[0])
	case in.op == "ext":
		a.word("ext", d, sources[0], sources[0], n)
	case armShift[in.op] != "":
		a.word(armShift[in.op], append(operands, n)...)
	case armBinary[in.op] != "":
		a.word(armBinary[in.op], operands...)
	default:
		a.word(armUnary[in.op], operands...)
	}
}

// broadcast loads a scalar of size bytes into all lanes.
func broadcast(d int, mem string, size int) string {
	at, base := 0, 0
	fmt.Sscanf(mem, "%d(R%d)", &at, &base)
	lanes := map[int]string{4: "S4", 8: "D2"}[size]
	return fmt.Sprintf("\tADD $%d, R%d, R12\n\tVLD1R (R12), [V%d.%s]\n", at, base, d, lanes)
}

// intoFixed puts old, which an instruction overwrites, into the fixed register r
// of its result.
func (a *allocation) intoFixed(in *ins, r int, old operand) {
	if a.num(old) == r {
		return
	}
	for _, o := range in.in {
		if o.id != 0 && a.num(o) == r {
			panic(a.c.k.name + ": a fixed register is overwritten before it is read")
		}
	}
	a.word("mov", r, a.num(old))
}

func (a *allocation) num(o operand) int {
	r, ok := a.reg[o.id]
	if !ok {
		panic(a.c.k.name + ": a value is used before it is defined")
	}
	return r
}

func (a *allocation) word(op string, operands ...int) {
	fmt.Fprintf(a.w, "\t%s\n", neon.Line(op, operands...))
}

// loadNEON and storeNEON move a vector from and to (Rn)(Rm) or offset(Rn).
func (a *allocation) loadNEON(v int, mem string) {
	var n, m int
	if c, _ := fmt.Sscanf(mem, "(R%d)(R%d)", &n, &m); c == 2 {
		a.word("ldr", v, n, m)
	} else {
		fmt.Fprintf(a.w, "\tFMOVQ %s, F%d\n", mem, v)
	}
}

func (a *allocation) storeNEON(v int, mem string) {
	var n, m int
	if c, _ := fmt.Sscanf(mem, "(R%d)(R%d)", &n, &m); c == 2 {
		a.word("str", v, n, m)
	} else {
		fmt.Fprintf(a.w, "\tFMOVQ F%d, %s\n", v, mem)
	}
}

// keepEarly lets a value that is only made to be kept in a fixed register be
// made there, where nobody reads the old content in between.
func keepEarly(seg []ins) []ins {
	for j := 0; j < len(seg); j++ {
		if seg[j].op != "VMOVAPS" || seg[j].in[0].id == 0 {
			continue
		}
		x, fixed := seg[j].in[0].id, seg[j].out
		made, uses := -1, 0
		for i, in := range seg {
			if in.out == x {
				made = i
			}
			for _, o := range in.in {
				if o.id == x {
					uses++
				}
			}
		}
		if made < 0 || uses != 1 || touched(seg[made+1:j], fixed) {
			continue
		}
		seg[made].out = fixed
		seg = append(seg[:j:j], seg[j+1:]...)
		j--
	}
	return seg
}

// touched reports whether a value is read or made, or code is skipped, in seg.
func touched(seg []ins, v int) bool {
	for _, in := range seg {
		if in.out == v || in.op == "label" || in.op == "unless" {
			return true
		}
		for _, o := range in.in {
			if o.id == v {
				return true
			}
		}
	}
	return false
}

// widenNEON, narrowNEON and treeNEON are widen, narrow and tree.
func (c *code) widenNEON(a operand) [2]operand {
	return [2]operand{c.emit("fcvtl", 0, a), c.emit("fcvtl2", 0, a)}
}

func (c *code) narrowNEON(a [2]operand) operand {
	return c.emit("fcvtn2", 2, a[1], c.emit("fcvtn", 0, a[0]))
}

func (c *code) treeNEON(op string, l []operand) operand {
	x := c.emit(op, 0, c.emit(op, 0, l[3], l[1]), c.emit(op, 0, l[2], l[0]))
	for _, bytes := range []string{"$8", "$4"} {
		x = c.emit(op, 0, c.emit("ext", 0, imm(bytes), x), x)
	}
	return c.emit("dup", 0, x)
}
