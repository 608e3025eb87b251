//go:build arm64 && !purego

package bench

import "pactune/asm"

// bf16Loop runs loops times a row of independent BFMMLA and returns the
// floating-point operations it did.
func bf16Loop(_ asm.ISA, loops int) int {
	if asm.Best() != asm.BFMMLA {
		return 0
	}
	mmlaBF16(loops)
	return loops * 24 * 4 * 8
}

// mmlaBF16 does 24 products of 2 × 4 by 4 × 2 in every loop.
// Requires: FEAT_BF16
func mmlaBF16(loops int)
