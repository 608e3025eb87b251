package embedded

import (
	"bytes"
	"strings"
	"testing"

	"pactune/tokenizer"
)

func TestVocabulary(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(string(Vocab()), "\n"), "\n")
	seen := make(map[string]bool)
	for i, token := range lines {
		if token == "" || seen[token] {
			t.Errorf("%s:%d: token %q is empty or there twice", VocabFile, i+1, token)
		}
		seen[token] = true
	}
	for i, want := range []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} {
		if lines[i] != want {
			t.Errorf("id %d is %q, want %q", i, lines[i], want)
		}
	}
	for c := '!'; c <= '~'; c++ {
		s := strings.ToLower(string(c))
		if !seen[s] {
			t.Errorf("the character %q is not in the vocabulary", s)
		}
		if letterOrDigit(c) && !seen["##"+s] {
			t.Errorf("the piece %q is not in the vocabulary", "##"+s)
		}
	}
	if n := len(lines); n < 1500 || n > 3000 {
		t.Errorf("%d tokens, want 1,500 to 3,000", n)
	}
}

func letterOrDigit(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// TestPieces encodes every text: no unknown piece, and few pieces a word.
func TestPieces(t *testing.T) {
	tok, err := tokenizer.FromVocab(bytes.NewReader(Vocab()), VocabFile, tokenizer.Options{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	unknown, _ := tok.ID("[UNK]")
	train, dev := both(t)
	var e tokenizer.Encoding
	for _, part := range []struct {
		name  string
		items []item
	}{{TrainFile, train}, {DevFile, dev}} {
		pieces, longest := 0, 0
		for _, it := range part.items {
			tok.Encode(&e, it.text, "", false, 0)
			for _, id := range e.IDs {
				if id == unknown {
					t.Errorf("%s: %q has an unknown piece", part.name, it.text)
				}
			}
			pieces += len(e.IDs)
			longest = max(longest, len(e.IDs))
		}
		mean := float64(pieces) / float64(len(part.items))
		t.Logf("%s: %d tokens, %.1f a text with [CLS] and [SEP], at most %d; vocabulary %d", part.name, pieces, mean, longest, tok.VocabSize())
		if longest > 32 {
			t.Errorf("%s: a text of %d tokens, want at most 32", part.name, longest)
		}
	}
}
