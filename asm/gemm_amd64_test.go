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

func TestFlagshipBF16KernelIsTested(t *testing.T) {
	x := &cpu.X86
	if !x.HasAVX512F || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasAVX512BW || !x.HasAVX512BF16 {
		t.Skip("this processor has no AVX512_BF16")
	}
	tested := false
	for _, k := range BF16Kernels() {
		tested = tested || k.ISA == AVX512 && k.Precision == BF16
	}
	if !tested || bf16Kernel(AVX512).Precision != BF16 {
		t.Error("this processor has AVX512_BF16, and the kernel for pairs of bfloat16 was not tested or is not used")
	}
}
