package bench

import (
	"math/rand"
	"testing"
	"time"

	"pactune/asm"
	"pactune/internal/rng"
)

// The vector functions on pieces of 4096 elements that lie in a slab of 4 M
// elements (memory) or are the same each time (cache), with every instruction
// set: ns per element on average and in the fastest piece, which load on the
// machine by others hardly touches, and GB/s of the slices read and written.

const (
	piece = 4096
	slab  = 4 << 20
)

type vecBench struct {
	name   string
	slices int // read
	writes int // and written
	run    func(s [][]float32, start uint64)
}

var (
	benchKey  = rng.NewKey(1, rng.StreamNoise, 1)
	benchAdam = asm.AdamStep{Decay: 1, C1: 0.1, Beta2: 0.999, C2: 0.001, Root: 1, Eps: 1e-8, Rate: 1e-4}
)

var vecBenches = []vecBench{
	{"Add", 2, 1, func(s [][]float32, _ uint64) { asm.Add(s[2], s[0], s[1]) }},
	{"GELU", 1, 1, func(s [][]float32, _ uint64) { asm.GELU(s[1], s[0]) }},
	{"GELUGrad", 2, 1, func(s [][]float32, _ uint64) { asm.GELUGrad(s[2], s[1], s[0]) }},
	{"Softmax/row=32", 1, 1, rows(32, func(s [][]float32) { asm.Softmax(s[1], s[0], 0.125) })},
	{"Softmax/row=12", 1, 1, rows(12, func(s [][]float32) { asm.Softmax(s[1], s[0], 0.125) })},
	{"LayerNorm/row=768", 1, 1, rows(768, func(s [][]float32) { asm.LayerNorm(s[1], s[0], s[2], s[2], 1e-12) })},
	{"LayerNormGrad/row=768", 2, 1, rows(768, func(s [][]float32) { asm.LayerNormGrad(s[1], s[3], s[0], s[2], 0, 1) })},
	{"Dropout", 1, 1, func(s [][]float32, e uint64) { asm.Dropout(s[1], s[0], benchKey, 1, e, 0.9) }},
	{"SumSquares", 1, 0, func(s [][]float32, _ uint64) { asm.SumSquares(s[0]) }},
	{"ColumnSums/rows=16", 1, 0, func(s [][]float32, _ uint64) { asm.ColumnSums(s[1][:256], s[0], 16, 256) }},
	{"Normals", 0, 1, func(s [][]float32, e uint64) { asm.Normals(s[0], benchKey, 1, e, false) }},
	{"AxpyNormals", 1, 1, func(s [][]float32, e uint64) { asm.AxpyNormals(s[1], s[0], 0.02, benchKey, 1, e) }},
	{"NoisyWeights", 3, 1, func(s [][]float32, e uint64) { asm.NoisyWeights(s[3], s[0], s[1], s[2], benchKey, 1, e) }},
	{"NoiseStep", 4, 3, func(s [][]float32, e uint64) {
		asm.NoiseStep(s[0], s[1], s[2], s[3], benchKey, 1, e, -3, 1e-6, &benchAdam)
	}},
	{"AdamW", 4, 3, func(s [][]float32, _ uint64) { asm.AdamW(s[0], s[3], s[1], s[2], &benchAdam) }},
	{"PriorGrad", 3, 1, func(s [][]float32, _ uint64) { asm.PriorGrad(s[0], s[1], s[2], 1e-3) }},
	{"NoiseDot", 1, 0, func(s [][]float32, e uint64) { asm.NoiseDot(s[0], benchKey, 1, e) }},
}

// rows calls f on every row of a piece.
func rows(n int, f func(s [][]float32)) func(s [][]float32, _ uint64) {
	cut := make([][]float32, 4)
	return func(s [][]float32, _ uint64) {
		for i := 0; i+n <= piece; i += n {
			for j := range cut {
				cut[j] = s[j][i : i+n]
			}
			f(cut)
		}
	}
}

func BenchmarkVec(b *testing.B) {
	best := asm.Active()
	b.Cleanup(func() { asm.Use(best) })
	slabs := make([][]float32, 4)
	for i := range slabs {
		slabs[i] = make([]float32, slab)
	}
	for _, v := range vecBenches {
		for _, isa := range asm.Available() {
			for _, size := range []struct {
				name  string
				elems int
			}{{"cache", piece}, {"memory", slab}} {
				if isa == asm.Reference && size.elems != piece {
					continue
				}
				b.Run(v.name+"/"+isa.String()+"/"+size.name, func(b *testing.B) { v.bench(b, isa, slabs, size.elems) })
			}
		}
	}
}

func (v *vecBench) bench(b *testing.B, isa asm.ISA, slabs [][]float32, elems int) {
	if err := asm.Use(isa); err != nil {
		b.Fatal(err)
	}
	rnd := rand.New(rand.NewSource(1))
	for i := range slabs {
		for j := range slabs[i][:elems] {
			slabs[i][j] = rnd.Float32()
		}
	}
	cut := make([][]float32, len(slabs))
	at, best := 0, time.Hour
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		for j := range slabs {
			cut[j] = slabs[j][at : at+piece]
		}
		begin := time.Now()
		v.run(cut, uint64(at))
		best = min(best, time.Since(begin))
		if at += piece; at == elems {
			at = 0
		}
	}
	ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / piece
	b.ReportMetric(ns, "ns/elem")
	b.ReportMetric(float64(best.Nanoseconds())/piece, "best-ns/elem")
	b.ReportMetric(float64(4*(v.slices+v.writes))/ns, "GB/s")
	b.ReportMetric(0, "ns/op")
}
