//go:build !f64

package tensor

import "pactune/asm"

// Operands are packed in strips, of rows of op(A) or of columns of op(B).
const stripCols = 128 // a multiple of every NR

func stripRows(kernel asm.Kernel) int { return 84 / kernel.MR * kernel.MR }

// layoutA says how rows of op(A) are packed: MR rows, which a tile reads, start
// at tile times their number; rs and cs are the strides of rows and of words.
//
// A that is stored transposed is packed into panels of MR columns like those of
// B, each with a vector after it, unless the kernel needs squares; otherwise into
// rows side by side, 16 of which are as long as a row of its squares.
type layoutA struct{ rs, cs, tile int }

func layoutOfA(kernel asm.Kernel, kind Kind, kc int) layoutA {
	words := kernel.Words(kc)
	if kind == TN && !kernel.Squares() {
		return layoutA{1, kernel.MR, roundUp(kernel.MR*words+kernel.Lanes, kernel.Lanes)}
	}
	return layoutA{words, 1, kernel.MR * words}
}

// inPlace reports whether A is read where it lies, for which its rows must be near
// to each other: the sets of the first-level cache repeat every 4 KiB. Measured on AVX2.
func (p *product) inPlace(kernel asm.Kernel) bool {
	return p.kind != TN && kernel.Precision == asm.Float32 && p.lda <= 3*KC
}

// strip is a part of an operand to be packed, unit by unit: src is a matrix of
// (rows, cols) numbers as the caller holds it, ld apart, a unit (unitRows, unitCols)
// of it.
type strip struct {
	kernel             asm.Kernel
	form               form
	src                []float32
	ld, rows, cols     int
	unitRows, unitCols int
	dst                []float32
	width, panel       int // columns of a packed panel, and words from one to the next
}

// form is how a strip is packed.
type form int

const (
	rowsSideBySide form = iota // as they are
	columnPanels               // into panels of columns
	rowPanels                  // into panels whose columns are the rows
	columnSquares              // of columns, otherwise like rows side by side
)

// stripOfA is rows i … i+rows of op(A), terms k … k+kc.
func (p *product) stripOfA(kernel asm.Kernel, dst []float32, i, rows, k, kc int) strip {
	words, unit := kernel.Words(kc), 4
	if kernel.Squares() {
		unit = 16
	}
	switch {
	case p.kind == TN && kernel.Squares():
		return strip{kernel, columnSquares, p.a[k*p.lda+i:], p.lda, kc, rows, 32, rows, dst, words, words}
	case p.kind == TN:
		return strip{kernel, columnPanels, p.a[k*p.lda+i:], p.lda, kc, rows, 32, rows, dst, kernel.MR, layoutOfA(kernel, TN, kc).tile}
	}
	return strip{kernel, rowsSideBySide, p.a[i*p.lda+k:], p.lda, rows, kc, unit, kc, dst, words, words}
}

// stripOfB is columns j … j+cols of op(B), terms k … k+kc.
func (p *product) stripOfB(kernel asm.Kernel, dst []float32, j, cols, k, kc int) strip {
	panel := kernel.NR * kernel.Words(kc)
	if p.kind == NT {
		return strip{kernel, rowPanels, p.b[j*p.ldb+k:], p.ldb, cols, kc, kernel.NR, 64, dst, kernel.NR, panel}
	}
	return strip{kernel, columnPanels, p.b[k*p.ldb+j:], p.ldb, kc, cols, 32, cols, dst, kernel.NR, panel}
}

// units is the number of units.
func (s *strip) units() int {
	return (s.rows + s.unitRows - 1) / s.unitRows * ((s.cols + s.unitCols - 1) / s.unitCols)
}

// unit returns where unit u starts and ends.
func (s *strip) unit(u int) (row, col, rows, cols int) {
	across := (s.cols + s.unitCols - 1) / s.unitCols
	row, col = u/across*s.unitRows, u%across*s.unitCols
	return row, col, min(s.unitRows, s.rows-row), min(s.unitCols, s.cols-col)
}

// ask asks for the numbers of unit u to be brought near.
func (s *strip) ask(u int) {
	row, col, rows, cols := s.unit(u)
	for i := row; i < row+rows; i++ {
		s.kernel.Prefetch(s.src[i*s.ld+col:][:cols])
	}
}

// pack packs unit u. Units must come in their order: a copied row writes a whole
// vector, whose end the next row overwrites.
func (s *strip) pack(u int) {
	row, col, rows, cols := s.unit(u)
	src := s.src[row*s.ld+col:]
	switch s.form {
	case rowsSideBySide:
		s.kernel.Rows(s.dst[row*s.panel:], s.panel, src, s.ld, rows, cols)
	case columnSquares:
		s.kernel.Columns(s.dst[16*s.kernel.Words(row):], s.panel, src, s.ld, rows, cols)
	case rowPanels:
		s.kernel.Transpose(s.dst[row/s.width*s.panel+s.kernel.Words(col)*s.width:], s.width, src, s.ld, cols, rows)
	case columnPanels:
		for j := 0; j < cols; j += s.width {
			s.kernel.Copy(s.dst[j/s.width*s.panel+s.kernel.Words(row)*s.width:], s.width, src[j:], s.ld, rows, min(s.width, cols-j))
		}
	}
}

// packer packs strips of a block step by step: a step asks for a unit and packs
// the one before.
type packer struct {
	t           *blockTask
	strip       strip
	number      int // of the present strip
	unit, units int // of the present strip
	done, steps int
}

// packer returns one for the strips from … to of the next block.
func (t *blockTask) packer(from, to int) packer {
	p := packer{t: t, number: from - 1}
	for s := from; s < to; s++ {
		x := t.strip(s)
		p.steps += x.units() + 1
	}
	return p
}

// strip returns a strip of the next block, those of A before those of B.
func (t *blockTask) strip(s int) strip {
	d, to := t.next, t.packed[1]
	if s < t.stripsA {
		i := s * stripRows(t.kernel)
		tile := layoutOfA(t.kernel, t.kind, d.kc).tile
		return t.stripOfA(t.kernel, to.a[i/t.kernel.MR*tile:], d.i+i, min(stripRows(t.kernel), d.m-i), d.k, d.kc)
	}
	j := (s - t.stripsA) * stripCols
	return t.stripOfB(t.kernel, to.b[j*t.kernel.Words(d.kc):], d.j+j, min(stripCols, d.n-j), d.k, d.kc)
}

// run goes on until so many steps are done.
func (p *packer) run(steps int) {
	for ; p.done < steps; p.done++ {
		if p.unit == p.units+1 || p.units == 0 {
			p.number++
			p.strip = p.t.strip(p.number)
			p.unit, p.units = 0, p.strip.units()
		}
		if p.unit < p.units {
			p.strip.ask(p.unit)
		}
		if p.unit > 0 {
			p.strip.pack(p.unit - 1)
		}
		p.unit++
	}
}
