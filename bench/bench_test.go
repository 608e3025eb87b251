package bench

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/internal/par"
	"pactune/tensor"
)

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

// forKernels does it in both precisions.
func forKernels(b *testing.B, run func(b *testing.B, precision tensor.Precision)) {
	forISAs(b, func(b *testing.B) {
		for _, p := range []tensor.Precision{tensor.PrecisionF32, tensor.PrecisionBF16} {
			b.Run(p.String(), func(b *testing.B) { run(b, p) })
		}
	})
}

// report runs a repetition b.N times and reports the speed, of the fastest one
// too, as a part of the peak of so many threads, which is measured before and
// after.
func report(b *testing.B, flops float64, kernel asm.Kernel, threads int, run func() (float64, error)) {
	peak := Peak(kernel, threads)
	sum, best := 0.0, math.Inf(1)
	for i := -1; i < b.N; i++ {
		seconds, err := run()
		if err != nil {
			b.Fatal(err)
		}
		if i < 0 { // buffers grow
			b.ResetTimer()
			continue
		}
		sum, best = sum+seconds, min(best, seconds)
	}
	b.StopTimer()
	peak = max(peak, Peak(kernel, threads))
	b.ReportMetric(flops*float64(b.N)/sum/1e9, "GFLOP/s")
	b.ReportMetric(flops/best/1e9, "best-GFLOP/s")
	b.ReportMetric(100*flops/best/1e9/peak, "%peak")
}

// workloads runs those of a kind with each vector instruction set in both
// precisions, on one and two threads.
func workloads(b *testing.B, kind string, o Options) {
	forKernels(b, func(b *testing.B, precision tensor.Precision) {
		o.Precision = precision
		for o.Threads = 1; o.Threads <= 2; o.Threads++ {
			all, err := kinds[kind](&o)
			if err != nil {
				b.Fatal(err)
			}
			for _, w := range all {
				_, name, _ := strings.Cut(w.Name, "/")
				b.Run(fmt.Sprintf("%s/threads=%d", name, o.Threads), func(b *testing.B) {
					j, err := w.setup()
					if err != nil {
						b.Fatal(err)
					}
					defer j.done()
					report(b, w.FLOPs, o.kernel(), o.Threads, j.run)
				})
			}
		}
	})
}

// What `pactune bench` times.
func BenchmarkGemm(b *testing.B)      { workloads(b, "gemm", Options{}) }
func BenchmarkAttention(b *testing.B) { workloads(b, "attention", Options{}) }
func BenchmarkStep(b *testing.B) {
	workloads(b, "step", Options{Model: "base", Batch: 16, Seq: 128, Steps: 1})
}
func BenchmarkPredict(b *testing.B) {
	workloads(b, "predict", Options{Model: "base", Batch: 32, Steps: 1})
}

// BenchmarkPAC is an update of PAC-tuning on random tokens with the lengths of
// the 100 phrases, and its passes alone.
func BenchmarkPAC(b *testing.B) {
	o := Options{Model: "base", Threads: 2, Steps: 1}
	texts, err := readTexts(&o)
	if err != nil {
		b.Fatal(err)
	}
	pool := par.New(o.Threads)
	defer pool.Close()
	p, err := newPACBench(&o, texts, pool)
	if err != nil {
		b.Fatal(err)
	}
	for _, part := range []struct {
		name string
		do   func() error
	}{{"update", func() error { return p.u.Step(0) }}, {"forward+backward", func() error { return p.u.Gradients(0) }}} {
		w, j := p.workload(part.name, 3, p.lengths[:p.batch], part.do)
		b.Run(part.name, func(b *testing.B) { report(b, w.FLOPs, o.kernel(), o.Threads, j.run) })
	}
}
