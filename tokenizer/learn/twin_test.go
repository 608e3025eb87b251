package learn

import (
	"context"
	"fmt"
	"math/rand"
	"reflect"
	"sort"
	"strings"
	"testing"

	"pactune/internal/par"
	"pactune/tokenizer"
)

// naive does what learner does, from the description: it counts all pairs anew
// for every merge, and splits words by cutting strings.
type naive struct {
	words  [][]string
	counts []int64
	pieces []string
	has    map[string]bool
}

func newNaive(words []string, counts []int64) *naive {
	n := &naive{counts: counts, has: map[string]bool{}}
	first, follow := map[string]bool{}, map[string]bool{}
	for _, w := range words {
		pieces := strings.Split(w, "")
		for i, c := range pieces {
			first[c] = true
			if i > 0 {
				pieces[i] = "##" + c
				follow["##"+c] = true
			}
		}
		n.words = append(n.words, pieces)
	}
	for _, set := range []map[string]bool{first, follow} {
		var list []string
		for c := range set {
			list = append(list, c)
		}
		sort.Strings(list)
		for _, c := range list {
			n.add(c)
		}
	}
	return n
}

func (n *naive) add(piece string) {
	if !n.has[piece] {
		n.has[piece] = true
		n.pieces = append(n.pieces, piece)
	}
}

func (n *naive) next() int64 {
	pairs := map[[2]string]int64{}
	for i, w := range n.words {
		for j := 1; j < len(w); j++ {
			pairs[[2]string{w[j-1], w[j]}] += n.counts[i]
		}
	}
	var best [2]string
	most := int64(0)
	for p, c := range pairs {
		if c > most || c == most && (p[0] < best[0] || p[0] == best[0] && p[1] < best[1]) {
			best, most = p, c
		}
	}
	if most < 2 {
		return 0
	}
	whole := best[0] + best[1][2:]
	n.add(whole)
	for i, w := range n.words {
		var out []string
		for j := 0; j < len(w); j++ {
			if j+1 < len(w) && w[j] == best[0] && w[j+1] == best[1] {
				out = append(out, whole)
				j++
			} else {
				out = append(out, w[j])
			}
		}
		n.words[i] = out
	}
	return most
}

// usage is how often the greedy split of the words takes each piece.
func (n *naive) usage() map[string]int64 {
	use := map[string]int64{}
	for i, pieces := range n.words {
		word := strings.ReplaceAll(strings.Join(pieces, ""), "##", "")
		for begin := 0; begin < len(word); {
			mark := ""
			if begin > 0 {
				mark = "##"
			}
			end := len(word)
			for !n.has[mark+word[begin:end]] {
				end--
			}
			use[mark+word[begin:end]] += n.counts[i]
			begin = end
		}
	}
	return use
}

// learn is the vocabulary behind the special tokens, of at most size pieces.
func (n *naive) learn(size int) []string {
	fixed := len(n.pieces)
	kept := n.pieces
	for {
		var last int64
		for end := len(n.pieces) + size - len(kept); len(n.pieces) < end; {
			if last = n.next(); last == 0 {
				break
			}
		}
		use := n.usage()
		kept = append([]string{}, n.pieces[:fixed]...)
		for _, p := range n.pieces[fixed:] {
			if use[p] > 0 && use[p] >= last {
				kept = append(kept, p)
			}
		}
		if last == 0 || len(kept) >= size {
			return kept[:min(size, len(kept))]
		}
	}
}

// madeWords is random words of few letters, which overlap themselves and
// return to the same piece by several ways.
func madeWords(seed int64, letters string, n, longest int) (words []string, counts []int64) {
	r := rand.New(rand.NewSource(seed))
	chars := []rune(letters)
	seen := map[string]bool{}
	for range n {
		w := make([]rune, 1+r.Intn(longest))
		for i := range w {
			w[i] = chars[r.Intn(len(chars))]
		}
		if !seen[string(w)] {
			seen[string(w)] = true
			words = append(words, string(w))
		}
	}
	sort.Strings(words)
	for range words {
		counts = append(counts, 1+int64(r.Intn(9)))
	}
	return words, counts
}

func TestNaiveTwin(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for seed := range int64(40) {
		letters := []string{"ab", "abc", "aßé漢", "abcdefghij"}[seed%4]
		words, counts := madeWords(seed, letters, 60, 9)
		for _, size := range []int{30, 60, 150, 1000} {
			twin := newNaive(words, counts)
			alphabet := []rune(letters)
			m := newMerger(alphabet, words, counts)
			if len(m.pieces)+len(specials) > size {
				continue
			}
			l := &learner{pool: pool, words: words, counts: counts, merger: m}
			tokens, err := l.learn(context.Background(), size)
			if err != nil {
				t.Fatal(err)
			}
			want := append(specials[:len(specials):len(specials)], twin.learn(size-len(specials))...)
			if !reflect.DeepEqual(tokens, want) {
				t.Fatalf("seed %d, size %d:\n%q\nwant\n%q", seed, size, tokens, want)
			}
			if !reflect.DeepEqual(m.pieces, twin.pieces) {
				t.Fatalf("seed %d, size %d: merged\n%q\nwant\n%q", seed, size, m.pieces, twin.pieces)
			}
		}
	}
}

// The whole of Learn on a text whose answer can be written down.
func TestLearnByHand(t *testing.T) {
	const text = "aab aab aab ab ab x X! a\tb"
	for _, c := range []struct {
		size     int
		alphabet int
		want     string
	}{
		// aab occurs 3 times, ab twice: ##a ##b is merged first, a ##a stands
		// as often and is later by its text; then a ##ab, which leaves ##ab
		// without use, so that a ##b takes its place.
		{13, 0, "[PAD] [UNK] [CLS] [SEP] [MASK] ! a b x ##a ##b aab ab"},
		{12, 0, "[PAD] [UNK] [CLS] [SEP] [MASK] ! a b x ##a ##b ##ab"},
		{99, 0, "[PAD] [UNK] [CLS] [SEP] [MASK] ! a b x ##a ##b aab ab"},
		{99, 2, "[PAD] [UNK] [CLS] [SEP] [MASK] a b ##a ##b aab ab"},
	} {
		v := learnt(t, tokenizer.Options{Lowercase: true}, text, c.size, c.alphabet)
		var tokens []string
		for id := range v.Tokenizer.VocabSize() {
			tokens = append(tokens, v.Tokenizer.Token(id))
		}
		if got := strings.Join(tokens, " "); got != c.want {
			t.Errorf("size %d, alphabet %d:\n%s\nwant\n%s", c.size, c.alphabet, got, c.want)
		}
		unknown := int64(0)
		if c.alphabet == 2 {
			unknown = 3
		}
		if v.Words != 10 || v.Distinct != 6 || v.Unknown != unknown {
			t.Errorf("size %d, alphabet %d: %+v", c.size, c.alphabet, *v)
		}
		if c.size == 99 && v.Pieces != 10 {
			t.Errorf("%d pieces of 10 words that are all pieces", v.Pieces)
		}
	}
}

// learnt is what a pool of two learns from a text.
func learnt(t testing.TB, o tokenizer.Options, text string, size, alphabet int) *Vocabulary {
	t.Helper()
	pool := par.New(2)
	defer pool.Close()
	c := NewCounter(pool, o)
	_, err := c.Add(context.Background(), "text", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Learn(context.Background(), size, alphabet)
	if err != nil {
		t.Fatal(fmt.Errorf("size %d: %w", size, err))
	}
	return v
}
