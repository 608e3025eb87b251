package safetensors

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"pactune/internal/fault"
)

// scanner reads JSON more strictly than encoding/json, which lets duplicate
// keys, other cases of a key and invalid UTF-8 pass. The first error stays and
// ends every loop.
type scanner struct {
	name string // of the file
	text string
	base int // the offset of text in the file
	pos  int
	err  error
}

// maxDepth bounds the nesting of values that are passed over.
const maxDepth = 128

// newScanner refuses text that is not UTF-8.
func newScanner(name, text string, base int) *scanner {
	s := &scanner{name: name, text: text, base: base}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			s.fail(i, "found the byte %#x, expected UTF-8", text[i])
			return s
		}
		i += size
	}
	return s
}

// fail keeps the first error, at a position in text.
func (s *scanner) fail(at int, format string, args ...any) {
	if s.err == nil {
		s.err = fault.Errorf(fault.Model, "%s: byte %d: "+format, append([]any{s.name, s.base + at}, args...)...)
	}
}

// peek is the next byte behind white space, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// found describes what stands at the position.
func (s *scanner) found() string {
	if s.pos >= len(s.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:])
	return strconv.QuoteRune(r)
}

// take passes over c, which must come next.
func (s *scanner) take(c byte) bool {
	if s.err != nil {
		return false
	}
	if s.peek() != c {
		s.fail(s.pos, "found %s, expected %q", s.found(), c)
		return false
	}
	s.pos++
	return true
}

// members reads an object and calls value at each of its values; at is the
// position of the key.
func (s *scanner) members(value func(key string, at int)) {
	s.list('{', '}', func() {
		s.peek()
		at := s.pos
		key := s.str()
		if s.take(':') {
			value(key, at)
		}
	})
}

// list reads open, elements between commas, and close.
func (s *scanner) list(open, close byte, element func()) {
	if !s.take(open) {
		return
	}
	if s.peek() == close {
		s.pos++
		return
	}
	for s.err == nil {
		element()
		if s.err != nil {
			return
		}
		if s.peek() == close {
			s.pos++
			return
		}
		s.take(',')
	}
}

// str reads a string; one without escapes is a part of the text, not a copy.
func (s *scanner) str() string {
	if !s.take('"') {
		return ""
	}
	start := s.pos
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return s.text[start : s.pos-1]
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			s.fail(s.pos, "found the control character %#x in a string", c)
			return ""
		}
		s.pos++
	}
	s.fail(start-1, "found a string without end")
	return ""
}

// escaped reads the rest of a string from its first escape on.
func (s *scanner) escaped(start int) string {
	var b strings.Builder
	b.WriteString(s.text[start:s.pos])
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		s.pos++
		switch {
		case c == '"':
			return b.String()
		case c == '\\':
			b.WriteRune(s.escape())
			if s.err != nil {
				return ""
			}
		case c < 0x20:
			s.fail(s.pos-1, "found the control character %#x in a string", c)
			return ""
		default:
			b.WriteByte(c)
		}
	}
	s.fail(start-1, "found a string without end")
	return ""
}

// escape reads what stands behind a backslash.
func (s *scanner) escape() rune {
	at := s.pos - 1
	if s.pos < len(s.text) {
		c := s.text[s.pos]
		s.pos++
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			return rune("\"\\/\b\f\n\r\t"[i])
		}
		if c == 'u' {
			return s.unicodeEscape(at)
		}
	}
	s.fail(at, "found an escape that JSON does not have")
	return 0
}

// unicodeEscape reads four hexadecimal digits, or for a pair of surrogates twice four
// with \u between.
func (s *scanner) unicodeEscape(at int) rune {
	r := s.hex()
	switch {
	case 0xD800 <= r && r < 0xDC00 && strings.HasPrefix(s.text[s.pos:], `\u`):
		s.pos += 2
		if low := s.hex(); 0xDC00 <= low && low < 0xE000 {
			return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		}
		r = -1
	case 0xD800 <= r && r < 0xE000:
		r = -1
	}
	if r < 0 {
		s.fail(at, "found an escape that is no character")
	}
	return r
}

// hex reads four hexadecimal digits, −1 for anything else.
func (s *scanner) hex() rune {
	if s.pos+4 > len(s.text) {
		return -1
	}
	digits := s.text[s.pos : s.pos+4]
	s.pos += 4
	if strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return -1
	}
	v, _ := strconv.ParseUint(digits, 16, 32)
	return rune(v)
}

// number reads the text of a number by JSON's grammar.
func (s *scanner) number() string {
	s.peek()
	start := s.pos
	digits := func() bool {
		from := s.pos
		for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > from
	}
	next := func(set string) bool {
		if s.pos < len(s.text) && strings.IndexByte(set, s.text[s.pos]) >= 0 {
			s.pos++
			return true
		}
		return false
	}
	next("-")
	ok := next("0") || digits()
	if ok && next(".") {
		ok = digits()
	}
	if ok && next("eE") {
		next("+-")
		ok = digits()
	}
	if !ok {
		s.fail(start, "found %s, expected a number", s.found())
	}
	return s.text[start:s.pos]
}

// count reads an integer from 0 to 2⁵³, beyond which readers disagree.
func (s *scanner) count() int64 {
	if s.err != nil {
		return 0
	}
	s.peek()
	start := s.pos
	text := s.number()
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil || v > 1<<53 {
		s.fail(start, "found %.40s, expected an integer from 0 to 2^53", text)
		return 0
	}
	return int64(v)
}

// skip passes over a value of any kind.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.fail(s.pos, "found values nested deeper than %d", maxDepth)
		return
	}
	switch c := s.peek(); {
	case c == '{':
		s.members(func(string, int) { s.skip(depth + 1) })
	case c == '[':
		s.list('[', ']', func() { s.skip(depth + 1) })
	case c == '"':
		s.str()
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	default:
		for _, word := range []string{"true", "false", "null"} {
			if strings.HasPrefix(s.text[s.pos:], word) {
				s.pos += len(word)
				return
			}
		}
		s.fail(s.pos, "found %s, expected a value", s.found())
	}
}

// end refuses anything but white space behind the value.
func (s *scanner) end() {
	if s.peek(); s.err == nil && s.pos < len(s.text) {
		s.fail(s.pos, "found %s behind the header's object", s.found())
	}
}
