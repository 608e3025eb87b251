package corpus

import (
	"pactune/internal/rng"
	"pactune/tokenizer"
)

// slot is one block on its way from text to sequences. Its memory is reused.
type slot struct {
	text    []byte
	file    int
	block   int // of the file
	ids     []int32
	ends    []int32 // of its sentences in ids
	starts  []int32 // of its sequences in ids, and the end of the last
	scratch tokenizer.Encoding
}

// round is blocks that are tokenised and packed at the same time.
type round struct {
	slots []slot
	c     *Corpus
	key   rng.Key // draws where the first sequence of a block ends; see Piece
	vary  bool    // whether it is drawn
}

// roundSlots is how many blocks of a window a round has.
const roundSlots = 32

// Piece tokenises and packs one block. The first sequence of a block has room
// for a random number of tokens between a half and all of MaxLength, so that
// the boundaries that follow differ from epoch to epoch.
func (r *round) Piece(i int) {
	s := &r.slots[i]
	room := r.c.o.MaxLength - 2
	first := room
	if r.vary {
		place := uint64(r.c.firstBlock[s.file]) + uint64(s.block)
		first -= r.key.Intn(place, room/2+1)
	}
	s.tokenise(r.c.o.Tokenizer)
	s.starts = pack(s.starts[:0], s.ends, first, room)
}

func (s *slot) tokenise(t *tokenizer.Tokenizer) {
	s.ids, s.ends = s.ids[:0], s.ends[:0]
	for text := s.text; len(text) > 0; {
		n := sentence(text)
		before := len(s.ids)
		s.ids = t.Append(s.ids, text[:n], &s.scratch)
		if len(s.ids) > before {
			s.ends = append(s.ends, int32(len(s.ids)))
		}
		text = text[n:]
	}
}

// sentence is the length of the first sentence of a text: it ends behind a
// full stop, a question or exclamation mark before a space, or with the line.
func sentence(text []byte) int {
	for i, b := range text {
		switch b {
		case '\n':
			return i + 1
		case '.', '?', '!':
			if i+1 < len(text) && text[i+1] == ' ' {
				return i + 1
			}
		}
	}
	return len(text)
}

// pack cuts consecutive sentences, given by their ends, into sequences of at
// most room tokens (the first: of at most first) and appends where each starts
// and the last ends. A sequence takes whole sentences until the next does not
// fit; a sentence that alone has no room is cut where the room ends, and its
// rest goes on as a sentence.
func pack(starts, ends []int32, first, room int) []int32 {
	starts = append(starts, 0)
	start, before, limit := int32(0), int32(0), int32(first)
	next := func(at int32) {
		starts = append(starts, at)
		start, limit = at, int32(room)
	}
	for _, end := range ends {
		if end-start > limit && before > start {
			next(before)
		}
		for end-start > limit {
			next(start + limit)
		}
		before = end
	}
	if before > start {
		starts = append(starts, before)
	}
	return starts
}
