//go:build arm64 && !linux && !darwin && !purego

package asm

// hasBF16 is false where the system is not asked.
func hasBF16() bool { return false }
