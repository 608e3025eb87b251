//go:build amd64 && !purego

#include "textflag.h"

// func prefetchLines(x *float32, n int)
// Asks for the lines of 64 bytes that hold x[0], x[16], … up to x[n-1] to be
// brought into the second-level cache.
// SI = line, CX = elements left
TEXT ·prefetchLines(SB), NOSPLIT, $0-16
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX

line:
	PREFETCHT1 (SI)
	ADDQ       $64, SI
	SUBQ       $16, CX
	JGT        line
	RET
