package tokenizer

import "sort"

// The tables of tables.go are sorted and searched in halves; both ends of a
// range belong to it.
type (
	span      struct{ first, last rune }
	classSpan struct {
		first, last rune
		class       uint8
	}
	caseSpan struct {
		first, last   rune
		stride, delta rune // first, first+stride, … become small by adding delta
	}
)

func in(table []span, r rune) bool {
	i := sort.Search(len(table), func(i int) bool { return r <= table[i].last })
	return i < len(table) && r >= table[i].first
}

// classOf is the canonical class of a character that is no mark, mostly 0.
func classOf(r rune) uint8 {
	i := sort.Search(len(combining), func(i int) bool { return r <= combining[i].last })
	if i < len(combining) && r >= combining[i].first {
		return combining[i].class
	}
	return 0
}

func toLower(r rune) rune {
	i := sort.Search(len(lowerCase), func(i int) bool { return r <= lowerCase[i].last })
	if i == len(lowerCase) || r < lowerCase[i].first || (r-lowerCase[i].first)%lowerCase[i].stride != 0 {
		return r
	}
	return r + lowerCase[i].delta
}

func isDropped(r rune) bool {
	if 0x20 <= r && r < 0x7f {
		return false
	}
	return in(dropped, r)
}

func isPunctuation(r rune) bool {
	if r < 0x80 {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return in(punctuation, r)
}

// isSpace says whether r is white space (the Unicode property, which is closed).
func isSpace(r rune) bool {
	switch {
	case r < 0x80:
		return r == ' ' || '\t' <= r && r <= '\r'
	case r < 0x1680:
		return r == 0x85 || r == 0xA0
	}
	return r == 0x1680 || 0x2000 <= r && r <= 0x200A || r == 0x2028 || r == 0x2029 ||
		r == 0x202F || r == 0x205F || r == 0x3000
}
