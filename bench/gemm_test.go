//go:build !f64

package bench

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
	"time"

	"pactune/asm"
	"pactune/internal/par"
	"pactune/tensor"
)

// shapes are products of BERT-base: 16 sequences of 128 tokens, and the 1264
// tokens of a hundred phrases.
var shapes = [][3]int{
	{2048, 768, 768}, {2048, 3072, 768}, {2048, 768, 3072}, {768, 3072, 2048},
	{1264, 768, 768}, {1264, 3072, 768}, {1264, 768, 3072},
}

func random(n int) []float32 {
	r := rand.New(rand.NewSource(1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// forISAs runs a benchmark with each vector instruction set in use.
func forISAs(b *testing.B, run func(b *testing.B)) {
	before := asm.Active()
	defer asm.Use(before)
	isas := asm.Available()
	for i := len(isas) - 1; i > 0; i-- {
		asm.Use(isas[i])
		b.Run(isas[i].String(), run)
	}
}

// report runs do b.N times and reports the speed, of the fastest run too, as a
// part of the peak of so many cores, which is measured before and after.
func report(b *testing.B, flops float64, cores int, do func()) {
	peak := FMAPeak(asm.Active())
	do() // buffers grow
	best := math.Inf(1)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		start := time.Now()
		do()
		best = min(best, time.Since(start).Seconds())
	}
	b.StopTimer()
	peak = max(peak, FMAPeak(asm.Active())) * float64(cores)
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	b.ReportMetric(flops/best/1e9, "best-GFLOP/s")
	b.ReportMetric(100*flops/best/1e9/peak, "%peak")
}

// BenchmarkGemm is the product through an engine, on one and two threads.
func BenchmarkGemm(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		for _, workers := range []int{1, 2} {
			pool := par.New(workers)
			e := tensor.NewEngine(pool)
			for _, kind := range []tensor.Kind{tensor.NN, tensor.NT, tensor.TN} {
				for _, s := range shapes {
					m, n, k := s[0], s[1], s[2]
					lda, ldb := k, n
					if kind == tensor.NT {
						ldb = k
					} else if kind == tensor.TN {
						lda = m
					}
					x, y, z := random(m*k), random(k*n), random(m*n)
					b.Run(fmt.Sprintf("%v/%dx%dx%d/threads=%d", kind, m, n, k, workers), func(b *testing.B) {
						report(b, 2*float64(m)*float64(n)*float64(k), workers, func() {
							e.Gemm(kind, m, n, k, x, lda, y, ldb, false, z, n)
						})
					})
				}
			}
			pool.Close()
		}
	})
}

// BenchmarkSmallGemm is the product of one head of attention, T tokens of 64,
// with operands that are columns of a matrix of 768.
func BenchmarkSmallGemm(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		for _, t := range []int{12, 32, 64, 128, 512} {
			q, p := random(t*768), random(t*t)
			flops := 2 * float64(t) * float64(t) * 64
			b.Run(fmt.Sprintf("QK/T=%d", t), func(b *testing.B) {
				report(b, flops, 1, func() { tensor.SmallGemm(tensor.NT, t, t, 64, q, 768, q[64:], 768, false, p, t) })
			})
			out := random(t * 768)
			b.Run(fmt.Sprintf("PV/T=%d", t), func(b *testing.B) {
				report(b, flops, 1, func() { tensor.SmallGemm(tensor.NN, t, 64, t, p, t, q, 768, false, out, 768) })
			})
			b.Run(fmt.Sprintf("PtdO/T=%d", t), func(b *testing.B) {
				report(b, flops, 1, func() { tensor.SmallGemm(tensor.TN, t, 64, t, p, t, q, 768, false, out, 768) })
			})
		}
	})
}

// BenchmarkTile is the micro-kernel on panels that stay in first-level cache.
func BenchmarkTile(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		kernel := asm.ActiveKernel()
		mr, nr, k := kernel.MR, kernel.NR, tensor.KC
		x, y, z := random(mr*k), random(k*nr), random(mr*nr)
		report(b, 2*float64(mr*nr*k)*100, 1, func() {
			for i := 0; i < 100; i++ {
				kernel.Tile(mr, nr, k, x, k, 1, y, nr, z, nr, true)
			}
		})
	})
}
