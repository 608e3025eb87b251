//go:build !f64

package bench

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pactune/tensor"
)

// BenchmarkSmallGemm is the product of one head of attention, T tokens of 64,
// with operands that are columns of a matrix of 768.
func BenchmarkSmallGemm(b *testing.B) {
	e := tensor.NewEngine(nil)
	forKernels(b, func(b *testing.B, precision tensor.Precision) {
		e.Precision = precision
		kernel := (&Options{Precision: precision}).kernel()
		for _, t := range []int{12, 32, 64, 128, 512} {
			q, p := normals(t*768, 1), normals(t*t, 2)
			flops := 2 * float64(t) * float64(t) * 64
			b.Run(fmt.Sprintf("QK/T=%d", t), func(b *testing.B) {
				report(b, flops, kernel, 1, timed(func() error { e.SmallGemm(tensor.NT, t, t, 64, q, 768, q[64:], 768, false, p, t); return nil }))
			})
			out := normals(t*768, 3)
			b.Run(fmt.Sprintf("PV/T=%d", t), func(b *testing.B) {
				report(b, flops, kernel, 1, timed(func() error { e.SmallGemm(tensor.NN, t, 64, t, p, t, q, 768, false, out, 768); return nil }))
			})
			b.Run(fmt.Sprintf("PtdO/T=%d", t), func(b *testing.B) {
				report(b, flops, kernel, 1, timed(func() error { e.SmallGemm(tensor.TN, t, 64, t, p, t, q, 768, false, out, 768); return nil }))
			})
		}
	})
}

// BenchmarkTile is the micro-kernel on panels that stay in first-level cache.
func BenchmarkTile(b *testing.B) {
	forKernels(b, func(b *testing.B, precision tensor.Precision) {
		kernel := (&Options{Precision: precision}).kernel()
		mr, nr, words := kernel.MR, kernel.NR, kernel.Words(kernel.KC)
		x, y, z := make([]float32, mr*words), make([]float32, words*nr), normals(mr*nr, 3)
		kernel.Rows(x, words, normals(mr*kernel.KC, 1), kernel.KC, mr, kernel.KC)
		kernel.Copy(y, nr, normals(nr*kernel.KC, 2), nr, kernel.KC, nr)
		report(b, 2*float64(mr*nr*kernel.KC)*100, kernel, 1, timed(func() error {
			for i := 0; i < 100; i++ {
				kernel.Tile(mr, nr, words, x, words, 1, y, nr, z, nr, true)
			}
			return nil
		}))
	})
}

// BenchmarkPack is the packing of a block of KC values of 768 rows or columns into
// panels: GB/s of the float32 numbers read.
func BenchmarkPack(b *testing.B) {
	forKernels(b, func(b *testing.B, precision tensor.Precision) {
		const n, k = 768, tensor.KC
		kernel := (&Options{Precision: precision}).kernel()
		nr, words := kernel.NR, kernel.Words(k)
		src, dst := normals(n*3072, 1), make([]float32, n*words+kernel.Lanes)
		for _, way := range []struct {
			name string
			pack func()
		}{
			{"Rows", func() { kernel.Rows(dst, words, src, 3072, n, k) }},
			{"Copy", func() {
				for j := 0; j < n; j += nr {
					kernel.Copy(dst[j*words:], nr, src[j:], n, k, nr)
				}
			}},
			{"Transpose", func() {
				for j := 0; j < n; j += nr {
					kernel.Transpose(dst[j*words:], nr, src[j*3072:], 3072, k, nr)
				}
			}},
		} {
			b.Run(way.name, func(b *testing.B) {
				best := math.Inf(1)
				for i := 0; i < b.N; i++ {
					start := time.Now()
					way.pack()
					best = min(best, time.Since(start).Seconds())
				}
				b.ReportMetric(4*n*k/best/1e9, "best-GB/s")
			})
		}
	})
}
