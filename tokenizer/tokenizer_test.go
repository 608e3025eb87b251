package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// tiny is a vocabulary small enough to tokenise by hand; ids count from 0.
const tiny = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\n!\nhello\n,\nworld\n漢\ni\n##a\na\nb\nc\nd\nHello\n##ab\n"

func fromText(t testing.TB, vocab string, o Options) *Tokenizer {
	t.Helper()
	tk, err := FromVocab(strings.NewReader(vocab), "vocab.txt", o)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func texts(tk *Tokenizer, ids []int32) string {
	var out []string
	for _, id := range ids {
		out = append(out, tk.Token(int(id)))
	}
	return strings.Join(out, " ")
}

func TestPiecesByHand(t *testing.T) {
	uncased, cased := fromText(t, tiny, Options{Lowercase: true}), fromText(t, tiny, Options{})
	for _, c := range []struct {
		tk   *Tokenizer
		text string
		want string
	}{
		{uncased, "Unaffable!", "[CLS] un ##aff ##able ! [SEP]"}, // the longest prefix first
		{uncased, "unaff able", "[CLS] un ##aff [UNK] [SEP]"},    // a piece inside a word only
		{uncased, "unaffx", "[CLS] [UNK] [SEP]"},                 // one bad rest spoils the word
		{uncased, "Héllo,wörld", "[CLS] hello , world [SEP]"},
		{uncased, "hello漢world", "[CLS] hello 漢 world [SEP]"},
		{uncased, "he\u200bl\x00lo", "[CLS] hello [SEP]"}, // format and control characters go
		{uncased, "hello\u00a0\u3000world\n", "[CLS] hello world [SEP]"},
		{uncased, "a[MASK]b", "[CLS] a [MASK] b [SEP]"},
		{uncased, "[mask]", "[CLS] [UNK] [UNK] [UNK] [SEP]"},
		{uncased, "", "[CLS] [SEP]"},
		{uncased, "\xff\xfea\xc3", "[CLS] a [SEP]"}, // invalid bytes are U+FFFD, which goes
		{uncased, strings.Repeat("a", 100), "[CLS] a" + strings.Repeat(" ##a", 99) + " [SEP]"},
		{uncased, strings.Repeat("a", 101), "[CLS] [UNK] [SEP]"},
		{cased, "Hello hello HELLO", "[CLS] Hello hello [UNK] [SEP]"},
		{cased, "Héllo", "[CLS] [UNK] [SEP]"},
	} {
		var e Encoding
		c.tk.Encode(&e, c.text, "", false, 0)
		if got := texts(c.tk, e.IDs); got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
	}
}

// What remains is what the reference leaves, but for limits below the number of
// special tokens, where it cuts nothing.
func TestTruncation(t *testing.T) {
	tk := fromText(t, tiny, Options{Lowercase: true})
	const none = "-"
	for _, c := range []struct {
		a, b  string
		limit int
		want  string
		types string
		cut   bool
	}{
		{"a b c d", none, 6, "[CLS] a b c d [SEP]", "000000", false},
		{"a b c d", none, 4, "[CLS] a b [SEP]", "0000", true},
		{"a b c d", none, 2, "[CLS] [SEP]", "00", true},
		{"a b c d", none, 1, "[CLS] [SEP]", "00", true}, // special tokens always remain
		{"a b c d", "d c b a", 11, "[CLS] a b c d [SEP] d c b a [SEP]", "00000011111", false},
		{"a b c d", "d c b a", 8, "[CLS] a b [SEP] d c b [SEP]", "00001111", true},   // odd: to the second
		{"a b c d a", "d c b a", 8, "[CLS] a b c [SEP] d c [SEP]", "00000111", true}, // odd: to the longer
		{"a", "d c b a", 6, "[CLS] a [SEP] d c [SEP]", "000111", true},
		{"a b c d", "d", 6, "[CLS] a b [SEP] d [SEP]", "000011", true},
		{"", "d c b a", 5, "[CLS] [SEP] d c [SEP]", "00111", true},
		{"a", "", 9, "[CLS] a [SEP] [SEP]", "0001", false},
		{"a b", "d c", 3, "[CLS] [SEP] [SEP]", "001", true},
	} {
		var e Encoding
		tk.Encode(&e, c.a, c.b, c.b != none, c.limit)
		types := ""
		for _, v := range e.Types {
			types += fmt.Sprint(v)
		}
		if got := texts(tk, e.IDs); got != c.want || types != c.types || e.Truncated != c.cut {
			t.Errorf("(%q, %q) at %d: got %s %s cut %v, want %s %s cut %v", c.a, c.b, c.limit, got, types, e.Truncated, c.want, c.types, c.cut)
		}
	}
}

func TestIDAndToken(t *testing.T) {
	tk := fromText(t, tiny, Options{})
	if n := tk.VocabSize(); n != 21 {
		t.Errorf("VocabSize() = %d, want 21", n)
	}
	for id := 0; id < tk.VocabSize(); id++ {
		if got, ok := tk.ID(tk.Token(id)); !ok || got != int32(id) {
			t.Errorf("ID(Token(%d)) = %d, %v", id, got, ok)
		}
	}
	if _, ok := tk.ID("nothing"); ok || tk.Token(-1) != "" || tk.Token(21) != "" {
		t.Error("found what is not there")
	}
}

func TestKindsOfTokens(t *testing.T) {
	tk := fromText(t, tiny, Options{})
	if got, want := tk.Specials(), (Specials{Unknown: 1, Separator: 3, Padding: 0, Class: 2, Mask: 4}); got != want {
		t.Errorf("Specials() = %+v, want %+v", got, want)
	}
	for id := range int32(tk.VocabSize()) {
		if got := tk.IsSpecial(id); got != (id <= 4) {
			t.Errorf("IsSpecial(%d) = %v", id, got)
		}
		if got := tk.Continues(id); got != strings.HasPrefix(tk.Token(int(id)), "##") {
			t.Errorf("Continues(%d) = %v", id, got)
		}
	}
}

// Append adds what Encode puts between the special tokens.
func TestAppend(t *testing.T) {
	tk := fromText(t, tiny, Options{Lowercase: true})
	var e, scratch Encoding
	ids := []int32{7}
	for _, text := range []string{"Unaffable!", "", "a[MASK]b"} {
		tk.Encode(&e, text, "", false, 0)
		ids = tk.Append(ids[:1], []byte(text), &scratch)
		if got, want := texts(tk, ids[1:]), texts(tk, e.IDs[1:len(e.IDs)-1]); got != want || ids[0] != 7 {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestWrittenMaxLength(t *testing.T) {
	for length, want := range map[int]string{0: "512", 128: "128"} {
		tk := fromText(t, tiny, Options{MaxLength: length})
		err := rewritten(t, tk).WriteFiles(func(name string, data []byte) error { // read back and written again
			if name == "tokenizer_config.json" && !strings.Contains(string(data), `"model_max_length": `+want+",") {
				t.Errorf("MaxLength %d: got %s", length, data)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	stop := errors.New("stop")
	if err := fromText(t, tiny, Options{}).WriteFiles(func(string, []byte) error { return stop }); err != stop {
		t.Errorf("got %v, want the error of write", err)
	}
}

func TestEncodeAllocatesNothing(t *testing.T) {
	tk := fromText(t, tiny, Options{Lowercase: true})
	text := strings.Repeat("Hello, wörld! [MASK] 漢字 한국어 \u302e\u1b44 ", 20)
	var e Encoding
	if n := testing.AllocsPerRun(20, func() { tk.Encode(&e, text, text, true, 64) }); n != 0 {
		t.Errorf("%v allocations per text, want 0", n)
	}
}

func TestConcurrentUse(t *testing.T) {
	tk := fromText(t, tiny, Options{Lowercase: true})
	var wg sync.WaitGroup
	for g := 0; g < 8; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var e Encoding
			for i := 0; i < 200; i++ {
				tk.Encode(&e, "Héllo [MASK] 漢", "unaffable", true, 8)
				if len(e.IDs) != 8 && len(e.IDs) != 9 {
					t.Errorf("%d ids", len(e.IDs))
					return
				}
			}
		}()
	}
	wg.Wait()
}

func BenchmarkEncode(b *testing.B) {
	tk, err := FromVocab(realVocab(b, "bert-base-uncased"), "vocab.txt", Options{Lowercase: true})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, file, text string }{
		{name: "english", text: "The film isn't a masterpiece, but it's unaffectedly charming and surprisingly well acted. "},
		{name: "russian", text: "Съешь же ещё этих мягких французских булок, да выпей чаю. "},
		{name: "worst", text: strings.Repeat("qz", 49) + "\u0378 "},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := strings.Repeat(c.text, 50)
			var e Encoding
			b.SetBytes(int64(len(text)))
			for i := 0; i < b.N; i++ {
				tk.Encode(&e, text, "", false, 0)
			}
		})
	}
}
