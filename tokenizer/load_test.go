package tokenizer

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
)

// minimal is a tokenizer.json of the tiny vocabulary; edit changes it.
func minimal(t testing.TB, edit func(map[string]any)) []byte {
	t.Helper()
	vocab := map[string]any{}
	for i, token := range strings.Split(strings.TrimSuffix(tiny, "\n"), "\n") {
		vocab[token] = i
	}
	f := map[string]any{
		"added_tokens":   []any{map[string]any{"id": 4, "content": "[MASK]", "special": true}},
		"normalizer":     map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true},
		"pre_tokenizer":  map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{"type": "BertProcessing", "sep": []any{"[SEP]", 3}, "cls": []any{"[CLS]", 2}},
		"model":          map[string]any{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab},
	}
	if edit != nil {
		edit(f)
	}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func set(keys ...any) func(map[string]any) {
	return func(f map[string]any) {
		for _, key := range keys[:len(keys)-2] {
			f = f[key.(string)].(map[string]any)
		}
		f[keys[len(keys)-2].(string)] = keys[len(keys)-1]
	}
}

func TestRefusedTokenizerJSON(t *testing.T) {
	special := func(id string, typ any) map[string]any {
		return map[string]any{"SpecialToken": map[string]any{"id": id, "type_id": typ}}
	}
	sequence := func(id string) map[string]any {
		return map[string]any{"Sequence": map[string]any{"id": id, "type_id": 0}}
	}
	template := func(single, pair []any, ids any) func(map[string]any) {
		return set("post_processor", map[string]any{"type": "TemplateProcessing", "single": single, "pair": pair,
			"special_tokens": map[string]any{"[CLS]": map[string]any{"id": "[CLS]", "ids": ids, "tokens": []any{"[CLS]"}}}})
	}
	a, b, ids := sequence("A"), sequence("B"), []any{2}
	for _, c := range []struct {
		name string
		edit func(map[string]any)
		want []string // parts of the message
	}{
		{"bpe", set("model", "type", "BPE"), []string{`model: found type "BPE"`, "WordPiece"}},
		{"no type, merges", func(f map[string]any) {
			m := f["model"].(map[string]any)
			delete(m, "type")
			m["merges"] = []any{}
		}, []string{`model: found type "none"`}},
		{"no model", set("model", nil), []string{"no model"}},
		{"normaliser", set("normalizer", "type", "NFC"), []string{`normalizer: found type "NFC"`, "BertNormalizer"}},
		{"no normaliser", set("normalizer", nil), []string{`normalizer: found type "none"`}},
		{"splitter", set("pre_tokenizer", "type", "ByteLevel"), []string{`pre_tokenizer: found type "ByteLevel"`, "BertPreTokenizer"}},
		{"template kind", set("post_processor", "type", "RobertaProcessing"), []string{`found type "RobertaProcessing"`, "TemplateProcessing or BertProcessing"}},
		{"hole in the ids", set("model", "vocab", "b", 99), []string{`token "b": found id 99`, "0 to 20"}},
		{"huge id", set("model", "vocab", "b", 1<<40), []string{"found id 1099511627776"}},
		{"negative id", set("model", "vocab", "b", -1), []string{"found id -1"}},
		{"fractional id", set("model", "vocab", "b", 1.5), []string{`token "b"`, "1.5"}},
		{"one id twice", set("model", "vocab", "b", 15), []string{"the same id 15"}},
		{"empty vocabulary", set("model", "vocab", map[string]any{}), []string{"model.vocab is empty"}},
		{"vocabulary is a list", set("model", "vocab", []any{}), []string{"no object of tokens"}},
		{"no unknown", set("model", "unk_token", "<unk>"), []string{`lacks "<unk>"`}},
		{"longest word", set("model", "max_input_chars_per_word", 0), []string{"max_input_chars_per_word: found 0"}},
		{"added id differs", set("added_tokens", []any{map[string]any{"id": 5, "content": "[MASK]"}}), []string{`added token "[MASK]": found id 5, expected 4`}},
		{"added id far away", set("added_tokens", []any{map[string]any{"id": 1 << 30, "content": "new"}}), []string{"expected 21"}},
		{"added id negative", set("added_tokens", []any{map[string]any{"id": -7, "content": "new"}}), []string{"found id -7"}},
		{"added twice", set("added_tokens", []any{map[string]any{"id": 4, "content": "[MASK]"}, map[string]any{"id": 4, "content": "[MASK]"}}), []string{"there twice"}},
		{"cls is no pair", set("post_processor", "cls", "[CLS]"), []string{"post_processor.cls"}},
		{"cls outside", set("post_processor", "cls", []any{"[CLS]", 21}), []string{"found id 21, expected less than 21"}},
		{"template without A", template([]any{special("[CLS]", 0)}, []any{a, b}, ids), []string{"A 0 times"}},
		{"template with A twice", template([]any{a}, []any{a, b, a}, ids), []string{"A 2 times"}},
		{"template with C", template([]any{sequence("C")}, []any{a, b}, ids), []string{`sequence "C"`}},
		{"type 2", template([]any{special("[CLS]", 2), a}, []any{a, b}, ids), []string{"single[0]", "type_id 0 or 1"}},
		{"unknown special", template([]any{special("[X]", 0), a}, []any{a, b}, ids), []string{`lacks "[X]"`}},
		{"special outside", template([]any{special("[CLS]", 0), a}, []any{a, b}, []any{1 << 40}), []string{"1099511627776"}},
		{"empty piece", template([]any{map[string]any{}}, []any{a, b}, ids), []string{"single[0]"}},
	} {
		_, err := Load(fstest.MapFS{"m/tokenizer.json": {Data: minimal(t, c.edit)}}, "m")
		check(t, c.name, err, append(c.want, "m/tokenizer.json")...)
	}
}

func check(t *testing.T, name string, err error, want ...string) {
	t.Helper()
	if fault.KindOf(err) != fault.Model {
		t.Errorf("%s: got the error %v of kind %d, want kind Model", name, err, fault.KindOf(err))
		return
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: the message %q does not say %q", name, err, part)
		}
	}
}

func TestRefusedFolders(t *testing.T) {
	vocab := func(v string) fstest.MapFS { return fstest.MapFS{"m/vocab.txt": {Data: []byte(v)}} }
	both := func(config string) fstest.MapFS {
		return fstest.MapFS{"m/vocab.txt": {Data: []byte(tiny)}, "m/tokenizer_config.json": {Data: []byte(config)}}
	}
	for _, c := range []struct {
		name string
		fsys fstest.MapFS
		want []string
	}{
		{"nothing there", fstest.MapFS{}, []string{"m: no vocabulary found", "tokenizer.json or vocab.txt"}},
		{"empty vocabulary", vocab(""), []string{"m/vocab.txt", "empty"}},
		{"token twice", vocab(tiny + "hello\n"), []string{"m/vocab.txt", `"hello"`, "ids 9 and 21"}},
		{"special missing", vocab(strings.Replace(tiny, "[SEP]", "x", 1)), []string{`lacks "[SEP]"`, "sep_token", "21 tokens"}},
		{"not UTF-8", vocab("[PAD]\n\xff\n"), []string{"m/vocab.txt:2", "UTF-8"}},
		{"line break in a token", vocab("[PAD]\na\rb\n"), []string{"line break"}},
		{"another file", vocab("{\"model\": 1}"), []string{"lacks"}},
		{"broken configuration", both("{"), []string{"m/tokenizer_config.json"}},
		{"strip_accents is text", both(`{"strip_accents": "no"}`), []string{"strip_accents", `"no"`, "true, false or null"}},
		{"other specials", both(`{"cls_token": "<s>"}`), []string{`lacks "<s>"`, "cls_token"}},
		{"added far away", both(`{"added_tokens_decoder": {"99": {"content": "new"}}}`), []string{`"new"`, "found id 99, expected 21"}},
		{"added without number", both(`{"added_tokens_decoder": {"x": {"content": "new"}}}`), []string{`key "x"`}},
		{"broken tokenizer.json", fstest.MapFS{"m/tokenizer.json": {Data: []byte("[1")}}, []string{"m/tokenizer.json"}},
	} {
		_, err := Load(c.fsys, "m")
		check(t, c.name, err, c.want...)
	}
}

func TestFolderConfiguration(t *testing.T) {
	const text = "Héllo hello漢"
	for _, c := range []struct {
		name, config, want string
		file               bool // with a tokenizer.json, which makes letters small
	}{
		{"letters become small by default", "", "hello hello 漢", false},
		{"cased", `{"do_lower_case": false}`, "[UNK] hello 漢", false},
		{"cased, accents go", `{"do_lower_case": false, "strip_accents": true}`, "Hello hello 漢", false},
		{"small, accents stay", `{"strip_accents": false}`, "[UNK] hello 漢", false},
		{"Chinese stays", `{"tokenize_chinese_chars": false}`, "hello [UNK]", false},
		{"huge model_max_length", `{"model_max_length": 1000000000000000019884624838656}`, "hello hello 漢", false},
		{"tokenizer.json alone", "", "hello hello 漢", true},
		{"the configuration holds over it", `{"do_lower_case": false}`, "[UNK] hello 漢", true},
		{"null is a value", `{"do_lower_case": false, "strip_accents": null}`, "[UNK] hello 漢", true},
		{"not for this class", `{"do_lower_case": false, "tokenizer_class": "PreTrainedTokenizerFast"}`, "hello hello 漢", true},
	} {
		fsys := fstest.MapFS{"vocab.txt": {Data: []byte(strings.ReplaceAll(tiny, "\n", "\r\n"))}}
		if c.config != "" {
			fsys["tokenizer_config.json"] = &fstest.MapFile{Data: []byte(c.config)}
		}
		if c.file {
			fsys["tokenizer.json"] = &fstest.MapFile{Data: minimal(t, nil)}
		}
		tk, err := Load(fsys, ".")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var e Encoding
		tk.Encode(&e, text, "", false, 0)
		if got, want := texts(tk, e.IDs), "[CLS] "+c.want+" [SEP]"; got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
}

// Files of 2020 do not name the model's type.
func TestModelWithoutType(t *testing.T) {
	data := minimal(t, func(f map[string]any) { delete(f["model"].(map[string]any), "type") })
	if _, err := Load(fstest.MapFS{"tokenizer.json": {Data: data}}, "."); err != nil {
		t.Error(err)
	}
}

func TestAddedTokensOfAFolder(t *testing.T) {
	tk, err := Load(fstest.MapFS{
		"vocab.txt":             {Data: []byte(tiny)},
		"tokenizer_config.json": {Data: []byte(`{"added_tokens_decoder": {"21": {"content": "<new>"}, "4": {"content": "[MASK]", "special": true}}}`)},
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	var e Encoding
	tk.Encode(&e, "a<new>[MASK]", "", false, 0)
	if got := texts(tk, e.IDs); got != "[CLS] a <new> [MASK] [SEP]" || tk.VocabSize() != 22 {
		t.Errorf("got %s of %d tokens", got, tk.VocabSize())
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(minimal(f, nil), []byte(`{"do_lower_case": false}`))
	f.Add(minimal(f, set("model", "type", "BPE")), []byte(`{}`))
	f.Fuzz(func(t *testing.T, data, config []byte) {
		tk, err := Load(fstest.MapFS{"tokenizer.json": {Data: data}, "tokenizer_config.json": {Data: config}}, ".")
		if err != nil {
			if fault.KindOf(err) != fault.Model {
				t.Fatalf("kind %d: %v", fault.KindOf(err), err)
			}
			return
		}
		encodeAnything(t, tk, "Héllo [MASK] 漢\u302e\u1b44", "b", 5)
	})
}

func FuzzVocab(f *testing.F) {
	f.Add([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n"))
	f.Add([]byte("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\n\xff"))
	f.Add([]byte("[UNK]\n[UNK]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tk, err := FromVocab(bytes.NewReader(data), "vocab.txt", Options{})
		if err != nil {
			if fault.KindOf(err) != fault.Model {
				t.Fatalf("kind %d: %v", fault.KindOf(err), err)
			}
			return
		}
		encodeAnything(t, tk, "Héllo [MASK] 漢\u302e\u1b44", "b", 5)
	})
}

func FuzzEncode(f *testing.F) {
	var r recording
	readJSON(f, "recorded.json", &r)
	for i, line := range r.Lines {
		f.Add(line, r.Lines[len(r.Lines)-1-i], uint8(i))
	}
	var tks []*Tokenizer
	for _, c := range r.Configurations {
		tks = append(tks, c.load(f))
	}
	f.Fuzz(func(t *testing.T, a, b string, limit uint8) {
		for _, tk := range tks {
			encodeAnything(t, tk, a, b, int(limit))
		}
	})
}

// encodeAnything checks what holds for every text.
func encodeAnything(t *testing.T, tk *Tokenizer, a, b string, limit int) {
	t.Helper()
	var e, again Encoding
	for _, pair := range []bool{false, true} {
		tk.Encode(&e, a, b, pair, limit)
		tk.Encode(&again, b, a, pair, 0) // leaves its traces in the memory that is reused
		tk.Encode(&again, a, b, pair, limit)
		if !equal(e.IDs, again.IDs) || !equal(e.Types, again.Types) || len(e.IDs) != len(e.Types) {
			t.Fatalf("(%q, %q): %v and, with reused memory, %v", a, b, e.IDs, again.IDs)
		}
		template := tk.single
		if pair {
			template = tk.pair
		}
		if limit > 0 && len(e.IDs) > max(limit, specialCount(template)) {
			t.Fatalf("(%q, %q): %d ids, want at most %d", a, b, len(e.IDs), limit)
		}
		for i, id := range e.IDs {
			if id < 0 || int(id) >= tk.VocabSize() || e.Types[i] < 0 || e.Types[i] > 1 {
				t.Fatalf("(%q, %q): id %d of type %d", a, b, id, e.Types[i])
			}
		}
	}
}
