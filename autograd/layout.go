package autograd

import "fmt"

// pieceRows is the largest number of rows that one piece of row-wise work
// covers: enough to outweigh the hand-over, little enough to balance.
const pieceRows = 32

// layout says what the rows of a matrix are, cut into pieces for the workers.
// A piece never crosses the end of a sequence, so that it has one dropout row.
type layout struct {
	starts    []int32
	ids       []uint32
	pieces    []piece
	anonymous bool // the rows are of no example
}

// piece is the rows from … to−1 of sequence seq.
type piece struct{ seq, from, to int32 }

func (l *layout) set(s Sequences) {
	if len(s.RowStarts) != len(s.ExampleIDs)+1 {
		panic(fmt.Sprintf("autograd: Reset: %d row starts for %d example ids, expected one more",
			len(s.RowStarts), len(s.ExampleIDs)))
	}
	l.starts = append(l.starts[:0], s.RowStarts...)
	l.ids = append(l.ids[:0], s.ExampleIDs...)
	l.cut()
}

// setExamples makes every example one row.
func (l *layout) setExamples(ids []uint32) {
	l.ids = append(l.ids[:0], ids...)
	l.starts = l.starts[:0]
	for i := range len(ids) + 1 {
		l.starts = append(l.starts, int32(i))
	}
	l.cut()
}

// setAnonymous makes n rows of no example.
func (l *layout) setAnonymous(n int) {
	l.ids, l.starts = append(l.ids[:0], 0), append(l.starts[:0], 0, int32(n))
	l.anonymous = true
	l.cut()
}

func (l *layout) cut() {
	l.pieces = l.pieces[:0]
	for s := range l.ids {
		end := l.starts[s+1]
		if end < l.starts[s] {
			panic(fmt.Sprintf("autograd: Reset: sequence %d ends at row %d, before its start %d", s, end, l.starts[s]))
		}
		for from := l.starts[s]; from < end; from += pieceRows {
			l.pieces = append(l.pieces, piece{int32(s), from, min(from+pieceRows, end)})
		}
	}
}

// rows returns the number of rows.
func (l *layout) rows() int { return int(l.starts[len(l.starts)-1]) }

// place returns the dropout row of a piece and its first row's position in its
// sequence.
func (l *layout) place(p piece) (id uint32, position int) {
	if l.anonymous {
		panic("autograd: dropout of rows that Rows gathered: a mask is named by an example and a position")
	}
	return l.ids[p.seq], int(p.from - l.starts[p.seq])
}

// colPiece is how many columns one piece of column-wise work covers: a sum
// over rows runs in the order of the rows inside one piece.
const colPiece = 64

func colPieces(cols int) int { return (cols + colPiece - 1) / colPiece }

func colRange(i, cols int) (from, to int) { return i * colPiece, min((i+1)*colPiece, cols) }

// scratch holds one buffer per worker for the values of a single piece.
type scratch chan *[]Float

func newScratch(workers int) scratch {
	s := make(scratch, workers)
	for range workers {
		s <- new([]Float)
	}
	return s
}

// reserve makes every buffer one of n elements: a channel is a queue, so that each
// comes once.
func (s scratch) reserve(n int) {
	for range cap(s) {
		s.give(s.take(n))
	}
}

// take returns a buffer of at least n elements; the piece gives it back.
func (s scratch) take(n int) *[]Float {
	b := <-s
	if len(*b) < n {
		*b = make([]Float, n)
	}
	return b
}

func (s scratch) give(b *[]Float) { s <- b }
