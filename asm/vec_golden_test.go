package asm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"sort"
	"testing"

	"pactune/internal/rng"
)

// vecGolden is the hash of what every vector function makes of fixed inputs. It
// is the same on every architecture, with every setting of GOAMD64 and on every
// instruction set: a run's weights do not depend on the machine. It changes only
// when a definition changes, and then runs of older versions cannot be repeated.
const vecGolden = "d34fb358a37fc70f5af85f4a7b6e5d8edcb5476d46683d2cfc6121705db08a80"

func TestVectorBitsAreTheSameEverywhere(t *testing.T) {
	best := Active()
	t.Cleanup(func() { Use(best) })
	cases := append([]vecCase(nil), vecCases...)
	sort.Slice(cases, func(i, j int) bool { return cases[i].name < cases[j].name })
	for _, isa := range Available() {
		if err := Use(isa); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		put := func(bits uint64) {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], bits)
			h.Write(b[:])
		}
		for c, vc := range cases {
			const n = 1234
			var slices [][]float32
			for s := 0; s < vc.slices; s++ {
				slices = append(slices, exactInputs(n, uint32(100*c+s)))
			}
			for _, sum := range vc.run(slices) {
				put(math.Float64bits(sum))
			}
			for _, s := range slices {
				for _, v := range s {
					if v != v {
						v = 0x1p100 // NaN, whatever its payload
					}
					put(uint64(math.Float32bits(v)))
				}
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != vecGolden {
			t.Errorf("%v: hash %s, want %s", isa, got, vecGolden)
		}
	}
}

// exactInputs are numbers of both signs between 2^-12 and 16, made without
// rounding.
func exactInputs(n int, row uint32) []float32 {
	x := make([]float32, n)
	for i := range x {
		w := rng.Key{K0: 1}.Uint32(row, uint64(i))
		x[i] = math.Float32frombits(w&0x807fffff | (115+w>>23&15)<<23)
	}
	return x
}
