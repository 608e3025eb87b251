package bench

import (
	"runtime"
	"sync"
	"time"

	"pactune/asm"
)

// Peak returns the float32 GFLOP/s that so many threads reach together in
// fused multiply-adds of the instruction set, from loops of independent ones
// that touch no memory. No more threads count than the process has cores. It
// is 0 where there is no assembly loop.
func Peak(isa asm.ISA, threads int) float64 {
	peaks := make([]float64, min(threads, runtime.GOMAXPROCS(0)))
	var all sync.WaitGroup
	for i := range peaks {
		all.Add(1)
		go func() {
			defer all.Done()
			peaks[i] = FMAPeak(isa)
		}()
	}
	all.Wait()
	sum := 0.0
	for _, p := range peaks {
		sum += p
	}
	return sum
}

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
