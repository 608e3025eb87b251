package main

import (
	"fmt"
	"io"
	"strings"
)

// allocate gives the values of a segment their registers, in order, and prints
// it. There is no spilling: a kernel that needs more registers than there are
// stops the generator.
type allocation struct {
	c    *code
	w    io.Writer
	reg  map[int]int // value → register
	last map[int]int // value → index of its last use
	free [2][]bool   // vector registers, K registers
}

func (c *code) print(w io.Writer) {
	if c.neon {
		c.seg = keepEarly(c.seg)
	}
	a := &allocation{c: c, w: w, reg: map[int]int{}, last: map[int]int{}}
	a.free[0], a.free[1] = make([]bool, c.regs), make([]bool, 8)
	for i := range a.free[0] {
		a.free[0][i] = true
	}
	for i := 3; i < 8; i++ { // K1 is the tail's mask, K2 the odd lanes
		a.free[1][i] = true
	}
	for v, r := range c.pinned {
		a.reg[v] = r
		a.free[0][r] = false
		a.last[v] = 1 << 30
	}
	for i, in := range c.seg {
		for _, o := range in.in {
			if o.id != 0 && a.last[o.id] < 1<<30 {
				a.last[o.id] = i
			}
		}
	}
	for i := range c.seg {
		a.step(i, &c.seg[i])
	}
	c.seg = nil
}

func (a *allocation) class(id int) int {
	if a.c.isMask[id] {
		return 1
	}
	return 0
}

func (a *allocation) take(id int) {
	free := a.free[a.class(id)]
	for r, ok := range free {
		if ok {
			free[r] = false
			a.reg[id] = r
			return
		}
	}
	panic(fmt.Sprintf("%s %s: out of registers", a.c.name, a.c.k.name))
}

// dies frees the registers of the sources of instruction i that nobody needs
// later, except keep's.
func (a *allocation) dies(i int, in *ins, keep int) {
	for _, o := range in.in {
		if o.id != 0 && o.id != keep && a.last[o.id] == i {
			a.free[a.class(o.id)][a.reg[o.id]] = true
		}
	}
}

func (a *allocation) step(i int, in *ins) {
	if a.c.neon {
		a.stepNEON(i, in)
		return
	}
	switch {
	case in.op == "label":
		fmt.Fprintf(a.w, "%s:\n", in.in[0].imm)
	case in.fma != 0:
		a.fused(i, in)
	case in.tied != 0:
		old := in.in[in.tied-1]
		var text []string
		for j, o := range in.in {
			if j != in.tied-1 || in.both {
				text = append(text, a.text(o))
			}
		}
		a.overwrite(i, in, old)
		a.line(in.op, append(text, a.text(operand{id: in.out}))...)
	default:
		var text []string
		for _, o := range in.in {
			text = append(text, a.text(o))
		}
		a.dies(i, in, 0)
		if in.out != 0 {
			if _, fixed := a.reg[in.out]; !fixed {
				a.take(in.out)
			}
			text = append(text, a.text(operand{id: in.out, size: a.c.outSize[in.out]}))
			if _, used := a.last[in.out]; !used {
				panic(a.c.k.name + ": a value is never used: " + in.op)
			}
		}
		a.line(in.op, text...)
	}
}

// overwrite gives in's result the register of old, or of a copy where old lives
// on; the other sources are read after the copy is made.
func (a *allocation) overwrite(i int, in *ins, old operand) {
	if r, fixed := a.reg[in.out]; fixed {
		a.intoFixed(in, r, old)
		a.dies(i, in, 0)
		return
	}
	if a.last[old.id] == i {
		a.reg[in.out] = a.reg[old.id]
	} else {
		a.take(in.out)
		if a.c.neon {
			a.word("mov", a.reg[in.out], a.num(old))
		} else {
			a.line("VMOVAPS", a.text(old), a.text(operand{id: in.out}))
		}
	}
	a.dies(i, in, old.id)
}

// fused prints ±a·b + z in the form that overwrites a source which dies.
func (a *allocation) fused(i int, in *ins) {
	x, y, z := in.in[0], in.in[1], in.in[2]
	sign := "VFMADD"
	if in.neg {
		sign = "VFNMADD"
	}
	op := func(form string, m operand) string {
		op := fmt.Sprintf("%s%sP%c", sign, form, in.fma-'a'+'A')
		if m.mem != "" && !m.full {
			op += ".BCST"
		}
		return op
	}
	gone := func(o operand) bool { return o.id != 0 && a.last[o.id] == i }
	out := operand{id: in.out}
	switch {
	case z.mem != "" || !gone(z) && (gone(x) || gone(y)) && y.mem == "":
		if !gone(x) && gone(y) {
			x, y = y, x
		}
		ty, tz := a.text(y), a.text(z)
		a.overwrite(i, in, x)
		a.line(op("213", z), tz, ty, a.text(out))
	case y.mem != "" && !gone(z) && gone(x):
		ty, tz := a.text(y), a.text(z)
		a.overwrite(i, in, x)
		a.line(op("132", y), ty, tz, a.text(out))
	default:
		tx, ty := a.text(x), a.text(y)
		a.overwrite(i, in, z)
		a.line(op("231", y), ty, tx, a.text(out))
	}
}

func (a *allocation) text(o operand) string {
	switch {
	case o.imm != "":
		return o.imm
	case o.mem != "":
		return o.mem
	case a.c.isMask[o.id]:
		return fmt.Sprintf("K%d", a.reg[o.id])
	}
	r, ok := a.reg[o.id]
	if !ok {
		panic(a.c.k.name + ": a value is used before it is defined")
	}
	size := o.size
	if size == 0 {
		size = a.c.vector()
	}
	return fmt.Sprintf("%c%d", size, r)
}

func (a *allocation) line(op string, text ...string) {
	fmt.Fprintf(a.w, "\t%s %s\n", op, strings.Join(text, ", "))
}
