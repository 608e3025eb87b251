package bench

import "time"

// BF16Peak returns the GFLOP/s that one core reaches in VDPBF16PS, two products
// of bfloat16 added to each of 16 sums, or in BFMMLA, four to each of four: the
// best of several runs of about a millisecond each. It is 0 where there is no such instruction or no assembly
// loop for it.
func BF16Peak() float64 {
	const loops = 120000
	best := 0.0
	for i := 0; i < 10; i++ {
		start := time.Now()
		flops := bf16Loop(loops)
		best = max(best, float64(flops)/float64(time.Since(start).Nanoseconds()))
	}
	return best
}
