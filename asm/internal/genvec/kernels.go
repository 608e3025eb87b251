package main

// streams makes []float32 parameters of the names.
func streams(names ...string) (ps []param) {
	for _, n := range names {
		ps = append(ps, param{n, "[]float32"})
	}
	return ps
}

// elementwise is a kernel whose elements are independent: outputs and inputs in
// params, numbers in c.
func elementwise(name, doc string, params []param, body func(c *code)) kernel {
	return kernel{name: name, doc: doc, params: params, masked: true, body: func(c *code, _ int) { body(c) }}
}

// in loads the current vector.
func (c *code) in(name string) operand     { return c.load(name, 0) }
func (c *code) put(name string, x operand) { c.store(name, 0, x) }

// unary is y = f(z); gradient is dz = dy·f(z).
func unary(name, doc string, f func(c *code, z operand) operand) kernel {
	return elementwise(name, doc, streams("y", "z"), func(c *code) { c.put("y", f(c, c.in("z"))) })
}

func gradient(name, doc string, f func(c *code, z operand) operand) kernel {
	return elementwise(name, doc, streams("dz", "dy", "z"), func(c *code) {
		c.put("dz", c.mul(f(c, c.in("z")), c.in("dy")))
	})
}

const (
	invSqrt2Pi = 0.398942280401432677939946059934381868
	geluScale  = 0.797884560802865355879892119868763737
	geluCube   = 0.044715
)

func (c *code) geluArg(z operand) operand {
	return c.mul(z, c.fma(c.mul(z, z), c.c32(geluScale*geluCube), c.c32(geluScale)))
}

// onePlusExpNeg is 1 + e^−z.
func (c *code) onePlusExpNeg(z operand) operand {
	return c.add(c.exp(c.xor(z, c.bits32(1<<31))), c.c32(1))
}

var elementKernels = []kernel{
	elementwise("add", "dst[i] = a[i] + b[i]", streams("dst", "a", "b"), func(c *code) {
		c.put("dst", c.add(c.in("a"), c.in("b")))
	}),
	elementwise("scale", "dst[i] *= c[0]", append(streams("dst"), param{"c", "*[1]float32"}), func(c *code) {
		c.put("dst", c.mul(c.in("dst"), c.number(0)))
	}),
	unary("gelu", "y[i] = z[i] * (0.5 + halfErf32(z[i]))", func(c *code, z operand) operand {
		return c.mul(z, c.add(c.halfErf(z), c.c32(0.5)))
	}),
	gradient("geluGrad", "dz[i] = dy[i] * (Φ(z[i]) + z[i]*φ(z[i]))", func(c *code, z operand) operand {
		r := c.zip(
			func() operand { return c.add(c.halfErf(z), c.c32(0.5)) },
			func() operand { return c.mul(c.exp(c.mul(c.mul(z, c.c32(-0.5)), z)), c.c32(invSqrt2Pi)) })
		return c.fma(z, r[1], r[0])
	}),
	unary("geluTanh", "y[i] = z[i]/2 * (1 + tanh32(geluArg(z[i])))", func(c *code, z operand) operand {
		half := c.mul(z, c.c32(0.5))
		return c.fma(half, c.tanh(c.geluArg(z)), half)
	}),
	gradient("geluTanhGrad", "dz[i] = dy[i] * geluTanh'(z[i])", func(c *code, z operand) operand {
		t := c.tanh(c.geluArg(z))
		slope := c.fma(c.mul(z, z), c.c32(3*geluScale*geluCube), c.c32(geluScale))
		half := c.mul(c.mul(z, c.c32(0.5)), slope)
		share := c.fma(c.reg(c.c32(0.5), 's'), t, c.c32(0.5))
		return c.fma(half, c.fnma(t, t, c.c32(1)), share)
	}),
	unary("relu", "y[i] = max32(0, z[i])", func(c *code, z operand) operand {
		return c.max(c.c32(0), z)
	}),
	elementwise("reluGrad", "dz[i] = dy[i] if z[i] > 0 else 0", streams("dz", "dy", "z"), func(c *code) {
		m := c.less(c.c32(0), c.in("z"))
		c.put("dz", c.pick(m, c.in("dy"), c.c32(0)))
	}),
	unary("silu", "y[i] = z[i] / (1 + exp32(-z[i]))", func(c *code, z operand) operand {
		return c.div(z, c.onePlusExpNeg(z))
	}),
	gradient("siluGrad", "s = 1/(1 + exp32(-z[i])); dz[i] = dy[i] * s*(1 + z[i]*(1-s))", func(c *code, z operand) operand {
		one := c.reg(c.c32(1), 's')
		s := c.div(one, c.onePlusExpNeg(z))
		return c.mul(s, c.fma(z, c.sub(one, s), one))
	}),
	unary("tanh", "y[i] = tanh32(z[i])", func(c *code, z operand) operand { return c.tanh(z) }),
	gradient("tanhGrad", "t = tanh32(z[i]); dz[i] = dy[i] * (1 - t*t)", func(c *code, z operand) operand {
		t := c.tanh(z)
		return c.fnma(t, t, c.c32(1))
	}),
	elementwise("priorGrad", "grad[i] += c[0] * (w[i] - w0[i])", append(streams("grad", "w", "w0"), param{"c", "*[1]float32"}), func(c *code) {
		c.put("grad", c.fma(c.sub(c.in("w"), c.in("w0")), c.number(0), c.in("grad")))
	}),
	elementwise("adamW", "w[i], m[i], v[i] = c.apply(w[i], grad[i], m[i], v[i])", append(streams("w", "grad", "m", "v"), param{"c", "*AdamStep"}), func(c *code) {
		c.adam("w", "m", "v", c.in("grad"))
	}),
	elementwise("dropout", "y[i] = x[i]*c[1] if float32(u[i]>>8) < c[0] else 0",
		append(streams("y", "x"), param{"u", "[]uint32"}, param{"c", "*[2]float32"}), func(c *code) {
			k := c.fromInt(c.shiftRight(c.in("u"), 8))
			kept := c.mul(c.in("x"), c.number(1))
			c.put("y", c.pick(c.less(k, c.number(0)), kept, c.c32(0)))
		}),
	elementwise("axpy", "dst[i] = w[i] + c[0]*eps[i]", append(streams("dst", "w", "eps"), param{"c", "*[1]float32"}), func(c *code) {
		c.put("dst", c.fma(c.in("eps"), c.number(0), c.in("w")))
	}),
	elementwise("noiseStep", "dp = grad[i]*eps[i]*exp32(p[i]) + float32(expm1Wide(2*(p[i]-b))*kl)\np[i], mp[i], vp[i] = adam.apply(p[i], dp, mp[i], vp[i])",
		append(streams("p", "mp", "vp", "grad", "eps"), param{"c", "*noiseStep"}), func(c *code) {
			p := c.in("p")
			wide := c.widen(p)
			kl := c.narrow(c.each(func(h int) operand {
				x := c.sub64(wide[h], c.number64(32))
				return c.mul64(c.expm1(c.mul64(x, c.c64(2))), c.number64(40))
			}))
			dp := c.fma(c.mul(c.in("grad"), c.in("eps")), c.exp(p), kl)
			c.adam("p", "mp", "vp", dp)
		}),
}

// adam is AdamStep.apply: Decay, C1, Beta2, C2, Root, Eps, Rate, After are
// numbers 0 … 7 of the parameter block.
func (c *code) adam(w, m, v string, g operand) {
	first := c.in(m)
	first = c.fma(c.sub(g, first), c.number(1), first)
	c.put(m, first)
	second := c.fma(c.in(v), c.number(2), c.mul(c.mul(g, c.number(3)), g))
	c.put(v, second)
	root := c.fma(c.sqrt(second), c.number(4), c.reg(c.number(5), 's'))
	x := c.mul(c.in(w), c.number(0))
	x = c.fnma(c.div(first, root), c.number(6), x)
	c.put(w, c.fnma(x, c.number(7), x))
}
