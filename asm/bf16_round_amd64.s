//go:build amd64 && !purego

#include "textflag.h"

// CONSTANT: y = c in all lanes
#define CONSTANT(c, x, y) MOVL $c, AX; VMOVD AX, x; VPBROADCASTD x, y

// func roundAVX2(x *float32, n int)
//
//	for i := 0; i < n; i++ { // n is a multiple of 8
//		x[i] = RoundBF16(x[i])
//	}
//
// Requires: AVX2
// SI = x, CX = elements left; Y0 = bits b, Y1 = result; Y8 … Y13 = constants
TEXT ·roundAVX2(SB), NOSPLIT, $0-16
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	CONSTANT(0x7fff, X8, Y8)
	CONSTANT(1, X9, Y9)
	CONSTANT(0xffff0000, X10, Y10)
	CONSTANT(0x00400000, X11, Y11)
	CONSTANT(0x7f800000, X12, Y12)
	CONSTANT(0x80000000, X13, Y13)
	VPXOR Y14, Y14, Y14

eight:
	VMOVDQU   (SI), Y0
	VPSRLD    $16, Y0, Y1
	VPAND     Y9, Y1, Y1       // the last bit kept
	VPADDD    Y8, Y0, Y2
	VPADDD    Y2, Y1, Y1       // b + 0x7fff + last bit
	VPOR      Y11, Y0, Y2      // of NaN, the quiet one
	VCMPPS    $3, Y0, Y0, Y3   // NaN?
	VBLENDVPS Y3, Y2, Y1, Y1
	VPAND     Y10, Y1, Y1      // the upper half
	VPAND     Y12, Y0, Y2
	VPCMPEQD  Y14, Y2, Y2      // exponent 0?
	VPAND     Y13, Y0, Y3      // then the zero of its sign
	VBLENDVPS Y2, Y3, Y1, Y1
	VMOVDQU   Y1, (SI)
	ADDQ      $32, SI
	SUBQ      $8, CX
	JGT       eight
	VZEROUPPER
	RET
