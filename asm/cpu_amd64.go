//go:build amd64 && !purego

package asm

import "golang.org/x/sys/cpu"

// detect returns the instruction sets beyond Reference, slowest first.
func detect() []ISA {
	x := &cpu.X86
	var isas []ISA
	if x.HasAVX2 && x.HasFMA {
		isas = append(isas, AVX2)
		if x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW {
			isas = append(isas, AVX512)
			if hasAMX {
				isas = append(isas, AMX)
			}
		}
	}
	return isas
}
