//go:build !f64

package tensor

import "pactune/asm"

// How a large product is blocked:
//
//	C is cut into blocks of at most blockRows × blockCols, k into KC. The
//	operands of one block are packed, B into panels of NR columns that the
//	micro-kernel reads line by line,
//
//	  B block (KC, n)            packed: panel 0    panel 1
//	  ┌────NR────┬────NR────┬─    ┌────NR────┐ ┌────NR────┐
//	  │ 0 1 2 3  │          │     │ 0 1 2 3  │ │          │
//	  KC         │          │     KC         │ │          │  …
//	  └──────────┴──────────┴─    └──────────┘ └──────────┘
//
//	A into rows of KC (or, when it is stored transposed, into panels of MR
//	columns). The block of C is cut into pieces that the workers share; in a
//	piece a panel of B stays in the first-level cache while the rows of A pass by
//	from the second level. The next block's operands are packed by the same
//	workers in the same run, so that they wait for each other once per block.
const (
	blockRows = 4096
	blockCols = 4096
	packCols  = 256 // columns of B that one piece packs, a multiple of every NR
)

// smallRows is the number of rows of C up to which packing A does not pay: A is
// then read in place, and the workers share the columns of C.
const smallRows = 56

// buffers is what an Engine keeps between products.
type buffers struct {
	blocks  blockTask
	columns columnTask
}

func (e *Engine) gemm(p product) {
	if p.m <= smallRows {
		e.columns = columnTask{p, asm.ActiveKernel()}
		e.Pool.Run((p.n+taskCols-1)/taskCols, &e.columns)
		e.columns.product = product{}
		return
	}
	t := &e.blocks
	t.start(p, asm.ActiveKernel())
	for t.advance() {
		e.Pool.Run(t.packs+t.tiles, t)
	}
	t.product = product{}
}

// block is the part of a product that is computed at once: rows i … i+m, columns
// j … j+n, terms k … k+kc.
type block struct{ i, j, k, m, n, kc int }

// blockTask is a product cut into blocks, of which one is computed while the
// operands of the next are packed.
type blockTask struct {
	product
	kernel       asm.Kernel
	mc, nc       int // a piece of C
	now, next    block
	begun        bool
	packs, tiles int          // pieces of next, pieces of now
	packedA      [2][]float32 // of now, next
	packedB      [2][]float32
	apanel       int // distance between rows of a packed panel of a transposed A
}

func (t *blockTask) start(p product, kernel asm.Kernel) {
	t.product, t.kernel = p, kernel
	t.mc, t.nc = pieceOf(kernel)
	t.apanel = roundUp(kernel.MR, kernel.Lanes)
	t.now, t.next, t.begun = block{}, block{}, false
	rows, cols, kc := min(p.m, blockRows), min(p.n, blockCols), min(p.k, KC)
	asize := rows * kc
	if p.kind == TN {
		asize = (rows + kernel.MR - 1) / kernel.MR * t.apanel * kc
	}
	for i := range t.packedA {
		t.packedA[i] = grow(t.packedA[i], asize)
		t.packedB[i] = grow(t.packedB[i], roundUp(cols, kernel.NR)*kc)
	}
}

// pieceOf returns how many rows and columns of C a worker computes at a time:
// few enough that the packed rows and columns take a quarter of the second-level
// cache each.
func pieceOf(kernel asm.Kernel) (mc, nc int) {
	_, l2 := asm.CacheSizes()
	n := max(l2/(4*4*KC), 64)
	mc = max(1, min(n, 128)/kernel.MR) * kernel.MR
	nc = max(1, min(n, 384)/kernel.NR) * kernel.NR
	return mc, nc
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}

// advance makes the next block the present one and reports whether anything is
// left to be done.
func (t *blockTask) advance() bool {
	t.now = t.next
	t.packedA[0], t.packedA[1] = t.packedA[1], t.packedA[0]
	t.packedB[0], t.packedB[1] = t.packedB[1], t.packedB[0]
	t.next = t.after(t.now)
	t.packs = t.packsOfA() + (t.next.n+packCols-1)/packCols
	t.tiles = (t.now.m + t.mc - 1) / t.mc * ((t.now.n + t.nc - 1) / t.nc)
	return t.packs+t.tiles > 0
}

func (t *blockTask) packsOfA() int { return (t.next.m + t.mc - 1) / t.mc }

// after returns the block that follows b, empty after the last: k runs fastest,
// then columns, then rows.
func (t *blockTask) after(b block) block {
	if !t.begun {
		t.begun = true
		b = block{}
	} else if b.k += b.kc; b.k == t.k {
		b.k = 0
		if b.j += b.n; b.j == t.n {
			b.j = 0
			b.i += b.m
		}
	}
	if b.i == t.m {
		return block{i: t.m}
	}
	b.m, b.n, b.kc = min(t.m-b.i, blockRows), min(t.n-b.j, blockCols), min(t.k-b.k, KC)
	return b
}

// Piece packs a part of the next block or computes a part of the present one.
func (t *blockTask) Piece(i int) {
	as := t.packsOfA()
	switch {
	case i < as:
		t.packA(i * t.mc)
	case i < t.packs:
		t.packB((i - as) * packCols)
	default:
		i -= t.packs
		rows := (t.now.m + t.mc - 1) / t.mc
		t.compute(i%rows*t.mc, i/rows*t.nc)
	}
}

// packA packs rows i … i+mc of the next block.
func (t *blockTask) packA(i int) {
	d, dst := t.next, t.packedA[1]
	end := min(i+t.mc, d.m)
	if t.kind != TN {
		for ; i < end; i++ {
			copy(dst[i*d.kc:][:d.kc], t.a[(d.i+i)*t.lda+d.k:])
		}
		return
	}
	for ; i < end; i += t.kernel.MR {
		src := t.a[d.k*t.lda+d.i+i:]
		t.kernel.Copy(dst[i/t.kernel.MR*t.apanel*d.kc:], t.apanel, src, t.lda, d.kc, min(t.kernel.MR, end-i))
	}
}

// packB packs columns j … j+packCols of the next block.
func (t *blockTask) packB(j int) {
	d, nr := t.next, t.kernel.NR
	for end := min(j+packCols, d.n); j < end; j += nr {
		panel, width := t.packedB[1][j*d.kc:], min(nr, end-j)
		if t.kind == NT {
			t.kernel.Transpose(panel, nr, t.b[(d.j+j)*t.ldb+d.k:], t.ldb, d.kc, width)
		} else {
			t.kernel.Copy(panel, nr, t.b[d.k*t.ldb+d.j+j:], t.ldb, d.kc, width)
		}
	}
}

// compute does rows i … i+mc and columns j … j+nc of the present block.
func (t *blockTask) compute(i, j int) {
	d, mr, nr := t.now, t.kernel.MR, t.kernel.NR
	add := d.k > 0 || t.accumulate
	iend, jend := min(i+t.mc, d.m), min(j+t.nc, d.n)
	for ; j < jend; j += nr {
		b, cols := t.packedB[0][j*d.kc:], min(nr, jend-j)
		for i := i; i < iend; i += mr {
			a, rs, cs := t.packedA[0][i*d.kc:], d.kc, 1
			if t.kind == TN {
				a, rs, cs = t.packedA[0][i/mr*t.apanel*d.kc:], 1, t.apanel
			}
			c := t.c[(d.i+i)*t.ldc+d.j+j:]
			t.kernel.Tile(min(mr, iend-i), cols, d.kc, a, rs, cs, b, nr, c, t.ldc, add)
		}
	}
}
