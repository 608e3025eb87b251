//go:build arm64 && !purego

package asm

import "testing"

// Every arm64 processor has NEON: a build with assembly must test its kernel.
func TestFlagshipKernelsAreTested(t *testing.T) {
	if ks := Kernels(); ks[len(ks)-1].ISA != NEON {
		t.Errorf("the kernels tested are %v, without NEON", ks)
	}
}

// With FEAT_BF16 the kernel of BFMMLA is the best one, is in the lists that the
// other tests go through, and has NEON's vector functions.
func TestFlagshipBF16KernelIsTested(t *testing.T) {
	if !hasBF16() {
		t.Skip("this processor has no FEAT_BF16")
	}
	if err := Use(BFMMLA); err != nil || Best() != BFMMLA {
		t.Fatalf("%v; the best is %v", err, Best())
	}
	if ks := BF16Kernels(); ks[len(ks)-1] != bfmmla || ActiveBF16Kernel() != bfmmla {
		t.Errorf("this processor has FEAT_BF16; the kernels tested are %v, %v is used", ks, ActiveBF16Kernel())
	}
	if scaleVec(make([]float32, 5), &[1]float32{1}) != 5 {
		t.Error("no vector kernel ran")
	}
}
