package main

import "fmt"

// Float64: one float32 register becomes two, its lower and its upper lanes.

func (c *code) add64(a, b operand) operand { return c.commutative("VADDPD", 'd', a, b) }
func (c *code) sub64(a, b operand) operand { return c.binary("VSUBPD", 'd', a, b) }
func (c *code) mul64(a, b operand) operand { return c.commutative("VMULPD", 'd', a, b) }
func (c *code) max64(a, b operand) operand { return c.binary("VMAXPD", 'd', a, b) }
func (c *code) min64(a, b operand) operand { return c.binary("VMINPD", 'd', a, b) }

// widen converts to float64.
func (c *code) widen(a operand) [2]operand {
	low, extract := a, "VEXTRACTF128"
	low.half = true
	if c.wide {
		extract = "VEXTRACTF64X4"
	}
	high := c.emitHalf(extract, imm("$1"), a)
	return [2]operand{c.emit("VCVTPS2PD", 0, low), c.emit("VCVTPS2PD", 0, high)}
}

// narrow rounds to float32.
func (c *code) narrow(a [2]operand) operand {
	op, insert := "VCVTPD2PSY", "VINSERTF128"
	if c.wide {
		op, insert = "VCVTPD2PS", "VINSERTF64X4"
	}
	low, high := c.emitHalf(op, a[0]), c.emitHalf(op, a[1])
	low.half = false
	return c.emit(insert, 0, imm("$1"), high, low)
}

// emitHalf appends an instruction whose result is half a register.
func (c *code) emitHalf(op string, in ...operand) operand {
	out := c.emit(op, 0, in...)
	c.halfOut[out.id] = true
	out.half = true
	return out
}

// each applies f to both halves.
func each(f func(h int) operand) [2]operand { return [2]operand{f(0), f(1)} }

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
