package tokenizer

import (
	"strings"

	"pactune/internal/fault"
)

// config is what the files say besides the vocabulary.
type config struct {
	normal       normalizer
	prefix       string
	maxChars     int
	specials     specialNames
	added        []addedToken
	single, pair []slot // nil: BERT's template with the specials
	maxLength    int
}

func defaults(o Options) config {
	strip := o.Lowercase
	if o.StripAccents != nil {
		strip = *o.StripAccents
	}
	maxLength := o.MaxLength
	if maxLength == 0 {
		maxLength = 512
	}
	return config{
		normal:    normalizer{clean: true, chinese: !o.KeepChinese, strip: strip, lower: o.Lowercase},
		prefix:    "##",
		maxChars:  MaxWord,
		specials:  bertSpecials,
		maxLength: maxLength,
	}
}

// list is the specials in the order in which the reference adds them, with the
// names that they have in its files.
func (s *specialNames) list() []struct{ key, token string } {
	return []struct{ key, token string }{
		{"unk_token", s.unknown}, {"sep_token", s.separator}, {"pad_token", s.padding},
		{"cls_token", s.class}, {"mask_token", s.mask},
	}
}

// build makes the tokeniser of a vocabulary (by id) and a configuration; name
// stands for the file in errors.
func build(name string, tokens []string, c config) (*Tokenizer, error) {
	t := &Tokenizer{
		tokens: tokens, prefix: c.prefix, maxChars: c.maxChars, normal: c.normal,
		specials: c.specials, maxLength: c.maxLength,
	}
	if err := t.index(name); err != nil {
		return nil, err
	}
	if err := t.add(name, c.added); err != nil {
		return nil, err
	}
	for _, s := range c.specials.list() {
		_, ok := t.ID(s.token)
		if s.key == "unk_token" {
			t.unknown, ok = t.words[s.token]
		}
		if !ok && s.token != "" {
			return nil, fault.Errorf(fault.Model, "%s: the vocabulary of %d tokens lacks %q (%s)", name, len(tokens), s.token, s.key)
		}
	}
	t.single, t.pair = c.single, c.pair
	if t.single == nil {
		class, _ := t.ID(c.specials.class)
		separator, _ := t.ID(c.specials.separator)
		t.single, t.pair = bertTemplate(class, separator)
	}
	return t, nil
}

// bertTemplate is [CLS] A [SEP] and [CLS] A [SEP] B [SEP].
func bertTemplate(class, separator int32) (single, pair []slot) {
	pair = []slot{
		{ids: []int32{class}}, {text: 'A'}, {ids: []int32{separator}},
		{text: 'B', typ: 1}, {ids: []int32{separator}, typ: 1},
	}
	return pair[:3:3], pair
}

// index checks the vocabulary and makes the maps of it.
func (t *Tokenizer) index(name string) error {
	t.words = make(map[string]int32, len(t.tokens))
	t.continuing = make(map[string]int32, len(t.tokens)/4)
	for id, token := range t.tokens {
		if first, ok := t.words[token]; ok {
			return fault.Errorf(fault.Model, "%s: the token %q stands there twice: found ids %d and %d, expected every token once", name, token, first, id)
		}
		if strings.ContainsAny(token, "\r\n") {
			return fault.Errorf(fault.Model, "%s: token %d is %q: a token may not hold a line break", name, id, token)
		}
		t.words[token] = int32(id)
		if rest, ok := strings.CutPrefix(token, t.prefix); ok {
			t.continuing[rest] = int32(id)
		}
		t.longest = max(t.longest, len(token))
	}
	return nil
}

// add takes the added tokens: each has its id in the vocabulary, or the next
// one behind it.
func (t *Tokenizer) add(name string, added []addedToken) error {
	var raw, normalised []pattern
	seen := make(map[string]bool, len(added))
	for _, a := range added {
		if seen[a.content] || a.content == "" || strings.ContainsAny(a.content, "\r\n") {
			return fault.Errorf(fault.Model, "%s: added token %q (id %d) is empty, there twice, or holds a line break", name, a.content, a.id)
		}
		seen[a.content] = true
		want, ok := t.words[a.content]
		if !ok {
			want = int32(len(t.tokens))
			t.tokens = append(t.tokens, a.content)
		}
		if a.id != want {
			return fault.Errorf(fault.Model, "%s: added token %q: found id %d, expected %d", name, a.content, a.id, want)
		}
		t.added = append(t.added, a)
		if a.normalised {
			text, _ := t.normal.append(nil, []byte(a.content), nil)
			normalised = append(normalised, pattern{string(text), a})
		} else {
			raw = append(raw, pattern{a.content, a})
		}
	}
	t.raw, t.normalised = newMatcher(raw), newMatcher(normalised)
	return nil
}
