//go:build amd64 && !purego

package bench

import (
	"golang.org/x/sys/cpu"

	"pactune/asm"
)

// bf16Loop runs loops times a row of independent VDPBF16PS, or a quarter as often one of
// TDPBF16PS, and returns the floating-point operations it did.
func bf16Loop(isa asm.ISA, loops int) int {
	switch {
	case isa == asm.AMX && asm.Best() == asm.AMX:
		dotAMX(loops / 4)
		return loops / 4 * 6 * 16 * 16 * 64
	case isa == asm.AVX512 && cpu.X86.HasAVX512BF16:
		dotBF16(loops)
		return loops * 24 * 16 * 4
	}
	return 0
}

// dotAMX does six products of 16 × 32 by 32 × 16 in every loop.
// Requires: AMX-BF16
func dotAMX(loops int)

// dotBF16 does 24 products of 16 lanes and two terms in every loop.
// Requires: AVX512F, AVX512_BF16
func dotBF16(loops int)
