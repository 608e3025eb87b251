package bench

import (
	"runtime"
	"sync"
	"time"

	"pactune/asm"
)

// Peak returns the GFLOP/s that so many threads reach together in the multiply-adds
// that the micro-kernel is made of, from loops of independent ones that touch no
// memory: VDPBF16PS, TDPBF16PS or BFMMLA for operands in bfloat16, else float32 ones. No more threads
// count than the process has cores. It is 0 where there is no assembly loop.
func Peak(kernel asm.Kernel, threads int) float64 {
	one := func() float64 { return FMAPeak(kernel.ISA) }
	if kernel.Precision == asm.BF16 && kernel.ISA != asm.Reference {
		one = func() float64 { return BF16Peak(kernel.ISA) }
	}
	peaks := make([]float64, min(threads, runtime.GOMAXPROCS(0)))
	var all sync.WaitGroup
	for i := range peaks {
		all.Add(1)
		go func() {
			defer all.Done()
			peaks[i] = one()
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
