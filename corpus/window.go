package corpus

import (
	"sort"

	"pactune/internal/par"
	"pactune/internal/rng"
)

// window is the sequences of a part of the text.
type window struct {
	epoch, number int
	ids           []int32 // without [CLS] and [SEP]
	sequences     []sequence
	order         []int32 // in which the sequences are read
	ready         bool    // the sequences are those of epoch and number
}

func (w *window) is(p Position) bool { return w.ready && w.epoch == p.Epoch && w.number == p.Window }

// sequence is ids[start : start+length] of its window; (block, index) is its
// place in the corpus: blocks count over all files, indexes within the block.
type sequence struct{ start, length, index, block uint32 }

// prepareAhead fills the windows that come, on one thread: the pool is busy with
// training. An error shows when load wants the window and it is not ready.
func (c *Corpus) prepareAhead(jobs <-chan *window) {
	for w := range jobs {
		_ = c.prepare(w, nil)
		c.done <- struct{}{}
	}
}

// prepare fills w, whose epoch and number are set.
func (c *Corpus) prepare(w *window, pool *par.Pool) error {
	w.ids, w.sequences, w.ready = w.ids[:0], w.sequences[:0], false
	r := &c.round
	key := rng.NewKey(c.o.Seed, rng.StreamText, uint64(w.epoch))
	r.c, r.key, r.vary = c, key, true
	r.resize(roundSlots)
	filled := 0
	flush := func() {
		pool.Run(filled, r)
		for i := range filled {
			w.take(c, &r.slots[i])
		}
		filled = 0
	}
	for f := range c.files {
		first, last := c.share(f, w.number)
		for b := first; b < last; b++ {
			if c.isHeldOut(f, b) {
				continue
			}
			if err := c.readBlock(&r.slots[filled], f, b); err != nil {
				return err
			}
			if filled++; filled == len(r.slots) {
				flush()
			}
		}
	}
	flush()
	w.order = resize(w.order, len(w.sequences))
	key.Fold(uint32(w.number)).Perm(w.order)
	w.ready = true
	return nil
}

func (r *round) resize(n int) {
	if len(r.slots) < n {
		r.slots = append(r.slots, make([]slot, n-len(r.slots))...)
	}
}

func (c *Corpus) readBlock(s *slot, file, block int) (err error) {
	s.file, s.block = file, block
	s.text, err = c.readers[file].read(s.text, &c.files[file], block)
	return err
}

// take appends the sequences of a block. One without an ordinary token could
// not be masked and is left out.
func (w *window) take(c *Corpus, s *slot) {
	offset := uint32(len(w.ids))
	w.ids = append(w.ids, s.ids...)
	for i := range len(s.starts) - 1 {
		from, to := s.starts[i], s.starts[i+1]
		if !c.words.anyOrdinary(s.ids[from:to]) {
			continue
		}
		w.sequences = append(w.sequences, sequence{
			start: offset + uint32(from), length: uint32(to - from),
			index: uint32(i), block: c.firstBlock[s.file] + uint32(s.block),
		})
	}
}

func resize(p []int32, n int) []int32 {
	if cap(p) < n {
		return make([]int32, n, n+n/8)
	}
	return p[:n]
}

// pick is a held-out block that is kept for evaluation.
type pick struct {
	file, block int
	word        uint32
}

// readHeldOut keeps of the held-out blocks those with the lowest random words,
// in this order, until they have HeldOutTokens tokens.
func (c *Corpus) readHeldOut() error {
	var picks []pick
	for f := range c.files {
		for b := range c.files[f].blocks {
			if c.isHeldOut(f, b) {
				picks = append(picks, pick{f, b, c.heldWord(f, b)})
			}
		}
	}
	sort.Slice(picks, func(i, j int) bool { return picks[i].word < picks[j].word })
	const bytesPerToken = 6 // English has fewer
	bytes := 0
	for i, p := range picks {
		if bytes >= bytesPerToken*c.o.HeldOutTokens {
			picks = picks[:i]
			break
		}
		bytes += int(c.files[p.file].blocks[p.block].length)
	}
	r := round{c: c}
	r.resize(len(picks))
	for _, i := range inFileOrder(picks) {
		if err := c.readBlock(&r.slots[i], picks[i].file, picks[i].block); err != nil {
			return err
		}
	}
	c.pool.Run(len(picks), &r)
	for i := range picks {
		c.heldOut.take(c, &r.slots[i])
	}
	c.heldOut.cap(c.o.HeldOutTokens)
	return nil
}

// inFileOrder lists the picks in the order in which they are read.
func inFileOrder(picks []pick) []int {
	order := make([]int, len(picks))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool {
		p, q := picks[order[i]], picks[order[j]]
		return p.file < q.file || p.file == q.file && p.block < q.block
	})
	return order
}

// cap leaves the sequences that have at most n tokens, special ones included,
// and reads them in their order.
func (w *window) cap(n int) {
	for i, s := range w.sequences {
		if n -= int(s.length) + 2; n < 0 {
			w.sequences = w.sequences[:i]
			break
		}
	}
	w.order = resize(w.order, len(w.sequences))
	for i := range w.order {
		w.order[i] = int32(i)
	}
}
