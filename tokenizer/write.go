package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// WriteFiles hands the files of the tokeniser to write, one after the other:
// vocab.txt, tokenizer.json, tokenizer_config.json and special_tokens_map.json,
// which Hugging Face's AutoTokenizer and Load read back to the same tokeniser.
// The first error of write ends it and is returned.
func (t *Tokenizer) WriteFiles(write func(name string, data []byte) error) error {
	specials := make(object, 0, 5)
	for _, s := range t.specials.list() {
		if s.token != "" {
			specials = append(specials, member{s.key, s.token})
		}
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"vocab.txt", t.vocabText()},
		{"tokenizer.json", indented(t.tokenizerJSON())},
		{"tokenizer_config.json", indented(t.configJSON(specials))},
		{"special_tokens_map.json", indented(specials)},
	} {
		if err := write(f.name, f.data); err != nil {
			return err
		}
	}
	return nil
}

// object is a JSON object whose members keep their order.
type (
	object []member
	member struct {
		key   string
		value any
	}
)

// MarshalJSON encodes all members into one buffer: a vocabulary is an object of
// tens of thousands.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	put := func(v any) error {
		err := e.Encode(v)
		b.Truncate(b.Len() - 1) // the encoder's newline
		return err
	}
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := put(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := put(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func indented(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("tokenizer: %T has no JSON: %v", v, err)) // strings, numbers and bools only
	}
	return b.Bytes()
}

func (t *Tokenizer) vocabText() []byte {
	return []byte(strings.Join(t.tokens[:len(t.words)], "\n") + "\n")
}

func (t *Tokenizer) tokenizerJSON() object {
	added := []object{}
	for _, a := range t.added {
		added = append(added, append(object{{"id", a.id}}, a.members()...))
	}
	vocab := make(object, len(t.words))
	for id := range vocab {
		vocab[id] = member{t.tokens[id], id}
	}
	return object{
		{"version", "1.0"}, {"truncation", nil}, {"padding", nil},
		{"added_tokens", added},
		{"normalizer", object{
			{"type", "BertNormalizer"}, {"clean_text", t.normal.clean},
			{"handle_chinese_chars", t.normal.chinese}, {"strip_accents", t.stripAccents()},
			{"lowercase", t.normal.lower},
		}},
		{"pre_tokenizer", object{{"type", "BertPreTokenizer"}}},
		{"post_processor", t.templateJSON()},
		{"decoder", object{{"type", "WordPiece"}, {"prefix", t.prefix}, {"cleanup", true}}},
		{"model", object{
			{"type", "WordPiece"}, {"unk_token", t.specials.unknown},
			{"continuing_subword_prefix", t.prefix},
			{"max_input_chars_per_word", t.maxChars}, {"vocab", vocab},
		}},
	}
}

func (a *addedToken) members() object {
	return object{
		{"content", a.content}, {"single_word", a.singleWord}, {"lstrip", a.lstrip},
		{"rstrip", a.rstrip}, {"normalized", a.normalised}, {"special", a.special},
	}
}

// stripAccents is null where accents go exactly when letters become small.
func (t *Tokenizer) stripAccents() any {
	if t.normal.strip == t.normal.lower {
		return nil
	}
	return t.normal.strip
}

func (t *Tokenizer) templateJSON() object {
	specials, seen := object{}, map[string]bool{}
	pieces := func(template []slot) []object {
		out := []object{}
		for _, s := range template {
			if s.text != 0 {
				out = append(out, object{{"Sequence", object{{"id", string(rune(s.text))}, {"type_id", s.typ}}}})
				continue
			}
			for _, id := range s.ids {
				token := t.tokens[id]
				out = append(out, object{{"SpecialToken", object{{"id", token}, {"type_id", s.typ}}}})
				if !seen[token] {
					seen[token] = true
					specials = append(specials, member{token, object{{"id", token}, {"ids", []int32{id}}, {"tokens", []string{token}}}})
				}
			}
		}
		return out
	}
	single, pair := pieces(t.single), pieces(t.pair)
	return object{
		{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", specials},
	}
}

func (t *Tokenizer) configJSON(specials object) object {
	added := object{}
	for _, a := range t.added {
		added = append(added, member{strconv.Itoa(int(a.id)), a.members()})
	}
	c := object{
		{"added_tokens_decoder", added}, {"clean_up_tokenization_spaces", true},
		{"do_lower_case", t.normal.lower}, {"model_max_length", t.maxLength},
		{"strip_accents", t.stripAccents()}, {"tokenize_chinese_chars", t.normal.chinese},
		{"tokenizer_class", "BertTokenizer"},
	}
	return append(c, specials...)
}
