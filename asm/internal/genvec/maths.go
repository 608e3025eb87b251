package main

import (
	"math"

	"pactune/asm/internal/coef"
)

// The elementary functions: vec_math.go of package asm, expression for
// expression.

func (c *code) horner(cs []float32, x operand) operand {
	p := c.reg(c.c32(cs[len(cs)-1]), 's')
	for i := len(cs) - 2; i >= 0; i-- {
		p = c.fma(p, x, c.c32(cs[i]))
	}
	return p
}

func (c *code) exp(x operand) operand {
	x = c.min(c.c32(coef.ExpMax), c.max(c.c32(coef.ExpMin), x))
	magic := c.reg(c.c32(coef.Magic), 's')
	t := c.fma(x, c.c32(coef.Log2E), magic)
	n := c.sub(t, magic)
	r := c.fma(n, c.c32(-coef.Ln2Hi), x)
	r = c.fma(n, c.c32(-coef.Ln2Lo), r)
	p := c.horner(coef.Exp[:], r)
	bits := operand{}
	if !c.wide {
		bits = c.subInt(t, magic)
	}
	return c.scale(p, n, bits)
}

// rational is limit-clamped x·P(x²)/Q(x²), x clamped to ±end.
func (c *code) rational(x operand, end float32, p, q []float32, limit float32) operand {
	x = c.clamp(x, end)
	return c.clamp(c.ratio(x, c.mul(x, x), p, q), limit)
}

// ratio is x·P(s)/Q(s).
func (c *code) ratio(x, s operand, p, q []float32) operand {
	r := c.zip(func() operand { return c.mul(x, c.horner(p, s)) }, func() operand { return c.horner(q, s) })
	return c.div(r[0], r[1])
}

func (c *code) halfErf(z operand) operand {
	return c.rational(z, coef.HalfErfMax, coef.HalfErfP[:], coef.HalfErfQ[:], 0.5)
}

func (c *code) tanh(x operand) operand {
	return c.rational(x, coef.TanhMax, coef.TanhP[:], coef.TanhQ[:], 1)
}

func (c *code) centered(word operand) operand {
	k := c.fromInt(c.shiftRight(word, 8))
	return c.fma(k, c.c32(0x1p-23), c.c32(0x1p-24-1))
}

// oneMinusSquare is 1 − v².
func (c *code) oneMinusSquare(v operand) operand { return c.fnma(v, v, c.c32(1)) }

func (c *code) center(v operand) operand {
	return c.ratio(v, c.oneMinusSquare(v), coef.QuantileP[:], coef.QuantileQ[:])
}

func (c *code) clipped(v operand) operand {
	return c.clamp(c.center(c.clamp(v, coef.QuantileMid)), 2)
}

// quantile replaces z, the centre's value at v, in the tails.
func (c *code) quantile(v, z operand) operand {
	outside := c.less(c.c32(coef.QuantileMid), c.abs(v))
	return c.where(outside, z, func() operand { return c.withSign(c.tailQuantile(v), v) })
}

func (c *code) tailQuantile(v operand) operand {
	bits := c.oneMinusSquare(v)
	e := c.shiftRightSigned(c.subInt(bits, c.bits32(0x3f3504f3)), 23)
	f := c.sub(c.subInt(bits, c.shiftLeft(e, 23)), c.c32(1))
	l := c.fma(c.fromInt(e), c.c32(-2*math.Ln2), c.mul(f, c.horner(coef.Log[:], f)))
	return c.horner(coef.Tail[:], c.sqrt(l))
}

// expm1 is e^x − 1 in float64.
func (c *code) expm1(x operand) operand {
	x = c.min64(c.c64(coef.Expm1Max), c.max64(c.c64(coef.Expm1Min), x))
	magic := c.reg(c.c64(coef.Magic64), 'd')
	t := c.fma64(x, c.c64(coef.Log2E), magic)
	n := c.sub64(t, magic)
	r := c.fma64(n, c.c64(-coef.Ln2Hi64), x)
	r = c.fma64(n, c.c64(-coef.Ln2Lo64), r)
	q := c.reg(c.c64(coef.Expm1[len(coef.Expm1)-1]), 'd')
	for i := len(coef.Expm1) - 2; i >= 0; i-- {
		q = c.fma64(q, r, c.c64(coef.Expm1[i]))
	}
	q = c.fma64(c.mul64(r, r), q, r)
	scale := c.shiftLeft64(c.addInt64(t, c.bits64(1023)), 52)
	return c.fma64(q, scale, c.sub64(scale, c.c64(1)))
}
