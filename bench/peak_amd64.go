//go:build amd64 && !purego

package bench

import "pactune/asm"

// fmaLoop runs loops times a row of independent multiply-adds and returns the
// floating-point operations it did.
func fmaLoop(isa asm.ISA, loops int) int {
	switch isa {
	case asm.AVX512, asm.AMX: // whose float32 kernels are AVX-512's
		fmaAVX512(loops)
		return loops * 24 * 16 * 2
	case asm.AVX2:
		fmaAVX2(loops)
		return loops * 12 * 8 * 2
	}
	return 0
}

// fmaAVX512 does 24 multiply-adds of 16 lanes in every loop.
// Requires: AVX512F
func fmaAVX512(loops int)

// fmaAVX2 does 12 multiply-adds of 8 lanes in every loop.
// Requires: AVX2, FMA
func fmaAVX2(loops int)
