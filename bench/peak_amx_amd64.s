//go:build amd64 && !purego

#include "textflag.h"

// ·shapes: all eight tiles are of 16 rows of 64 bytes.
DATA shapes<>+0(SB)/8, $1
DATA shapes<>+8(SB)/8, $0
DATA shapes<>+16(SB)/8, $0x0040004000400040
DATA shapes<>+24(SB)/8, $0x0040004000400040
DATA shapes<>+32(SB)/8, $0
DATA shapes<>+40(SB)/8, $0
DATA shapes<>+48(SB)/8, $0x1010101010101010
DATA shapes<>+56(SB)/8, $0
GLOBL shapes<>(SB), RODATA|NOPTR, $64

// TILEZERO T, of which modrm holds the number.
#define TILEZERO(modrm) BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $modrm

// TDPBF16PS T7, T6, T: T += T6·T7.
#define TDPBF16PS(modrm) BYTE $0xc4; BYTE $0xe2; BYTE $0x42; BYTE $0x5c; BYTE $modrm

// func dotAMX(loops int)
// Requires: AMX-BF16
// AX = loops left; T6, T7 = factors (0); T0 … T5 = sums
TEXT ·dotAMX(SB), NOSPLIT, $0-8
	MOVQ loops+0(FP), AX
	LEAQ shapes<>(SB), R10
	BYTE $0xc4; BYTE $0xc2; BYTE $0x78; BYTE $0x49; BYTE $0x02 // LDTILECFG (R10)
	TILEZERO(0xc0)
	TILEZERO(0xc8)
	TILEZERO(0xd0)
	TILEZERO(0xd8)
	TILEZERO(0xe0)
	TILEZERO(0xe8)
	TILEZERO(0xf0)
	TILEZERO(0xf8)

loop:
	TDPBF16PS(0xc6) // T0
	TDPBF16PS(0xce) // T1
	TDPBF16PS(0xd6) // T2
	TDPBF16PS(0xde) // T3
	TDPBF16PS(0xe6) // T4
	TDPBF16PS(0xee) // T5
	DECQ AX
	JNE  loop
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0 // TILERELEASE
	RET
