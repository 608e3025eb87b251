package learn

import (
	"bytes"
	"context"
	"io"
	"unicode/utf8"

	"pactune/internal/par"
	"pactune/tokenizer"
)

// Counter counts the words of texts. Its memory is the distinct words, once
// for each worker, and two blocks of text a worker.
type Counter struct {
	words   *tokenizer.Tokenizer
	options tokenizer.Options
	pool    *par.Pool
	lanes   []lane
	memory  [2][][]byte // a block a lane: one is read while the other is counted
}

// lane is what one worker has: its block of the text, and its counts.
type lane struct {
	words  *tokenizer.Tokenizer
	text   []byte
	scrap  tokenizer.Encoding
	index  map[string]int32
	counts []int64
	long   int64 // words above tokenizer.MaxWord

	lines    int // line breaks of the block
	bad      int // bytes of the block that are no UTF-8
	badLines int // line breaks before the first of them
}

// NewCounter makes a counter for the words of a tokeniser with these options.
func NewCounter(pool *par.Pool, o tokenizer.Options) *Counter {
	return newCounter(pool, o, blockSize)
}

func newCounter(pool *par.Pool, o tokenizer.Options, block int) *Counter {
	c := &Counter{words: tokenizerOf(specials, o), options: o, pool: pool}
	c.lanes = make([]lane, pool.Workers())
	for i := range c.lanes {
		c.lanes[i] = lane{words: c.words, index: map[string]int32{}}
		for m := range c.memory {
			c.memory[m] = append(c.memory[m], make([]byte, 0, block))
		}
	}
	return c
}

// Source says what was read of one text. Bytes that are no UTF-8 are left out,
// as the tokeniser leaves them out.
type Source struct {
	Bytes   int64 // unpacked
	Bad     int   // bytes that are no UTF-8
	BadLine int   // the line of the first of them, from 1; 0: there is none
}

// Add counts the words of a text, which gzip may have packed; name stands for
// it in errors, which are of kind fault.Data, or ctx's.
func (c *Counter) Add(ctx context.Context, name string, r io.Reader) (Source, error) {
	t, err := unpacked(name, r)
	if err != nil {
		return Source{}, err
	}
	free := make(chan [][]byte, len(c.memory))
	defer close(free)
	for _, blocks := range c.memory {
		free <- blocks
	}
	come := t.batches(ctx, len(c.lanes), free)
	s, line := Source{}, 1
	for {
		var b batch
		select {
		case b = <-come:
		case <-ctx.Done():
			return s, ctx.Err()
		}
		if b.err != nil && b.err != io.EOF {
			return s, b.err
		}
		for i, block := range b.blocks {
			c.lanes[i].text = block
			s.Bytes += int64(len(block))
		}
		c.pool.Run(len(b.blocks), c)
		for i := range b.blocks {
			l := &c.lanes[i]
			if l.bad > 0 && s.Bad == 0 {
				s.BadLine = line + l.badLines
			}
			s.Bad += l.bad
			line += l.lines
		}
		if b.err == io.EOF {
			return s, nil
		}
		free <- b.blocks
	}
}

// Piece counts the block of one worker; it is what the pool runs.
func (c *Counter) Piece(i int) { c.lanes[i].count() }

// count counts line by line, as an encoder is handed lines.
func (l *lane) count() {
	l.lines, l.bad, l.badLines = 0, 0, 0
	for rest := l.text; len(rest) > 0; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		rest = after
		if n := invalid(line); n > 0 {
			if l.bad == 0 {
				l.badLines = l.lines
			}
			l.bad += n
		}
		if found {
			l.lines++
		}
		l.words.Words(&l.scrap, line, l.add)
	}
}

func (l *lane) add(word []byte) {
	if len(word) > tokenizer.MaxWord && utf8.RuneCount(word) > tokenizer.MaxWord {
		l.long++
		return
	}
	i, ok := l.index[string(word)]
	if !ok {
		i = int32(len(l.counts))
		l.index[string(word)] = i
		l.counts = append(l.counts, 0)
	}
	l.counts[i]++
}

// invalid is the number of bytes that are no UTF-8.
func invalid(line []byte) int {
	if utf8.Valid(line) {
		return 0
	}
	n := 0
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		line = line[size:]
	}
	return n
}

// total adds up the counts of the workers.
func (c *Counter) total() (words map[string]int64, long int64) {
	words = map[string]int64{}
	for i := range c.lanes {
		for word, at := range c.lanes[i].index {
			words[word] += c.lanes[i].counts[at]
		}
		long += c.lanes[i].long
	}
	return words, long
}
