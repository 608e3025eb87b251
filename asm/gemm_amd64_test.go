//go:build amd64 && !purego

package asm

import (
	"testing"

	"golang.org/x/sys/cpu"
)

// The other tests compare what Kernels lists; this one fails when the processor
// has more than that.
func TestFlagshipKernelsAreTested(t *testing.T) {
	tested := map[ISA]bool{}
	for _, k := range Kernels() {
		tested[k.ISA] = true
	}
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA && !tested[AVX2] {
		t.Error("this processor has AVX2 and FMA, and the AVX2 kernel was not tested")
	}
	if x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW && !tested[AVX512] {
		t.Error("this processor has AVX-512, and the AVX-512 kernel was not tested")
	}
}
