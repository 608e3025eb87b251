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
			if c.neon {
				return fmt.Sprint("R", i)
			}
			return pointerRegs[i]
		}
	}
	panic(c.k.name + ": no parameter " + name)
}

// address of the current vector of a stream of float32 (size 4) or of a part of
// it of float64 (8).
func (c *code) address(name string, size, half, part int) operand {
	if c.neon {
		return c.addressNEON(name, size, part)
	}
	m := fmt.Sprintf("(%s)(AX*%d)", c.base(name), size/4)
	if at := c.width() * (size*half + 4*part); at != 0 {
		m = fmt.Sprint(at) + m
	}
	return operand{mem: m, full: true}
}

// load reads the current vector of a stream: in the remainder 0 beyond its end.
func (c *code) load(name string, half int) operand {
	m := c.address(name, 4, half, 0)
	c.arm.read(name)
	switch {
	case !c.tail || c.neon:
		return c.emit("VMOVUPS", 0, m)
	case c.wide:
		return c.emit("VMOVUPS.Z", 0, m, imm("K1"))
	}
	return c.emit("VMASKMOVPS", 0, m, c.tailMask(half))
}

// loadOr is load with fill beyond the end.
func (c *code) loadOr(name string, half int, fill operand) operand {
	switch {
	case !c.tail:
		return c.load(name, half)
	case c.wide:
		return c.emit("VMOVUPS", 3, c.address(name, 4, 0, 0), imm("K1"), c.reg(fill, 's'))
	}
	return c.pick(c.tailMask(half), c.load(name, half), fill)
}

// inside is x, but 0 beyond the end.
func (c *code) inside(half int, x operand) operand {
	switch {
	case !c.tail:
		return x
	case c.wide:
		return c.emit("VMOVAPS.Z", 0, x, imm("K1"))
	}
	return c.and(x, c.tailMask(half))
}

func (c *code) tailMask(half int) operand {
	at := 4 * c.width() * half
	if c.neon {
		c.arm.masked = true
		return c.emit("VMOVUPS", 0, operand{mem: fmt.Sprintf("%d(%s)", at, armMask), full: true})
	}
	return c.emit("VMOVUPS", 0, operand{mem: fmt.Sprintf("%d(DX)", at), full: true})
}

func (c *code) store(name string, half int, x operand) {
	m := c.address(name, 4, half, 0)
	m.mem, m.imm = "", m.mem // text: nothing is read
	c.arm.write(name)
	switch {
	case !c.tail || c.neon:
		c.effect("VMOVUPS", x, m)
	case c.wide:
		c.effect("VMOVUPS", x, imm("K1"), m)
	default:
		c.effect("VMASKMOVPS", x, c.tailMask(half), m)
	}
}

// number is float32 i of the parameter block.
func (c *code) number(i int) operand {
	if c.neon {
		return c.arm.number(c, 4*i, 4)
	}
	return operand{mem: fmt.Sprintf("%d(%s)", 4*i, c.base("c"))}
}

// number64 is the float64 at a byte offset of the parameter block.
func (c *code) number64(offset int) operand {
	if c.neon {
		return c.arm.number(c, offset, 8)
	}
	return operand{mem: fmt.Sprintf("%d(%s)", offset, c.base("c"))}
}

// fixed makes a value that lives in one register over loops; they are given out
// from the highest register down.
func (c *code) fixed() operand {
	v := c.value()
	c.pinned[v] = c.regs - 1 - len(c.pinned)
	return operand{id: v}
}

// keep makes x the new content of a fixed value.
func (c *code) keep(fixed, x operand) {
	c.seg = append(c.seg, ins{op: "VMOVAPS", in: []operand{x}, out: fixed.id})
}

// lane is accumulator i of float32 and its part h of float64.
func (c *code) lane(i, half, h int) operand { return c.lanes[8*i+2*half+h] }

// addLanes adds x to accumulator i of float64, in memory where there are too
// few registers.
func (c *code) addLanes(i, half int, x [2]operand) {
	for h := range x {
		if c.k.inMemory(c.target) {
			address := fmt.Sprintf("%d(%s)", 128*i+c.width()*(8*half+4*h), c.base("l"))
			sum := c.add64(x[h], operand{mem: address, full: true})
			c.effect("VMOVUPS", sum, imm(address))
			continue
		}
		l := c.lane(i, half, h)
		c.keep(l, c.add64(l, x[h]))
	}
}

func (k *kernel) inMemory(t *target) bool { return k.wide && k.lanes > 1 && !t.wide }

func (k *kernel) code(t *target) *code {
	return &code{target: t, k: k, isMask: map[int]bool{}, outSize: map[int]byte{}, pinned: map[int]int{}, lanes: map[int]operand{},
		arm: armState{reads: map[string]bool{}, writes: map[string]bool{}}}
}

func (k *kernel) write(t *target, w io.Writer) {
	if t.neon {
		k.writeNEON(t, w)
		return
	}
	c := k.code(t)
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

// loop writes the loop around the body, accumulators being read before it and
// written after it.
func (c *code) loop(w io.Writer) {
	step := c.width()
	if c.k.lanes > 0 || c.k.wide {
		step = 16
	}
	move := "VMOVUPS"
	if c.neon {
		move = "FMOVQ"
	}
	c.eachLane(func(l operand, address string) { fmt.Fprintf(w, "\t%s %s, %s\n", move, address, c.register(l)) })
	c.over(w, "", step, c.k.masked, c.k.body)
	c.eachLane(func(l operand, address string) { fmt.Fprintf(w, "\t%s %s, %s\n", move, c.register(l), address) })
}

// over writes a loop over the streams in steps of elements, and the masked
// remainder. AX is the offset in bytes, CX what is left, minus one step.
func (c *code) over(w io.Writer, pass string, step int, masked bool, body func(c *code, half int)) {
	if c.neon {
		c.overNEON(w, pass, step, masked, body)
		return
	}
	name := c.k.name + pass
	bodies := func() {
		for half := 0; half < step/c.width(); half++ {
			body(c, half)
			c.print(w)
		}
	}
	fmt.Fprintf(w, "\tXORL AX, AX\n\tSUBQ $%d, CX\n\tJL %s_tail\n%s_loop:\n", step, name, name)
	bodies()
	fmt.Fprintf(w, "\tADDQ $%d, AX\n\tSUBQ $%d, CX\n\tJGE %s_loop\n%s_tail:\n", 4*step, step, name, name)
	if !masked {
		return
	}
	fmt.Fprintf(w, "\tADDQ $%d, CX\n\tJZ %s_done\n", step, name)
	if c.wide {
		fmt.Fprintf(w, "\tMOVL $1, DX\n\tSHLL CX, DX\n\tDECL DX\n\tKMOVW DX, K1\n")
	} else {
		fmt.Fprintf(w, "\tLEAQ vecMask<>+64(SB), DX\n\tSHLQ $2, CX\n\tSUBQ CX, DX\n")
	}
	c.tail = true
	bodies()
	c.tail = false
	fmt.Fprintf(w, "%s_done:\n", name)
}

// vector is the letter of the target's vector registers.
func (t *target) vector() byte {
	switch {
	case t.wide:
		return 'Z'
	case t.neon:
		return 'F'
	}
	return 'Y'
}

func (c *code) register(fixed operand) string {
	return fmt.Sprintf("%c%d", c.vector(), c.pinned[fixed.id])
}

// eachLane visits the accumulators in their registers.
func (c *code) eachLane(f func(l operand, address string)) {
	if c.k.inMemory(c.target) {
		return
	}
	size, parts := 4, 1
	if c.k.wide {
		size, parts = 8, 2
	}
	bytes := 4 * c.width()
	for i := 0; i < c.k.lanes; i++ {
		for at := 0; at < 16*size; at += bytes {
			j := at / bytes
			key := 8*i + 2*(j/parts) + j%parts
			if _, ok := c.lanes[key]; !ok {
				c.lanes[key] = c.fixed()
			}
			f(c.lanes[key], fmt.Sprintf("%d(%s)", 16*size*i+at, c.base("l")))
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
