//go:build !f64

package tensor

import (
	"pactune/asm"
	"pactune/internal/par"
)

// How a large product is blocked:
//
//	m, n and k are cut into blocks, k into blocks of KC. B of one block is packed
//	into panels of NR columns, which the micro-kernel reads line by line:
//
//	  B block (KC, n)            packed: panel 0    panel 1
//	  ┌────NR────┬────NR────┬─    ┌────NR────┐ ┌────NR────┐
//	  │ 0 1 2 3  │          │     │ 0 1 2 3  │ │          │
//	  KC         │          │     KC         │ │          │  …
//	  └──────────┴──────────┴─    └──────────┘ └──────────┘
//
//	op(A) of the block is packed too: when A is stored transposed, into panels of
//	MR columns like those of B, otherwise into rows of KC side by side, unless its
//	rows are short: those are read in place. AMX has it in squares, in either case.
//
//	C of the block is cut into pieces that the workers share, the pieces of the same
//	rows first. In a piece a panel of B stays in the first-level cache, AMX's
//	in the second, while the rows of A pass by from the second level. Between the panels its worker packs a
//	part of the next block, of which it asks for a unit while it packs the one
//	before: memory is slow to answer. So the workers wait for each other once per
//	block.
//
//	Packed operands are words (asm.Kernel): a float32 each, or two values of k as
//	bfloat16. Lengths along k are counted in values, kc, before they are packed and
//	in words afterwards.
const (
	blockRows = 4096
	blockCols = 4096
	maxRows   = 128 // of a piece
	pieceCols = 256 // of a piece, a multiple of every NR
)

// pieceRows returns the rows of the largest piece of C: their packed A takes at
// most a quarter of a core's second-level cache.
func pieceRows(kernel asm.Kernel) int {
	_, l2 := asm.CacheSizes()
	rows := min(max(l2/4/(4*kernel.Words(kernel.KC)), 16, kernel.MR), maxRows)
	return rows / kernel.MR * kernel.MR
}

// smallRows is the number of rows of C up to which it does not pay to pack B for
// all of them, and A: both are then used at once, and the workers share the columns.
const smallRows = 56

// buffers is what an Engine keeps between products.
type buffers struct {
	blocks  blockTask
	columns columnTask
	dry     struct{ a, b int } // words of the largest operands of a dry pool
}

func (b *buffers) bytes() int {
	n := 2 * 4 * (b.dry.a + b.dry.b)
	for i := range b.blocks.packed {
		n += 4 * (cap(b.blocks.packed[i].a) + cap(b.blocks.packed[i].b))
	}
	return n
}

// reserve makes the buffers that those of a dry pool counted. Growing with the
// products they would leave garbage of their size.
func (b *buffers) reserve(counted *buffers) {
	for i := range b.blocks.packed {
		b.blocks.packed[i] = operands{make([]float32, counted.dry.a), make([]float32, counted.dry.b)}
	}
}

// count takes note of the buffers that p needs.
func (e *Engine) count(p product) {
	if p.m > smallRows && p.n > 0 && p.k > 0 {
		a, b := packedSizes(p, e.kernel())
		e.dry.a, e.dry.b = max(e.dry.a, a), max(e.dry.b, b)
	}
}

// packedSizes are those of the operands of p's largest block, in words.
func packedSizes(p product, kernel asm.Kernel) (a, b int) {
	kc := min(p.k, kernel.KC)
	if !p.inPlace(kernel) {
		tiles := (min(p.m, blockRows) + kernel.MR - 1) / kernel.MR
		a = tiles * layoutOfA(kernel, p.kind, kc).tile
	}
	return a, roundUp(min(p.n, blockCols), kernel.NR) * kernel.Words(kc)
}

// kernel returns the micro-kernel of the engine's precision.
func (e *Engine) kernel() asm.Kernel {
	if e.Precision == PrecisionBF16 {
		return asm.ActiveBF16Kernel()
	}
	return asm.ActiveKernel()
}

func (e *Engine) gemm(p product) { e.multiply(p, e.kernel()) }

func (e *Engine) multiply(p product, kernel asm.Kernel) {
	if p.m <= smallRows {
		e.columns = columnTask{p, kernel}
		e.pool(p, 1).Run((p.n+taskCols-1)/taskCols, &e.columns)
		e.columns.product = product{}
		return
	}
	t := &e.blocks
	pool := e.pool(p, 2)
	for t.start(p, kernel); t.pieces() > 0; t.advance() {
		pool.Run(t.pieces(), t)
	}
	t.product = product{}
}

// pool returns the pool, or none for a product so small that to wake workers, so
// many times, takes longer than they save: some 10 µs each time.
func (e *Engine) pool(p product, times int) *par.Pool {
	const terms = 5 << 18 // 30 µs of AVX2
	if p.m*p.n*p.k < times*terms {
		return nil
	}
	return e.Pool
}

// block is the part of a product that is computed at once: rows i … i+m and
// columns j … j+n of C, terms k … k+kc. It is empty where m is 0.
type block struct{ i, j, k, m, n, kc int }

// operands are those of a block, packed.
type operands struct{ a, b []float32 }

// blockTask is a product cut into blocks, of which one is computed while the next
// is packed.
type blockTask struct {
	product
	kernel asm.Kernel

	now, next       block
	packed          [2]operands // of now, next
	stripsA, strips int         // of next: those of A, and all
	mc              int         // rows of a piece of now
	wide, narrow    int         // pieces of now to compute whole, and in several cuts
}

// cuts is into how many parts by columns the last eighth of the pieces is cut,
// so that the workers end at nearly the same time.
const cuts = 4

func (t *blockTask) start(p product, kernel asm.Kernel) {
	t.product, t.kernel = p, kernel
	a, b := packedSizes(p, kernel)
	for i := range t.packed {
		t.packed[i] = operands{grow(t.packed[i].a, a), grow(t.packed[i].b, b)}
	}
	t.now, t.next = block{}, t.at(0, 0, 0)
	t.cut()
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}

// at returns the block that starts at row i, column j and term k.
func (t *blockTask) at(i, j, k int) block {
	return block{i, j, k, min(t.m-i, blockRows), min(t.n-j, blockCols), min(t.k-k, t.kernel.KC)}
}

// after returns the block that follows b, empty after the last: k runs fastest.
func (t *blockTask) after(b block) block {
	if b.k += b.kc; b.k < t.k {
		return t.at(b.i, b.j, b.k)
	}
	if b.j += b.n; b.j < t.n {
		return t.at(b.i, b.j, 0)
	}
	if b.i += b.m; b.i < t.m {
		return t.at(b.i, 0, 0)
	}
	return block{}
}

// advance makes the next block the present one.
func (t *blockTask) advance() {
	t.now, t.next = t.next, block{}
	if t.now.m > 0 {
		t.next = t.after(t.now)
	}
	t.packed[0], t.packed[1] = t.packed[1], t.packed[0]
	t.cut()
}

// cut cuts both blocks.
func (t *blockTask) cut() {
	t.stripsA = (t.next.m + stripRows(t.kernel) - 1) / stripRows(t.kernel)
	if t.inPlace(t.kernel) {
		t.stripsA = 0
	}
	t.strips = t.stripsA + (t.next.n+stripCols-1)/stripCols
	t.wide, t.narrow = 0, 0
	if t.now.m > 0 {
		limit := pieceRows(t.kernel)
		rows := (t.now.m + limit - 1) / limit
		t.mc = roundUp((t.now.m+rows-1)/rows, t.kernel.MR)
		pieces := (t.now.m + t.mc - 1) / t.mc * ((t.now.n + pieceCols - 1) / pieceCols)
		t.narrow = (pieces + 7) / 8
		t.wide = pieces - t.narrow
	}
}

// pieces is the number of pieces of both blocks.
func (t *blockTask) pieces() int {
	if t.now.m == 0 {
		return t.strips
	}
	return t.wide + t.narrow*cuts
}

// Piece computes a part of the present block and packs a part of the next.
func (t *blockTask) Piece(i int) {
	if t.now.m == 0 {
		p := t.packer(i, i+1)
		p.run(p.steps)
		return
	}
	var p packer
	if carriers := max(t.wide, 1); i < carriers {
		p = t.packer(t.strips*i/carriers, t.strips*(i+1)/carriers)
	}
	cut, width := 0, pieceCols
	if i >= t.wide {
		i, cut = t.wide+(i-t.wide)/cuts, (i-t.wide)%cuts
		width = pieceCols / cuts
	}
	stripes := (t.now.n + pieceCols - 1) / pieceCols
	from := i%stripes*pieceCols + cut*width
	t.compute(i/stripes*t.mc, from, min(from+width, t.now.n), &p)
	p.run(p.steps)
}

// compute does rows i … i+mc and columns from … to of the present block, a panel of
// B at a time. The packer works between them, evenly.
func (t *blockTask) compute(i, from, to int, p *packer) {
	nr, words := t.kernel.NR, t.kernel.Words(t.now.kc)
	a, l := t.packed[0].a, layoutOfA(t.kernel, t.kind, t.now.kc)
	if t.inPlace(t.kernel) {
		a, l = t.a[t.now.i*t.lda+t.now.k:], layoutA{t.lda, 1, t.kernel.MR * t.lda}
	}
	a, c := a[i/t.kernel.MR*l.tile:], t.c[(t.now.i+i)*t.ldc+t.now.j:]
	for j := from; j < to; j += nr {
		cols, b := min(nr, to-j), t.packed[0].b[j*words:]
		next := b[min(words*nr, len(b)):]
		p.run(p.steps * (j + cols - from) / (to - from))
		t.kernel.Tiles(min(t.mc, t.now.m-i), cols, words, a, l.rs, l.cs, l.tile,
			b, nr, c[j:], t.ldc, t.now.k > 0 || t.accumulate, next[:min(words*nr, len(next))])
	}
}
