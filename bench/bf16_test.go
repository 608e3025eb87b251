//go:build !f64

package bench

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pactune/asm"
	"pactune/internal/par"
	"pactune/tensor"
)

// reportBF16 runs do b.N times and reports the speed as a part of the peak of so
// many cores, VDPBF16PS's where the kernel uses it and else the float32 one's.
func reportBF16(b *testing.B, flops float64, cores int, do func()) {
	peak := BF16Peak
	if asm.ActiveBF16Kernel().Precision != asm.BF16 {
		peak = func() float64 { return FMAPeak(asm.Active()) }
	}
	highest := peak()
	do() // buffers grow
	best := math.Inf(1)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		start := time.Now()
		do()
		best = min(best, time.Since(start).Seconds())
	}
	b.StopTimer()
	highest = max(highest, peak()) * float64(cores)
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	b.ReportMetric(flops/best/1e9, "best-GFLOP/s")
	b.ReportMetric(100*flops/best/1e9/highest, "%peak")
}

// BenchmarkGemmBF16 is the product through an engine that rounds to bfloat16, on
// one and two threads.
func BenchmarkGemmBF16(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		for _, workers := range []int{1, 2} {
			pool := par.New(workers)
			e := tensor.NewEngine(pool)
			e.Precision = tensor.PrecisionBF16
			for _, kind := range []tensor.Kind{tensor.NN, tensor.NT, tensor.TN} {
				for _, s := range append([][3]int{{12, 768, 768}, {12, 3072, 768}, {48, 3072, 768}}, Shapes...) {
					m, n, k := s[0], s[1], s[2]
					lda, ldb := k, n
					if kind == tensor.NT {
						ldb = k
					} else if kind == tensor.TN {
						lda = m
					}
					x, y, z := normals(m*k, 1), normals(k*n, 1), normals(m*n, 1)
					b.Run(fmt.Sprintf("%v/%dx%dx%d/threads=%d", kind, m, n, k, workers), func(b *testing.B) {
						reportBF16(b, 2*float64(m)*float64(n)*float64(k), workers, func() {
							e.Gemm(kind, m, n, k, x, lda, y, ldb, false, z, n)
						})
					})
				}
			}
			pool.Close()
		}
	})
}

// BenchmarkTileBF16 is the micro-kernel on panels that stay in first-level cache.
func BenchmarkTileBF16(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		kernel := asm.ActiveBF16Kernel()
		mr, nr, words := kernel.MR, kernel.NR, kernel.Words(tensor.KC)
		x, y, z := make([]float32, mr*words), make([]float32, words*nr), normals(mr*nr, 1)
		kernel.Rows(x, words, normals(mr*tensor.KC, 1), tensor.KC, mr, tensor.KC)
		kernel.Copy(y, nr, normals(nr*tensor.KC, 1), nr, tensor.KC, nr)
		reportBF16(b, 2*float64(mr*nr*tensor.KC)*100, 1, func() {
			for i := 0; i < 100; i++ {
				kernel.Tile(mr, nr, words, x, words, 1, y, nr, z, nr, true)
			}
		})
	})
}

// BenchmarkPackBF16 is the packing of a block of KC values of 768 rows or columns
// into panels: GB/s of the float32 numbers read.
func BenchmarkPackBF16(b *testing.B) {
	forISAs(b, func(b *testing.B) {
		const n, k = 768, tensor.KC
		kernel := asm.ActiveBF16Kernel()
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
