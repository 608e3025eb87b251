package asm

import (
	"math"
	"math/big"
	"math/rand"
	"testing"
)

// fmaBig is x·y + z through an exact big.Float and one rounding. Finite
// operands with a result that is not zero.
func fmaBig(x, y, z float32) float32 {
	exact := func(v float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(v)) }
	p := new(big.Float).SetPrec(2000).Mul(exact(x), exact(y))
	r, _ := p.Add(p, exact(z)).Float32()
	return r
}

// hardCases are triples for which rounding twice is wrong, or special.
func hardCases() [][3]float32 {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	const tiny, huge = math.SmallestNonzeroFloat32, math.MaxFloat32
	odd := float32(1 + 0x1p-23)
	var cases [][3]float32
	for _, s := range []float32{1, -1} {
		cases = append(cases, [][3]float32{
			// odd² = 1 + 2^-22 + 2^-46: with z the sum is a midpoint ± 2^-46·…
			{odd, odd, s * 0x1p-24}, {odd, odd, s * 0x1p30}, {odd, odd, s * 0x1p29},
			{odd, odd * 0x1p-24, s}, {0x1p-12, 0x1p-12, s}, {s * odd, 0x1p-24, 1},
			{s * (1 - 0x1p-24), 0x1p-24, 1}, {s * 0x1p-60, 0x1p-60, 1 + 0x1p-23},
			{s * 0x1p-75, 0x1p-75, tiny}, {s * 0x1p-75, 0x1p-75 * 0.5, tiny}, {s * odd, 0x1p-126, -0x1p-126},
			{s * 0x1p-70, odd * 0x1p-79, 3 * tiny}, {s * tiny, tiny, tiny}, {s * tiny, tiny, 0x1p-126},
			{s * tiny, tiny, 0}, {s * tiny, 0.5, 0}, {s * tiny, 0.5, tiny}, {s * 0x1p-63, 0x1p-64, 0x1p-126},
			{s * 0x1p64, 0x1p63, 0}, {s * 0x1p64, 0x1p64, -huge}, {s * 0x1p52, 0x1p51, huge}, {s * 0x1p51, 0x1p51, huge},
			{s * 0x1p51 * odd, 0x1p52, huge}, {s * huge, huge, -huge}, {s * huge, 1, huge},
			{s * 0, 1, 0}, {s * 0, 1, float32(math.Copysign(0, -1))}, {s, 1, -1}, {s * 3, 5, -15},
			{inf, s, 0}, {inf, s, -inf}, {inf, s, inf}, {inf, 0, s}, {nan, s, 1}, {1, nan, s}, {1, s, nan}, {s, huge, inf}, {s, huge, -inf},
		}...)
	}
	return cases
}

// randomFloat32 is a number with random bits, often near another exponent's
// rounding boundary.
func randomFloat32(r *rand.Rand) float32 {
	switch r.Intn(4) {
	case 0:
		return math.Float32frombits(r.Uint32())
	case 1:
		return float32(math.Ldexp(1+float64(r.Intn(4))*0x1p-23, r.Intn(60)-30))
	case 2:
		return float32(math.Ldexp(2-float64(r.Intn(4))*0x1p-23, r.Intn(300)-160))
	}
	return float32(r.NormFloat64())
}

func TestFMA32RoundsOnce(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	cases := hardCases()
	for i := 0; i < 50000; i++ {
		cases = append(cases, [3]float32{randomFloat32(r), randomFloat32(r), randomFloat32(r)})
	}
	twice := 0
	for _, c := range cases {
		s := float64(c[0])*float64(c[1]) + float64(c[2])
		if math.IsNaN(s) || math.IsInf(s, 0) || s == 0 {
			continue
		}
		got, want := FMA32(c[0], c[1], c[2]), fmaBig(c[0], c[1], c[2])
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("FMA32(%x, %x, %x) = %x, exactly rounded %x", c[0], c[1], c[2], got, want)
		}
		if float32(s) != want {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no case tells one rounding from two")
	}
}

func BenchmarkFMA32(b *testing.B) {
	var acc [16]float32
	for i := 0; i < b.N; i++ {
		for j := range acc {
			acc[j] = FMA32(0.999, acc[j], 0.125)
		}
	}
	b.ReportMetric(16*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mfma/s")
}
