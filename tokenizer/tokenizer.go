// Package tokenizer turns text into the ids of a BERT vocabulary, exactly as
// the fast tokeniser of Hugging Face does.
//
// A text passes five steps:
//
//	added tokens   "[MASK]" written in the text is one token, looked up as it stands
//	normalise      control characters go; Chinese characters get spaces around them;
//	               accents go (decompose, drop the marks); letters become small
//	words          split at white space; a punctuation mark is a word of its own
//	pieces         the longest prefix in the vocabulary, then the longest "##"
//	               continuation, and so on; a word with no such split is [UNK]
//	template       [CLS] A [SEP] or [CLS] A [SEP] B [SEP], cut to a length
//
// "Unaffable!" becomes un ##aff ##able !. Cased models skip the part of the
// second step that changes letters.
//
// Which characters count as control, punctuation or mark follows the
// reference's own tables (tables.go), not those of the Go release at hand: a
// text has the same ids everywhere and always.
//
//	t, err := tokenizer.Load(os.DirFS("model"), ".")
//	var e tokenizer.Encoding          // reused: no garbage in the steady state
//	t.Encode(&e, "a fine film", "", false, 128)
//	// e.IDs, e.Types, e.Truncated
package tokenizer

import (
	"io"
	"strings"
)

// Tokenizer maps text to ids. It is immutable: any number of goroutines may
// use it, each with an Encoding of its own.
type Tokenizer struct {
	tokens     []string         // by id: the vocabulary, then the tokens added behind it
	words      map[string]int32 // the vocabulary
	continuing map[string]int32 // what follows the prefix in tokens that begin with it
	longest    int              // bytes of the longest token

	prefix   string // "##"
	maxChars int    // words of more characters are unknown
	unknown  int32

	normal       normalizer
	added        []addedToken // in the order of the file
	raw          matcher      // added tokens looked up in the text as it stands
	normalised   matcher      // added tokens looked up in the normalised text
	single, pair []slot
	specials     specialNames
	maxLength    int // of the model, for the files that are written
}

// MaxWord is the characters of the longest word that has pieces, unless a
// tokenizer.json says otherwise (max_input_chars_per_word).
const MaxWord = 100

// specialNames holds the texts of the five tokens that BERT gives a meaning.
type specialNames struct{ unknown, separator, padding, class, mask string }

var bertSpecials = specialNames{"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}

// Options says how the text of a bare vocabulary is normalised. The zero
// value is a cased model.
type Options struct {
	Lowercase    bool  // letters become small
	StripAccents *bool // accents go; nil: as Lowercase says
	KeepChinese  bool  // Chinese characters stay inside their word
	MaxLength    int   // model_max_length in the files that are written; 0: 512
}

// FromVocab reads a vocabulary of one token per line, whose id is the number of
// the line from 0; name stands for the file in errors. The tokens [UNK], [SEP],
// [PAD], [CLS] and [MASK] must be there, none may be there twice. Errors are of
// kind fault.Model.
func FromVocab(r io.Reader, name string, o Options) (*Tokenizer, error) {
	tokens, err := readVocab(r, name)
	if err != nil {
		return nil, err
	}
	c := defaults(o)
	c.added = specialsOf(tokens, &c.specials, map[string]bool{})
	return build(name, tokens, c)
}

// Within is the same tokeniser for a model that has positions for n tokens: the
// files that it writes say so, and others that read them cut there.
func (t *Tokenizer) Within(n int) *Tokenizer {
	short := *t
	short.maxLength = min(t.maxLength, n)
	return &short
}

// VocabSize is the number of ids: every id is below it.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// Token is the text of an id, "" outside the vocabulary.
func (t *Tokenizer) Token(id int) string {
	if id < 0 || id >= len(t.tokens) {
		return ""
	}
	return t.tokens[id]
}

// ID is the id of a token, which is a piece ("##able") and not a text.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.words[token]; ok {
		return id, true
	}
	for i := range t.added {
		if t.added[i].content == token {
			return t.added[i].id, true
		}
	}
	return 0, false
}

// Specials are the ids of the tokens that BERT gives a meaning, −1 for those
// that the model has not.
type Specials struct{ Unknown, Separator, Padding, Class, Mask int32 }

// Specials returns the ids of [UNK], [SEP], [PAD], [CLS] and [MASK], by whatever
// names the model has for them.
func (t *Tokenizer) Specials() Specials {
	id := func(token string) int32 {
		if id, ok := t.ID(token); ok {
			return id
		}
		return -1
	}
	s := &t.specials
	return Specials{id(s.unknown), id(s.separator), id(s.padding), id(s.class), id(s.mask)}
}

// IsSpecial tells whether an id stands for no piece of text: one of Specials,
// or a token that was added as special.
func (t *Tokenizer) IsSpecial(id int32) bool {
	s := t.Specials()
	if id == s.Unknown || id == s.Separator || id == s.Padding || id == s.Class || id == s.Mask {
		return true
	}
	for i := range t.added {
		if t.added[i].id == id {
			return t.added[i].special
		}
	}
	return false
}

// Continues tells whether an id is a piece inside a word ("##able").
func (t *Tokenizer) Continues(id int32) bool {
	return t.prefix != "" && strings.HasPrefix(t.Token(int(id)), t.prefix)
}
