package main

import "math"

// row is a kernel with accumulators of float32 in the parameter l.
func row(name, doc string, lanes int, masked bool, params []param, body func(c *code, half int)) kernel {
	return kernel{name: name, doc: doc, params: params, lanes: lanes, masked: masked, body: body}
}

// wideRow has accumulators of float64 in l; it takes whole multiples of 16.
func wideRow(name, doc string, lanes int, params []param, body func(c *code, half int)) kernel {
	return kernel{name: name, doc: doc, params: params, lanes: lanes, wide: true, body: body}
}

func (c *code) normalized(x operand) operand {
	return c.mul(c.sub(x, c.number(0)), c.number(1))
}

var (
	oneLane = param{"l", "*lanes32"}
	numbers = param{"c", "*[2]float32"}
)

var rowKernels = []kernel{
	row("max", "l[i%16] = max32(x[i], l[i%16])", 1, true, append(streams("x"), oneLane), func(c *code, h int) {
		l := c.lane(0, h)
		c.keep(l, c.max(c.loadOr("x", h, float32(math.Inf(-1))), l))
	}),
	row("expSum", "y[i] = exp32((x[i]-c[0]) * c[1]); l[i%16] += y[i]", 1, true, append(streams("y", "x"), oneLane, numbers), func(c *code, h int) {
		x := c.loadOr("x", h, float32(math.Inf(-1)))
		y := c.exp(c.normalized(x))
		c.store("y", h, y)
		l := c.lane(0, h)
		c.keep(l, c.add(l, y))
	}),
	row("dot", "l[i%16] += p[i]*dp[i]", 1, true, append(streams("p", "dp"), oneLane), func(c *code, h int) {
		l := c.lane(0, h)
		c.keep(l, c.fma(c.load("p", h), c.load("dp", h), l))
	}),
	elementwise("softmaxGrad", "dx[i] = p[i] * (dp[i]-c[0]) * c[1]", append(streams("dx", "p", "dp"), numbers), func(c *code) {
		d := c.sub(c.in("dp"), c.number(0))
		c.put("dx", c.mul(c.mul(c.in("p"), d), c.number(1)))
	}),
	row("sum", "l[i%16] += x[i]", 1, true, append(streams("x"), oneLane), func(c *code, h int) {
		l := c.lane(0, h)
		c.keep(l, c.add(l, c.load("x", h)))
	}),
	row("deviation", "d = x[i] - c[0]; l[i%16] += d*d", 1, false, append(streams("x"), oneLane, param{"c", "*[1]float32"}), func(c *code, h int) {
		d := c.sub(c.load("x", h), c.number(0))
		l := c.lane(0, h)
		c.keep(l, c.fma(d, d, l))
	}),
	elementwise("norm", "y[i] = (x[i]-c[0])*c[1]*gamma[i] + beta[i]", append(streams("y", "x", "gamma", "beta"), numbers), func(c *code) {
		c.put("y", c.fma(c.normalized(c.in("x")), c.in("gamma"), c.in("beta")))
	}),
	row("normSums", "g = gamma[i]*dy[i]; l[0][i%16] += g; l[1][i%16] += g * (x[i]-c[0])*c[1]", 2, false,
		append(streams("dy", "x", "gamma"), param{"l", "*[2]lanes32"}, numbers), func(c *code, h int) {
			g := c.mul(c.load("gamma", h), c.load("dy", h))
			l := c.lane(0, h)
			c.keep(l, c.add(l, g))
			l = c.lane(1, h)
			c.keep(l, c.fma(g, c.normalized(c.load("x", h)), l))
		}),
	elementwise("normGrad", "dx[i] = c[1] * (gamma[i]*dy[i] - c[2] - (x[i]-c[0])*c[1]*c[3])", append(streams("dx", "dy", "x", "gamma"), param{"c", "*[4]float32"}), func(c *code) {
		g := c.sub(c.mul(c.in("gamma"), c.in("dy")), c.number(2))
		c.put("dx", c.mul(c.fnma(c.normalized(c.in("x")), c.number(3), g), c.number(1)))
	}),
	elementwise("normParamGrad", "dgamma[i] += dy[i] * (x[i]-c[0])*c[1]; dbeta[i] += dy[i]", append(streams("dgamma", "dbeta", "dy", "x"), numbers), func(c *code) {
		dy := c.in("dy")
		c.put("dgamma", c.fma(dy, c.normalized(c.in("x")), c.in("dgamma")))
		c.put("dbeta", c.add(c.in("dbeta"), dy))
	}),
	wideRow("squares", "l[i%16] += float64(x[i])*float64(x[i])", 1, append(streams("x"), param{"l", "*lanes64"}), func(c *code, h int) {
		x := c.widen(c.load("x", h))
		c.addLanes64(0, h, each(func(i int) operand { return c.mul64(x[i], x[i]) }))
	}),
	wideRow("wideDot", "l[i%16] += float64(grad[i])*float64(eps[i])", 1, append(streams("grad", "eps"), param{"l", "*lanes64"}), func(c *code, h int) {
		x, y := c.widen(c.load("grad", h)), c.widen(c.load("eps", h))
		c.addLanes64(0, h, each(func(i int) operand { return c.mul64(x[i], y[i]) }))
	}),
	wideRow("distance", "d = float64(a[i]) - float64(b[i]); l[i%16] += d*d", 1, append(streams("a", "b"), param{"l", "*lanes64"}), func(c *code, h int) {
		c.addLanes64(0, h, c.distance("a", "b", h))
	}),
	wideRow("noisy", "std = exp32(p[i]); dst[i] = std*eps[i] + w[i]\nl[0][i%16] += std*std; l[1][i%16] += p[i]; l[2][i%16] += (w[i]-w0[i])^2", 3,
		append(streams("dst", "w", "w0", "p", "eps"), param{"l", "*[3]lanes64"}), func(c *code, h int) {
			p := c.load("p", h)
			c.addLanes64(1, h, c.widen(p))
			std := c.exp(p)
			s := c.widen(std)
			c.addLanes64(0, h, each(func(i int) operand { return c.mul64(s[i], s[i]) }))
			c.addLanes64(2, h, c.distance("w", "w0", h))
			c.store("dst", h, c.fma(std, c.load("eps", h), c.load("w", h)))
		}),
	wideRow("widenAdd", "sums[i] += float64(x[i])", 1, []param{{"sums", "[]float64"}, {"x", "[]float32"}}, func(c *code, h int) {
		x := c.widen(c.load("x", h))
		for i := range x {
			m := c.address("sums", 8, 64*h+4*c.width()*i)
			c.effect("VMOVUPS", c.add64(x[i], m), imm(m.mem))
		}
	}),
}

// distance is (a − b)² in float64.
func (c *code) distance(a, b string, h int) [2]operand {
	x, y := c.widen(c.load(a, h)), c.widen(c.load(b, h))
	return each(func(i int) operand {
		d := c.sub64(x[i], y[i])
		return c.mul64(d, d)
	})
}
