package corpus

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/internal/par"
	"pactune/internal/rng"
	"pactune/tokenizer"
)

const (
	unknownID, classID, separatorID, maskID = 1, 2, 3, 4
	firstWord                               = 9 // id of the word w0
)

// numbered is a vocabulary of the words w0 … w(n−1), then ##x and ##y.
func numbered(t testing.TB, n int) *tokenizer.Tokenizer {
	t.Helper()
	var v strings.Builder
	v.WriteString("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n?\n!\n,\n")
	for i := range n {
		fmt.Fprintf(&v, "w%d\n", i)
	}
	v.WriteString("##x\n##y\n")
	tk, err := tokenizer.FromVocab(strings.NewReader(v.String()), "vocab.txt", tokenizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

// countingText is the words w(from) … w(to−1), every one once, in sentences of
// one to forty words, with a line's end and a blank line now and then.
func countingText(from, to int) string {
	var s strings.Builder
	key := rng.NewKey(5, rng.StreamSubset, uint64(from))
	left := 1
	for i := from; i < to; i++ {
		fmt.Fprintf(&s, "w%d", i)
		if left--; left > 0 {
			s.WriteByte(' ')
			continue
		}
		left = 1 + key.Intn(uint64(i), 40)
		s.WriteString([]string{". ", "? ", "! ", "\n", "\n\n", ".\n"}[key.Intn(uint64(i)<<32, 6)])
	}
	return s.String()
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z := gzip.NewWriter(file)
		_, err = z.Write([]byte(text))
		if err == nil {
			err = z.Close()
		}
	} else {
		_, err = file.WriteString(text)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const words = 6000

// small is three files of 6000 words in all, in about seven windows.
func small(t testing.TB, suffix string) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{
		Files: []string{
			write(t, dir, "a.txt"+suffix, countingText(0, 2500)),
			write(t, dir, "b.txt"+suffix, countingText(2500, 2600)),
			write(t, dir, "c.txt"+suffix, countingText(2600, words)),
		},
		Tokenizer: numbered(t, words), MaxLength: 24, Seed: 7, Probability: 0.15, MaskShare: 0.8, RandomShare: 0.1,
		HeldOut: 0.1, HeldOutTokens: 1 << 20, Block: 512, Window: 5000,
	}
}

func open(t testing.TB, o Options, pool *par.Pool) *Corpus {
	t.Helper()
	c, err := Open(o, pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// next reads a batch and returns a copy of it.
func next(t testing.TB, c *Corpus, sequences int) Batch {
	t.Helper()
	var b Batch
	if err := c.Next(&b, sequences); err != nil {
		t.Fatal(err)
	}
	return b
}

// restored is the text of each sequence as it was before masking, without
// [CLS] and [SEP], of which it checks the places.
func restored(t testing.TB, b *Batch) [][]int32 {
	t.Helper()
	ids := slices.Clone(b.IDs)
	for j, at := range b.At {
		ids[at] = b.Targets[j]
	}
	var out [][]int32
	for i := range b.Examples {
		row := ids[b.RowStarts[i]:b.RowStarts[i+1]]
		if row[0] != classID || row[len(row)-1] != separatorID {
			t.Fatalf("a sequence is %v: expected [CLS] … [SEP]", row)
		}
		out = append(out, row[1:len(row)-1])
	}
	return out
}

// epoch reads the sequences of one epoch, from its start.
func epoch(t testing.TB, c *Corpus) [][]int32 {
	t.Helper()
	var out [][]int32
	for e := c.Position().Epoch; c.Position().Epoch == e; {
		b := next(t, c, 1)
		out = append(out, restored(t, &b)...)
	}
	return out
}

// look marks the words of sequences, each of which must be consecutive words, as
// seen; a word may be seen once.
func look(t *testing.T, seen []bool, sequences [][]int32, maxLength int) {
	t.Helper()
	for _, s := range sequences {
		if len(s) == 0 || len(s) > maxLength-2 {
			t.Fatalf("a sequence of %d tokens, at most %d fit", len(s), maxLength-2)
		}
		last := int32(-1)
		for _, id := range s {
			if id < firstWord {
				continue // a full stop
			}
			if last >= 0 && id != last+1 {
				t.Fatalf("a sequence jumps from word %d to %d", last-firstWord, id-firstWord)
			}
			if last = id; seen[id-firstWord] {
				t.Fatalf("word %d occurs twice", id-firstWord)
			}
			seen[id-firstWord] = true
		}
	}
}

// Every word is in one training sequence of an epoch, or in a held-out one. The
// held-out ones are the same in every epoch, order and packing are not.
func TestEveryTokenOnce(t *testing.T) {
	o := small(t, "")
	c := open(t, o, nil)
	if c.Windows() < 5 {
		t.Fatalf("%d windows: the test wants more", c.Windows())
	}
	held := make([]bool, words)
	var b Batch
	c.HeldOut(&b, 0, 1<<20)
	look(t, held, restored(t, &b), o.MaxLength)
	if n := count(held); n < words/50 || n > words/4 {
		t.Errorf("%d of %d words are held out, want about a tenth", n, words)
	}
	var epochs [3][][]int32
	for e := range epochs {
		seen := slices.Clone(held)
		epochs[e] = epoch(t, c)
		look(t, seen, epochs[e], o.MaxLength)
		if n := count(seen); n != words {
			t.Errorf("epoch %d: %d words seen, want %d", e, n, words)
		}
		if p := c.Position(); p != (Position{Epoch: e + 1}) {
			t.Errorf("behind epoch %d the position is %+v", e, p)
		}
	}
	if slices.EqualFunc(epochs[0], epochs[1], slices.Equal) {
		t.Error("two epochs have one order")
	}
	if boundaries(epochs[0]) == boundaries(epochs[1]) {
		t.Error("two epochs have one packing")
	}
	if s := c.Stats(); !s.Exact || s.Tokens != int64(tokens(epochs[0])) || s.Tokens != int64(tokens(epochs[2])) {
		t.Errorf("Stats: %+v, want %d tokens, exactly", s, tokens(epochs[0]))
	}
}

// Sequences in which nothing can be masked are left out, the others stay.
func TestOnlyOrdinarySequences(t *testing.T) {
	o := small(t, "")
	var text strings.Builder
	for i := range 200 {
		text.WriteString(strings.Repeat("[MASK] zzz ", 22)) // zzz is [UNK]: one or two sequences
		fmt.Fprintf(&text, ". w%d\n", i)
	}
	o.HeldOut, o.Files = 0, []string{write(t, t.TempDir(), "t.txt", text.String())}
	c := open(t, o, nil)
	seen := map[int32]bool{}
	for _, s := range epoch(t, c) {
		ordinary := false
		for _, id := range s {
			ordinary = ordinary || id > maskID
			seen[id] = true
		}
		if !ordinary {
			t.Fatalf("%v was read", s)
		}
	}
	for i := range int32(200) {
		if !seen[firstWord+i] {
			t.Errorf("word %d was left out", i)
		}
	}
	if u := c.Stats().Unknown; u < 0.4 || u > 0.5 {
		t.Errorf("a share of %v is [UNK], want almost a half", u)
	}
}

// A cap on held-out tokens leaves out the end of what is evaluated, and changes
// nothing about training.
func TestHeldOutTokens(t *testing.T) {
	o := small(t, "")
	all := open(t, o, nil)
	o.HeldOutTokens = 100
	some := open(t, o, nil)
	var x, y Batch
	some.HeldOut(&x, 0, 1<<20)
	all.HeldOut(&y, 0, x.Examples)
	if n := len(x.IDs); n > 100 || n <= 100-o.MaxLength || n != some.Stats().HeldOutTokens || !same(x, y) {
		t.Errorf("%d held-out tokens of %d, want the first 100 at most", n, all.Stats().HeldOutTokens)
	}
	for all.Position().Epoch == 0 {
		if x, y := next(t, all, 10), next(t, some, 10); !same(x, y) {
			t.Fatalf("before %+v: other training text", all.Position())
		}
	}
}

// Right after Open the tokens of an epoch are an estimate from one window of
// seven, which here are much alike.
func TestEstimate(t *testing.T) {
	c := open(t, small(t, ""), nil)
	before := c.Stats()
	epoch(t, c)
	after := c.Stats()
	if before.Exact || !after.Exact || before.Bytes != after.Bytes {
		t.Errorf("first %+v, then %+v", before, after)
	}
	for _, r := range []float64{
		float64(before.Tokens) / float64(after.Tokens), float64(before.Sequences) / float64(after.Sequences),
	} {
		if r < 0.8 || r > 1.25 { // a window has about 50 sequences, and the first has the shorter words
			t.Errorf("an estimate is %.2f of what it turned out to be: first %+v, then %+v", r, before, after)
		}
	}
}

func count(seen []bool) (n int) {
	for _, s := range seen {
		if s {
			n++
		}
	}
	return n
}

func tokens(sequences [][]int32) (n int) {
	for _, s := range sequences {
		n += len(s)
	}
	return n
}

// boundaries are the first words of the sequences in the order of the text.
func boundaries(sequences [][]int32) string {
	var first []int32
	for _, s := range sequences {
		first = append(first, s[0])
	}
	slices.Sort(first)
	return fmt.Sprint(first)
}

// Every window has of every file the share that is due, up to a block, and the
// windows divide the blocks; the blocks of many small files spread.
func TestSharesOfWindows(t *testing.T) {
	c := &Corpus{o: Options{Seed: 3}, windows: make([]extent, 7)}
	for _, blocks := range []int{1000, 8, 7, 6} {
		c.files = append(c.files, File{Blocks: blocks})
	}
	for range 700 {
		c.files = append(c.files, File{Blocks: 1})
	}
	var singles [7]int
	for f := range c.files {
		n, end := c.files[f].Blocks, 0
		for w := range c.windows {
			first, last := c.share(f, w)
			if first != end || last < first || last-first > n/7+1 || last-first < n/7-1 {
				t.Fatalf("file %d of %d blocks, window %d: blocks %d to %d after %d", f, n, w, first, last, end)
			}
			end = last
			if n == 1 {
				singles[w] += last - first
			}
		}
		if end != n {
			t.Errorf("file %d: %d of %d blocks are in a window", f, end, n)
		}
	}
	for w, n := range singles {
		if n < 54 || n > 146 { // five standard deviations of a binomial around 100
			t.Errorf("window %d has %d of 700 files of one block", w, n)
		}
	}
}

// The stream is the same on any number of threads, from plain and compressed files.
func TestThreadsAndCompression(t *testing.T) {
	var want []Batch
	for i, suffix := range []string{"", ".gz"} {
		o := small(t, suffix)
		for _, threads := range []int{1, 2, 8} {
			pool := par.New(threads)
			c := open(t, o, pool)
			var got []Batch
			for c.Position().Epoch < 2 {
				got = append(got, next(t, c, 13))
			}
			var held Batch
			c.HeldOut(&held, 0, 1000)
			got = append(got, held)
			c.Close()
			pool.Close()
			if i == 0 && threads == 1 {
				want = got
				continue
			}
			if !slices.EqualFunc(got, want, same) {
				t.Errorf("%d threads, files %q: another stream", threads, suffix)
			}
		}
	}
}

func same(x, y Batch) bool {
	return slices.Equal(x.IDs, y.IDs) && slices.Equal(x.Types, y.Types) && slices.Equal(x.RowStarts, y.RowStarts) &&
		slices.Equal(x.ExampleIDs, y.ExampleIDs) && slices.Equal(x.At, y.At) && slices.Equal(x.Targets, y.Targets) && x.Examples == y.Examples
}

// From every position of two epochs Seek gives what straight reading gave, in
// the corpus that has read on and in a new one.
func TestSeekEqualsReading(t *testing.T) {
	for _, suffix := range []string{"", ".gz"} {
		o := small(t, suffix)
		c, other := open(t, o, nil), open(t, o, nil)
		var positions []Position
		var want []Batch
		for c.Position().Epoch < 2 {
			positions = append(positions, c.Position())
			want = append(want, next(t, c, 1))
		}
		check := func(c *Corpus, i int) {
			t.Helper()
			if err := c.Seek(positions[i]); err != nil {
				t.Fatal(err)
			}
			for j := i; j < min(i+3, len(want)); j++ {
				if got := next(t, c, 1); !same(got, want[j]) {
					t.Fatalf("files %q: behind Seek(%+v), at %+v: another sequence", suffix, positions[i], positions[j])
				}
			}
		}
		for i := range positions {
			check(c, i)
		}
		key := rng.NewKey(1, rng.StreamSubset, 0)
		for e := range uint64(50) {
			check(other, key.Intn(e, len(positions)))
		}
	}
}

// No name occurs twice in a batch, over windows and epochs.
func TestExampleIDsDiffer(t *testing.T) {
	c := open(t, small(t, ""), nil)
	seen := map[uint32]bool{}
	for c.Position().Epoch < 3 {
		b := next(t, c, 1)
		if seen[b.ExampleIDs[0]] {
			t.Fatalf("before %+v: the name %d again", c.Position(), b.ExampleIDs[0])
		}
		seen[b.ExampleIDs[0]] = true
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	o := small(t, "")
	o.Window = 2000
	c := open(t, o, nil)
	var b Batch
	c.Grow(&b, 5)
	ids := cap(b.IDs)
	for c.Position().Epoch == 0 { // the buffers of the windows grow
		if err := c.Next(&b, 5); err != nil {
			t.Fatal(err)
		}
	}
	before := c.Position()
	if n := testing.AllocsPerRun(30, func() {
		if err := c.Next(&b, 5); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a batch, want 0", n)
	}
	if p := c.Position(); p.Epoch != before.Epoch || p.Window < before.Window+2 {
		t.Errorf("read from %+v to %+v: the test wants windows of one epoch", before, p)
	}
	if cap(b.IDs) != ids {
		t.Error("Grow left too little room")
	}
}
