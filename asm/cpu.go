package asm

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/klauspost/cpuid/v2"
)

// ISA is an instruction set for which kernels exist. In float32 the results do
// not depend on it, only the time they take.
type ISA int32

const (
	Reference ISA = iota // "generic": plain Go, the specification of the others
	AVX2                 // AVX2 and FMA
	AVX512               // AVX-512 F, VL, DQ and BW
	NEON                 // arm64's vectors of 128 bits
	BFMMLA               // NEON, and the matrix products of bfloat16 (FEAT_BF16)
	AMX                  // AVX-512, and the matrix products of bfloat16 of AMX-BF16
)

var isaNames = [...]string{Reference: "generic", AVX2: "avx2", AVX512: "avx512", NEON: "neon", BFMMLA: "bfmmla", AMX: "amx"}

// String returns the name that PACTUNE_KERNEL and ParseISA know.
func (isa ISA) String() string {
	if isa < 0 || int(isa) >= len(isaNames) {
		return fmt.Sprintf("ISA(%d)", int32(isa))
	}
	return isaNames[isa]
}

// ParseISA is the inverse of String, in capitals too.
func ParseISA(name string) (ISA, error) {
	for isa, n := range isaNames {
		if n == strings.ToLower(name) {
			return ISA(isa), nil
		}
	}
	return Reference, fmt.Errorf("%q is no kernel: there are %v here", name, available)
}

// available lists what this process can run, slowest first.
var available = append([]ISA{Reference}, detect()...)

// Available returns the instruction sets that this processor, this operating
// system and this build have, slowest first. Reference is always one of them.
func Available() []ISA { return append([]ISA(nil), available...) }

// Best returns the fastest of the available instruction sets.
func Best() ISA { return available[len(available)-1] }

var active atomic.Int32

func init() { active.Store(int32(Best())) }

// Active returns the instruction set in use.
func Active() ISA { return ISA(active.Load()) }

// Use makes isa the one in use in this process. It fails when isa is not
// available. No kernel may be running.
func Use(isa ISA) error {
	for _, have := range available {
		if have == isa {
			active.Store(int32(isa))
			return nil
		}
	}
	return fmt.Errorf("the kernel %v is not available: there are %v here", isa, available)
}

// CacheSizes returns the bytes of the first-level data cache and of the second
// level that one core has, 32 KiB and 256 KiB where the machine does not tell.
func CacheSizes() (l1, l2 int) {
	l1, l2 = cpuid.CPU.Cache.L1D, cpuid.CPU.Cache.L2
	if l1 <= 0 {
		l1 = 32 << 10
	}
	if l2 <= 0 {
		l2 = 256 << 10
	}
	return l1, l2
}
