package main

import (
	"fmt"
	"io"
	"math"
)

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
	row("sum", "l[i%16] += x[i]", 1, true, append(streams("x"), oneLane), func(c *code, h int) {
		l := c.lane(0, h, 0)
		c.keep(l, c.add(l, c.load("x", h)))
	}),
	row("max", "l[i%16] = max(x[i], l[i%16])", 1, false, append(streams("x"), oneLane), func(c *code, h int) {
		l := c.lane(0, h, 0)
		c.keep(l, c.max(c.load("x", h), l))
	}),
	row("deviation", "d = x[i] - c[0]; l[i%16] += d*d", 1, false, append(streams("x"), oneLane, param{"c", "*[1]float32"}), func(c *code, h int) {
		d := c.sub(c.load("x", h), c.number(0))
		l := c.lane(0, h, 0)
		c.keep(l, c.fma(d, d, l))
	}),
	elementwise("norm", "y[i] = (x[i]-c[0])*c[1]*gamma[i] + beta[i]", append(streams("y", "x", "gamma", "beta"), numbers), func(c *code) {
		c.put("y", c.fma(c.normalized(c.in("x")), c.in("gamma"), c.in("beta")))
	}),
	row("normSums", "g = gamma[i]*dy[i]; l[0][i%16] += g; l[1][i%16] += g * (x[i]-c[0])*c[1]", 2, false,
		append(streams("dy", "x", "gamma"), param{"l", "*[2]lanes32"}, numbers), func(c *code, h int) {
			g := c.mul(c.load("gamma", h), c.load("dy", h))
			l := c.lane(0, h, 0)
			c.keep(l, c.add(l, g))
			l = c.lane(1, h, 0)
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
		c.addLanes(0, h, c.each(func(i int) operand { return c.mul64(x[i], x[i]) }))
	}),
	wideRow("wideDot", "l[i%16] += float64(grad[i])*float64(eps[i])", 1, append(streams("grad", "eps"), param{"l", "*lanes64"}), func(c *code, h int) {
		x, y := c.widen(c.load("grad", h)), c.widen(c.load("eps", h))
		c.addLanes(0, h, c.each(func(i int) operand { return c.mul64(x[i], y[i]) }))
	}),
	wideRow("distance", "d = float64(a[i]) - float64(b[i]); l[i%16] += d*d", 1, append(streams("a", "b"), param{"l", "*lanes64"}), func(c *code, h int) {
		c.addLanes(0, h, c.distance("a", "b", h))
	}),
	wideRow("noisy", "std = exp32(p[i]); dst[i] = std*eps[i] + w[i]\nl[0][i%16] += std*std; l[1][i%16] += p[i]; l[2][i%16] += (w[i]-w0[i])^2", 3,
		append(streams("dst", "w", "w0", "p", "eps"), param{"l", "*[3]lanes64"}), func(c *code, h int) {
			p := c.load("p", h)
			c.addLanes(1, h, c.widen(p))
			std := c.exp(p)
			s := c.widen(std)
			c.addLanes(0, h, c.each(func(i int) operand { return c.mul64(s[i], s[i]) }))
			c.addLanes(2, h, c.distance("w", "w0", h))
			c.store("dst", h, c.fma(std, c.load("eps", h), c.load("w", h)))
		}),
	wideRow("widenAdd", "sums[i] += float64(x0[i]), then x1[i], x2[i], x3[i]", 0, append([]param{{"sums", "[]float64"}}, streams("x0", "x1", "x2", "x3")...), func(c *code, h int) {
		rows := [4][2]operand{}
		for r, name := range []string{"x0", "x1", "x2", "x3"} {
			rows[r] = c.widen(c.load(name, h))
		}
		for i := range rows[0] {
			m := c.address("sums", 8, h, i)
			s := c.add64(rows[0][i], m)
			for _, x := range rows[1:] {
				s = c.add64(x[i], s)
			}
			c.effect("VMOVUPS", s, imm(m.mem))
		}
	}),
}

// passes are kernels of several loops over one row of any length, n > 0.
var passKernels = []kernel{
	{name: "softmax", doc: "y = softmax(c[0]*x) as Softmax has it", params: append(streams("y", "x"), param{"c", "*[1]float32"}), custom: softmax},
	{name: "softmaxGrad", doc: "dx = c[0]*p*(dp - dot) as SoftmaxGrad has it", params: append(streams("dx", "p", "dp"), param{"c", "*[1]float32"}), custom: softmaxGrad},
}

// accumulate makes accumulators of 16 lanes that start as x.
func (c *code) accumulate(w io.Writer, x float32) []operand {
	var l []operand
	for half := 0; half < 16/c.width(); half++ {
		l = append(l, c.fixed())
		c.keep(l[half], c.reg(c.c32(x), 's'))
	}
	c.print(w)
	return l
}

// again starts the next pass over the row.
func (c *code) again(w io.Writer) {
	if c.neon {
		c.arguments(w)
		return
	}
	fmt.Fprintf(w, "\tMOVQ n+%d(FP), CX\n", 8*len(c.k.params))
}

func softmax(c *code, w io.Writer) {
	least := float32(math.Inf(-1))
	l := c.accumulate(w, least)
	c.over(w, "_max", 16, true, func(c *code, h int) { c.keep(l[h], c.max(c.loadOr("x", h, c.c32(least)), l[h])) })
	top, scale := c.fixed(), c.fixed()
	c.keep(top, c.tree("VMAXPS", l...))
	c.keep(scale, c.reg(c.number(0), 's'))
	sum := c.accumulate(w, 0)
	c.again(w)
	c.over(w, "_exp", 16, true, func(c *code, h int) {
		// Beyond the end e^0: results that underflow are slow.
		y := c.exp(c.mul(c.sub(c.loadOr("x", h, top), top), scale))
		c.store("y", h, y)
		c.keep(sum[h], c.add(sum[h], c.inside(h, y)))
	})
	c.keep(scale, c.div(c.reg(c.c32(1), 's'), c.tree("VADDPS", sum...)))
	c.print(w)
	c.again(w)
	c.over(w, "_scale", c.width(), true, func(c *code, _ int) { c.put("y", c.mul(c.in("y"), scale)) })
}

func softmaxGrad(c *code, w io.Writer) {
	l := c.accumulate(w, 0)
	c.over(w, "_dot", 16, true, func(c *code, h int) { c.keep(l[h], c.fma(c.load("p", h), c.load("dp", h), l[h])) })
	dot := c.fixed()
	c.keep(dot, c.tree("VADDPS", l...))
	c.print(w)
	c.again(w)
	c.over(w, "_dx", c.width(), true, func(c *code, _ int) {
		c.put("dx", c.mul(c.mul(c.in("p"), c.sub(c.in("dp"), dot)), c.number(0)))
	})
}

// distance is (a − b)² in float64.
func (c *code) distance(a, b string, h int) [2]operand {
	x, y := c.widen(c.load(a, h)), c.widen(c.load(b, h))
	return c.each(func(i int) operand {
		d := c.sub64(x[i], y[i])
		return c.mul64(d, d)
	})
}
