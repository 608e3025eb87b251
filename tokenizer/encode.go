package tokenizer

import "unicode/utf8"

// Encoding is the input that a model reads: IDs and Types have one element per
// token, special tokens included. Type is 0 for the first text with what
// belongs to it, 1 for the second. Truncated says that tokens were left out.
type Encoding struct {
	IDs, Types []int32
	Truncated  bool

	text, normal []byte // scratch
	pending      []mark
	first        []int32
	second       []int32
}

// slot is one place of a template: special tokens, or a whole text.
type slot struct {
	text byte // 'A', 'B', or 0 for special tokens
	ids  []int32
	typ  int32
}

// Encode replaces what e held by the tokens of a, or of the pair a and b, in
// the model's template, and reuses e's memory. At most maxLen tokens remain
// (all for maxLen ≤ 0): of a pair the longer text is cut, at its end, until
// both are equally long, then both (the reference's longest_first). The special
// tokens always remain, also where maxLen is smaller than their number.
func (t *Tokenizer) Encode(e *Encoding, a, b string, pair bool, maxLen int) {
	e.text = append(e.text[:0], a...)
	e.first = t.Append(e.first[:0], e.text, e)
	e.second = e.second[:0]
	template := t.single
	if pair {
		e.text = append(e.text[:0], b...)
		e.second = t.Append(e.second, e.text, e)
		template = t.pair
	}
	na, nb := len(e.first), len(e.second)
	if maxLen > 0 {
		na, nb = longestFirst(na, nb, max(0, maxLen-specialCount(template)))
	}
	e.Truncated = na < len(e.first) || nb < len(e.second)
	e.IDs, e.Types = e.IDs[:0], e.Types[:0]
	for i := range template {
		s := &template[i]
		ids := s.ids
		switch s.text {
		case 'A':
			ids = e.first[:na]
		case 'B':
			ids = e.second[:nb]
		}
		e.IDs = append(e.IDs, ids...)
		for range ids {
			e.Types = append(e.Types, s.typ)
		}
	}
}

func specialCount(template []slot) int {
	n := 0
	for i := range template {
		n += len(template[i].ids)
	}
	return n
}

// longestFirst is the numbers of tokens that remain of texts of na and nb
// tokens when room is left for limit. A shorter text that fits is kept whole;
// where both are cut, an odd token goes to the longer, or to the second of
// equals.
func longestFirst(na, nb, limit int) (int, int) {
	if na+nb <= limit {
		return na, nb
	}
	short, long := min(na, nb), limit-min(na, nb)
	if long < short {
		short = limit / 2
		long = limit - short
	}
	if na > nb {
		return long, short
	}
	return short, long
}

// Append adds the ids of a text, without the template's, to ids. e serves as
// scratch memory; what it holds stays.
func (t *Tokenizer) Append(ids []int32, text []byte, e *Encoding) []int32 {
	t.walk(e, text, func(word []byte, id int32) {
		if word == nil {
			ids = append(ids, id)
			return
		}
		ids = t.AppendPieces(ids, word)
	})
	return ids
}

// Words yields the words of a text in order, normalised as the encoder sees
// them; added tokens are none. A word lives until yield returns. e serves as
// scratch memory; what it holds stays.
func (t *Tokenizer) Words(e *Encoding, text []byte, yield func(word []byte)) {
	t.walk(e, text, func(word []byte, _ int32) {
		if word != nil {
			yield(word)
		}
	})
}

// walk yields the words of a text, and nil with its id for each added token.
func (t *Tokenizer) walk(e *Encoding, text []byte, yield func(word []byte, id int32)) {
	t.raw.split(text, func(plain []byte, id int32) {
		if plain == nil {
			yield(nil, id)
			return
		}
		e.normal, e.pending = t.normal.append(e.normal[:0], plain, e.pending)
		t.normalised.split(e.normal, func(plain []byte, id int32) {
			if plain == nil {
				yield(nil, id)
				return
			}
			for word, rest := nextWord(plain); word != nil; word, rest = nextWord(rest) {
				yield(word, 0)
			}
		})
	})
}

// nextWord is the first word of a normalised text, nil at its end, and what
// follows: words end at white space, and a punctuation mark is one of its own.
func nextWord(text []byte) (word, rest []byte) {
	start := 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		switch space := isSpace(r); {
		case !space && !isPunctuation(r):
			i += size
		case start < i:
			return text[start:i], text[i:]
		case space:
			i += size
			start = i
		default:
			return text[i : i+size], text[i+size:]
		}
	}
	if start < len(text) {
		return text[start:], nil
	}
	return nil, nil
}

// AppendPieces adds the ids of a normalised word's pieces: each is the longest
// token that the rest of the word begins with. A word that has no such split,
// or has more than MaxWord characters, is one unknown token.
func (t *Tokenizer) AppendPieces(ids []int32, word []byte) []int32 {
	if len(word) > t.maxChars && utf8.RuneCount(word) > t.maxChars {
		return append(ids, t.unknown)
	}
	begin, table := len(ids), t.words
	for len(word) > 0 {
		n := min(len(word), t.longest)
		for ; n > 0; n-- {
			if n < len(word) && !utf8.RuneStart(word[n]) {
				continue
			}
			if id, ok := table[string(word[:n])]; ok {
				ids = append(ids, id)
				break
			}
		}
		if n == 0 {
			return append(ids[:begin], t.unknown)
		}
		word, table = word[n:], t.continuing
	}
	return ids
}
