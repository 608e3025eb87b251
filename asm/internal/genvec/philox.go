package main

import (
	"fmt"
	"io"
)

// Philox4x32-10 on 16 blocks at a time. A 32-bit word of a block lies in the
// lower half of a 64-bit lane, as VPMULUDQ takes and makes it; what its upper
// half holds does not matter. Blocks 0, 2, 4 … and 1, 3, 5 … run in two chains
// and are interleaved at the end. Where the counter is the same for all blocks
// (c1, c2, c3) the first rounds' products are numbers of the parameter block.

// Offsets in the parameter block: type philox of package asm.
const (
	offsetBlock = 0
	offsetKey2  = 8  // second key of round 1
	offsetXor   = 16 // c1 and first key of round 2
	offsetHigh  = 24 // upper product of c0 and second key of round 2
	offsetLow   = 32 // lower product of c0 in round 2
	offsetKeys  = 40 // pairs of keys of rounds 3 … 10
)

type counter [4]operand

// high moves the upper words down; what is left above does not matter.
func (c *code) high(a operand) operand { return c.emit("VMOVSHDUP", 0, a) }

// philox makes ten rounds of the counters in even and odd lanes at once.
func (c *code) philox(even, odd operand) (ctr [2]counter) {
	m0, m1 := c.bits64(0xD2511F53), c.bits64(0xCD9E8D57)
	// Round 1: c0 and c1 are the same in all lanes; round 2: c2 and c3.
	block := [2]operand{even, odd}
	p := c.each(func(i int) operand { return c.mulInt(block[i], m0) })
	q := c.each(func(i int) operand { return c.mulInt(c.xor64(c.high(p[i]), c.number64(offsetKey2)), m1) })
	c0 := c.each(func(i int) operand { return c.xor64(c.high(q[i]), c.number64(offsetXor)) })
	c2 := c.each(func(i int) operand { return c.xor64(p[i], c.number64(offsetHigh)) })
	c3 := c.reg(c.number64(offsetLow), 'd')
	for i := range ctr {
		ctr[i] = counter{c0[i], q[i], c2[i], c3}
	}
	for r := 0; r < 8; r++ {
		p := c.each(func(i int) operand { return c.mulInt(ctr[i][0], m0) })
		q := c.each(func(i int) operand { return c.mulInt(ctr[i][2], m1) })
		c0 := c.each(func(i int) operand { return c.xor3(c.high(q[i]), ctr[i][1], c.number64(offsetKeys+16*r)) })
		c2 := c.each(func(i int) operand { return c.xor3(c.high(p[i]), ctr[i][3], c.number64(offsetKeys+16*r+8)) })
		for i := range ctr {
			ctr[i] = counter{c0[i], q[i], c2[i], p[i]}
		}
	}
	return ctr
}

// random is a kernel that fills groups of 64 elements; n counts elements. first
// makes numbers of words, second improves them and may branch.
func random(name, doc, typ string, first func(c *code, word operand) operand, second func(c *code, x operand) operand) kernel {
	return kernel{name: name, doc: doc, params: []param{{"dst", typ}, {"c", "*philox"}},
		custom: func(c *code, w io.Writer) { c.groups(w, first, second) }}
}

func (c *code) groups(w io.Writer, first, second func(c *code, x operand) operand) {
	if c.neon {
		c.groupsNEON(w, first, second)
		return
	}
	name := c.k.name
	base := c.fixed()
	fmt.Fprintf(w, "\tVPBROADCASTQ (%s), %s\n", c.base("c"), c.register(base))
	if c.wide {
		fmt.Fprintf(w, "\tMOVL $0xaaaa, DX\n\tKMOVW DX, K2\n")
	}
	fmt.Fprintf(w, "%s_loop:\n", name)
	for half := 0; half < 16/c.width(); half++ {
		lanes := func(odd int) operand {
			return operand{mem: fmt.Sprintf("vecLane<>+%d(SB)", 64*odd+32*half), full: true}
		}
		ctr := c.philox(c.addInt64(base, lanes(0)), c.addInt64(base, lanes(1)))
		var words counter
		for i := range words {
			words[i] = c.interleave(ctr[0][i], ctr[1][i])
		}
		step := c.width() / 4 // how many vectors of words run at once
		for i := 0; i < 4; i += step {
			var fs []func() operand
			for _, word := range words[i : i+step] {
				fs = append(fs, func() operand { return first(c, word) })
			}
			for j, x := range c.zip(fs...) {
				x = second(c, x)
				c.effect("VMOVUPS", x, imm(fmt.Sprintf("%d(%s)", 64*(i+j)+32*half, c.base("dst"))))
			}
		}
		c.print(w)
	}
	c.keep(base, c.addInt64(base, c.bits64(16)))
	c.print(w)
	fmt.Fprintf(w, "\tADDQ $256, %s\n\tSUBQ $64, CX\n\tJG %s_loop\n", c.base("dst"), name)
}

// same is the second step of kernels that need none.
func same(_ *code, x operand) operand { return x }

var randomKernels = []kernel{
	random("words", "dst[i] = word i of the sequence that starts at c.block", "[]uint32", same, same),
	random("normals", "dst[i] = quantile32(centered32(word i))", "[]float32", (*code).centered, func(c *code, v operand) operand {
		return c.quantile(v, c.center(v))
	}),
	random("clipped", "dst[i] = clipped32(centered32(word i))", "[]float32", func(c *code, word operand) operand {
		return c.clipped(c.centered(word))
	}, same),
}
