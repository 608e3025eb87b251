//go:build (!amd64 && !arm64) || purego

package asm

// detect returns the instruction sets beyond Reference: none in this build.
func detect() []ISA { return nil }
