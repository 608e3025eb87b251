package asm

import (
	"math"
	"math/big"
	"math/rand"
	"testing"
)

// oddBig is x + y, or x·y, rounded to odd by exact arithmetic on big numbers that
// cuts to 24 bits. Both are finite.
func oddBig(op func(z, x, y *big.Float) *big.Float, x, y float32) float32 {
	exact := func(v float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(v)) }
	s := op(new(big.Float).SetPrec(2000), exact(x), exact(y))
	sign := 1
	if s.Signbit() {
		sign = -1
	}
	switch size := new(big.Float).Abs(s); {
	case size.Cmp(big.NewFloat(0x1p-126)) < 0:
		return float32(math.Copysign(0, float64(sign)))
	case size.Cmp(big.NewFloat(0x1p128)) >= 0:
		return float32(math.Inf(sign))
	}
	cut := new(big.Float).SetPrec(24).SetMode(big.ToZero).Set(s)
	f, _ := cut.Float32()
	if cut.Acc() != big.Exact {
		f = math.Float32frombits(math.Float32bits(f) | 1)
	}
	return f
}

func finite(x float32) bool { return x-x == 0 }

func TestBFDotAddRoundsToOdd(t *testing.T) {
	r := rand.New(rand.NewSource(9))
	value := func(n int) float32 {
		if n%2 == 0 { // sums that overlap
			return float32(math.Ldexp(1+r.Float64(), r.Intn(24)-12)) * float32(1-2*r.Intn(2))
		}
		x := randomFloat32(r)
		for !finite(RoundBF16(x)) {
			x = randomFloat32(r)
		}
		return flush(x)
	}
	inexact := 0
	for n := 0; n < 20000; n++ {
		x0, y0, x1, y1 := RoundBF16(value(n)), RoundBF16(value(n)), RoundBF16(value(n)), RoundBF16(value(n))
		acc := value(n)
		p0, p1 := oddBig((*big.Float).Mul, x0, y0), oddBig((*big.Float).Mul, x1, y1)
		if !finite(p0) || !finite(p1) {
			continue
		}
		p := oddBig((*big.Float).Add, p0, p1)
		if !finite(p) {
			continue
		}
		want := oddBig((*big.Float).Add, acc, p)
		if got := BFDotAdd(acc, x0, y0, x1, y1); math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("%x + (%x·%x + %x·%x) = %x, want %x", acc, x0, y0, x1, y1, got, want)
		}
		if float64(want) != float64(acc)+float64(p) {
			inexact++
		}
	}
	if inexact < 5000 {
		t.Errorf("only %d sums were rounded", inexact)
	}
}

// What Arm's description says of infinities, NaN, zeros and the ends of the range.
func TestBFDotAddCases(t *testing.T) {
	inf, nan, zero := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	for _, c := range []struct{ acc, x0, y0, x1, y1, want float32 }{
		{0, inf, 1, 1, 1, inf}, {0, inf, 1, -inf, 1, nan}, {inf, -inf, 1, 0, 1, nan}, {0, inf, 0, 1, 1, nan},
		{nan, 1, 1, 1, 1, nan}, {0, nan, 1, 1, 1, nan}, {-inf, 1, 1, 1, 1, -inf},
		{0, 0x1p64, 0x1p64, 1, 1, inf}, {0, 0x1p64, 0x1p64, -0x1p64, 0x1p64, nan}, // products overflow by themselves
		{0, 0x1p64, 0x1p63, 0x1p64, 0x1p63, inf}, {-math.MaxFloat32, 0x1p64, 0x1p63, 0x1p64, 0x1p63, inf},
		{math.MaxFloat32, 0x1p52, 0x1p51, 0, 0, math.MaxFloat32}, {math.MaxFloat32, 0x1p52, 0x1p52, 0, 0, inf}, // cut; to nearest it would be infinity
		{0, 0x1p-63, 0x1p-64, 0x1p-63, 0x1p-64, 0}, {0, -0x1p-63, 0x1p-64, zero, 1, 0}, // products below 2^-126
		{zero, -0x1p-63, 0x1p-64, zero, 1, zero}, {0, zero, 1, zero, 1, 0}, {zero, zero, 1, zero, 1, zero},
		{0x1p-126, -0x1.8p-63, 0x1p-63, 0, 0, zero},                      // −2^-127 is flushed
		{1, 1, 1, -1, 1, 1}, {1, -1, 1, 0, 0, 0}, {zero, 1, 1, -1, 1, 0}, // exact differences are +0
		{1, 0x1p-12, 0x1p-12, 0, 0, 1 + 0x1p-23}, {1, 0x1p-60, 1, 0, 0, 1 + 0x1p-23}, // any loss sets the last bit
		{1, -0x1p-60, 1, 0, 0, 1 - 0x1p-24}, {1 + 0x1p-23, 0x1p-60, 1, 0, 0, 1 + 0x1p-23},
	} {
		got := BFDotAdd(c.acc, c.x0, c.y0, c.x1, c.y1)
		if math.Float32bits(got) != math.Float32bits(c.want) && (got == got || c.want == c.want) {
			t.Errorf("%v + (%v·%v + %v·%v) = %x, want %x", c.acc, c.x0, c.y0, c.x1, c.y1, got, c.want)
		}
	}
}

// Packed in every way, of every size: the products that a plain loop over the
// unpacked operands gives, with zeros after the last term.
func TestBFMMLAProducts(t *testing.T) {
	k, r := bfmmla, rand.New(rand.NewSource(10))
	for rows := 1; rows <= k.MR; rows++ {
		for cols := 1; cols <= k.NR; cols++ {
			n := 1 + (3*rows+cols)%13
			a, ta := newMatrix(r, rows, n), newMatrix(r, n, rows)
			b, tb := newMatrix(r, n, cols), newMatrix(r, cols, n)
			for p := 0; p < n; p++ {
				for i := 0; i < rows; i++ {
					ta.from()[p*ta.ld+i] = a.from()[i*a.ld+p]
				}
				for j := 0; j < cols; j++ {
					tb.from()[j*tb.ld+p] = b.from()[p*b.ld+j]
				}
			}
			c := newMatrix(r, rows, cols)
			want := c.clone()
			for i := 0; i < rows; i++ {
				for j := 0; j < cols; j++ {
					want.from()[i*c.ld+j] += naiveBFMMLA(a.from()[i*a.ld:][:n], tb.from()[j*tb.ld:][:n])
				}
			}
			w := k.Words(n)
			pa, pb := make([]float32, 8*w), make([]float32, w*k.NR)
			for way := 0; way < 4; way++ {
				rs, cs := w, 1
				if way%2 == 0 {
					k.Rows(pa, rs, a.from(), a.ld, rows, n)
				} else {
					rs, cs = 1, k.MR
					k.Copy(pa, cs, ta.from(), ta.ld, n, rows)
				}
				if way/2 == 0 {
					k.Copy(pb, k.NR, b.from(), b.ld, n, cols)
				} else {
					k.Transpose(pb, k.NR, tb.from(), tb.ld, n, cols)
				}
				got := c.clone()
				k.Tile(rows, cols, w, pa, rs, cs, pb, k.NR, got.from(), got.ld, true)
				if i := differ(got.data, want.data); i >= 0 {
					t.Fatalf("rows=%d cols=%d k=%d, way %d: element %d is %x, want %x", rows, cols, n, way, i-guards, got.data[i], want.data[i])
				}
			}
		}
	}
}

func naiveBFMMLA(x, y []float32) float32 {
	acc := float32(0)
	for p := 0; p < len(x); p += 2 {
		x1, y1 := at(x, p+1, p+1 < len(x)), at(y, p+1, p+1 < len(y))
		acc = BFDotAdd(acc, RoundBF16(x[p]), RoundBF16(y[p]), RoundBF16(x1), RoundBF16(y1))
	}
	return acc
}
