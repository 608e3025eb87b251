// Package rng is the only source of random numbers in the project: the
// counter-based generator Philox4x32-10 (Salmon et al., "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011). A random number is a pure function
//
//	value(seed, stream, step, row, index)
//
// and never state: a dropout mask or a noise vector is made again wherever it
// is needed, in any order, on any number of threads, after any interruption.
//
// A Key is folded from (seed, stream, step). Under a key every row (an example,
// a tensor) has a sequence of 32-bit words. Their order suits vector units:
// element e lies in group e/64; inside a group the words of 16 consecutive
// blocks are laid out word by word,
//
//	block = 16·(e/64) + e%16        word = (e/16)%4
//
// so that 16 lanes compute 16 blocks and store four full vectors.
package rng

import "math/bits"

// Streams keep the uses of random numbers apart. A value never changes: it is
// part of what a seed means.
const (
	StreamInit    = 1 // initial weights, row = tensor
	StreamShuffle = 2 // order of examples, step = epoch
	StreamDropout = 3 // dropout, site in the low bits of step's fold, row = example
	StreamNoise   = 4 // PAC noise, row = tensor
	StreamK       = 5 // models drawn for the K table
	StreamSubset  = 6 // random subsets of a data set
	StreamHead    = 7 // a new head
	StreamMask    = 8 // tokens masked for pretraining, step = epoch, row = sequence
	StreamText    = 9 // pretraining text: held-out blocks, packing and order, step = epoch

	StreamBootstrap = 10 // rows drawn for intervals, step = set
)

// Key selects one family of sequences.
type Key struct{ K0, K1 uint32 }

// NewKey folds (seed, stream, step) into a key: the first two words of the
// Philox block with the seed as key and (stream, step, tag) as counter.
func NewKey(seed uint64, stream uint32, step uint64) Key {
	c0, c1, _, _ := Block(Key{uint32(seed), uint32(seed >> 32)},
		stream, uint32(step), uint32(step>>32), 0x9ac7)
	return Key{c0, c1}
}

// Fold derives a key from k and one more coordinate, for example a site.
func (k Key) Fold(x uint32) Key {
	c0, c1, _, _ := Block(k, x, 0, 0, 0xf01d)
	return Key{c0, c1}
}

// Block is Philox4x32-10: ten rounds over the counter (c0, c1, c2, c3) under
// key k.
func Block(k Key, c0, c1, c2, c3 uint32) (uint32, uint32, uint32, uint32) {
	k0, k1 := k.K0, k.K1
	for range 10 {
		h0, l0 := bits.Mul32(0xD2511F53, c0)
		h1, l1 := bits.Mul32(0xCD9E8D57, c2)
		c0, c1, c2, c3 = h1^c1^k0, l1, h0^c3^k1, l0
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c0, c1, c2, c3
}

// Uint32 is element e of the sequence of row under k: the definition of the
// element order, of which vector code computes 64 at a time. The counter is
// (block, block>>32, row, 0).
func (k Key) Uint32(row uint32, e uint64) uint32 {
	block := e/64*16 + e%16
	c0, c1, c2, c3 := Block(k, uint32(block), uint32(block>>32), row, 0)
	switch e / 16 % 4 {
	case 0:
		return c0
	case 1:
		return c1
	case 2:
		return c2
	}
	return c3
}

// Uint32s fills dst with elements start, start+1, … of row's sequence.
func (k Key) Uint32s(dst []uint32, row uint32, start uint64) {
	for i := 0; i < len(dst); {
		e := start + uint64(i)
		if e%64 == 0 && len(dst)-i >= 64 {
			k.group(dst[i:i+64], row, e/64*16)
			i += 64
			continue
		}
		dst[i] = k.Uint32(row, e)
		i++
	}
}

func (k Key) group(dst []uint32, row uint32, block uint64) {
	_ = dst[63]
	for l := range uint64(16) {
		b := block + l
		dst[l], dst[16+l], dst[32+l], dst[48+l] = Block(k, uint32(b), uint32(b>>32), row, 0)
	}
}

// Uniform maps a word to the open interval (0, 1): (x>>8 + ½)·2⁻²⁴, exact in
// float64 and, for the upper half of the interval apart, in float32.
func Uniform(x uint32) float64 { return (float64(x>>8) + 0.5) / (1 << 24) }

// Intn is a number in [0, n) for element e of row 0 under k, n > 0, by the
// multiply-high of 64 random bits; its bias is below n/2⁶⁴.
func (k Key) Intn(e uint64, n int) int {
	a, b, _, _ := Block(k, uint32(e), uint32(e>>32), 0, 1)
	hi, _ := bits.Mul64(uint64(a)<<32|uint64(b), uint64(n))
	return int(hi)
}

// Perm fills p with a random permutation of 0 … len(p)−1 (Fisher–Yates).
func (k Key) Perm(p []int32) {
	for i := range p {
		p[i] = int32(i)
	}
	for i := len(p) - 1; i > 0; i-- {
		j := k.Intn(uint64(i), i+1)
		p[i], p[j] = p[j], p[i]
	}
}
