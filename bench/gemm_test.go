//go:build !f64

package bench

import (
	"fmt"
	"testing"

	"pactune/asm"
	"pactune/tensor"
)

// BenchmarkSmallGemm is the product of one head of attention, T tokens of 64,
// with operands that are columns of a matrix of 768.
func BenchmarkSmallGemm(b *testing.B) {
	e := tensor.NewEngine(nil)
	forISAs(b, func(b *testing.B) {
		for _, t := range []int{12, 32, 64, 128, 512} {
			q, p := normals(t*768, 1), normals(t*t, 2)
			flops := 2 * float64(t) * float64(t) * 64
			b.Run(fmt.Sprintf("QK/T=%d", t), func(b *testing.B) {
				report(b, flops, 1, timed(func() error { e.SmallGemm(tensor.NT, t, t, 64, q, 768, q[64:], 768, false, p, t); return nil }))
			})
			out := normals(t*768, 3)
			b.Run(fmt.Sprintf("PV/T=%d", t), func(b *testing.B) {
				report(b, flops, 1, timed(func() error { e.SmallGemm(tensor.NN, t, 64, t, p, t, q, 768, false, out, 768); return nil }))
			})
			b.Run(fmt.Sprintf("PtdO/T=%d", t), func(b *testing.B) {
				report(b, flops, 1, timed(func() error { e.SmallGemm(tensor.TN, t, 64, t, p, t, q, 768, false, out, 768); return nil }))
			})
		}
	})
}

// BenchmarkTile is the micro-kernel on panels that stay in first-level cache.
func BenchmarkTile(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		kernel := asm.ActiveKernel()
		mr, nr, k := kernel.MR, kernel.NR, tensor.KC
		x, y, z := normals(mr*k, 1), normals(k*nr, 2), normals(mr*nr, 3)
		report(b, 2*float64(mr*nr*k)*100, 1, timed(func() error {
			for i := 0; i < 100; i++ {
				kernel.Tile(mr, nr, k, x, k, 1, y, nr, z, nr, true)
			}
			return nil
		}))
	})
}
