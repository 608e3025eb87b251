//go:build !f64

package tensor

import (
	"testing"

	"pactune/asm"
)

func fma(x, y, z Float) Float { return asm.FMA32(x, y, z) }

// The blocks cover C and every term once, terms in order.
func TestBlocksCover(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {4096, 256}, {8200, 513}, {3, 700}} {
		task := &blockTask{product: product{n: s[0], k: s[1]}, kernel: asm.ActiveKernel()}
		area, last := 0, block{}
		for b := task.after(block{}); b.n > 0; b = task.after(b) {
			if b.j == last.j && b.k != last.k+last.kc {
				t.Fatalf("%v: block %v follows %v", s, b, last)
			}
			if b.kc != KC && b.k+b.kc != s[1] {
				t.Fatalf("%v: block %v breaks the sum's order", s, b)
			}
			area, last = area+b.n*b.kc, b
		}
		if area != s[0]*s[1] {
			t.Errorf("%v: blocks hold %d elements of B", s, area)
		}
	}
}

// The blocks and pieces of large products: compared with rows done one by one.
func TestGemmBlocksEqualRows(t *testing.T) {
	if asm.Best() == asm.Reference || testing.Short() {
		t.Skip("too slow without vector kernels, or -short")
	}
	value := normals(4)
	for _, s := range [][3]int{{300, 17, 259}, {60, 4130, 300}, {140, 1100, 520}} {
		forKinds(func(kind Kind, accumulate bool) {
			g := newCase(kind, s[0], s[1], s[2], 1, accumulate, value)
			want := append([]Float(nil), g.c...)
			rs := g.lda
			if kind == TN {
				rs = 1
			}
			for i := 0; i < g.m; i++ {
				a, c := inner(g.a)[i*rs:], inner(want)[i*g.ldc:]
				NewEngine(nil).SmallGemm(kind, 1, g.n, g.k, a, g.lda, inner(g.b), g.ldb, accumulate, c, g.ldc)
			}
			g.check(t, NewEngine(nil).Gemm, want)
		})
	}
}
