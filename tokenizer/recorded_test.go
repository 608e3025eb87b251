package tokenizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/realdata"
	"testing/fstest"
)

// The files in testdata are the answers of the reference tokeniser, recorded by
// testdata/generate/tokenizer.py.
type recording struct {
	Lines, More    []string
	Configurations []configuration
	Base           map[string]string
}

type configuration struct {
	Name      string
	Tokenizer map[string]json.RawMessage
	Hashes    []string  // per line
	IDs       [][]int32 // of the whole line alone
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tokenizerJSON is the recorded tokenizer.json with the vocabulary in it.
func (c *configuration) tokenizerJSON(t testing.TB) []byte {
	t.Helper()
	vocab, err := os.ReadFile("testdata/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]int)
	for i, token := range strings.Split(strings.TrimSuffix(string(vocab), "\n"), "\n") {
		ids[token] = i
	}
	var model map[string]any
	if err := json.Unmarshal(c.Tokenizer["model"], &model); err != nil {
		t.Fatal(err)
	}
	model["vocab"] = ids
	if c.Tokenizer["model"], err = json.Marshal(model); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (c *configuration) load(t testing.TB) *Tokenizer {
	t.Helper()
	tk, err := Load(fstest.MapFS{"m/tokenizer.json": {Data: c.tokenizerJSON(t)}}, "m")
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return tk
}

// encodeCase runs the three cases of line i: alone, cut, first of a pair.
func encodeCase(tk *Tokenizer, e *Encoding, lines []string, i, which int) {
	switch which {
	case 0:
		tk.Encode(e, lines[i], "", false, 0)
	case 1:
		tk.Encode(e, lines[i], "", false, 2+i%9)
	default:
		limits := [9]int{0, 3, 4, 5, 8, 9, 16, 31, 64}
		tk.Encode(e, lines[i], lines[(i*7+3)%len(lines)], true, limits[i%9])
	}
}

// appendEncoding adds the bytes over which the recorded hashes run.
func appendEncoding(b []byte, e *Encoding) []byte {
	put := func(v int32) { b = binary.LittleEndian.AppendUint32(b, uint32(v)) }
	put(int32(len(e.IDs)))
	for _, list := range [][]int32{e.IDs, e.Types} {
		for _, v := range list {
			put(v)
		}
	}
	if e.Truncated {
		put(1)
	} else {
		put(0)
	}
	return b
}

func digest(b []byte, bytes int) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:bytes])
}

func (c *configuration) compare(t *testing.T, tk *Tokenizer, lines []string) {
	t.Helper()
	var e Encoding
	for i, line := range lines {
		var b []byte
		for which := 0; which < 3; which++ {
			encodeCase(tk, &e, lines, i, which)
			b = appendEncoding(b, &e)
			if which == 0 && c.IDs != nil && !equal(e.IDs, c.IDs[i]) {
				t.Errorf("%s: line %d %q:\n got %v\nwant %v", c.Name, i, line, e.IDs, c.IDs[i])
			}
		}
		if got := digest(b, 8); got != c.Hashes[i] {
			t.Errorf("%s: line %d %q: the three encodings hash to %s, want %s", c.Name, i, line, got, c.Hashes[i])
		}
	}
}

func equal(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRecordedEncodings(t *testing.T) {
	var r recording
	readJSON(t, "recorded.json", &r)
	for _, c := range r.Configurations {
		lines := r.Lines
		if c.Name == "added" {
			lines = append(lines[:len(lines):len(lines)], r.More...)
		}
		if len(c.Hashes) != len(lines) || len(lines) < 200 {
			t.Fatalf("%s: %d hashes for %d lines", c.Name, len(c.Hashes), len(lines))
		}
		tk := c.load(t)
		c.compare(t, tk, lines)
		c.compare(t, rewritten(t, tk), lines)
	}
}

// rewritten is the tokeniser that Load reads from what WriteFiles wrote.
func rewritten(t *testing.T, tk *Tokenizer) *Tokenizer {
	t.Helper()
	files := fstest.MapFS{}
	err := tk.WriteFiles(func(name string, data []byte) error {
		files[name] = &fstest.MapFile{Data: bytes.Clone(data)}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestVocabFileEqualsTokenizerJSON(t *testing.T) {
	var r recording
	readJSON(t, "recorded.json", &r)
	yes, no := true, false
	options := map[string]Options{
		"uncased": {Lowercase: true},
		"cased":   {},
		"lower":   {Lowercase: true, StripAccents: &no},
		"strip":   {StripAccents: &yes},
		"chinese": {Lowercase: true, KeepChinese: true},
	}
	vocab, err := os.ReadFile("testdata/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Configurations {
		o, ok := options[c.Name]
		if !ok {
			continue
		}
		tk, err := FromVocab(bytes.NewReader(vocab), "vocab.txt", o)
		if err != nil {
			t.Fatal(err)
		}
		c.compare(t, tk, r.Lines)
	}
}

func TestEveryCharacter(t *testing.T) {
	var want map[string]string
	readJSON(t, "characters.json", &want)
	kinds := map[string]normalizer{
		"uncased": {lower: true, strip: true}, "cased": {}, "lower": {lower: true}, "strip": {strip: true},
	}
	for name, hashes := range want {
		kind, unclean := strings.CutSuffix(name, " unclean")
		n, ok := kinds[kind]
		if !ok || len(hashes) != 0x110*8 {
			t.Fatalf("%q: unknown kind or %d digits", name, len(hashes))
		}
		n.clean, n.chinese = !unclean, !unclean
		for block := 0; block < 0x110; block++ {
			if got := digest(n.block(block), 4); got != hashes[8*block:8*block+8] {
				t.Errorf("%s: the characters from U+%04X on are treated otherwise than by the reference", name, block<<12)
			}
		}
	}
}

// block is the normalised texts, and their words, of 4,096 characters.
func (n *normalizer) block(block int) []byte {
	var out, text, in []byte
	var pending []mark
	for c := rune(block << 12); c < rune(block+1)<<12; c++ {
		if 0xD800 <= c && c < 0xE000 {
			continue
		}
		in = append(append(append(in[:0], 'A'), string(c)...), "b\u0301"...)
		text, pending = n.append(text[:0], in, pending)
		out = append(append(out, text...), '\n')
		for word, rest := nextWord(text); word != nil; word, rest = nextWord(rest) {
			out = append(append(out, word...), '\n')
		}
	}
	return out
}

// realVocab opens a vocabulary of the data folder, or skips the test.
func realVocab(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(realdata.Dir(t), "vocab", name, "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRealVocabularies(t *testing.T) {
	var r recording
	readJSON(t, "recorded.json", &r)
	for name, want := range r.Base {
		tk, err := FromVocab(realVocab(t, name), name, Options{Lowercase: name == "bert-base-uncased"})
		if err != nil {
			t.Fatal(err)
		}
		var e Encoding
		var b []byte
		for i := range r.Lines {
			for which := 0; which < 3; which++ {
				encodeCase(tk, &e, r.Lines, i, which)
				b = appendEncoding(b, &e)
			}
		}
		if got := digest(b, 8); got != want {
			t.Errorf("%s: %d lines hash to %s, want %s", name, len(r.Lines), got, want)
		}
	}
}
