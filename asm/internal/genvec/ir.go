package main

import (
	"fmt"
	"math"
)

// An operand is a value in a register that is yet to be chosen, a constant, or
// a number of the parameter block that a kernel points to.
type operand struct {
	id   int    // of a value; 0 for the others
	size byte   // 'X' or 'Y': printed as that part of its register
	mem  string // address; a scalar to broadcast unless full
	full bool   // mem is a whole vector
	imm  string // immediate, K register or other literal text
}

// A segment is straight-line code in which every value is defined once.
type ins struct {
	op   string
	in   []operand // in Go's order: sources, last one first
	out  int       // value defined, 0 for none
	tied int       // 1 + index in `in` of the source that out overwrites, 0 for none
	both bool      // the overwritten source is named beside out
	fma  byte      // 'd' or 's' (precision) for a fused multiply-add of in = a, b, c
	neg  bool      // −a·b + c
}

// code builds the body of one kernel for one instruction set. Its methods are
// the language in which kernels are written: each appends instructions and
// returns the operand that they define.
type code struct {
	*target
	k       *kernel
	seg     []ins
	tail    bool // the masked remainder is being written
	mask    operand
	labels  int
	isMask  map[int]bool    // values in K registers
	outSize map[int]byte    // values that fill only an X or Y register
	pinned  map[int]int     // value → register, for values that live over the loop
	lanes   map[int]operand // accumulators
	arm     armState
}

// A target is an instruction set and the constants its file needs.
type target struct {
	name   string // "AVX512"
	suffix string // of file names
	wide   bool   // 512-bit registers and masks
	neon   bool   // arm64: see neon.go
	regs   int
	next   int // next value
	data32 []uint32
	data64 []uint64
	data   [][4]uint32 // of NEON: whole vectors
}

// width is the number of float32 in a register.
func (t *target) width() int {
	switch {
	case t.wide:
		return 16
	case t.neon:
		return 4
	}
	return 8
}

func (c *code) value() int { c.next++; return c.next }

func (c *code) emit(op string, tied int, in ...operand) operand {
	out := c.value()
	c.seg = append(c.seg, ins{op: op, in: in, out: out, tied: tied})
	return operand{id: out}
}

func (c *code) effect(op string, in ...operand) { c.seg = append(c.seg, ins{op: op, in: in}) }

func imm(text string) operand { return operand{imm: text} }

// c32 is a float32 constant.
func (c *code) c32(x float32) operand { return c.bits32(math.Float32bits(x)) }

func (c *code) bits32(b uint32) operand {
	if c.neon {
		return c.constant([4]uint32{b, b, b, b})
	}
	for i, have := range c.data32 {
		if have == b {
			return operand{mem: fmt.Sprintf("vecData32<>+%d(SB)", 4*i)}
		}
	}
	c.data32 = append(c.data32, b)
	return operand{mem: fmt.Sprintf("vecData32<>+%d(SB)", 4*len(c.data32)-4)}
}

// c64 is a float64 constant.
func (c *code) c64(x float64) operand { return c.bits64(math.Float64bits(x)) }

func (c *code) bits64(b uint64) operand {
	if c.neon {
		low, high := uint32(b), uint32(b>>32)
		return c.constant([4]uint32{low, high, low, high})
	}
	for i, have := range c.data64 {
		if have == b {
			return operand{mem: fmt.Sprintf("vecData64<>+%d(SB)", 8*i)}
		}
	}
	c.data64 = append(c.data64, b)
	return operand{mem: fmt.Sprintf("vecData64<>+%d(SB)", 8*len(c.data64)-8)}
}

// reg puts an operand into a register: broadcasts a scalar, loads a vector.
func (c *code) reg(x operand, p byte) operand {
	switch {
	case x.mem == "":
		return x
	case x.full:
		return c.emit("VMOVUPS", 0, x)
	case p == 'd':
		return c.emit("VBROADCASTSD", 0, x)
	}
	return c.emit("VBROADCASTSS", 0, x)
}

// last prepares the operand that may stay in memory: AVX-512 broadcasts scalars
// on the fly, AVX2 needs them in a register, NEON everything.
func (c *code) last(op string, x operand, p byte) (string, operand) {
	if x.mem == "" || x.full && !c.neon {
		return op, x
	}
	if c.wide {
		return op + ".BCST", x
	}
	return op, c.reg(x, p)
}

// binary is a op b; a scalar or memory operand is b.
func (c *code) binary(op string, p byte, a, b operand) operand {
	a = c.reg(a, p)
	op, b = c.last(op, b, p)
	return c.emit(op, 0, b, a)
}

func (c *code) commutative(op string, p byte, a, b operand) operand {
	if a.mem != "" {
		a, b = b, a
	}
	return c.binary(op, p, a, b)
}

// zip writes the independent pieces fs interleaved, so that the processor finds
// work while it waits for one of them.
func (c *code) zip(fs ...func() operand) []operand {
	before := c.seg
	parts := make([][]ins, len(fs))
	outs := make([]operand, len(fs))
	longest := 0
	for i, f := range fs {
		c.seg = nil
		outs[i] = f()
		parts[i] = c.seg
		longest = max(longest, len(c.seg))
	}
	c.seg = before
	for n := 1; n <= longest; n++ {
		for _, p := range parts {
			c.seg = append(c.seg, p[(n-1)*len(p)/longest:n*len(p)/longest]...)
		}
	}
	return outs
}

// The arithmetic of float32 vectors.
func (c *code) add(a, b operand) operand { return c.commutative("VADDPS", 's', a, b) }
func (c *code) sub(a, b operand) operand { return c.binary("VSUBPS", 's', a, b) }
func (c *code) mul(a, b operand) operand { return c.commutative("VMULPS", 's', a, b) }
func (c *code) div(a, b operand) operand { return c.binary("VDIVPS", 's', a, b) }
func (c *code) sqrt(a operand) operand   { return c.emit("VSQRTPS", 0, c.reg(a, 's')) }

// max is a where a > b, else b; min likewise.
func (c *code) max(a, b operand) operand { return c.binary("VMAXPS", 's', a, b) }
func (c *code) min(a, b operand) operand { return c.binary("VMINPS", 's', a, b) }

// clamp is min(limit, max(−limit, x)).
func (c *code) clamp(x operand, limit float32) operand {
	return c.min(c.c32(limit), c.max(c.c32(-limit), x))
}

// fma is a·b + c rounded once, fnma −a·b + c.
func (c *code) fma(a, b, z operand) operand  { return c.fused('s', false, a, b, z) }
func (c *code) fnma(a, b, z operand) operand { return c.fused('s', true, a, b, z) }

// fma64 and fnma64 are the same in float64.
func (c *code) fma64(a, b, z operand) operand { return c.fused('d', false, a, b, z) }

func (c *code) fused(p byte, neg bool, a, b, z operand) operand {
	if a.mem != "" {
		a, b = b, a
	}
	a = c.reg(a, p)
	keep := z.mem != "" && c.wide // one operand may stay in memory
	if b.mem != "" && (keep || !c.wide) {
		b = c.reg(b, p)
	}
	if z.mem != "" && !keep {
		z = c.reg(z, p)
	}
	out := c.value()
	c.seg = append(c.seg, ins{in: []operand{a, b, z}, out: out, fma: p, neg: neg})
	return operand{id: out}
}

// Bits and 32-bit integers. D and Q variants exist only with 512 bits.
func (c *code) logic(op string, a, b operand) operand {
	if c.wide {
		op += "D"
	}
	return c.commutative(op, 's', a, b)
}
func (c *code) and(a, b operand) operand    { return c.logic("VPAND", a, b) }
func (c *code) or(a, b operand) operand     { return c.logic("VPOR", a, b) }
func (c *code) xor(a, b operand) operand    { return c.logic("VPXOR", a, b) }
func (c *code) addInt(a, b operand) operand { return c.commutative("VPADDD", 's', a, b) }
func (c *code) subInt(a, b operand) operand { return c.binary("VPSUBD", 's', a, b) }
func (c *code) shiftRight(a operand, n int) operand {
	return c.emit("VPSRLD", 0, imm(fmt.Sprint("$", n)), a)
}
func (c *code) shiftRightSigned(a operand, n int) operand {
	return c.emit("VPSRAD", 0, imm(fmt.Sprint("$", n)), a)
}
func (c *code) shiftLeft(a operand, n int) operand {
	return c.emit("VPSLLD", 0, imm(fmt.Sprint("$", n)), a)
}
func (c *code) fromInt(a operand) operand { return c.emit("VCVTDQ2PS", 0, a) }

// abs and signed take signs off and put them on.
func (c *code) abs(a operand) operand { return c.and(a, c.bits32(1<<31-1)) }
func (c *code) withSign(a, sign operand) operand {
	return c.or(a, c.and(sign, c.bits32(1<<31)))
}

// less is the mask a < b; pick is a where the mask holds, else b.
func (c *code) less(a, b operand) operand {
	a = c.reg(a, 's')
	op, b := c.last("VCMPPS", b, 's')
	m := c.emit(op, 0, imm("$0x11"), b, a)
	c.isMask[m.id] = c.wide
	return m
}

func (c *code) pick(m, a, b operand) operand {
	a, b = c.reg(a, 's'), c.reg(b, 's')
	if c.wide {
		return c.emit("VBLENDMPS", 0, a, b, m)
	}
	return c.emit("VBLENDVPS", 0, m, a, b)
}

// where replaces old by what make returns in the lanes of the mask, and skips
// making it when there are none.
func (c *code) where(m, old operand, make func() operand) operand {
	c.labels++
	label := imm(fmt.Sprintf("%s_skip%d", c.k.name, c.labels))
	switch {
	case c.wide:
		c.effect("KORTESTW", m, m)
		c.effect("JZ", label)
	case c.neon:
		c.effect("unless", m, label)
	default:
		c.effect("VMOVMSKPS", m, imm("DX"))
		c.effect("TESTL", imm("DX"), imm("DX"))
		c.effect("JZ", label)
	}
	a := make()
	var out operand
	if c.wide {
		out = c.emit("VMOVAPS", 3, a, m, old)
	} else {
		out = c.emit("VBLENDVPS", 3, m, a, old)
		c.seg[len(c.seg)-1].both = true
	}
	c.effect("label", label)
	return out
}

// scale is p·2^n for n whole: in one step, or in two of which one is exact.
func (c *code) scale(p, n, bits operand) operand {
	if c.wide {
		return c.emit("VSCALEFPS", 0, n, p)
	}
	a := c.shiftRightSigned(bits, 1)
	b := c.subInt(bits, a)
	bias := c.reg(c.bits32(127), 's')
	p = c.mul(p, c.shiftLeft(c.addInt(a, bias), 23))
	return c.mul(p, c.shiftLeft(c.addInt(b, bias), 23))
}
