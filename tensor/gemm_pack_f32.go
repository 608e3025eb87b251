//go:build !f64

package tensor

import "pactune/asm"

// stored is a part of A as the caller holds it: rows of cols numbers, ld apart.
type stored struct {
	x              []float32
	ld, rows, cols int
}

// storedA is what op(A) has in rows i … i+rows and the terms of a block.
func (p *product) storedA(i, rows int, b block) stored {
	if p.kind == TN {
		return stored{p.a[b.k*p.lda+i:], p.lda, b.kc, rows}
	}
	return stored{p.a[i*p.lda+b.k:], p.lda, rows, b.kc}
}

// prefetch asks for the part of s that falls to one of several tiles. Memory is
// slow to answer: what the next piece packs is fetched while this one computes.
func (s stored) prefetch(kernel asm.Kernel, tile, tiles int) {
	for i, end := s.rows*tile/tiles, s.rows*(tile+1)/tiles; i < end; i++ {
		kernel.Prefetch(s.x[i*s.ld:][:s.cols])
	}
}

// layoutA says how rows of op(A) are packed: MR rows, which a tile reads, start
// at tile times their number; rs and cs are the strides of rows and of words.
//
// A that is stored transposed is packed into panels of MR columns like those of
// B, each with a vector after it, otherwise into rows side by side.
type layoutA struct {
	kernel       asm.Kernel
	kind         Kind
	rs, cs, tile int
}

func layoutOfA(kernel asm.Kernel, kind Kind, kc int) layoutA {
	words := kernel.Words(kc)
	if kind == TN {
		return layoutA{kernel, kind, 1, kernel.MR, roundUp(kernel.MR*words+kernel.Lanes, kernel.Lanes)}
	}
	return layoutA{kernel, kind, words, 1, kernel.MR * words}
}

// pack packs what storedA returned.
func (l layoutA) pack(dst []float32, s stored) {
	if l.kind != TN {
		l.kernel.Rows(dst, l.rs, s.x, s.ld, s.rows, s.cols)
		return
	}
	// Sixteen stored rows at a time over all panels: their lines stay in the
	// cache. A copied row writes a whole vector, whose end the next row overwrites.
	mr := l.kernel.MR
	for q := 0; q < s.rows; q += 16 {
		for i := 0; i < s.cols; i += mr {
			l.kernel.Copy(dst[i/mr*l.tile+l.kernel.Words(q)*mr:], mr, s.x[q*s.ld+i:], s.ld, min(16, s.rows-q), min(mr, s.cols-i))
		}
	}
}
