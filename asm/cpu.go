package asm

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/cpuid/v2"
)

// ISA is an instruction set for which kernels exist. The results do not depend
// on it, only the time they take.
type ISA int32

const (
	Reference ISA = iota // plain Go, the specification of the others
	AVX2                 // AVX2 and FMA
	AVX512               // AVX-512 F, VL, DQ and BW
)

var isaNames = [...]string{Reference: "reference", AVX2: "avx2", AVX512: "avx512"}

// String returns the name that PACTUNE_ISA and ParseISA know.
func (isa ISA) String() string {
	if isa < 0 || int(isa) >= len(isaNames) {
		return fmt.Sprintf("ISA(%d)", int32(isa))
	}
	return isaNames[isa]
}

// ParseISA returns the instruction set of that name: avx512, avx2 or reference.
func ParseISA(name string) (ISA, error) {
	for isa, n := range isaNames {
		if n == strings.ToLower(name) {
			return ISA(isa), nil
		}
	}
	return Reference, fmt.Errorf("unknown instruction set %q: use avx512, avx2 or reference", name)
}

// available lists what this process can run, slowest first.
var available = append([]ISA{Reference}, detect()...)

// Available returns the instruction sets that this processor, this operating
// system and this build have, slowest first. Reference is always one of them.
func Available() []ISA { return append([]ISA(nil), available...) }

// Best returns the fastest of the available instruction sets.
func Best() ISA { return available[len(available)-1] }

var (
	active   atomic.Int32
	errorEnv error
)

func init() {
	active.Store(int32(Best()))
	if name := os.Getenv("PACTUNE_ISA"); name != "" {
		isa, err := ParseISA(name)
		if err == nil {
			err = Use(isa)
		}
		if err != nil {
			errorEnv = fmt.Errorf("PACTUNE_ISA: %w", err)
		}
	}
}

// EnvError returns what was wrong with the environment variable PACTUNE_ISA
// when the process started, nil if nothing: the best instruction set is then in
// use. A command should refuse to run rather than ignore it.
func EnvError() error { return errorEnv }

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
	return fmt.Errorf("instruction set %v is not available here (have %v)", isa, available)
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
