//go:build amd64 && !purego

package bench

import "golang.org/x/sys/cpu"

// bf16Loop runs loops times a row of independent VDPBF16PS and returns the
// floating-point operations it did.
func bf16Loop(loops int) int {
	if !cpu.X86.HasAVX512BF16 {
		return 0
	}
	dotBF16(loops)
	return loops * 24 * 16 * 4
}

// dotBF16 does 24 products of 16 lanes and two terms in every loop.
// Requires: AVX512F, AVX512_BF16
func dotBF16(loops int)
