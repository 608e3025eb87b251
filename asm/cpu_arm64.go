//go:build arm64 && !purego

package asm

// detect returns the instruction sets beyond Reference: Go itself needs NEON on
// arm64.
func detect() []ISA { return []ISA{NEON} }
