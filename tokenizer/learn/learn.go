// Package learn makes the WordPiece vocabulary of a text, for package tokenizer.
//
//	count    the distinct words, normalised and split as the tokeniser does it
//	merge    words are single characters at first, "##" before all but the first
//	         of a word; the most frequent pair of neighbours becomes a piece, then
//	         the next one (byte-pair encoding, as in Hugging Face's
//	         WordPieceTrainer)
//	prune    the encoder does not repeat the merges, it takes the longest piece that
//	         fits: it rarely needs those that were steps on the way, as "##abl" to
//	         "##able". The words are encoded, and pieces go that are used less often
//	         than the last merged pair occurred; more merges take their places,
//	         until as many pieces are worth theirs as the vocabulary holds
//
// With 8,000 pieces from 65 MB of Wikipedia, other articles have pieces per word:
//
//	merged alone             1.301   Hugging Face's trainer 1.302
//	pruned                   1.281
//	pruned, 300 characters   1.254   0.034 % of the words unknown instead of 0.019 %
//
// [PAD] [UNK] [CLS] [SEP] [MASK] have the ids 0 to 4, as BertWordPieceTokenizer
// gives them, so that [PAD] is 0, which is also the pad_token_id of a BertConfig.
// Then come the characters and, with "##", those that continue a word, then the
// merged pieces, the most frequent first. Characters always stay, since a word
// that has others is unknown.
//
// The same words give the same vocabulary, whatever the order of the text and
// the number of threads: of equally frequent pairs the first by its texts is
// merged.
//
//	c := learn.NewCounter(pool, tokenizer.Options{Lowercase: true})
//	source, err := c.Add(ctx, "wiki.txt.gz", file)   // for each text
//	v, err := c.Learn(ctx, 8000, 1000)
//	err = v.Tokenizer.WriteFiles(write)
package learn

import (
	"context"
	"sort"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tokenizer"
)

var specials = []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}

// Vocabulary is what was learnt, and how it splits the words of its text.
type Vocabulary struct {
	Tokenizer  *tokenizer.Tokenizer
	Characters int   // pieces of one character, without those that begin with "##"
	Words      int64 // of the text, without long ones
	Distinct   int   // different ones
	Long       int64 // words above tokenizer.MaxWord, which are unknown
	Unknown    int64 // words with characters that the vocabulary lacks
	Pieces     int64 // that Words have together; an unknown word is one
}

// Learn makes a vocabulary of at most size pieces with the most frequent
// characters, at most alphabet of them (0: all). It holds fewer pieces where the text
// has no pair any more that occurs twice. No words at all are a fault.Data, a
// size below what special tokens and characters take is a fault.Usage.
func (c *Counter) Learn(ctx context.Context, size, alphabet int) (*Vocabulary, error) {
	counted, long := c.total()
	if len(counted) == 0 {
		return nil, fault.Errorf(fault.Data, "found no words, expected text to learn pieces from")
	}
	v := &Vocabulary{Distinct: len(counted), Long: long}
	chars := alphabetOf(counted, alphabet)
	v.Characters = len(chars)
	l := &learner{pool: c.pool, options: c.options}
	l.words = knownWords(counted, chars)
	for _, w := range l.words {
		l.counts = append(l.counts, counted[w])
	}
	l.merger = newMerger(chars, l.words, l.counts)
	if least := len(specials) + len(l.merger.pieces); size < least {
		return nil, fault.Errorf(fault.Usage, "%d special tokens, %d characters and %d continuations of words by one character are %d pieces already; take a larger size or a smaller alphabet",
			len(specials), len(chars), len(l.merger.pieces)-len(chars), least)
	}
	tokens, err := l.learn(ctx, size)
	if err != nil {
		return nil, err
	}
	v.Tokenizer = tokenizerOf(tokens, c.options)
	for _, n := range l.usage(v.Tokenizer) {
		v.Pieces += n
	}
	for _, n := range l.counts {
		v.Words += n
	}
	for _, n := range counted {
		v.Unknown += n
	}
	v.Unknown -= v.Words
	v.Words += v.Unknown
	v.Pieces += v.Unknown
	return v, nil
}

// alphabetOf is the most frequent characters of words, at most limit of them (0:
// all), sorted; of equally frequent ones those that stand first in Unicode.
func alphabetOf(words map[string]int64, limit int) []rune {
	counts := map[rune]int64{}
	for w, n := range words {
		for _, r := range w {
			counts[r] += n
		}
	}
	list := make([]rune, 0, len(counts))
	for r := range counts {
		list = append(list, r)
	}
	sort.Slice(list, func(i, j int) bool {
		if a, b := counts[list[i]], counts[list[j]]; a != b {
			return a > b
		}
		return list[i] < list[j]
	})
	if limit > 0 {
		list = list[:min(len(list), limit)]
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

// knownWords is the words whose characters the alphabet has, sorted.
func knownWords(words map[string]int64, alphabet []rune) []string {
	has := map[rune]bool{}
	for _, r := range alphabet {
		has[r] = true
	}
	var known []string
	for w := range words {
		if strings.IndexFunc(w, func(r rune) bool { return !has[r] }) < 0 {
			known = append(known, w)
		}
	}
	sort.Strings(known)
	return known
}

// tokenizerOf is the tokeniser of a vocabulary that is sound.
func tokenizerOf(tokens []string, o tokenizer.Options) *tokenizer.Tokenizer {
	t, err := tokenizer.FromVocab(strings.NewReader(strings.Join(tokens, "\n")+"\n"), "vocabulary", o)
	if err != nil {
		panic("learn: " + err.Error())
	}
	return t
}

// learner merges and prunes.
type learner struct {
	pool    *par.Pool
	options tokenizer.Options
	words   []string
	counts  []int64
	merger  *merger
}

// learn is the tokens of a vocabulary of at most size.
func (l *learner) learn(ctx context.Context, size int) ([]string, error) {
	fixed := len(specials) + len(l.merger.pieces)
	for kept := []string(nil); ; {
		last, err := l.grow(ctx, size-max(len(kept), fixed))
		if err != nil {
			return nil, err
		}
		tokens := append(specials[:len(specials):len(specials)], l.merger.pieces...)
		use := l.usage(tokenizerOf(tokens, l.options))
		kept = tokens[:fixed:fixed]
		for i := fixed; i < len(tokens); i++ {
			if use[i] >= max(1, last) {
				kept = append(kept, tokens[i])
			}
		}
		if last == 0 || len(kept) >= size {
			return kept[:min(size, len(kept))], nil
		}
	}
}

// grow merges until there are n more pieces, and returns how often the last
// pair occurred: 0 when the text has no more.
func (l *learner) grow(ctx context.Context, n int) (last int64, err error) {
	for end := len(l.merger.pieces) + n; len(l.merger.pieces) < end; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if last = l.merger.next(); last == 0 {
			break
		}
	}
	return last, nil
}

// usage is how often each token stands in the words.
func (l *learner) usage(t *tokenizer.Tokenizer) []int64 {
	u := &usages{learner: l, tokenizer: t, of: make([][]int64, l.pool.Workers())}
	l.pool.Run(len(u.of), u)
	for _, use := range u.of[1:] {
		for id, n := range use {
			u.of[0][id] += n
		}
	}
	return u.of[0]
}

// usages counts tokens; its piece i is every n-th word from the i-th on, with n
// workers.
type usages struct {
	*learner
	tokenizer *tokenizer.Tokenizer
	of        [][]int64
}

func (u *usages) Piece(i int) {
	use := make([]int64, u.tokenizer.VocabSize())
	var ids []int32
	for w := i; w < len(u.words); w += len(u.of) {
		ids = u.tokenizer.AppendPieces(ids[:0], []byte(u.words[w]))
		for _, id := range ids {
			use[id] += u.counts[w]
		}
	}
	u.of[i] = use
}
