//go:build arm64 && !purego

package bench

import "pactune/asm"

// fmaLoop runs loops times a row of independent multiply-adds and returns the
// floating-point operations it did.
func fmaLoop(isa asm.ISA, loops int) int {
	if isa == asm.Reference {
		return 0
	}
	fmaNEON(loops)
	return loops * 24 * 4 * 2
}

// fmaNEON does 24 multiply-adds of 4 lanes in every loop.
func fmaNEON(loops int)
