package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// maxFile bounds the bytes of a file; the largest vocabularies have 17 MB.
const maxFile = 64 << 20

// Open reads a tokeniser from a folder, as Load does, or from a vocab.txt, as FromVocab
// does with o, which a folder decides itself. Errors are of kind fault.Model.
func Open(name string, o Options) (*Tokenizer, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: no such file or folder; expected a vocab.txt, one token a line, or the folder of a tokeniser", name)
	}
	if info.IsDir() {
		t, err := Load(os.DirFS(name), ".")
		if err != nil {
			return nil, fault.Errorf(fault.Model, "%s: %w", name, err)
		}
		return t, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	defer f.Close()
	return FromVocab(f, name, o)
}

// Load reads the tokeniser of a model's folder: tokenizer.json where there is
// one, else vocab.txt; tokenizer_config.json, where there is one, says for
// either whether letters become small (do_lower_case; without tokenizer.json
// they do unless it says no), strip_accents and tokenize_chinese_chars. The
// truncation and padding that a tokenizer.json may hold are the caller's
// matter and are passed over. Errors are of kind fault.Model.
func Load(fsys fs.FS, dir string) (*Tokenizer, error) {
	var folder folderConfig
	name := path.Join(dir, "tokenizer_config.json")
	data, err := readFile(fsys, name)
	if err == nil {
		err = folder.parse(name, data)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	name = path.Join(dir, "tokenizer.json")
	if data, err = readFile(fsys, name); err == nil {
		return parse(name, data, &folder)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	name = path.Join(dir, "vocab.txt")
	if data, err = readFile(fsys, name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fault.Errorf(fault.Model, "%s: no vocabulary found, expected tokenizer.json or vocab.txt", dir)
		}
		return nil, err
	}
	tokens, err := readVocab(bytes.NewReader(data), name)
	if err != nil {
		return nil, err
	}
	return folder.build(name, tokens)
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	data, err := bounded.ReadFile(fsys, name, maxFile)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	return data, nil
}

func readVocab(r io.Reader, name string) ([]string, error) {
	data, err := bounded.Read(r, name, maxFile)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	if len(data) == 0 {
		return nil, fault.Errorf(fault.Model, "%s: the file is empty, expected one token per line", name)
	}
	tokens := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i, token := range tokens {
		if !utf8.ValidString(token) {
			return nil, fault.Errorf(fault.Model, "%s:%d: %q is not valid UTF-8", name, i+1, token)
		}
		tokens[i] = strings.TrimSuffix(token, "\r")
	}
	return tokens, nil
}

// folderConfig is tokenizer_config.json as far as it changes tokens.
type folderConfig struct {
	Class        string               `json:"tokenizer_class"`
	Lowercase    *bool                `json:"do_lower_case"`
	StripAccents json.RawMessage      `json:"strip_accents"` // null is a value
	Chinese      *bool                `json:"tokenize_chinese_chars"`
	MaxLength    float64              `json:"model_max_length"` // "none" is written as 1e30
	Unknown      specialToken         `json:"unk_token"`
	Separator    specialToken         `json:"sep_token"`
	Padding      specialToken         `json:"pad_token"`
	ClassToken   specialToken         `json:"cls_token"`
	Mask         specialToken         `json:"mask_token"`
	Added        map[string]addedJSON `json:"added_tokens_decoder"`
}

// specialToken is a text, or an object with its content, or null.
type specialToken string

func (s *specialToken) UnmarshalJSON(data []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if data[0] == '{' {
		err := strictjson.Unmarshal(data, &object)
		*s = specialToken(object.Content)
		return err
	}
	return json.Unmarshal(data, (*string)(s))
}

func (f *folderConfig) parse(name string, data []byte) error {
	if err := strictjson.Unmarshal(data, f); err != nil {
		return fault.Errorf(fault.Model, "%s: %w", name, err)
	}
	return nil
}

// apply lets the folder's configuration hold over a normaliser, as
// from_pretrained does; strip is what strip_accents says so far, nil for null.
func (f *folderConfig) apply(name string, n *normalizer, strip *bool) error {
	if f.Class != "PreTrainedTokenizerFast" { // that class passes the keys over
		if f.Lowercase != nil {
			n.lower = *f.Lowercase
		}
		if f.Chinese != nil {
			n.chinese = *f.Chinese
		}
		if len(f.StripAccents) > 0 {
			strip = nil
			if err := json.Unmarshal(f.StripAccents, &strip); err != nil {
				return fault.Errorf(fault.Model, "%s: strip_accents: found %s, expected true, false or null", path.Join(path.Dir(name), "tokenizer_config.json"), f.StripAccents)
			}
		}
	}
	n.strip = n.lower
	if strip != nil {
		n.strip = *strip
	}
	return nil
}

// override puts the folder's names of the special tokens over others.
func (f *folderConfig) override(s *specialNames) {
	for _, v := range []struct {
		to   *string
		from specialToken
	}{{&s.unknown, f.Unknown}, {&s.separator, f.Separator}, {&s.padding, f.Padding}, {&s.class, f.ClassToken}, {&s.mask, f.Mask}} {
		if v.from != "" {
			*v.to = string(v.from)
		}
	}
}

func (f *folderConfig) maxLength() int {
	if f.MaxLength >= 1 && f.MaxLength <= math.MaxInt32 {
		return int(f.MaxLength)
	}
	return 512
}

// build makes the tokeniser of a folder that has no tokenizer.json.
func (f *folderConfig) build(name string, tokens []string) (*Tokenizer, error) {
	c := defaults(Options{Lowercase: true})
	c.maxLength = f.maxLength()
	if err := f.apply(name, &c.normal, nil); err != nil {
		return nil, err
	}
	f.override(&c.specials)
	var ids []int
	for key := range f.Added {
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || id > math.MaxInt32 {
			return nil, fault.Errorf(fault.Model, "%s: added_tokens_decoder: found the key %q, expected an id", path.Join(path.Dir(name), "tokenizer_config.json"), key)
		}
		ids = append(ids, id)
	}
	sort.Ints(ids)
	named := make(map[string]bool)
	for _, id := range ids {
		a := f.Added[strconv.Itoa(id)].token()
		a.id = int32(id)
		named[a.content] = true
		c.added = append(c.added, a)
	}
	c.added = append(c.added, specialsOf(tokens, &c.specials, named)...)
	return build(name, tokens, c)
}

// specialsOf is the special tokens that a vocabulary holds, as added tokens in
// the order of their ids, without those named already.
func specialsOf(tokens []string, s *specialNames, named map[string]bool) []addedToken {
	var out []addedToken
	for id, token := range tokens {
		for _, special := range s.list() {
			if token == special.token && token != "" && !named[token] {
				named[token] = true
				out = append(out, addedToken{content: token, id: int32(id), special: true})
			}
		}
	}
	return out
}
