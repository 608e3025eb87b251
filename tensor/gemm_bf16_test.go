//go:build !f64

package tensor

import (
	"math"
	"math/rand"
	"testing"

	"pactune/asm"
	"pactune/internal/par"
)

func bf16Engine(pool *par.Pool) *Engine {
	e := NewEngine(pool)
	e.Precision = PrecisionBF16
	return e
}

// wantBF16 is the product of the rounded operands: in float32, which are the bits
// of every instruction set as long as no partial sum is subnormal, or as BFMMLA
// or AMX adds them up.
func (g *gemmCase) wantBF16() []Float { return g.wantBF16Of(asm.Active()) }

func (g *gemmCase) wantBF16Of(isa asm.ISA) []Float {
	h := *g
	for _, x := range []*[]Float{&h.a, &h.b} {
		rounded := make([]Float, len(*x))
		for i, v := range *x {
			rounded[i] = asm.RoundBF16(v)
		}
		*x = rounded
	}
	switch isa {
	case asm.BFMMLA:
		return h.wantBlocks(256, dotBFMMLA)
	case asm.AMX:
		return h.wantBlocks(1024, dotAMX)
	}
	return h.want()
}

// dotBFMMLA takes the terms in twos, in order.
func dotBFMMLA(x, y []Float) Float {
	acc := Float(0)
	for i := 0; i+1 < len(x); i += 2 {
		acc = asm.BFDotAdd(acc, x[i], y[i], x[i+1], y[i+1])
	}
	if n := len(x); n%2 == 1 {
		acc = asm.BFDotAdd(acc, x[n-1], y[n-1], 0, 0)
	}
	return acc
}

// dotAMX takes the terms 32 at a time, with zeros after the last.
func dotAMX(x, y []Float) Float {
	acc := Float(0)
	for p := 0; p < len(x); p += 32 {
		var a, b [32]Float
		copy(a[:], x[p:])
		copy(b[:], y[p:])
		acc = asm.TileDotAdd(acc, a[:], b[:])
	}
	return acc
}

// Instructions that this processor may not have: their packing and their blocks.
func TestGemmBF16ElsewhereToo(t *testing.T) {
	value := normals(18)
	for _, isa := range []asm.ISA{asm.AMX, asm.BFMMLA} {
		kernel := asm.BF16Kernel(isa)
		of := func(do func(p product)) gemmFunc {
			return func(kind Kind, m, n, k int, a []Float, lda int, b []Float, ldb int, accumulate bool, c []Float, ldc int) {
				p := product{m: m, n: n, k: k, a: a, lda: lda, b: b, ldb: ldb, c: c, ldc: ldc, kind: kind, accumulate: accumulate}
				p.check("test")
				do(p)
			}
		}
		e := bf16Engine(nil)
		forKinds(func(kind Kind, accumulate bool) {
			for i, s := range [][3]int{{1, 1, 1}, {15, 33, 64}, {57, 40, 31}, {97, 40, 70}, {130, 129, 5}, {161, 35, 33}, {3, 33, 1061}, {57, 3, 1030}} {
				g := newCase(kind, s[0], s[1], s[2], i%3, accumulate, value)
				want := g.wantBF16Of(isa)
				g.check(t, of(func(p product) { e.multiply(p, kernel) }), want)
				g.check(t, of(func(p product) { p.stripe(kernel, 0, p.n) }), want)
			}
		})
	}
}

// The sizes of the float32 product's grid, with guards, and both paths.
func TestGemmBF16Grid(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(11)
		e := bf16Engine(nil)
		ms, ns, ks := sizesM, sizesN, sizesK
		if asm.Active() == asm.Reference || testing.Short() {
			ms, ns, ks = []int{0, 1, 5, 57, 61}, []int{0, 1, 31, 33}, []int{0, 1, 5, 65}
		}
		forKinds(func(kind Kind, accumulate bool) {
			for i, m := range ms {
				for j, n := range ns {
					k := ks[(i*len(ns)+j)%len(ks)]
					g := newCase(kind, m, n, k, (i+j)%3, accumulate, value)
					want := g.wantBF16()
					g.check(t, e.Gemm, want)
					g.check(t, e.SmallGemm, want)
				}
			}
		})
	})
}

func TestGemmBF16LongSums(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(12)
		e := bf16Engine(nil)
		forKinds(func(kind Kind, accumulate bool) {
			for i, k := range []int{255, 256, 257, 513} {
				for _, m := range []int{2, 58} {
					g := newCase(kind, m, 35, k, i, accumulate, value)
					want := g.wantBF16()
					g.check(t, e.Gemm, want)
					g.check(t, e.SmallGemm, want)
				}
			}
		})
	})
}

// An independent sum: exact products of rounded operands in float64. Of n terms
// each addition rounds by at most 2^-24 of a partial sum, the blocks' sums and C
// among them; BFMMLA's half as many by 2^-23, and AMX has shorter chains.
func TestGemmBF16ErrorBound(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(13)
		g := newCase(NN, 61, 33, 517, 1, true, value)
		c := append([]Float(nil), g.c...)
		bf16Engine(nil).Gemm(g.kind, g.m, g.n, g.k, inner(g.a), g.lda, inner(g.b), g.ldb, true, inner(c), g.ldc)
		for i := 0; i < g.m; i++ {
			for j := 0; j < g.n; j++ {
				sum := float64(inner(g.c)[i*g.ldc+j])
				size := math.Abs(sum)
				for q := 0; q < g.k; q++ {
					x := float64(asm.RoundBF16(inner(g.a)[i*g.lda+q])) * float64(asm.RoundBF16(inner(g.b)[q*g.ldb+j]))
					sum, size = sum+x, size+math.Abs(x)
				}
				const e = (517 + 3) * 0x1p-24
				if d := math.Abs(float64(inner(c)[i*g.ldc+j]) - sum); !(d <= e*(1+e)*size) {
					t.Fatalf("row %d, column %d is %v, want %v; Σ|ab| = %v", i, j, inner(c)[i*g.ldc+j], sum, size)
				}
			}
		}
	})
}

// Where partial sums are subnormal the instruction sets differ by less than
// 2^-126 a term; NaN and infinities are the same. BFMMLA and AMX have all of it to themselves.
func TestGemmBF16HardNumbers(t *testing.T) {
	r := rand.New(rand.NewSource(14))
	value := func() Float {
		switch r.Intn(40) {
		case 0:
			return Float(math.Inf(1))
		case 1:
			return Float(math.NaN())
		case 2:
			return math.Float32frombits(r.Uint32() & 0x807fffff) // subnormal
		case 3:
			return Float(r.NormFloat64() * 0x1p127)
		}
		return Float(r.NormFloat64() * 0x1p-64)
	}
	for n := 0; n < 20; n++ {
		g := newCase(NT, 60, 40, 1+r.Intn(9), 1, n%2 == 0, value)
		eachISA(t, func(t *testing.T) {
			want, tolerance := g.wantBF16(), float64(2*g.k)*0x1p-126
			if asm.Active() == asm.BFMMLA || asm.Active() == asm.AMX {
				tolerance = 0
			}
			c := append([]Float(nil), g.c...)
			bf16Engine(nil).Gemm(g.kind, g.m, g.n, g.k, inner(g.a), g.lda, inner(g.b), g.ldb, g.accumulate, inner(c), g.ldc)
			for i, w := range want {
				d := math.Abs(float64(c[i]) - float64(w))
				if c[i] != w && (c[i] == c[i] || w == w) && !(d <= tolerance) {
					t.Fatalf("%v: element %d is %v, want %v", g, i-guard, c[i], w)
				}
			}
		})
	}
}

func TestGemmBF16Threads(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(15)
		shapes := [][3]int{{301, 250, 531}, {9, 700, 301}, {70, 33, 41}}
		if asm.Active() == asm.Reference || testing.Short() {
			shapes = [][3]int{{130, 90, 261}, {9, 300, 21}}
		}
		for _, s := range shapes {
			forKinds(func(kind Kind, accumulate bool) {
				g := newCase(kind, s[0], s[1], s[2], 1, accumulate, value)
				want := append([]Float(nil), g.c...)
				bf16Engine(nil).SmallGemm(kind, g.m, g.n, g.k, inner(g.a), g.lda, inner(g.b), g.ldb, accumulate, inner(want), g.ldc)
				for _, workers := range []int{1, 2, 3, 8} {
					pool := par.New(workers)
					g.check(t, bf16Engine(pool).Gemm, want)
					pool.Close()
				}
			})
		}
	})
}

// One engine for products of both precisions and different sizes: what it keeps
// must not show.
func TestGemmBF16EngineReused(t *testing.T) {
	value := normals(16)
	e := NewEngine(nil)
	for _, s := range [][3]int{{70, 50, 301}, {60, 40, 20}, {2, 70, 300}, {64, 60, 257}, {33, 9, 257}, {60, 40, 21}} {
		forKinds(func(kind Kind, accumulate bool) {
			g := newCase(kind, s[0], s[1], s[2], 0, accumulate, value)
			e.Precision = PrecisionBF16
			g.check(t, e.Gemm, g.wantBF16())
			e.Precision = PrecisionF32
			g.check(t, e.Gemm, g.want())
		})
	}
}

func TestGemmBF16DoesNotAllocate(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	eachISA(t, func(t *testing.T) {
		e := bf16Engine(pool)
		forKinds(func(kind Kind, accumulate bool) {
			for _, s := range [][3]int{{100, 90, 71}, {5, 90, 300}} {
				g := newCase(kind, s[0], s[1], s[2], 0, accumulate, normals(17))
				a, b, c := inner(g.a), inner(g.b), inner(g.c)
				if n := testing.AllocsPerRun(10, func() {
					e.Gemm(kind, g.m, g.n, g.k, a, g.lda, b, g.ldb, accumulate, c, g.ldc)
					e.SmallGemm(kind, g.m, g.n, g.k, a, g.lda, b, g.ldb, accumulate, c, g.ldc)
				}); n != 0 {
					t.Errorf("%v: %v allocations", g, n)
				}
			}
		})
	})
}
