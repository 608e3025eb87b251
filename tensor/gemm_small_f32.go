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

func (p *product) small() { p.stripe(asm.ActiveKernel(), 0, p.n) }

// maxNR is the widest panel of any kernel.
const maxNR = 32

// stripe computes columns from … to of C. A is read in place; so is B where its
// rows hold a whole panel, else the panel is packed on the stack: the smaller of
// two, because the stack is cleared.
func (p *product) stripe(kernel asm.Kernel, from, to int) {
	if p.kind != NT && (to-from)%kernel.NR == 0 {
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
	mr, nr := kernel.MR, kernel.NR
	rs, cs := p.lda, 1
	if p.kind == TN {
		rs, cs = 1, p.lda
	}
	for j := from; j < to; j += nr {
		cols := min(nr, to-j)
		for k := 0; k < p.k; k += KC {
			kc := min(KC, p.k-k)
			b, ldb := panel, nr
			switch {
			case p.kind == NT:
				kernel.Transpose(panel, nr, p.b[j*p.ldb+k:], p.ldb, kc, cols)
			case cols < nr:
				kernel.Copy(panel, nr, p.b[k*p.ldb+j:], p.ldb, kc, cols)
			default:
				b, ldb = p.b[k*p.ldb+j:], p.ldb
			}
			for i := 0; i < p.m; i += mr {
				kernel.Tile(min(mr, p.m-i), cols, kc, p.a[i*rs+k*cs:], rs, cs, b, ldb,
					p.c[i*p.ldc+j:], p.ldc, k > 0 || p.accumulate)
			}
		}
	}
}
