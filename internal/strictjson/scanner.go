package strictjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Scanner reads JSON from a text. The first error stays and ends every loop.
type Scanner struct {
	Text string
	Pos  int   // of the next byte
	Err  error // names the byte, counted from base
	base int
}

// maxDepth bounds the nesting of values.
const maxDepth = 128

// New is a scanner of text, which stands at byte base of its file. Text that is
// not UTF-8 is an error.
func New(text string, base int) *Scanner {
	s := &Scanner{Text: text, base: base}
	if !utf8.ValidString(text) {
		for i := 0; i < len(text); {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				s.Fail(i, "found the byte %#x, expected UTF-8", text[i])
				return s
			}
			i += size
		}
	}
	return s
}

// Fail keeps the first error, at a position in Text.
func (s *Scanner) Fail(at int, format string, args ...any) {
	if s.Err == nil {
		s.Err = fmt.Errorf("byte %d: "+format, append([]any{s.base + at}, args...)...)
	}
}

// Peek is the next byte behind white space, 0 at the end.
func (s *Scanner) Peek() byte {
	for s.Pos < len(s.Text) {
		switch c := s.Text[s.Pos]; c {
		case ' ', '\t', '\n', '\r':
			s.Pos++
		default:
			return c
		}
	}
	return 0
}

// found describes what stands at the position.
func (s *Scanner) found() string {
	if s.Pos >= len(s.Text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(s.Text[s.Pos:])
	return strconv.QuoteRune(r)
}

// Take passes over c, which must come next.
func (s *Scanner) Take(c byte) bool {
	if s.Err != nil {
		return false
	}
	if s.Peek() != c {
		s.Fail(s.Pos, "found %s, expected %q", s.found(), c)
		return false
	}
	s.Pos++
	return true
}

// Members reads an object and calls value at each of its values; at is the
// position of the key.
func (s *Scanner) Members(value func(key string, at int)) {
	s.List('{', '}', func() {
		s.Peek()
		at := s.Pos
		key := s.Str()
		if s.Take(':') {
			value(key, at)
		}
	})
}

// List reads open, elements between commas, and close.
func (s *Scanner) List(open, close byte, element func()) {
	if !s.Take(open) {
		return
	}
	if s.Peek() == close {
		s.Pos++
		return
	}
	for s.Err == nil {
		element()
		if s.Err != nil {
			return
		}
		if s.Peek() == close {
			s.Pos++
			return
		}
		s.Take(',')
	}
}

// Str reads a string; one without escapes is a part of the text, not a copy.
func (s *Scanner) Str() string {
	if !s.Take('"') {
		return ""
	}
	start := s.Pos
	for s.Pos < len(s.Text) {
		switch c := s.Text[s.Pos]; {
		case c == '"':
			s.Pos++
			return s.Text[start : s.Pos-1]
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			s.Fail(s.Pos, "found the control character %#x in a string", c)
			return ""
		}
		s.Pos++
	}
	s.Fail(start-1, "found a string without end")
	return ""
}

// escaped reads the rest of a string from its first escape on.
func (s *Scanner) escaped(start int) string {
	var b strings.Builder
	b.WriteString(s.Text[start:s.Pos])
	for s.Pos < len(s.Text) {
		c := s.Text[s.Pos]
		s.Pos++
		switch {
		case c == '"':
			return b.String()
		case c == '\\':
			b.WriteRune(s.escape())
			if s.Err != nil {
				return ""
			}
		case c < 0x20:
			s.Fail(s.Pos-1, "found the control character %#x in a string", c)
			return ""
		default:
			b.WriteByte(c)
		}
	}
	s.Fail(start-1, "found a string without end")
	return ""
}

// escape reads what stands behind a backslash.
func (s *Scanner) escape() rune {
	at := s.Pos - 1
	if s.Pos < len(s.Text) {
		c := s.Text[s.Pos]
		s.Pos++
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			return rune("\"\\/\b\f\n\r\t"[i])
		}
		if c == 'u' {
			return s.unicodeEscape(at)
		}
	}
	s.Fail(at, "found an escape that JSON does not have")
	return 0
}

// unicodeEscape reads four hexadecimal digits, or for a pair of surrogates twice four
// with \u between.
func (s *Scanner) unicodeEscape(at int) rune {
	r := s.hex()
	switch {
	case 0xD800 <= r && r < 0xDC00 && strings.HasPrefix(s.Text[s.Pos:], `\u`):
		s.Pos += 2
		if low := s.hex(); 0xDC00 <= low && low < 0xE000 {
			return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		}
		r = -1
	case 0xD800 <= r && r < 0xE000:
		r = -1
	}
	if r < 0 {
		s.Fail(at, "found an escape that is no character")
	}
	return r
}

// hex reads four hexadecimal digits, −1 for anything else.
func (s *Scanner) hex() rune {
	if s.Pos+4 > len(s.Text) {
		return -1
	}
	digits := s.Text[s.Pos : s.Pos+4]
	s.Pos += 4
	if strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return -1
	}
	v, _ := strconv.ParseUint(digits, 16, 32)
	return rune(v)
}

// number reads the text of a number by JSON's grammar.
func (s *Scanner) number() string {
	s.Peek()
	start := s.Pos
	digits := func() bool {
		from := s.Pos
		for s.Pos < len(s.Text) && '0' <= s.Text[s.Pos] && s.Text[s.Pos] <= '9' {
			s.Pos++
		}
		return s.Pos > from
	}
	next := func(set string) bool {
		if s.Pos < len(s.Text) && strings.IndexByte(set, s.Text[s.Pos]) >= 0 {
			s.Pos++
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
		s.Fail(start, "found %s, expected a number", s.found())
	}
	return s.Text[start:s.Pos]
}

// Count reads an integer from 0 to 2⁵³, beyond which readers disagree.
func (s *Scanner) Count() int64 {
	if s.Err != nil {
		return 0
	}
	s.Peek()
	start := s.Pos
	text := s.number()
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil || v > 1<<53 {
		s.Fail(start, "found %.40s, expected an integer from 0 to 2^53", text)
		return 0
	}
	return int64(v)
}

// Skip passes over a value of any kind; a key that an object has twice is an
// error.
func (s *Scanner) Skip() { s.walk(nil, 0) }

// literal passes over true, false or null.
func (s *Scanner) literal() {
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.Text[s.Pos:], word) {
			s.Pos += len(word)
			return
		}
	}
	s.Fail(s.Pos, "found %s, expected a value", s.found())
}

// End refuses anything but white space behind the value.
func (s *Scanner) End() {
	if s.Peek(); s.Err == nil && s.Pos < len(s.Text) {
		s.Fail(s.Pos, "found %s behind the value", s.found())
	}
}
