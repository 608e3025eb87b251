//go:build (amd64 || arm64) && !purego

package asm

import (
	"math"
	"math/rand"
	"testing"

	"pactune/asm/internal/hwfma"
)

func TestFMA32EqualsInstruction(t *testing.T) {
	if Best() == Reference {
		t.Skip("this processor has no fused multiply-add")
	}
	check := func(x, y, z float32) {
		got, want := FMA32(x, y, z), hwfma.FMA32(x, y, z)
		if got != got && want != want {
			return
		}
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("FMA32(%x, %x, %x) = %x, the instruction %x", x, y, z, got, want)
		}
	}
	for _, c := range hardCases() {
		check(c[0], c[1], c[2])
	}
	r := rand.New(rand.NewSource(2))
	for i := 0; i < 1000000; i++ {
		check(randomFloat32(r), randomFloat32(r), randomFloat32(r))
	}
}
