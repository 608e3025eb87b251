package tokenizer

import (
	"bytes"
	"encoding/json"
	"math"

	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// The parts of tokenizer.json that change tokens.
type (
	fileJSON struct {
		Added         []addedJSON     `json:"added_tokens"`
		Normalizer    *normalizerJSON `json:"normalizer"`
		PreTokenizer  *typeJSON       `json:"pre_tokenizer"`
		PostProcessor *postJSON       `json:"post_processor"`
		Model         *modelJSON      `json:"model"`
	}
	typeJSON struct {
		Type string `json:"type"`
	}
	addedJSON struct {
		ID         int64  `json:"id"`
		Content    string `json:"content"`
		SingleWord bool   `json:"single_word"`
		LStrip     bool   `json:"lstrip"`
		RStrip     bool   `json:"rstrip"`
		Normalised bool   `json:"normalized"`
		Special    bool   `json:"special"`
	}
	normalizerJSON struct {
		Type    string `json:"type"`
		Clean   bool   `json:"clean_text"`
		Chinese bool   `json:"handle_chinese_chars"`
		Strip   *bool  `json:"strip_accents"`
		Lower   bool   `json:"lowercase"`
	}
	postJSON struct {
		Type     string             `json:"type"`
		Single   []pieceJSON        `json:"single"`
		Pair     []pieceJSON        `json:"pair"`
		Specials map[string]idsJSON `json:"special_tokens"`
		Sep      json.RawMessage    `json:"sep"` // of BertProcessing: ["[SEP]", 102]
		Cls      json.RawMessage    `json:"cls"`
	}
	idsJSON struct {
		IDs []int64 `json:"ids"`
	}
	pieceJSON struct {
		Special  *partJSON `json:"SpecialToken,omitempty"`
		Sequence *partJSON `json:"Sequence,omitempty"`
	}
	partJSON struct {
		ID   string `json:"id"`
		Type int64  `json:"type_id"`
	}
	modelJSON struct {
		Type     *string         `json:"type"`
		Unknown  string          `json:"unk_token"`
		Prefix   *string         `json:"continuing_subword_prefix"`
		MaxChars *int64          `json:"max_input_chars_per_word"`
		Vocab    json.RawMessage `json:"vocab"`
		Merges   json.RawMessage `json:"merges"`
	}
)

func (a addedJSON) token() addedToken {
	return addedToken{content: a.Content, id: int32(a.ID), special: a.Special, normalised: a.Normalised,
		singleWord: a.SingleWord, lstrip: a.LStrip, rstrip: a.RStrip}
}

func nameOf(t *typeJSON) string {
	if t == nil {
		return "none"
	}
	return t.Type
}

// parse reads a tokenizer.json.
func parse(name string, data []byte, folder *folderConfig) (*Tokenizer, error) {
	var f fileJSON
	if err := strictjson.Unmarshal(data, &f); err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", name, err)
	}
	if err := f.check(name); err != nil {
		return nil, err
	}
	tokens, err := f.Model.vocabulary(name)
	if err != nil {
		return nil, err
	}
	c := config{
		normal:   normalizer{clean: f.Normalizer.Clean, chinese: f.Normalizer.Chinese, lower: f.Normalizer.Lower},
		prefix:   "##",
		maxChars: MaxWord,
		specials: bertSpecials,
	}
	c.maxLength = folder.maxLength()
	if err := folder.apply(name, &c.normal, f.Normalizer.Strip); err != nil {
		return nil, err
	}
	if f.Model.Prefix != nil {
		c.prefix = *f.Model.Prefix
	}
	if n := f.Model.MaxChars; n != nil {
		if *n < 1 || *n > math.MaxInt32 {
			return nil, fault.Errorf(fault.Model, "%s: model.max_input_chars_per_word: found %d, expected at least 1", name, *n)
		}
		c.maxChars = int(*n)
	}
	folder.override(&c.specials)
	c.specials.unknown = bertSpecials.unknown
	if f.Model.Unknown != "" {
		c.specials.unknown = f.Model.Unknown
	}
	for _, a := range f.Added {
		if a.ID < 0 || a.ID > math.MaxInt32 {
			return nil, fault.Errorf(fault.Model, "%s: added token %q: found id %d", name, a.Content, a.ID)
		}
		c.added = append(c.added, a.token())
	}
	c.specials.keepKnown(tokens, c.added)
	if c.single, c.pair, err = f.PostProcessor.templates(name); err != nil {
		return nil, err
	}
	t, err := build(name, tokens, c)
	if err != nil {
		return nil, err
	}
	return t, t.checkTemplates(name)
}

// check refuses every kind of tokeniser but BERT's.
func (f *fileJSON) check(name string) error {
	if f.Model == nil {
		return fault.Errorf(fault.Model, "%s: found no model, expected one of type WordPiece", name)
	}
	kind := "none"
	if f.Model.Type != nil {
		kind = *f.Model.Type
	} else if f.Model.Prefix != nil && f.Model.MaxChars != nil && f.Model.Merges == nil {
		kind = "WordPiece" // files of 2020 do not name it
	}
	var normal, post *typeJSON
	if f.Normalizer != nil {
		normal = &typeJSON{f.Normalizer.Type}
	}
	if f.PostProcessor != nil {
		post = &typeJSON{f.PostProcessor.Type}
	}
	for _, part := range []struct{ key, found, expected, or string }{
		{"model", kind, "WordPiece", ""},
		{"normalizer", nameOf(normal), "BertNormalizer", ""},
		{"pre_tokenizer", nameOf(f.PreTokenizer), "BertPreTokenizer", ""},
		{"post_processor", nameOf(post), "TemplateProcessing", "BertProcessing"},
	} {
		if part.found == part.expected || part.or != "" && part.found == part.or {
			continue
		}
		expected := part.expected
		if part.or != "" {
			expected += " or " + part.or
		}
		return fault.Errorf(fault.Model, "%s: %s: found type %q, supported is %s: this is not the tokeniser of a BERT", name, part.key, part.found, expected)
	}
	return nil
}

// vocabulary reads {"token": id, …}: the ids of n tokens are 0 to n−1.
func (m *modelJSON) vocabulary(name string) ([]string, error) {
	type entry struct {
		token string
		id    int64
	}
	var entries []entry
	d := json.NewDecoder(bytes.NewReader(m.Vocab))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, fault.Errorf(fault.Model, "%s: model.vocab: found no object of tokens and ids", name)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fault.Errorf(fault.Model, "%s: model.vocab: %w", name, err)
		}
		e := entry{token: key.(string)}
		if err := d.Decode(&e.id); err != nil {
			return nil, fault.Errorf(fault.Model, "%s: model.vocab: token %q: %w", name, e.token, err)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, fault.Errorf(fault.Model, "%s: model.vocab is empty", name)
	}
	tokens := make([]string, len(entries))
	taken := make([]bool, len(entries))
	for _, e := range entries {
		if e.id < 0 || e.id >= int64(len(tokens)) {
			return nil, fault.Errorf(fault.Model, "%s: model.vocab: token %q: found id %d, expected the %d tokens to have the ids 0 to %d", name, e.token, e.id, len(tokens), len(tokens)-1)
		}
		if taken[e.id] {
			return nil, fault.Errorf(fault.Model, "%s: model.vocab: the tokens %q and %q have the same id %d", name, tokens[e.id], e.token, e.id)
		}
		tokens[e.id], taken[e.id] = e.token, true
	}
	return tokens, nil
}

// keepKnown forgets the names of special tokens that the file does not have:
// in a tokenizer.json the template says what is needed.
func (s *specialNames) keepKnown(tokens []string, added []addedToken) {
	known := make(map[string]bool, len(tokens)+len(added))
	for _, token := range tokens {
		known[token] = true
	}
	for _, a := range added {
		known[a.content] = true
	}
	for _, p := range []*string{&s.separator, &s.padding, &s.class, &s.mask} {
		if !known[*p] {
			*p = ""
		}
	}
}
