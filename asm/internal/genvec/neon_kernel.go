package main

import (
	"bytes"
	"fmt"
	"io"
)

// Registers of a NEON kernel: R0 … hold the parameters; the streams advance
// together by armOffset bytes while armLeft counts their elements down.
const (
	armLeft   = "R9"
	armOffset = "R10"
	armMask   = "R11" // of the remainder, for sums and maxima
	armTable  = "R19" // constants
	armSaved  = 21    // R21 … R25: streams to be written back
	armSlots  = "R26" // the remainder on the stack, 16 elements of every stream
)

// armState is what is known of a NEON kernel only after it has been written
// once; it is written twice.
type armState struct {
	numbers       []armNumber // of the parameter block, each in a register
	frame         int
	table         bool
	reads, writes map[string]bool // streams of the present loop
	masked        bool            // whose remainder has a mask
}

type armNumber struct {
	at, size int
	value    operand
}

func (s *armState) read(name string)  { s.reads[name] = true }
func (s *armState) write(name string) { s.writes[name] = true }

// number is the number at an offset of the parameter block: loaded before the
// loop, because NEON has no operands in memory.
func (s *armState) number(c *code, at, size int) operand {
	for _, n := range s.numbers {
		if n.at == at {
			return n.value
		}
	}
	n := armNumber{at, size, c.fixed()}
	s.numbers = append(s.numbers, n)
	return n.value
}

// constant is a vector of the table.
func (c *code) constant(x [4]uint32) operand {
	c.arm.table = true
	i := 0
	for i < len(c.data) && c.data[i] != x {
		i++
	}
	if i == len(c.data) {
		c.data = append(c.data, x)
	}
	return operand{mem: fmt.Sprintf("%d(%s)", 16*i, armTable), full: true}
}

// addressNEON is address: of the present vector, because the offset advances
// after each.
func (c *code) addressNEON(name string, size, part int) operand {
	if size == 4 {
		return operand{mem: fmt.Sprintf("(%s)(%s)", c.base(name), armOffset), full: true}
	}
	c.effect("text", imm(fmt.Sprintf("ADD %s<<1, %s, R12", armOffset, c.base(name))))
	return operand{mem: fmt.Sprintf("%d(R12)", 16*part), full: true}
}

// writeNEON writes the kernel once to learn what it needs, then for good.
func (k *kernel) writeNEON(t *target, w io.Writer) {
	first := k.code(t)
	k.bodyNEON(first, io.Discard)
	c := k.code(t)
	fmt.Fprintf(w, "\n// func %s%s(%s, n int)\n%s", k.name, t.name, k.arguments(), comment(k.doc))
	fmt.Fprintf(w, "TEXT ·%s%s(SB), NOSPLIT, $%d-%d\n", k.name, t.name, first.arm.frame, 8*len(k.params)+8)
	c.arguments(w)
	if first.arm.table {
		fmt.Fprintf(w, "\tMOVD $vecData<>(SB), %s\n", armTable)
	}
	for _, n := range first.arm.numbers {
		v := c.arm.number(c, n.at, n.size)
		fmt.Fprint(w, broadcast(c.pinned[v.id], fmt.Sprintf("%d(%s)", n.at, c.base("c")), n.size))
	}
	k.bodyNEON(c, w)
	fmt.Fprintf(w, "\tRET\n")
}

func (k *kernel) bodyNEON(c *code, w io.Writer) {
	if k.custom != nil {
		k.custom(c, w)
	} else {
		c.loop(w)
	}
}

// arguments loads the parameters.
func (c *code) arguments(w io.Writer) {
	for i, p := range c.k.params {
		fmt.Fprintf(w, "\tMOVD %s+%d(FP), %s\n", p.name, 8*i, c.base(p.name))
	}
	fmt.Fprintf(w, "\tMOVD n+%d(FP), %s\n", 8*len(c.k.params), armLeft)
}

// overNEON is over. The remainder is copied to the stack, where zeros follow it,
// goes through the same code there and is copied back.
func (c *code) overNEON(w io.Writer, pass string, step int, masked bool, body func(c *code, half int)) {
	name := c.k.name + pass
	c.arm.reads, c.arm.writes, c.arm.masked = map[string]bool{}, map[string]bool{}, false
	bodies := func(w io.Writer) {
		for half := 0; half < step/c.width(); half++ {
			body(c, half)
			c.print(w)
			fmt.Fprintf(w, "\tADD $%d, %s\n", 4*c.width(), armOffset)
		}
	}
	fmt.Fprintf(w, "\tMOVD ZR, %s\n\tSUBS $%d, %[3]s, %[3]s\n\tBLT %s_tail\n%[4]s_loop:\n", armOffset, step, armLeft, name)
	bodies(w)
	fmt.Fprintf(w, "\tSUBS $%d, %[2]s, %[2]s\n\tBGE %s_loop\n%[3]s_tail:\n", step, armLeft, name)
	if !masked {
		return
	}
	fmt.Fprintf(w, "\tADDS $%d, %[2]s, %[2]s\n\tBEQ %s_done\n", step, armLeft, name)
	var tail bytes.Buffer
	c.tail = true
	bodies(&tail)
	c.tail = false
	c.copyIn(w, name, step)
	w.Write(tail.Bytes())
	c.copyOut(w, name)
	fmt.Fprintf(w, "%s_done:\n", name)
}

// copyIn copies the remainder of the streams that are read and lets all point
// to the stack.
func (c *code) copyIn(w io.Writer, name string, step int) {
	slots := 0
	for _, p := range c.k.params {
		if p.slice() {
			slots++
		}
	}
	c.arm.frame = 64 * slots
	fmt.Fprintf(w, "\tMOVD $slots-%d(SP), %s\n\tVMOVI $0, V%d.B16\n", c.arm.frame, armSlots, scratch)
	c.eachStream(c.arm.reads, func(i int, base string) {
		for at := 0; at < 4*step; at += 16 {
			fmt.Fprintf(w, "\tFMOVQ F%d, %d(%s)\n", scratch, 64*i+at, armSlots)
		}
	})
	either := map[string]bool{}
	for _, m := range []map[string]bool{c.arm.reads, c.arm.writes} {
		for s := range m {
			either[s] = true
		}
	}
	c.eachStream(either, func(i int, base string) { fmt.Fprintf(w, "\tADD %s, %s\n", armOffset, base) })
	c.copyLoop(w, name+"_in", func() {
		c.eachStream(c.arm.reads, func(i int, base string) {
			fmt.Fprintf(w, "\tMOVWU (%s)(R14), R15\n\tMOVW R15, %d(R16)\n", base, 64*i)
		})
	})
	saved := armSaved
	c.eachStream(c.arm.writes, func(i int, base string) {
		fmt.Fprintf(w, "\tMOVD %s, R%d\n", base, saved)
		saved++
	})
	c.eachStream(either, func(i int, base string) { fmt.Fprintf(w, "\tADD $%d, %s, %s\n", 64*i, armSlots, base) })
	fmt.Fprintf(w, "\tMOVD ZR, %s\n", armOffset)
	if c.arm.masked {
		fmt.Fprintf(w, "\tMOVD $vecMask<>+64(SB), %s\n\tSUB %s<<2, %[1]s\n", armMask, armLeft)
	}
}

// copyOut copies the remainder of the streams that are written.
func (c *code) copyOut(w io.Writer, name string) {
	if len(c.arm.writes) == 0 {
		return
	}
	c.copyLoop(w, name+"_out", func() {
		saved := armSaved
		c.eachStream(c.arm.writes, func(i int, base string) {
			fmt.Fprintf(w, "\tMOVWU %d(R16), R15\n\tMOVW R15, (R%d)(R14)\n", 64*i, saved)
			saved++
		})
	})
}

// copyLoop writes a loop over what is left: offset in R14, slots from R16 on.
func (c *code) copyLoop(w io.Writer, label string, body func()) {
	fmt.Fprintf(w, "\tMOVD %s, R13\n\tMOVD ZR, R14\n%s:\n\tADD R14, %s, R16\n", armLeft, label, armSlots)
	body()
	fmt.Fprintf(w, "\tADD $4, R14\n\tSUBS $1, R13, R13\n\tBNE %s\n", label)
}

// eachStream visits the streams of a set in the order of parameters.
func (c *code) eachStream(set map[string]bool, f func(i int, base string)) {
	for i, p := range c.k.params {
		if set[p.name] {
			f(i, c.base(p.name))
		}
	}
}

// Philox on NEON: 4 blocks in a vector of 32-bit words, two chains at a time.

// multiply returns the upper and lower words of x·m.
func (c *code) multiply(x, m operand) (high, low operand) {
	a, b := c.emit("umull", 0, m, x), c.emit("umull2", 0, m, x)
	low = c.emit("uzp1", 0, b, a)
	return c.emit("uzp2", 0, b, a), low
}

func (c *code) philoxNEON(block [2]operand, m0, m1 operand) (ctr [2]counter) {
	word := func(offset int) operand {
		return c.reg(operand{mem: fmt.Sprintf("%d(%s)", offset, c.base("c"))}, 's')
	}
	key2, x, high, low := word(offsetKey2), word(offsetXor), word(offsetHigh), word(offsetLow)
	c.each(func(i int) operand {
		h0, l0 := c.multiply(block[i], m0)
		h1, l1 := c.multiply(c.xor(h0, key2), m1)
		ctr[i] = counter{c.xor(h1, x), l1, c.xor(l0, high), low}
		return l1
	})
	for r := 0; r < 8; r++ {
		k0, k1 := word(offsetKeys+16*r), word(offsetKeys+16*r+8)
		c.each(func(i int) operand {
			h0, l0 := c.multiply(ctr[i][0], m0)
			h1, l1 := c.multiply(ctr[i][2], m1)
			ctr[i] = counter{c.xor(c.xor(h1, ctr[i][1]), k0), l1, c.xor(c.xor(h0, ctr[i][3]), k1), l0}
			return l1
		})
	}
	return ctr
}

func (c *code) groupsNEON(w io.Writer, first, second func(c *code, x operand) operand) {
	name := c.k.name
	base, m0, m1 := c.fixed(), c.fixed(), c.fixed()
	fmt.Fprint(w, broadcast(c.pinned[base.id], fmt.Sprintf("%d(%s)", offsetBlock, c.base("c")), 4))
	c.keep(m0, c.reg(c.bits32(0xD2511F53), 's'))
	c.keep(m1, c.reg(c.bits32(0xCD9E8D57), 's'))
	c.print(w)
	fmt.Fprintf(w, "%s_loop:\n", name)
	for pair := uint32(0); pair < 4; pair += 2 {
		lanes := func(q uint32) operand {
			return c.addInt(base, c.constant([4]uint32{4 * q, 4*q + 1, 4*q + 2, 4*q + 3}))
		}
		ctr := c.philoxNEON([2]operand{lanes(pair), lanes(pair + 1)}, m0, m1)
		for i := range ctr[0] {
			for j, x := range c.each(func(j int) operand { return first(c, ctr[j][i]) }) {
				x = second(c, x)
				c.effect("VMOVUPS", x, imm(fmt.Sprintf("%d(%s)", 64*i+16*(int(pair)+j), c.base("dst"))))
			}
		}
		c.print(w)
	}
	c.keep(base, c.addInt(base, c.bits32(16)))
	c.print(w)
	fmt.Fprintf(w, "\tADD $256, %s\n\tSUBS $64, %[2]s, %[2]s\n\tBGT %s_loop\n", c.base("dst"), armLeft, name)
}
