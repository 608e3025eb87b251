package asm

import (
	"math/bits"

	"pactune/internal/rng"
)

// Functions with random numbers. Element i of a slice belongs to element
// start+i of the sequence of (key, row), in package rng's order. Random numbers
// are made in chunks on the stack and used from there.

// chunk is how many random numbers are made at a time.
const chunk = 1024

// deviate says how a random word becomes a number.
type deviate int

const (
	normal  deviate = iota // N(0,1) by the inverse of its distribution function
	clipped                // the same, clipped to ±2
)

// noise is room for a chunk that starts anywhere in a group of 64.
type noise [chunk + 64]float32

// draw returns n ≤ chunk numbers, elements start, start+1, … of the sequence.
func (z *noise) draw(kind deviate, key rng.Key, row uint32, start uint64, n int) []float32 {
	skip := int(start % 64)
	fillNormals(z[:(skip+n+63)&^63], kind, key, row, start/64)
	return z[skip:][:n]
}

// philox is what the kernels read: the first block and, because all blocks of a
// row share the words c1, c2 and c3 of their counter, what these contribute to
// the first two rounds, each in the lower half of 64 bits.
type philox struct {
	block     uint64
	key2      uint64 // second key of round 1
	xor       uint64 // c1 and the first key of round 2
	high, low uint64 // of c0's product in round 2, with its second key
	keys      [8][2]uint64
	wraps     bool // the lower word of the block overflows: not for kernels
}

func newPhilox(key rng.Key, row uint32, group uint64, n int) (c philox) {
	block := group * 16
	h1, l1 := bits.Mul32(0xCD9E8D57, row)
	a := h1 ^ uint32(block>>32) ^ key.K0
	h0, l0 := bits.Mul32(0xD2511F53, a)
	c.block, c.key2 = uint64(uint32(block)), uint64(key.K1)
	c.wraps = (block+uint64(n/4))>>32 != block>>32
	for r := uint32(1); r < 10; r++ {
		k0, k1 := key.K0+r*0x9E3779B9, key.K1+r*0xBB67AE85
		if r == 1 {
			c.xor, c.high, c.low = uint64(l1^k0), uint64(h0^k1), uint64(l0)
			continue
		}
		c.keys[r-2] = [2]uint64{uint64(k0), uint64(k1)}
	}
	return c
}

// fillNormals fills dst, a whole number of groups of 64, from group on.
func fillNormals(dst []float32, kind deviate, key rng.Key, row uint32, group uint64) {
	done := 0
	switch c := newPhilox(key, row, group, len(dst)); {
	case c.wraps:
	case kind == clipped:
		done = clippedVec(dst, &c)
	default:
		done = normalsVec(dst, &c)
	}
	var words [64]uint32
	for ; done < len(dst); done += 64 {
		key.Uint32s(words[:], row, group*64+uint64(done))
		for i, w := range words {
			v := centered32(w)
			if kind == clipped {
				dst[done+i] = clipped32(v)
			} else {
				dst[done+i] = quantile32(v)
			}
		}
	}
}

// Normals fills dst with N(0,1) by the inverse of its distribution function at
// rng.Uniform of each word, clipped to ±2 if clip.
func Normals(dst []float32, key rng.Key, row uint32, start uint64, clip bool) {
	kind := normal
	if clip {
		kind = clipped
	}
	if start%64 == 0 {
		whole := len(dst) &^ 63
		fillNormals(dst[:whole], kind, key, row, start/64)
		dst, start = dst[whole:], start+uint64(whole)
	}
	var z noise
	for len(dst) > 0 {
		n := copy(dst, z.draw(kind, key, row, start, min(chunk, len(dst))))
		dst, start = dst[n:], start+uint64(n)
	}
}

// Dropout computes y = x/keep where rng.Uniform of the element's word is below
// keep, else 0; 1/keep is rounded to float32 first.
func Dropout(y, x []float32, key rng.Key, row uint32, start uint64, keep float32) {
	x = x[:len(y)]
	// (k + ½)·2⁻²⁴ < keep for the integers k below this limit, exactly.
	limit := float32(ceil(float64(keep)*(1<<24) - 0.5))
	c := [2]float32{limit, 1 / keep}
	var words [chunk + 64]uint32
	for len(y) > 0 {
		n := min(chunk, len(y))
		skip := int(start % 64)
		u := words[:(skip+n+63)&^63]
		fillWords(u, key, row, start/64)
		u = u[skip:][:n]
		for i := dropoutVec(y[:n], x[:n], u, &c); i < n; i++ {
			v := float32(0)
			if float32(u[i]>>8) < limit {
				v = x[i] * c[1]
			}
			y[i] = v
		}
		y, x, start = y[n:], x[n:], start+uint64(n)
	}
}

// ceil returns the least integer ≥ x for 0 ≤ x < 2^52, 0 below.
func ceil(x float64) float64 {
	n := float64(int64(x))
	if n < x {
		n++
	}
	return n
}

// fillWords fills dst, a whole number of groups of 64, from group on.
func fillWords(dst []uint32, key rng.Key, row uint32, group uint64) {
	done := 0
	if c := newPhilox(key, row, group, len(dst)); !c.wraps {
		done = wordsVec(dst, &c)
	}
	key.Uint32s(dst[done:], row, group*64+uint64(done))
}

// AxpyNormals computes dst = w + sigma·ε, ε from N(0,1), not clipped.
func AxpyNormals(dst, w []float32, sigma float32, key rng.Key, row uint32, start uint64) {
	axpyNoise(dst, w, sigma, normal, key, row, start)
}

func axpyNoise(dst, w []float32, sigma float32, kind deviate, key rng.Key, row uint32, start uint64) {
	w = w[:len(dst)]
	var z noise
	for len(dst) > 0 {
		n := min(chunk, len(dst))
		eps := z.draw(kind, key, row, start, n)
		for i := axpyVec(dst[:n], w[:n], eps, &[1]float32{sigma}); i < n; i++ {
			dst[i] = FMA32(sigma, eps[i], w[i])
		}
		dst, w, start = dst[n:], w[n:], start+uint64(n)
	}
}

// NoisyWeightsScalar computes dst = w + sigma·ε, ε clipped to ±2, and returns
// Σ (w − w0)², 0 when w0 is nil.
func NoisyWeightsScalar(dst, w, w0 []float32, sigma float32, key rng.Key, row uint32, start uint64) float64 {
	dist := 0.0
	if w0 != nil {
		dist = squaredDistance(w[:len(dst)], w0)
	}
	axpyNoise(dst, w, sigma, clipped, key, row, start)
	return dist
}

// squaredDistance returns Σ (a − b)² in 16 lanes of float64.
func squaredDistance(a, b []float32) float64 {
	b = b[:len(a)]
	var l lanes64
	for i := distanceVec(a, b, &l); i < len(a); i++ {
		d := float64(a[i]) - float64(b[i])
		l[i%16] += float64(d * d)
	}
	return l.sum()
}

// NoiseDot returns Σ g·ε in 16 lanes of float64, ε clipped to ±2.
func NoiseDot(g []float32, key rng.Key, row uint32, start uint64) float64 {
	var z noise
	var l lanes64
	for len(g) > 0 {
		n := min(chunk, len(g))
		eps := z.draw(clipped, key, row, start, n)
		for i := wideDotVec(g[:n], eps, &l); i < n; i++ {
			l[i%16] += float64(g[i]) * float64(eps[i]) // exact product
		}
		g, start = g[n:], start+uint64(n)
	}
	return l.sum()
}

// PACSums are the sums of the bound over one piece of a tensor, at the clean
// weights: Σ e^{2p}, Σ p and Σ (w − w0)².
type PACSums struct{ E2P, P, Dist float64 }

// NoisyWeights computes dst = w + e^p·ε, ε clipped to ±2, and the sums of the
// bound, each in 16 lanes of float64.
func NoisyWeights(dst, w, w0, p []float32, key rng.Key, row uint32, start uint64) PACSums {
	w, w0, p = w[:len(dst)], w0[:len(dst)], p[:len(dst)]
	var z noise
	var l [3]lanes64
	for len(dst) > 0 {
		n := min(chunk, len(dst))
		eps := z.draw(clipped, key, row, start, n)
		for i := noisyVec(dst[:n], w[:n], w0[:n], p[:n], eps, &l); i < n; i++ {
			std := exp32(p[i])
			d := float64(w[i]) - float64(w0[i])
			l[0][i%16] += float64(std) * float64(std) // exact product
			l[1][i%16] += float64(p[i])
			l[2][i%16] += float64(d * d)
			dst[i] = FMA32(std, eps[i], w[i])
		}
		dst, w, w0, p, start = dst[n:], w[n:], w0[n:], p[n:], start+uint64(n)
	}
	return PACSums{l[0].sum(), l[1].sum(), l[2].sum()}
}

// noiseStep is what NoiseStep's kernel reads beside its slices.
type noiseStep struct {
	adam AdamStep
	b    float64
	kl   float64
}

// NoiseStep applies s to p with moments mp, vp and the gradient
//
//	dp = g·ε·e^p + (e^{2(p−b)} − 1)·klScale
//
// ε clipped to ±2; the second term is made in float64 and rounded once.
func NoiseStep(p, mp, vp, g []float32, key rng.Key, row uint32, start uint64, b, klScale float64, s *AdamStep) {
	mp, vp, g = mp[:len(p)], vp[:len(p)], g[:len(p)]
	var z noise
	c := noiseStep{*s, b, klScale}
	for len(p) > 0 {
		n := min(chunk, len(p))
		eps := z.draw(clipped, key, row, start, n)
		for i := noiseStepVec(p[:n], mp[:n], vp[:n], g[:n], eps, &c); i < n; i++ {
			kl := float32(expm1Wide(2*(float64(p[i])-b)) * klScale)
			dp := FMA32(g[i]*eps[i], exp32(p[i]), kl)
			p[i], mp[i], vp[i] = c.adam.apply(p[i], dp, mp[i], vp[i])
		}
		p, mp, vp, g, start = p[n:], mp[n:], vp[n:], g[n:], start+uint64(n)
	}
}
