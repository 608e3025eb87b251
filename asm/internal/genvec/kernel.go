package main

import (
	"fmt"
	"io"
	"strings"
)

// A kernel is a loop over vectors, written once for all instruction sets.
type kernel struct {
	name   string // its Go function is name + "Vec"
	doc    string // the Go loop that it equals
	params []param
	lanes  int  // 16 virtual lanes × this many accumulators; 0: elements are independent
	wide   bool // the accumulators are float64
	masked bool // takes any length; without, whole multiples of 16
	body   func(c *code, half int)
	custom func(c *code, w io.Writer) // instead of the loop around body
}

// A param is a parameter of the Go function: slices are streams that advance
// together, their length is the first one's; pointers stay.
type param struct{ name, typ string }

func (p param) slice() bool { return strings.HasPrefix(p.typ, "[]") }

// pointer is the parameter's type in the assembly function.
func (p param) pointer() string {
	if p.slice() {
		return "*" + p.typ[2:]
	}
	return p.typ
}

var pointerRegs = []string{"R8", "R9", "R10", "R11", "R12", "R13", "SI", "DI", "BX"}

func (c *code) base(name string) string {
	for i, p := range c.k.params {
		if p.name == name {
			return pointerRegs[i]
		}
	}
	panic(c.k.name + ": no parameter " + name)
}

// address of the current vector of a stream of float32 (size 4) or float64 (8).
func (c *code) address(name string, size, at int) operand {
	m := fmt.Sprintf("(%s)(AX*%d)", c.base(name), size/4)
	if at != 0 {
		m = fmt.Sprint(at) + m
	}
	return operand{mem: m, full: true}
}

// load reads the current vector of a stream: in the remainder 0 beyond its end.
func (c *code) load(name string, half int) operand {
	m := c.address(name, 4, 32*half)
	switch {
	case !c.tail:
		return c.emit("VMOVUPS", 0, m)
	case c.wide:
		return c.emit("VMOVUPS.Z", 0, m, imm("K1"))
	}
	return c.emit("VMASKMOVPS", 0, m, c.tailMask(half))
}

// loadOr is load with fill beyond the end.
func (c *code) loadOr(name string, half int, fill float32) operand {
	switch {
	case !c.tail:
		return c.load(name, half)
	case c.wide:
		return c.emit("VMOVUPS", 3, c.address(name, 4, 0), imm("K1"), c.reg(c.c32(fill), 's'))
	}
	return c.pick(c.tailMask(half), c.load(name, half), c.c32(fill))
}

func (c *code) tailMask(half int) operand {
	return c.emit("VMOVUPS", 0, operand{mem: fmt.Sprintf("%d(DX)", 32*half), full: true})
}

func (c *code) store(name string, half int, x operand) {
	m := c.address(name, 4, 32*half)
	m.mem, m.imm = "", m.mem // text: nothing is read
	switch {
	case !c.tail:
		c.effect("VMOVUPS", x, m)
	case c.wide:
		c.effect("VMOVUPS", x, imm("K1"), m)
	default:
		c.effect("VMASKMOVPS", x, c.tailMask(half), m)
	}
}

// number is float32 i of the parameter block.
func (c *code) number(i int) operand {
	return operand{mem: fmt.Sprintf("%d(%s)", 4*i, c.base("c"))}
}

// number64 is the float64 at a byte offset of the parameter block.
func (c *code) number64(offset int) operand {
	return operand{mem: fmt.Sprintf("%d(%s)", offset, c.base("c"))}
}

// lane is accumulator i of float32: it lives in a register over the loop.
func (c *code) lane(i, half int) operand { return operand{id: c.lanes[2*i+half]} }

// keep makes x the new content of a lane.
func (c *code) keep(lane, x operand) {
	c.seg = append(c.seg, ins{op: "VMOVAPS", in: []operand{x}, out: lane.id})
}

// addLanes64 adds x to accumulator i of float64, in registers where there are
// enough, else in memory.
func (c *code) addLanes64(i, half int, x [2]operand) {
	for h := range x {
		at := 128*i + 64*half
		if c.wide {
			at += 64 * h
		} else {
			at += 32 * h
		}
		address := fmt.Sprintf("%d(%s)", at, c.base("l"))
		sum := c.add64(x[h], operand{mem: address, full: true})
		c.effect("VMOVUPS", sum, imm(address))
	}
}

func (k *kernel) write(t *target, w io.Writer) {
	c := &code{target: t, k: k, isMask: map[int]bool{}, halfOut: map[int]bool{}, pinned: map[int]int{}, lanes: map[int]int{}}
	fmt.Fprintf(w, "\n// func %s%s(%s, n int)\n%s//\n// Requires: %s\n", k.name, t.name, k.arguments(), comment(k.doc), t.requires())
	fmt.Fprintf(w, "TEXT ·%s%s(SB), NOSPLIT, $0-%d\n", k.name, t.name, 8*len(k.params)+8)
	for i, p := range k.params {
		fmt.Fprintf(w, "\tMOVQ %s+%d(FP), %s\n", p.name, 8*i, pointerRegs[i])
	}
	fmt.Fprintf(w, "\tMOVQ n+%d(FP), CX\n", 8*len(k.params))
	if k.custom != nil {
		k.custom(c, w)
	} else {
		c.loop(w)
	}
	fmt.Fprintf(w, "\tVZEROUPPER\n\tRET\n")
}

// loop writes the loop around the body. AX is the offset in bytes, CX what is
// left, minus one step.
func (c *code) loop(w io.Writer) {
	k := c.k
	step := c.width()
	if k.lanes > 0 {
		step = 16
	}
	c.eachLane(func(v int, address string) { fmt.Fprintf(w, "\tVMOVUPS %s, %s\n", address, c.pinnedName(v)) })
	fmt.Fprintf(w, "\tXORL AX, AX\n\tSUBQ $%d, CX\n\tJL %s_tail\n%s_loop:\n", step, k.name, k.name)
	c.bodies(step, w)
	fmt.Fprintf(w, "\tADDQ $%d, AX\n\tSUBQ $%d, CX\n\tJGE %s_loop\n%s_tail:\n", 4*step, step, k.name, k.name)
	if k.masked {
		fmt.Fprintf(w, "\tADDQ $%d, CX\n\tJZ %s_done\n", step, k.name)
		if c.wide {
			fmt.Fprintf(w, "\tMOVL $1, DX\n\tSHLL CX, DX\n\tDECL DX\n\tKMOVW DX, K1\n")
		} else {
			fmt.Fprintf(w, "\tLEAQ vecMask<>+64(SB), DX\n\tSHLQ $2, CX\n\tSUBQ CX, DX\n")
		}
		c.tail = true
		c.bodies(step, w)
		fmt.Fprintf(w, "%s_done:\n", k.name)
	}
	c.eachLane(func(v int, address string) { fmt.Fprintf(w, "\tVMOVUPS %s, %s\n", c.pinnedName(v), address) })
}

func (c *code) bodies(step int, w io.Writer) {
	for half := 0; half < step/c.width(); half++ {
		c.k.body(c, half)
		c.print(w)
	}
}

func (c *code) pinnedName(v int) string {
	if c.wide {
		return fmt.Sprintf("Z%d", c.pinned[v])
	}
	return fmt.Sprintf("Y%d", c.pinned[v])
}

// eachLane visits the accumulators of float32 in their registers, from the
// highest register down.
func (c *code) eachLane(f func(v int, address string)) {
	if c.k.wide {
		return
	}
	for i := 0; i < c.k.lanes; i++ {
		for half := 0; half < 16/c.width(); half++ {
			v, ok := c.lanes[2*i+half]
			if !ok {
				v = c.value()
				c.lanes[2*i+half] = v
				c.pinned[v] = c.regs - 1 - 2*i - half
			}
			f(v, fmt.Sprintf("%d(%s)", 64*i+32*half, c.base("l")))
		}
	}
}

func (k *kernel) arguments() string {
	var s []string
	for _, p := range k.params {
		s = append(s, p.name+" "+p.pointer())
	}
	return strings.Join(s, ", ")
}

func comment(doc string) string {
	s := ""
	for _, line := range strings.Split(strings.TrimSpace(doc), "\n") {
		s += "//\t" + line + "\n"
	}
	return s
}

func (t *target) requires() string {
	if t.wide {
		return "AVX512F, AVX512DQ"
	}
	return "AVX2, FMA"
}
