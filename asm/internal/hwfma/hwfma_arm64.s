//go:build arm64 && !purego

#include "textflag.h"

// func FMA32(x, y, z float32) float32
// F0 = x, F1 = y, F2 = z and the result
TEXT ·FMA32(SB), NOSPLIT, $0-20
	FMOVS  x+0(FP), F0
	FMOVS  y+4(FP), F1
	FMOVS  z+8(FP), F2
	FMADDS F0, F2, F1, F2 // z += x*y
	FMOVS  F2, ret+16(FP)
	RET
