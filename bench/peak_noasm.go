//go:build !amd64 || purego

package bench

import "pactune/asm"

func fmaLoop(asm.ISA, int) int { return 0 }
