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

// Where the system lets a process use AMX, its kernel is the best one, is in the lists
// that the other tests go through, and has AVX-512's vector functions.
func TestFlagshipAMXKernelIsTested(t *testing.T) {
	if x := &cpu.X86; !x.HasAMXTile || !x.HasAMXBF16 || !x.HasAVX512BF16 {
		t.Skip("this processor has no AMX-BF16")
	}
	if !allowAMX() {
		t.Skip("this system does not let a process use AMX")
	}
	before := Active()
	defer Use(before)
	if err := Use(AMX); err != nil || Best() != AMX {
		t.Fatalf("%v; the best is %v", err, Best())
	}
	if ks := BF16Kernels(); ks[len(ks)-1] != amx || ActiveBF16Kernel() != amx || !hasAMX {
		t.Errorf("this processor has AMX-BF16; the kernels tested are %v, %v is used", ks, ActiveBF16Kernel())
	}
	if scaleVec(make([]float32, 5), &[1]float32{1}) != 5 {
		t.Error("no vector kernel ran")
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
	if !tested || BF16Kernel(AVX512).Precision != BF16 {
		t.Error("this processor has AVX512_BF16, and the kernel for pairs of bfloat16 was not tested or is not used")
	}
}
