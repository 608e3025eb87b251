//go:build !f64

package tensor

import "pactune/asm"

// How a large product is blocked:
//
//	k is cut into blocks of KC, n into blocks of at most blockCols. B of one block
//	is packed into panels of NR columns, which the micro-kernel reads line by line:
//
//	  B block (KC, n)            packed: panel 0    panel 1
//	  ┌────NR────┬────NR────┬─    ┌────NR────┐ ┌────NR────┐
//	  │ 0 1 2 3  │          │     │ 0 1 2 3  │ │          │
//	  KC         │          │     KC         │ │          │  …
//	  └──────────┴──────────┴─    └──────────┘ └──────────┘
//
//	C of the block is cut into pieces that the workers share. For its piece a
//	worker packs rows of op(A): when A is stored transposed, into panels of MR
//	columns like those of B, otherwise rows of KC side by side. Then a panel of B
//	stays in the first-level cache while the rows of A pass by from the second
//	level. The next block's B is packed by the same workers in the same run, so
//	that they wait for each other once per block.
//
//	Packed operands are words (asm.Kernel): a float32 each, or two values of k as
//	bfloat16. Lengths along k are counted in values, kc, before they are packed and
//	in words afterwards.
const (
	blockCols = 4096
	packCols  = 256  // columns of B that one piece packs, a multiple of every NR
	maxRows   = 128  // of a piece
	maxCols   = 1024 // of a piece
)

// pieceSize returns the rows and columns of the largest piece of C: their packed
// A takes at most an eighth of a core's second-level cache, B a half.
func pieceSize(kernel asm.Kernel) (rows, cols int) {
	_, l2 := asm.CacheSizes()
	row := kernel.Words(KC) * 4 // bytes
	return min(max(l2/8/row, 16), maxRows), min(max(l2/2/row, 64), maxCols)
}

// smallRows is the number of rows of C up to which it does not pay to pack B for
// all of them, and A: both are then used at once, and the workers share the columns.
const smallRows = 56

// buffers is what an Engine keeps between products.
type buffers struct {
	blocks  blockTask
	columns columnTask
	counted int // bytes, on a dry pool
}

func (b *buffers) bytes() int {
	n := b.counted + 4*(cap(b.blocks.packedB[0])+cap(b.blocks.packedB[1]))
	return n + 4*cap(b.blocks.packedA)*packedA
}

// count takes note of the buffers that p needs.
func (e *Engine) count(p product) {
	if p.m > smallRows && p.n > 0 && p.k > 0 {
		e.counted = max(e.counted, 4*(2*packedB(p, e.kernel())+e.Pool.Workers()*packedA))
	}
}

// packedB is the size of the packed B of a block, packedA that of a piece's A, in
// words. Either form of A fits: rows of KC, or panels each with a vector after it.
func packedB(p product, kernel asm.Kernel) int {
	return roundUp(min(p.n, blockCols), kernel.NR) * kernel.Words(min(p.k, KC))
}

const packedA = maxRows * (KC + 16)

// kernel returns the micro-kernel of the engine's precision.
func (e *Engine) kernel() asm.Kernel {
	if e.Precision == PrecisionBF16 {
		return asm.ActiveBF16Kernel()
	}
	return asm.ActiveKernel()
}

func (e *Engine) gemm(p product) {
	if p.m <= smallRows {
		e.columns = columnTask{p, e.kernel()}
		e.Pool.Run((p.n+taskCols-1)/taskCols, &e.columns)
		e.columns.product = product{}
		return
	}
	t := &e.blocks
	t.start(p, e.kernel(), e.Pool.Workers())
	for t.advance() {
		e.Pool.Run(t.packs+t.wide+t.narrow*cuts, t)
	}
	t.product = product{}
}

// block is the part of a product that is computed at once: columns j … j+n of C
// and terms k … k+kc.
type block struct{ j, k, n, kc int }

// blockTask is a product cut into blocks, of which one is computed while B of
// the next is packed.
type blockTask struct {
	product
	kernel  asm.Kernel
	workers int

	now, next    block
	begun        bool
	packs        int // pieces of next to pack
	wide, narrow int // pieces of now to compute whole, and in several cuts
	mc, nc       int // rows and columns of a piece
	pieceCols    int // columns at most

	packedB [2][]float32   // of now, next
	packedA chan []float32 // free ones of as many as there are workers
}

// cuts is into how many parts by columns the last eighth of the pieces is cut,
// so that the workers end at nearly the same time.
const cuts = 4

func (t *blockTask) start(p product, kernel asm.Kernel, workers int) {
	t.product, t.kernel, t.workers = p, kernel, workers
	t.now, t.next, t.begun = block{}, block{}, false
	rows, cols := pieceSize(kernel)
	t.mc, t.pieceCols = rows/kernel.MR*kernel.MR, cols
	for i := range t.packedB {
		t.packedB[i] = grow(t.packedB[i], packedB(p, kernel))
	}
	if cap(t.packedA) < workers {
		t.packedA = make(chan []float32, workers)
		for i := 0; i < workers; i++ {
			t.packedA <- make([]float32, packedA)
		}
	}
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
	t.packedB[0], t.packedB[1] = t.packedB[1], t.packedB[0]
	t.next = t.after(t.now)
	t.packs = (t.next.n + packCols - 1) / packCols
	t.wide, t.narrow = 0, 0
	if t.now.n > 0 {
		stripes := (t.now.n + t.pieceCols - 1) / t.pieceCols
		t.nc = roundUp((t.now.n+stripes-1)/stripes, t.kernel.NR)
		pieces := (t.m + t.mc - 1) / t.mc * ((t.now.n + t.nc - 1) / t.nc)
		t.narrow = (pieces + 7) / 8
		t.wide = pieces - t.narrow
	}
	return t.packs+t.wide+t.narrow > 0
}

// after returns the block that follows b, empty after the last: k runs fastest.
func (t *blockTask) after(b block) block {
	if !t.begun {
		t.begun = true
		b = block{}
	} else if b.k += b.kc; b.k == t.k {
		b.k = 0
		b.j += b.n
	}
	if b.j == t.n {
		return block{j: t.n}
	}
	b.n, b.kc = min(t.n-b.j, blockCols), min(t.k-b.k, KC)
	return b
}

// Piece packs a part of the next block or computes a part of the present one.
func (t *blockTask) Piece(i int) {
	if i < t.packs {
		t.packB(i * packCols)
		return
	}
	i -= t.packs
	cut, width := 0, t.nc
	if i >= t.wide {
		i, cut = t.wide+(i-t.wide)/cuts, (i-t.wide)%cuts
		width = roundUp((t.nc+cuts-1)/cuts, t.kernel.NR)
	}
	rows := (t.m + t.mc - 1) / t.mc
	stripe := i / rows * t.nc
	from := stripe + cut*width
	t.compute(i%rows*t.mc, from, min(from+width, stripe+t.nc, t.now.n))
}

// packB packs columns j … j+packCols of the next block.
func (t *blockTask) packB(j int) {
	d, nr := t.next, t.kernel.NR
	words := t.kernel.Words(d.kc)
	for end := min(j+packCols, d.n); j < end; j += nr {
		panel, width := t.packedB[1][j*words:], min(nr, end-j)
		if t.kind == NT {
			t.kernel.Transpose(panel, nr, t.b[(d.j+j)*t.ldb+d.k:], t.ldb, d.kc, width)
		} else {
			t.kernel.Copy(panel, nr, t.b[d.k*t.ldb+d.j+j:], t.ldb, d.kc, width)
		}
	}
}

// compute does rows i … i+mc and columns from … to of the present block.
func (t *blockTask) compute(i, from, to int) {
	if from >= to {
		return
	}
	mr, nr, words := t.kernel.MR, t.kernel.NR, t.kernel.Words(t.now.kc)
	rows := min(t.mc, t.m-i)
	l := layoutOfA(t.kernel, t.kind, t.now.kc)
	a := <-t.packedA
	defer func() { t.packedA <- a }()
	l.pack(a, t.storedA(i, rows, t.now))
	add := t.now.k > 0 || t.accumulate
	share := roundUp(words*nr*mr/rows, nr) // of a panel of B, for each tile
	ahead, tiles, tile := t.nextA(i, to), (rows+mr-1)/mr*((to-from+nr-1)/nr), 0
	for j := from; j < to; j += nr {
		b, cols := t.packedB[0][j*words:], min(nr, to-j)
		coming := b[min(words*nr, len(b)):]
		for r := 0; r < rows; r += mr {
			if len(coming) > 0 {
				n := min(share, len(coming))
				t.kernel.Prefetch(coming[:n])
				coming = coming[n:]
			}
			ahead.prefetch(t.kernel, tile, tiles)
			tile++
			t.kernel.Tile(min(mr, rows-r), cols, words, a[r/mr*l.tile:], l.rs, l.cs, b, nr, t.c[(i+r)*t.ldc+t.now.j+j:], t.ldc, add)
		}
	}
}

// nextA is what the worker that computes rows i … and the columns before to
// probably packs next, when all of them take turns.
func (t *blockTask) nextA(i, to int) stored {
	b := t.now
	if i += t.mc * t.workers; i >= t.m {
		i -= (t.m + t.mc - 1) / t.mc * t.mc
		if to == t.now.n {
			b = t.next
		}
	}
	if i >= t.m || b.n == 0 {
		return stored{}
	}
	return t.storedA(i, min(t.mc, t.m-i), b)
}
