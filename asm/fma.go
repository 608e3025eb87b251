package asm

import "math"

// FMA32 returns x·y + z, rounded once to float32, as the fused multiply-add
// instructions do: float32(math.FMA(x, y, z)) rounds twice and is wrong by one
// unit in rare cases.
//
// The product is exact in float64 (24 + 24 ≤ 53 bits), so the float64 sum s is
// the result rounded to 53 bits (whether or not the compiler fuses it), and
// rounding s again is right unless s lies midway between two float32 numbers.
func FMA32(x, y, z float32) float32 {
	if s := float64(x)*float64(y) + float64(z); roundsOnce(s) {
		return float32(s)
	}
	return fma32Odd(float64(x)*float64(y), float64(z))
}

// roundsOnce reports whether float32(s) is x·y + z rounded once, for s = x·y + z
// in float64, by two quick tests: s is not midway, where the 29 bits that float32
// lacks are 100…0, and not below 2^-126, where float32 has fewer bits. Zero wraps
// round to a large number and passes.
func roundsOnce(s float64) bool {
	b := math.Float64bits(s)
	return b&(1<<29-1) != 1<<28 && b<<1-1 >= smallest32<<1-1
}

// smallest32 is the bit pattern of float64(2^-126), the least normal float32.
const smallest32 = (1023 - 126) << 52

// fma32Odd returns p + z rounded to odd at 53 bits and then to float32: the
// last bit, set when anything was lost, breaks false ties.
func fma32Odd(p, z float64) float32 { return float32(sumOdd(p, z)) }

// sumOdd returns p + z rounded to odd: cut to 53 bits, the last of them set when
// anything was lost.
func sumOdd(p, z float64) float64 {
	s := p + z
	t := s - p // TwoSum: s + e is p + z exactly
	e := (p - (s - t)) + (z - t)
	b := math.Float64bits(s)
	if e != 0 && b&1 == 0 && !math.IsNaN(e) && !math.IsInf(s, 0) {
		if (e > 0) == (s > 0) {
			b++
		} else {
			b--
		}
	}
	return math.Float64frombits(b)
}
