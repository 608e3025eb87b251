//go:build !f64

package tensor

import "pactune/asm"

// taskCols is the number of columns of C that a worker computes at a time in a
// product of few rows, a multiple of every NR.
const taskCols = 128

// columnTask is a product of few rows, cut into columns of C.
type columnTask struct {
	product
	kernel asm.Kernel
}

func (t *columnTask) Piece(i int) {
	t.stripe(t.kernel, i*taskCols, min((i+1)*taskCols, t.n))
}

func (e *Engine) small(p *product) { p.stripe(e.kernel(), 0, p.n) }

// maxNR is the width of the widest panel of any kernel. A packed tile of A is at most
// half as large as a panel, except in AMX, whose rows have pairsAMX words.
const maxNR, pairsAMX = 32, asm.KCAMX / 2

// row computes as many of the columns from … to of a C of one row as the kernel
// can without packing, and returns the first that is left.
func (p *product) row(kernel asm.Kernel, from, to int) int {
	cols := kernel.RowCols(to-from, p.k, p.kind == NT)
	bk, bj, cs := p.ldb, 1, 1
	switch p.kind {
	case NT:
		bk, bj = 1, p.ldb
	case TN:
		cs = p.lda
	}
	for k := 0; k < p.k && cols > 0; k += kernel.KC {
		kernel.Row(cols, min(kernel.KC, p.k-k), p.a[k*cs:], cs, p.b[k*bk+from*bj:], p.ldb, p.kind == NT, p.c[from:], k > 0 || p.accumulate)
	}
	return from + cols
}

// stripe computes columns from … to of C. A is read in place; so is B where its
// rows hold a whole panel, else the panel is packed on the stack: the smaller of
// two, because the stack is cleared. Operands to be rounded are always packed.
func (p *product) stripe(kernel asm.Kernel, from, to int) {
	if p.m == 1 {
		if from = p.row(kernel, from, to); from == to {
			return
		}
	}
	if kernel.Precision != asm.Float32 {
		p.packedStripe(kernel, from, to)
	} else if p.kind != NT && (to-from)%kernel.NR == 0 {
		p.panels(kernel, nil, from, to)
	} else if p.k <= 64 {
		var panel [64 * maxNR]float32
		p.panels(kernel, panel[:], from, to)
	} else {
		var panel [KC * maxNR]float32
		p.panels(kernel, panel[:], from, to)
	}
}

func (p *product) panels(kernel asm.Kernel, panel []float32, from, to int) {
	nr := kernel.NR
	rs, cs := p.lda, 1
	if p.kind == TN {
		rs, cs = 1, p.lda
	}
	for j := from; j < to; j += nr {
		cols := min(nr, to-j)
		for k := 0; k < p.k; k += kernel.KC {
			kc := min(kernel.KC, p.k-k)
			b, ldb := panel, nr
			if p.kind == NT || cols < nr {
				p.packPanel(kernel, panel, j, k, kc, cols)
			} else {
				b, ldb = p.b[k*p.ldb+j:], p.ldb
			}
			kernel.Tiles(p.m, cols, kc, p.a[k*cs:], rs, cs, kernel.MR*rs, b, ldb, p.c[j:], p.ldc, k > 0 || p.accumulate, nil)
		}
	}
}

func (p *product) packedStripe(kernel asm.Kernel, from, to int) {
	switch {
	case p.k <= 64:
		var tile [64 * maxNR / 2]float32
		var panel [64 * maxNR]float32
		p.packedPanels(kernel, tile[:], panel[:], from, to)
	case min(p.k, kernel.KC) <= KC:
		var tile [KC * maxNR / 2]float32
		var panel [KC * maxNR]float32
		p.packedPanels(kernel, tile[:], panel[:], from, to)
	default:
		var tile, panel [pairsAMX * maxNR]float32
		p.packedPanels(kernel, tile[:], panel[:], from, to)
	}
}

// packedPanels packs a panel of B and, for each tile, its rows of A.
func (p *product) packedPanels(kernel asm.Kernel, tile, panel []float32, from, to int) {
	mr, nr := kernel.MR, kernel.NR
	for j := from; j < to; j += nr {
		cols := min(nr, to-j)
		for k := 0; k < p.k; k += kernel.KC {
			kc := min(kernel.KC, p.k-k)
			l := layoutOfA(kernel, p.kind, kc)
			p.packPanel(kernel, panel, j, k, kc, cols)
			for i := 0; i < p.m; i += mr {
				rows := min(mr, p.m-i)
				a := p.stripOfA(kernel, tile, i, rows, k, kc)
				for u := range a.units() {
					a.pack(u)
				}
				kernel.Tile(rows, cols, kernel.Words(kc), tile, l.rs, l.cs, panel, nr, p.c[i*p.ldc+j:], p.ldc, k > 0 || p.accumulate)
			}
		}
	}
}

// packPanel packs columns j … j+cols of op(B), terms k … k+kc.
func (p *product) packPanel(kernel asm.Kernel, panel []float32, j, k, kc, cols int) {
	if p.kind == NT {
		kernel.Transpose(panel, kernel.NR, p.b[j*p.ldb+k:], p.ldb, kc, cols)
	} else {
		kernel.Copy(panel, kernel.NR, p.b[k*p.ldb+j:], p.ldb, kc, cols)
	}
}
