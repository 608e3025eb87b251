// Package bench measures speed: `go test -bench . ./bench`. Every figure stands
// beside the peak that the processor reaches in the same run, because machines
// differ and are shared: only the ratio means something.
//
// FMAPeak is that peak for float32 fused multiply-adds, from a loop of
// independent ones that touches no memory. The benchmarks are in the tests of
// this package.
package bench

import (
	"time"

	"pactune/asm"
)

// FMAPeak returns the float32 GFLOP/s that one core reaches in fused
// multiply-adds of the instruction set: the best of several runs of about a
// millisecond each. It is 0 where there is no assembly loop for it.
func FMAPeak(isa asm.ISA) float64 {
	const loops = 250000
	best := 0.0
	for i := 0; i < 10; i++ {
		start := time.Now()
		flops := fmaLoop(isa, loops)
		best = max(best, float64(flops)/float64(time.Since(start).Nanoseconds()))
	}
	return best
}
