//go:build !purego

package asm

import (
	"encoding/binary"
	"os"
)

// hasBF16 reads the kernel's list of features, of which x/sys/cpu keeps this one
// to itself.
func hasBF16() bool {
	auxv, err := os.ReadFile("/proc/self/auxv")
	return err == nil && hwcap2(auxv)&(1<<14) != 0
}

// hwcap2 is AT_HWCAP2 of pairs (tag, value) of 64 bits, 0 where it is missing.
func hwcap2(auxv []byte) uint64 {
	const tag = 26
	for ; len(auxv) >= 16; auxv = auxv[16:] {
		if binary.LittleEndian.Uint64(auxv) == tag {
			return binary.LittleEndian.Uint64(auxv[8:])
		}
	}
	return 0
}
