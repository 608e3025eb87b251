package tensor

import (
	"fmt"
	"math"
	"math/rand"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/internal/par"
)

// eachISA runs a test once for every instruction set of this machine, of which
// the float64 build uses none.
func eachISA(t *testing.T, test func(t *testing.T)) {
	if F64 {
		test(t)
		return
	}
	before := asm.Active()
	defer asm.Use(before)
	for _, isa := range asm.Available() {
		if err := asm.Use(isa); err != nil {
			t.Fatal(err)
		}
		t.Run(isa.String(), test)
	}
}

// gemmCase is one product with guards: every element that it may not touch is
// NaN before, and must be the same NaN afterwards.
type gemmCase struct {
	kind          Kind
	m, n, k       int
	a, b, c       []Float
	lda, ldb, ldc int
	accumulate    bool
}

const guard = 37 // elements before and after every operand

func guarded(rows, cols, ld int, value func() Float) []Float {
	x := make([]Float, guard+max(0, rows-1)*ld+cols+guard)
	for i := range x {
		x[i] = Float(math.NaN())
	}
	for i := 0; i < rows; i++ {
		for j := 0; j < cols; j++ {
			x[guard+i*ld+j] = value()
		}
	}
	return x
}

func newCase(kind Kind, m, n, k, pad int, accumulate bool, value func() Float) *gemmCase {
	g := &gemmCase{kind: kind, m: m, n: n, k: k, accumulate: accumulate}
	ar, ac, br, bc := m, k, k, n
	switch kind {
	case NT:
		br, bc = n, k
	case TN:
		ar, ac = k, m
	}
	g.lda, g.ldb, g.ldc = ac+pad, bc+2*pad, n+3*pad
	g.a, g.b = guarded(ar, ac, g.lda, value), guarded(br, bc, g.ldb, value)
	if !accumulate {
		value = func() Float { return Float(math.NaN()) } // C must not be read
	}
	g.c = guarded(m, n, g.ldc, value)
	return g
}

func (g *gemmCase) String() string {
	return fmt.Sprintf("%v m=%d n=%d k=%d lda=%d ldb=%d ldc=%d accumulate=%v", g.kind, g.m, g.n, g.k, g.lda, g.ldb, g.ldc, g.accumulate)
}

// want is the product by the definition in the package comment.
func (g *gemmCase) want() []Float { return g.wantBlocks(256, dotFMA) }

func dotFMA(x, y []Float) Float {
	acc := Float(0)
	for i := range x {
		acc = fma(x[i], y[i], acc)
	}
	return acc
}

// wantBlocks is it with blocks of another size and another sum of their products.
func (g *gemmCase) wantBlocks(size int, dot func(x, y []Float) Float) []Float {
	x, y := make([]Float, size), make([]Float, size)
	c := append([]Float(nil), g.c...)
	for i := 0; i < g.m; i++ {
		for j := 0; j < g.n; j++ {
			sum := Float(0)
			if g.accumulate {
				sum = c[guard+i*g.ldc+j]
			}
			for k := 0; k < g.k; k += size {
				kc := min(size, g.k-k)
				for q := k; q < k+kc; q++ {
					ia, ib := i*g.lda+q, q*g.ldb+j
					switch g.kind {
					case NT:
						ib = j*g.ldb + q
					case TN:
						ia = q*g.lda + i
					}
					x[q-k], y[q-k] = g.a[guard+ia], g.b[guard+ib]
				}
				acc := dot(x[:kc], y[:kc])
				if k == 0 && !g.accumulate {
					sum = acc
				} else {
					sum += acc
				}
			}
			c[guard+i*g.ldc+j] = sum
		}
	}
	return c
}

type gemmFunc func(kind Kind, m, n, k int, a []Float, lda int, b []Float, ldb int, accumulate bool, c []Float, ldc int)

// inner cuts the guards off, or leaves an empty slice where there is nothing.
func inner(x []Float) []Float { return x[guard : len(x)-guard] }

// check runs the product and compares every element of C and around it by ==.
func (g *gemmCase) check(t *testing.T, gemm gemmFunc, want []Float) {
	t.Helper()
	c := append([]Float(nil), g.c...)
	gemm(g.kind, g.m, g.n, g.k, inner(g.a), g.lda, inner(g.b), g.ldb, g.accumulate, inner(c), g.ldc)
	for i := range c {
		if c[i] != want[i] && (c[i] == c[i] || want[i] == want[i]) {
			at := i - guard
			t.Fatalf("%v: c[%d] (row %d, column %d) = %v, want %v", g, at, at/max(1, g.ldc), at%max(1, g.ldc), c[i], want[i])
		}
	}
}

func normals(seed int64) func() Float {
	r := rand.New(rand.NewSource(seed))
	return func() Float { return Float(r.NormFloat64()) }
}

func forKinds(do func(kind Kind, accumulate bool)) {
	for _, kind := range []Kind{NN, NT, TN} {
		do(kind, false)
		do(kind, true)
	}
}

// sizes lie around MR (4, 6, 14), NR (16, 32), the rows of the small path and KC.
var (
	sizesM = []int{0, 1, 2, 3, 5, 6, 7, 13, 14, 15, 17, 29, 57, 131}
	sizesN = []int{0, 1, 2, 15, 16, 17, 31, 32, 33, 67, 129}
	sizesK = []int{0, 1, 2, 3, 4, 5, 7, 16, 61, 64, 65}
)

func TestGemmGrid(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(1)
		e := NewEngine(nil)
		ms, ns, ks := sizesM, sizesN, sizesK
		if asm.Active() == asm.Reference || testing.Short() {
			ms, ns, ks = []int{0, 1, 5, 57, 61}, []int{0, 1, 31, 33}, []int{0, 1, 5, 65}
		}
		forKinds(func(kind Kind, accumulate bool) {
			for i, m := range ms {
				for j, n := range ns {
					k := ks[(i*len(ns)+j)%len(ks)]
					g := newCase(kind, m, n, k, (i+j)%3, accumulate, value)
					want := g.want()
					g.check(t, e.Gemm, want)
					g.check(t, e.SmallGemm, want)
				}
			}
		})
	})
}

func TestGemmLongSums(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(2)
		e := NewEngine(nil)
		forKinds(func(kind Kind, accumulate bool) {
			ks, ms := []int{255, 256, 257, 513}, []int{1, 15, 60}
			if testing.Short() {
				ks, ms = ks[2:], []int{2, 58}
			}
			for i, k := range ks {
				for _, m := range ms {
					g := newCase(kind, m, 35, k, i, accumulate, value)
					want := g.want()
					g.check(t, e.Gemm, want)
					g.check(t, e.SmallGemm, want)
				}
			}
		})
	})
}

// Small integers have exact sums: any order of exact arithmetic gives them.
func TestGemmExactIntegers(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewSource(3))
		value := func() Float { return Float(r.Intn(17) - 8) }
		e := NewEngine(nil)
		forKinds(func(kind Kind, accumulate bool) {
			for _, s := range [][3]int{{3, 5, 7}, {61, 67, 300}, {130, 33, 97}} {
				g := newCase(kind, s[0], s[1], s[2], 1, accumulate, value)
				want := append([]Float(nil), g.c...)
				for i := 0; i < g.m; i++ {
					for j := 0; j < g.n; j++ {
						var sum int
						if accumulate {
							sum = int(g.c[guard+i*g.ldc+j])
						}
						for q := 0; q < g.k; q++ {
							ia, ib := i*g.lda+q, q*g.ldb+j
							if kind == NT {
								ib = j*g.ldb + q
							} else if kind == TN {
								ia = q*g.lda + i
							}
							sum += int(g.a[guard+ia]) * int(g.b[guard+ib])
						}
						want[guard+i*g.ldc+j] = Float(sum)
					}
				}
				g.check(t, e.Gemm, want)
				g.check(t, e.SmallGemm, want)
			}
		})
	})
}

func TestGemmThreads(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		value := normals(5)
		shapes := [][3]int{{301, 250, 530}, {9, 700, 300}, {70, 33, 40}, {1, 700, 304}, {4100, 5, 9}, {57, 4110, 3}}
		if asm.Active() == asm.Reference {
			shapes = [][3]int{{130, 90, 260}, {9, 300, 20}}
		}
		for _, s := range shapes {
			forKinds(func(kind Kind, accumulate bool) {
				g := newCase(kind, s[0], s[1], s[2], 1, accumulate, value)
				want := append([]Float(nil), g.c...)
				NewEngine(nil).SmallGemm(kind, g.m, g.n, g.k, inner(g.a), g.lda, inner(g.b), g.ldb, accumulate, inner(want), g.ldc)
				for _, workers := range []int{1, 2, 3, 8} {
					pool := par.New(workers)
					g.check(t, NewEngine(pool).Gemm, want)
					pool.Close()
				}
			})
		}
	})
}

// One engine for products of different sizes: what it keeps must not show.
func TestGemmEngineReused(t *testing.T) {
	value := normals(6)
	e := NewEngine(nil)
	for _, s := range [][3]int{{70, 50, 300}, {60, 40, 20}, {2, 70, 300}, {64, 60, 257}, {60, 40, 20}} {
		forKinds(func(kind Kind, accumulate bool) {
			g := newCase(kind, s[0], s[1], s[2], 0, accumulate, value)
			g.check(t, e.Gemm, g.want())
		})
	}
}

func TestGemmDoesNotAllocate(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for _, p := range []*par.Pool{nil, pool} {
		e := NewEngine(p)
		forKinds(func(kind Kind, accumulate bool) {
			for _, s := range [][3]int{{100, 90, 70}, {5, 90, 300}, {12, 12, 64}} {
				g := newCase(kind, s[0], s[1], s[2], 0, accumulate, normals(7))
				a, b, c := inner(g.a), inner(g.b), inner(g.c)
				if n := testing.AllocsPerRun(10, func() {
					e.Gemm(kind, g.m, g.n, g.k, a, g.lda, b, g.ldb, accumulate, c, g.ldc)
					e.SmallGemm(kind, g.m, g.n, g.k, a, g.lda, b, g.ldb, accumulate, c, g.ldc)
				}); n != 0 {
					t.Errorf("%v: %v allocations", g, n)
				}
			}
		})
	}
}

func TestGemmPanics(t *testing.T) {
	x := make([]Float, 100)
	for _, c := range []struct {
		text string
		call func()
	}{
		{"a is (10, 10) with lda=10 and needs ld ≥ 10 and 100 elements, has 99", func() { NewEngine(nil).SmallGemm(NN, 10, 10, 10, x[:99], 10, x, 10, false, x, 10) }},
		{"b is (2, 7) with ldb=7 and needs ld ≥ 7 and 14 elements, has 13", func() { NewEngine(nil).SmallGemm(NT, 3, 2, 7, x, 7, x[:13], 7, false, x, 2) }},
		{"c is (3, 2) with ldc=1 ", func() { NewEngine(nil).SmallGemm(TN, 3, 2, 7, x, 3, x, 2, false, x, 1) }},
		{"tensor.Gemm: NN with m=-1 n=2 k=3", func() { NewEngine(nil).Gemm(NN, -1, 2, 3, x, 3, x, 2, false, x, 2) }},
		{"tensor.Gemm: TN with m=3 n=2 k=40: a is (40, 3)", func() { NewEngine(nil).Gemm(TN, 3, 2, 40, x, 3, x, 2, false, x, 2) }},
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, c.text) {
					t.Errorf("panic %q, want %q in it", r, c.text)
				}
			}()
			c.call()
		}()
	}
}
