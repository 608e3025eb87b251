//go:build amd64 && !linux && !purego

package asm

// allowAMX is false where the system is not asked.
func allowAMX() bool { return false }
