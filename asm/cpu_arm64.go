//go:build arm64 && !purego

package asm

// hasBFMMLA tells whether the processor has FEAT_BF16 and the system says so.
var hasBFMMLA = hasBF16()

// detect returns the instruction sets beyond Reference, slowest first: Go itself
// needs NEON on arm64.
func detect() []ISA {
	if hasBFMMLA {
		return []ISA{NEON, BFMMLA}
	}
	return []ISA{NEON}
}
