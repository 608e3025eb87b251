package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer is the second step: which changes a text goes through.
type normalizer struct {
	clean   bool // drop control characters, turn white space into spaces
	chinese bool // set Chinese characters between spaces
	strip   bool // drop accents
	lower   bool // make letters small
}

// mark is a character that waits for its place: a run of such characters is
// put in the order of their canonical classes.
type mark struct {
	char  rune
	class uint8
}

// append adds the normalised src to dst. Invalid UTF-8 counts as U+FFFD, byte
// by byte. pending is scratch memory.
func (n *normalizer) append(dst, src []byte, pending []mark) ([]byte, []mark) {
	pending = pending[:0]
	for i := 0; i < len(src); {
		r, size := rune(src[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(src[i:])
		}
		at := i
		i += size
		if n.clean {
			if isDropped(r) {
				continue
			}
			if isSpace(r) {
				r = ' '
			}
		}
		switch {
		case r < utf8.RuneSelf:
			if len(pending) > 0 { // rare, and a call for every letter is not cheap
				dst, pending = n.settle(dst, pending)
			}
			if n.lower && 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			dst = append(dst, byte(r))
		case n.chinese && in(han, r):
			dst, pending = n.settle(dst, pending)
			dst = append(dst, ' ')
			dst, pending = n.letter(dst, src[at:i], r, pending)
			dst = append(dst, ' ')
		default:
			dst, pending = n.letter(dst, src[at:i], r, pending)
		}
	}
	return n.settle(dst, pending)
}

// letter adds the character r, whose UTF-8 is src, without its accents.
func (n *normalizer) letter(dst, src []byte, r rune, pending []mark) ([]byte, []mark) {
	if !n.strip || r == utf8.RuneError {
		return n.emit(dst, r), pending
	}
	if isHangul(r) {
		dst, pending = n.settle(dst, pending)
		return n.hangul(dst, r), pending
	}
	parts := norm.NFD.Properties(src).Decomposition()
	if len(parts) == 0 || r == 0x11938 { // younger than the reference's decompositions
		return n.part(dst, r, pending)
	}
	for len(parts) > 0 {
		part, size := utf8.DecodeRune(parts)
		parts = parts[size:]
		dst, pending = n.part(dst, part, pending)
	}
	return dst, pending
}

// part adds one character of a decomposition: a mark goes, and others that
// stand in a run of marks wait until the run ends.
func (n *normalizer) part(dst []byte, r rune, pending []mark) ([]byte, []mark) {
	if r < 0x300 { // neither mark nor reordered
		dst, pending = n.settle(dst, pending)
		return n.emit(dst, r), pending
	}
	if in(marks, r) {
		if len(pending) > 0 && in(starterMarks, r) {
			return n.settle(dst, pending)
		}
		return dst, pending
	}
	if c := classOf(r); c != 0 {
		return dst, append(pending, mark{r, c})
	}
	dst, pending = n.settle(dst, pending)
	return n.emit(dst, r), pending
}

// settle adds the waiting run in the order of its classes, equal ones as they came.
func (n *normalizer) settle(dst []byte, pending []mark) ([]byte, []mark) {
	for i := 1; i < len(pending); i++ {
		for j := i; j > 0 && pending[j].class < pending[j-1].class; j-- {
			pending[j], pending[j-1] = pending[j-1], pending[j]
		}
	}
	for _, m := range pending {
		dst = n.emit(dst, m.char)
	}
	return dst, pending[:0]
}

// hangul adds the two or three letters of a Korean syllable (Unicode 3.12).
func (n *normalizer) hangul(dst []byte, r rune) []byte {
	s := r - 0xAC00
	dst = n.emit(dst, 0x1100+s/588)
	dst = n.emit(dst, 0x1161+s%588/28)
	if s%28 != 0 {
		dst = n.emit(dst, 0x11A7+s%28)
	}
	return dst
}

func isHangul(r rune) bool { return 0xAC00 <= r && r <= 0xD7A3 }

// emit adds the small letter of r where letters become small.
func (n *normalizer) emit(dst []byte, r rune) []byte {
	if n.lower {
		if r == 'İ' { // the one letter with two characters
			return append(dst, "i\u0307"...)
		}
		r = toLower(r)
	}
	return utf8.AppendRune(dst, r)
}
