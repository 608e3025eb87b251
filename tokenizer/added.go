package tokenizer

import (
	"sort"
	"unicode"
	"unicode/utf8"
)

// addedToken is a text that is one token wherever it stands.
type addedToken struct {
	content        string
	id             int32
	special        bool
	normalised     bool // looked up after normalisation
	singleWord     bool // not inside a longer word
	lstrip, rstrip bool // takes the white space before or behind it along
}

// pattern is the text that stands for an added token.
type pattern struct {
	text  string
	token addedToken
}

// matcher finds added tokens; of two that begin at one place the longer holds.
type matcher struct{ byFirst [256][]pattern }

func newMatcher(patterns []pattern) matcher {
	var m matcher
	for _, p := range patterns {
		if p.text != "" {
			m.byFirst[p.text[0]] = append(m.byFirst[p.text[0]], p)
		}
	}
	for _, list := range m.byFirst {
		sort.SliceStable(list, func(i, j int) bool { return len(list[i].text) > len(list[j].text) })
	}
	return m
}

func (m *matcher) at(text []byte) *pattern {
	list := m.byFirst[text[0]]
	for i := range list {
		if p := &list[i]; len(p.text) <= len(text) && p.text == string(text[:len(p.text)]) {
			return p
		}
	}
	return nil
}

// split yields the text in order: plain pieces, never empty, and for each added
// token nil with its id.
func (m *matcher) split(text []byte, yield func(plain []byte, id int32)) {
	done := 0
	for at := 0; at < len(text); {
		p := m.at(text[at:])
		if p == nil {
			at++
			continue
		}
		start, stop := at, at+len(p.text)
		at = stop
		if p.token.singleWord && (endsInWord(text[:start]) || beginsWithWord(text[stop:])) {
			continue
		}
		if p.token.lstrip {
			start = max(done, len(trimSpaceRight(text[:start])))
		}
		if p.token.rstrip {
			stop = len(text) - len(trimSpaceLeft(text[stop:]))
		}
		if done < start {
			yield(text[done:start], 0)
		}
		yield(nil, p.token.id)
		done = stop
	}
	if done < len(text) {
		yield(text[done:], 0)
	}
}

func trimSpaceLeft(text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if !isSpace(r) {
			break
		}
		text = text[size:]
	}
	return text
}

func trimSpaceRight(text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeLastRune(text)
		if !isSpace(r) {
			break
		}
		text = text[:len(text)-size]
	}
	return text
}

func endsInWord(text []byte) bool {
	r, size := utf8.DecodeLastRune(text)
	return size > 0 && isWord(r)
}

func beginsWithWord(text []byte) bool {
	r, size := utf8.DecodeRune(text)
	return size > 0 && isWord(r)
}

// isWord is \w of Unicode's regular expressions.
func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc,
		unicode.Other_Alphabetic, unicode.Join_Control)
}
