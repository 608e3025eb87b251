//go:build (!amd64 && !arm64) || purego

package bench

import "pactune/asm"

func bf16Loop(asm.ISA, int) int { return 0 }
