package bench

import (
	"time"

	"pactune/asm"
)

// BF16Peak returns the GFLOP/s that one core reaches in VDPBF16PS, two products
// of bfloat16 added to each of 16 sums, in BFMMLA, four to each of four, or in AMX's
// TDPBF16PS, 32 to each of 256: the best of several runs of about a millisecond each. It
// is 0 where the instruction set has no such instruction.
func BF16Peak(isa asm.ISA) float64 {
	const loops = 120000
	best := 0.0
	for i := 0; i < 10; i++ {
		start := time.Now()
		flops := bf16Loop(isa, loops)
		best = max(best, float64(flops)/float64(time.Since(start).Nanoseconds()))
	}
	return best
}
