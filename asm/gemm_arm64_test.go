//go:build arm64 && !purego

package asm

import "testing"

// Every arm64 processor has NEON: a build with assembly must test its kernel.
func TestFlagshipKernelsAreTested(t *testing.T) {
	if ks := Kernels(); ks[len(ks)-1].ISA != NEON {
		t.Errorf("the kernels tested are %v, without NEON", ks)
	}
}
