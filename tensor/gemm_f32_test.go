//go:build !f64

package tensor

import (
	"testing"

	"pactune/asm"
)

func fma(x, y, z Float) Float { return asm.FMA32(x, y, z) }

// blocks visits every element of C and every operand exactly once, whatever the
// sizes: the order is rows, columns, k.
func TestBlocksCover(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {4096, 4096, 256}, {4097, 8200, 513}, {9000, 3, 700}} {
		task := &blockTask{product: product{m: s[0], n: s[1], k: s[2]}}
		volume, last := 0, block{}
		for b := task.after(block{}); b.m > 0; b = task.after(b) {
			if b.i == last.i && b.j == last.j && b.k != last.k+last.kc {
				t.Fatalf("%v: block %v follows %v", s, b, last)
			}
			if b.kc != KC && b.k+b.kc != s[2] {
				t.Fatalf("%v: block %v breaks the sum's order", s, b)
			}
			volume, last = volume+b.m*b.n*b.kc, b
		}
		if volume != s[0]*s[1]*s[2] {
			t.Errorf("%v: blocks hold %d products", s, volume)
		}
	}
}
