//go:build amd64 && !purego

#include "textflag.h"

// func FMA32(x, y, z float32) float32
// Requires: FMA
// X0 = x, X1 = y, X2 = z and the result
TEXT ·FMA32(SB), NOSPLIT, $0-20
	VMOVSS      x+0(FP), X0
	VMOVSS      y+4(FP), X1
	VMOVSS      z+8(FP), X2
	VFMADD231SS X0, X1, X2      // z += x*y
	VMOVSS      X2, ret+16(FP)
	RET
