package main

import "fmt"

// Float64: one float32 register becomes two, its lower and its upper lanes.
// NEON's own forms are in neon.go.

func (c *code) add64(a, b operand) operand { return c.commutative("VADDPD", 'd', a, b) }
func (c *code) sub64(a, b operand) operand { return c.binary("VSUBPD", 'd', a, b) }
func (c *code) mul64(a, b operand) operand { return c.commutative("VMULPD", 'd', a, b) }
func (c *code) max64(a, b operand) operand { return c.binary("VMAXPD", 'd', a, b) }
func (c *code) min64(a, b operand) operand { return c.binary("VMINPD", 'd', a, b) }

// widen converts to float64.
func (c *code) widen(a operand) [2]operand {
	if c.neon {
		return c.widenNEON(a)
	}
	low, extract := c.part(a), "VEXTRACTF128"
	if c.wide {
		extract = "VEXTRACTF64X4"
	}
	high := c.emitPart(low.size, extract, imm("$1"), a)
	return [2]operand{c.emit("VCVTPS2PD", 0, low), c.emit("VCVTPS2PD", 0, high)}
}

// narrow rounds to float32.
func (c *code) narrow(a [2]operand) operand {
	if c.neon {
		return c.narrowNEON(a)
	}
	op, insert := "VCVTPD2PSY", "VINSERTF128"
	if c.wide {
		op, insert = "VCVTPD2PS", "VINSERTF64X4"
	}
	size := c.part(a[0]).size
	low, high := c.emitPart(size, op, a[0]), c.emitPart(size, op, a[1])
	low.size = 0
	return c.emit(insert, 0, imm("$1"), high, low)
}

// part is the lower half of a.
func (c *code) part(a operand) operand {
	a.size = 'X'
	if c.wide {
		a.size = 'Y'
	}
	return a
}

// emitPart appends an instruction whose result fills a register of that size.
func (c *code) emitPart(size byte, op string, in ...operand) operand {
	out := c.emit(op, 0, in...)
	c.outSize[out.id] = size
	out.size = size
	return out
}

// tree reduces 16 lanes, in one, two or four registers, by op: lane l with l+8,
// then l+4, l+2 and l+1. The result is broadcast.
func (c *code) tree(op string, lanes ...operand) operand {
	if c.neon {
		return c.treeNEON(op, lanes)
	}
	x := lanes[0]
	if c.wide {
		high := c.emitPart('Y', "VEXTRACTF64X4", imm("$1"), x)
		x.size = 'Y'
		x = c.emitPart('Y', op, high, x)
	} else {
		x = c.emit(op, 0, lanes[1], x)
	}
	high := c.emitPart('X', "VEXTRACTF128", imm("$1"), x)
	x.size = 'X'
	x = c.emitPart('X', op, high, x)
	x = c.emitPart('X', op, c.emitPart('X', "VPERMILPS", imm("$0x0e"), x), x)
	x = c.emitPart('X', op, c.emitPart('X', "VPERMILPS", imm("$0x01"), x), x)
	return c.emit("VBROADCASTSS", 0, x)
}

// each applies f to both halves, interleaved.
func (c *code) each(f func(h int) operand) [2]operand {
	out := c.zip(func() operand { return f(0) }, func() operand { return f(1) })
	return [2]operand{out[0], out[1]}
}

// Integers of 64 bits, for exponents and for products of 32-bit numbers.
func (c *code) logic64(op string, a, b operand) operand {
	if c.wide {
		op += "Q"
	}
	return c.commutative(op, 'd', a, b)
}
func (c *code) xor64(a, b operand) operand    { return c.logic64("VPXOR", a, b) }
func (c *code) addInt64(a, b operand) operand { return c.commutative("VPADDQ", 'd', a, b) }
func (c *code) mulInt(a, b operand) operand   { return c.commutative("VPMULUDQ", 'd', a, b) }
func (c *code) shiftLeft64(a operand, n int) operand {
	return c.emit("VPSLLQ", 0, imm(fmt.Sprint("$", n)), a)
}
func (c *code) shiftRight64(a operand, n int) operand {
	return c.emit("VPSRLQ", 0, imm(fmt.Sprint("$", n)), a)
}

// xor3 is a ⊕ b ⊕ s.
func (c *code) xor3(a, b, s operand) operand {
	if !c.wide {
		return c.xor64(c.xor64(a, b), s)
	}
	op, s := c.last("VPTERNLOGQ", s, 'd')
	return c.emit(op, 4, imm("$0x96"), s, a, b)
}

// interleave joins the lower words of even and odd lanes of 64 bits.
func (c *code) interleave(even, odd operand) operand {
	high := c.shiftLeft64(odd, 32)
	if c.wide {
		return c.emit("VPBLENDMD", 0, high, even, operand{imm: "K2"})
	}
	return c.emit("VPBLENDD", 0, imm("$0xaa"), high, even)
}
