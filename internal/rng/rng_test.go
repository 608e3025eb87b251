package rng

import (
	"math"
	"testing"
)

// The known answers of Random123's kat_vectors for philox4x32-10.
func TestPhiloxKnownAnswers(t *testing.T) {
	const ones = 0xffffffff
	cases := []struct {
		key       Key
		ctr, want [4]uint32
	}{
		{Key{0, 0}, [4]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{Key{ones, ones}, [4]uint32{ones, ones, ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{Key{0xa4093822, 0x299f31d0}, [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	}
	for _, c := range cases {
		var got [4]uint32
		got[0], got[1], got[2], got[3] = Block(c.key, c.ctr[0], c.ctr[1], c.ctr[2], c.ctr[3])
		if got != c.want {
			t.Errorf("Block(%x, %x) = %x, want %x", c.key, c.ctr, got, c.want)
		}
	}
}

// The order of elements is part of what a seed means.
func TestElementOrder(t *testing.T) {
	key := NewKey(42, StreamNoise, 7)
	for _, e := range []uint64{0, 1, 15, 16, 63, 64, 100, 1<<34 + 5} {
		block := e/64*16 + e%16
		var words [4]uint32
		words[0], words[1], words[2], words[3] = Block(key, uint32(block), uint32(block>>32), 3, 0)
		if got, want := key.Uint32(3, e), words[e/16%4]; got != want {
			t.Errorf("element %d is %x, want %x", e, got, want)
		}
	}
	for _, start := range []uint64{0, 1, 63, 64, 1000} {
		dst := make([]uint32, 200)
		key.Uint32s(dst, 3, start)
		for i, got := range dst {
			if want := key.Uint32(3, start+uint64(i)); got != want {
				t.Fatalf("Uint32s from %d: element %d is %x, want %x", start, i, got, want)
			}
		}
	}
}

func TestKeysDiffer(t *testing.T) {
	seen := map[Key]string{}
	add := func(name string, k Key) {
		if other, twice := seen[k]; twice {
			t.Errorf("%s and %s have one key", name, other)
		}
		seen[k] = name
	}
	add("base", NewKey(1, StreamInit, 0))
	add("seed", NewKey(2, StreamInit, 0))
	add("high seed", NewKey(1|1<<32, StreamInit, 0))
	add("stream", NewKey(1, StreamShuffle, 0))
	add("step", NewKey(1, StreamInit, 1))
	add("high step", NewKey(1, StreamInit, 1<<32))
	add("fold", NewKey(1, StreamInit, 0).Fold(0))
	add("fold 1", NewKey(1, StreamInit, 0).Fold(1))
}

// Mean ½ and variance 1/12 within five standard errors of a million draws; no
// draw may leave the open interval.
func TestUniform(t *testing.T) {
	if lo, hi := Uniform(0), Uniform(math.MaxUint32); lo != 0x1p-25 || hi != 1-0x1p-25 {
		t.Errorf("the ends are %g and %g", lo, hi)
	}
	const n = 1 << 20
	words := make([]uint32, n)
	NewKey(3, StreamNoise, 0).Uint32s(words, 0, 0)
	sum, squares := 0.0, 0.0
	var bins [16]float64
	for _, w := range words {
		u := Uniform(w)
		sum += u - 0.5
		squares += (u - 0.5) * (u - 0.5)
		bins[int(u*16)]++
	}
	if m := sum / n; math.Abs(m) > 5*math.Sqrt(1./12/n) {
		t.Errorf("mean off by %g", m)
	}
	if v := squares / n; math.Abs(v-1./12) > 5*math.Sqrt(1./180/n) {
		t.Errorf("variance %g, want %g", v, 1./12)
	}
	chi2 := 0.0
	for _, b := range bins {
		chi2 += (b - n/16) * (b - n/16) / (n / 16)
	}
	if chi2 > 45 { // 15 degrees of freedom: exceeded once in 10⁴
		t.Errorf("chi² of 16 bins is %g", chi2)
	}
}

func TestIntnAndPerm(t *testing.T) {
	key := NewKey(9, StreamShuffle, 0)
	var counts [10]int
	for e := uint64(0); e < 10000; e++ {
		counts[key.Intn(e, 10)]++
	}
	for i, c := range counts {
		if c < 850 || c > 1150 { // five standard deviations of a binomial
			t.Errorf("%d was drawn %d times of 10000", i, c)
		}
	}
	p := make([]int32, 1000)
	key.Perm(p)
	seen := make([]bool, len(p))
	fixed := 0
	for i, v := range p {
		if seen[v] {
			t.Fatalf("%d occurs twice", v)
		}
		seen[v] = true
		if int(v) == i {
			fixed++
		}
	}
	if fixed > 8 { // Poisson of mean 1: exceeded once in 10⁶
		t.Errorf("%d of 1000 stayed in place", fixed)
	}
}
