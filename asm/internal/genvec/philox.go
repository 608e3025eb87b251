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

func (c *code) philox(block operand) counter {
	m0, m1 := c.bits64(0xD2511F53), c.bits64(0xCD9E8D57)
	p := c.mulInt(block, m0) // round 1: c0 and c1 are the same in all lanes
	c2 := c.xor64(c.shiftRight64(p, 32), c.number64(offsetKey2))
	q := c.mulInt(c2, m1) // round 2
	ctr := counter{
		c.xor64(c.shiftRight64(q, 32), c.number64(offsetXor)), q,
		c.xor64(p, c.number64(offsetHigh)), {},
	}
	for r := 0; r < 8; r++ {
		p, q := c.mulInt(ctr[0], m0), c.mulInt(ctr[2], m1)
		c3 := ctr[3]
		if r == 0 {
			c3 = c.reg(c.number64(offsetLow), 'd')
		}
		ctr = counter{
			c.xor3(c.shiftRight64(q, 32), ctr[1], c.number64(offsetKeys+16*r)), q,
			c.xor3(c.shiftRight64(p, 32), c3, c.number64(offsetKeys+16*r+8)), p,
		}
	}
	return ctr
}

// random is a kernel that fills groups of 64 elements; n counts elements.
func random(name, doc, typ string, f func(c *code, word operand) operand) kernel {
	return kernel{name: name, doc: doc, params: []param{{"dst", typ}, {"c", "*philox"}},
		custom: func(c *code, w io.Writer) { c.groups(w, f) }}
}

func (c *code) groups(w io.Writer, f func(c *code, word operand) operand) {
	name := c.k.name
	base := operand{id: c.value()}
	c.pinned[base.id] = c.regs - 1
	fmt.Fprintf(w, "\tVPBROADCASTQ (%s), %s\n", c.base("c"), c.pinnedName(base.id))
	if c.wide {
		fmt.Fprintf(w, "\tMOVL $0xaaaa, DX\n\tKMOVW DX, K2\n")
	}
	fmt.Fprintf(w, "%s_loop:\n", name)
	for half := 0; half < 16/c.width(); half++ {
		lanes := func(odd int) operand {
			return operand{mem: fmt.Sprintf("vecLane<>+%d(SB)", 64*odd+32*half), full: true}
		}
		even, odd := c.philox(c.addInt64(base, lanes(0))), c.philox(c.addInt64(base, lanes(1)))
		for i := range even {
			x := f(c, c.interleave(even[i], odd[i]))
			c.effect("VMOVUPS", x, imm(fmt.Sprintf("%d(%s)", 64*i+32*half, c.base("dst"))))
		}
		c.print(w)
	}
	c.keep(base, c.addInt64(base, c.bits64(16)))
	c.print(w)
	fmt.Fprintf(w, "\tADDQ $256, %s\n\tSUBQ $64, CX\n\tJG %s_loop\n", c.base("dst"), name)
}

var randomKernels = []kernel{
	random("words", "dst[i] = word i of the sequence that starts at c.block", "[]uint32", func(c *code, word operand) operand { return word }),
	random("normals", "dst[i] = quantile32(centered32(word i))", "[]float32", func(c *code, word operand) operand {
		return c.quantile(c.centered(word))
	}),
	random("clipped", "dst[i] = clipped32(centered32(word i))", "[]float32", func(c *code, word operand) operand {
		return c.clipped(c.centered(word))
	}),
}
