package glue

import (
	"sort"
	"sync"
	"sync/atomic"

	"pactune/tokenizer"
)

// Tokenizer turns a text, or a pair, into the ids and types of at most maxLen
// tokens, special tokens included; *tokenizer.Tokenizer is one. It must allow
// concurrent use.
type Tokenizer interface {
	Encode(e *tokenizer.Encoding, a, b string, pair bool, maxLen int)
}

// Encoded is a data set as token ids: tokenised once, stored flat.
type Encoded struct {
	Data      *Dataset
	IDs       []int32
	Types     []int32
	Starts    []int  // len Examples+1: row r is IDs[Starts[r]:Starts[r+1]]
	Truncated []bool // rows of which a part did not fit
}

// chunkRows is the number of rows that a worker takes at a time.
const chunkRows = 512

// chunk is what one worker made of chunkRows rows.
type chunk struct{ ids, types, lengths []int32 }

// Encode tokenises every example of d on the given number of goroutines; the
// result does not depend on their number. maxLen ≤ 0: no limit.
func Encode(d *Dataset, t Tokenizer, maxLen, workers int) *Encoded {
	n := len(d.Examples)
	e := &Encoded{Data: d, Starts: make([]int, n+1), Truncated: make([]bool, n)}
	chunks := make([]chunk, (n+chunkRows-1)/chunkRows)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range max(1, min(workers, len(chunks))) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var scratch tokenizer.Encoding
			for {
				c := int(next.Add(1)) - 1
				if c >= len(chunks) {
					return
				}
				first := c * chunkRows
				last := min(first+chunkRows, n)
				chunks[c] = encodeChunk(d.Examples[first:last], t, maxLen, &scratch, e.Truncated[first:last])
			}
		}()
	}
	wait.Wait()
	e.join(chunks)
	return e
}

func encodeChunk(rows []Example, t Tokenizer, maxLen int, scratch *tokenizer.Encoding, truncated []bool) chunk {
	c := chunk{lengths: make([]int32, len(rows))}
	for i := range rows {
		r := &rows[i]
		t.Encode(scratch, r.TextA, r.TextB, r.Pair, maxLen)
		c.ids = append(c.ids, scratch.IDs...)
		c.types = append(c.types, scratch.Types...)
		c.lengths[i] = int32(len(scratch.IDs))
		truncated[i] = scratch.Truncated
	}
	return c
}

// join lays the chunks one after another.
func (e *Encoded) join(chunks []chunk) {
	total := 0
	for _, c := range chunks {
		total += len(c.ids)
	}
	e.IDs, e.Types = make([]int32, 0, total), make([]int32, 0, total)
	row := 0
	for _, c := range chunks {
		e.IDs, e.Types = append(e.IDs, c.ids...), append(e.Types, c.types...)
		for _, l := range c.lengths {
			e.Starts[row+1] = e.Starts[row] + int(l)
			row++
		}
	}
}

// Rows is the number of examples.
func (e *Encoded) Rows() int { return len(e.Starts) - 1 }

// Len is the number of tokens of a row.
func (e *Encoded) Len(row int) int { return e.Starts[row+1] - e.Starts[row] }

// Lengths describes the tokens per example.
type Lengths struct {
	Rows, Tokens       int
	P50, P95, P99, Max int // tokens per example: percentiles (nearest rank), longest
	Truncated          int // examples of which a part did not fit
}

// Lengths counts tokens and truncated examples.
func (e *Encoded) Lengths() Lengths {
	n := e.Rows()
	l := Lengths{Rows: n, Tokens: len(e.IDs)}
	if n == 0 {
		return l
	}
	sorted := make([]int, n)
	for r := range sorted {
		sorted[r] = e.Len(r)
		if e.Truncated[r] {
			l.Truncated++
		}
	}
	sort.Ints(sorted)
	rank := func(percent int) int { return sorted[(percent*n+99)/100-1] }
	l.P50, l.P95, l.P99, l.Max = rank(50), rank(95), rank(99), sorted[n-1]
	return l
}

// Batch is a packed batch: example i owns the tokens RowStarts[i] to
// RowStarts[i+1]. One of the three targets is filled, by the data set's
// Problem.
type Batch struct {
	IDs, Types []int32
	RowStarts  []int32   // len Examples+1
	ExampleIDs []uint32  // Example.ID: names the rows for dropout
	Classes    []int32   // SingleLabel: class ids, −1 without a label
	Scores     []float64 // Regression
	Multi      []float64 // MultiLabel: 1 for a class that the row has, else 0; (Examples, classes), row-major
	Examples   int
}

// Batch fills dst with the given rows of e, which count Data.Examples. Its
// slices are reused: nothing is allocated once they are large enough.
func (e *Encoded) Batch(dst *Batch, rows []int32) {
	dst.Examples = len(rows)
	dst.IDs, dst.Types = dst.IDs[:0], dst.Types[:0]
	dst.RowStarts, dst.ExampleIDs = append(dst.RowStarts[:0], 0), dst.ExampleIDs[:0]
	dst.Classes, dst.Scores, dst.Multi = dst.Classes[:0], dst.Scores[:0], dst.Multi[:0]
	for _, r := range rows {
		first, last := e.Starts[r], e.Starts[r+1]
		dst.IDs = append(dst.IDs, e.IDs[first:last]...)
		dst.Types = append(dst.Types, e.Types[first:last]...)
		dst.RowStarts = append(dst.RowStarts, int32(len(dst.IDs)))
		x := &e.Data.Examples[r]
		dst.ExampleIDs = append(dst.ExampleIDs, uint32(x.ID))
		switch e.Data.Problem {
		case SingleLabel:
			dst.Classes = append(dst.Classes, int32(x.Label))
		case Regression:
			dst.Scores = append(dst.Scores, x.Score)
		case MultiLabel:
			for c := range e.Data.LabelNames {
				dst.Multi = append(dst.Multi, float64(count(x.Labels != nil && x.Labels[c])))
			}
		}
	}
}

// Grow makes room in dst for any batch of the given number of rows of e, so
// that none that follows allocates.
func (e *Encoded) Grow(dst *Batch, rows int) {
	rows = min(rows, e.Rows())
	lengths := make([]int, e.Rows())
	for r := range lengths {
		lengths[r] = e.Len(r)
	}
	sort.Sort(sort.Reverse(sort.IntSlice(lengths)))
	tokens := 0
	for _, l := range lengths[:rows] {
		tokens += l
	}
	dst.IDs, dst.Types = make([]int32, 0, tokens), make([]int32, 0, tokens)
	dst.RowStarts, dst.ExampleIDs = make([]int32, 0, rows+1), make([]uint32, 0, rows)
	switch e.Data.Problem {
	case SingleLabel:
		dst.Classes = make([]int32, 0, rows)
	case Regression:
		dst.Scores = make([]float64, 0, rows)
	case MultiLabel:
		dst.Multi = make([]float64, 0, rows*len(e.Data.LabelNames))
	}
}
