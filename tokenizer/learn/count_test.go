package learn

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand"
	"os"
	"reflect"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tokenizer"
)

// counter has counted a text with so many threads and bytes in a block.
func counter(t testing.TB, o tokenizer.Options, threads, block int, text string) *Counter {
	t.Helper()
	pool := par.New(threads)
	t.Cleanup(pool.Close)
	c := newCounter(pool, o, block)
	if s, err := c.Add(context.Background(), "text", strings.NewReader(text)); err != nil || s.Bytes != int64(len(text)) {
		t.Fatalf("%+v, %v; the text has %d bytes", s, err, len(text))
	}
	return c
}

// madeText is lines of all sorts, some of them no UTF-8.
func madeText(n int) string {
	r := rand.New(rand.NewSource(3))
	parts := []string{"The", "film", "naïve", "naive", " ", " ", "  ", "\n", "\n\n", "\r\n", "漢字", "e\u0301", "İ", "[MASK]", "[mask]", "\xe9", "\xff\xfe",
		"don't", "\u00a0", "ά", "\u0301", "\t", "5.5", strings.Repeat("long", 30), "\u2028", "\x00", "가각"}
	var b strings.Builder
	for range n {
		b.WriteString(parts[r.Intn(len(parts))])
		if r.Intn(2) == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// The counts are those of the words of every line, whatever the threads and
// wherever blocks end; so is the vocabulary.
func TestCountsDependOnTheTextAlone(t *testing.T) {
	text := madeText(4000)
	for _, o := range []tokenizer.Options{{Lowercase: true}, {}} {
		want, long := map[string]int64{}, int64(0)
		var e tokenizer.Encoding
		for _, line := range strings.Split(text, "\n") {
			tokenizerOf(specials, o).Words(&e, []byte(line), func(word []byte) {
				if len([]rune(string(word))) > 100 {
					long++
				} else {
					want[string(word)]++
				}
			})
		}
		if long == 0 || len(want) < 20 || want["[MASK]"] > 0 {
			t.Fatalf("%d long words, %v", long, want)
		}
		var vocab []string
		for _, threads := range []int{1, 2, 3, 8} {
			for _, block := range []int{1 << 10, 3000, blockSize} {
				c := counter(t, o, threads, block, text)
				if got, n := c.total(); n != long || !reflect.DeepEqual(got, want) {
					t.Errorf("%d threads, blocks of %d: %d long words, want %d\n%v\nwant\n%v", threads, block, n, long, got, want)
				}
				v, err := c.Learn(context.Background(), 90, 30)
				if err != nil {
					t.Fatal(err)
				}
				var tokens []string
				for id := range v.Tokenizer.VocabSize() {
					tokens = append(tokens, v.Tokenizer.Token(id))
				}
				if vocab == nil {
					vocab = tokens
				}
				if !reflect.DeepEqual(tokens, vocab) {
					t.Errorf("%d threads, blocks of %d: another vocabulary\n%q\n%q", threads, block, tokens, vocab)
				}
			}
		}
	}
}

// A block without white space ends between two characters.
func TestBlocksKeepCharactersWhole(t *testing.T) {
	text := strings.Repeat("漢字", 500)
	counted, _ := counter(t, tokenizer.Options{}, 2, 100, text).total()
	if want := map[string]int64{"漢": 500, "字": 500}; !reflect.DeepEqual(counted, want) {
		t.Errorf("found %v, want %v", counted, want)
	}
}

func TestBadUTF8IsReported(t *testing.T) {
	lines := make([]string, 3000)
	for i := range lines {
		lines[i] = "a plain line"
	}
	lines[1999], lines[2500] = "caf\xe9", "\xe9\xe9"
	for _, block := range []int{1 << 10, blockSize} {
		pool := par.New(2)
		c := newCounter(pool, tokenizer.Options{}, block)
		s, err := c.Add(context.Background(), "text", strings.NewReader(strings.Join(lines, "\n")))
		pool.Close()
		if err != nil || s.Bad != 3 || s.BadLine != 2000 {
			t.Errorf("blocks of %d: %+v, %v; want 3 bytes from line 2000 on", block, s, err)
		}
		if counted, _ := c.total(); counted["caf"] != 1 {
			t.Errorf("blocks of %d: %v", block, counted)
		}
	}
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

// gzip is known by its first bytes or by the name; parts follow one another.
func TestPackedTexts(t *testing.T) {
	whole := packed(strings.Repeat("some words ", 5000))
	for _, c := range []struct {
		name, data string
		words      int64 // −1: refused
	}{
		{"a.txt.gz", whole, 5000},
		{"a.txt", whole + whole, 10000},
		{"a.txt", "some words", 1},
		{"empty.txt", "", 0},
		{"a.gz", "some words", -1},
		{"a.gz", "", -1},
		{"cut.gz", whole[:len(whole)/2], -1},
		{"cut", whole[:len(whole)-3], -1},
		{"damaged", whole[:len(whole)-6] + "xxxxxx", -1},
		{"after", whole + "text", -1},
	} {
		pool := par.New(2)
		counter := NewCounter(pool, tokenizer.Options{})
		_, err := counter.Add(context.Background(), c.name, strings.NewReader(c.data))
		pool.Close()
		if c.words < 0 {
			if fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), c.name+": damaged behind ") {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if counted, _ := counter.total(); err != nil || counted["words"] != c.words {
			t.Errorf("%s: %v, %v; want %d words", c.name, counted, err, c.words)
		}
	}
}

type endless struct{}

func (endless) Read([]byte) (int, error) { select {} }

// A reader that never answers does not keep Add from ending, nor do merges
// Learn; a reader that fails is named.
func TestEnds(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	ended, end := context.WithCancel(context.Background())
	end()
	c := NewCounter(pool, tokenizer.Options{})
	if _, err := c.Add(ended, "text", io.MultiReader(strings.NewReader("some words"), endless{})); err != context.Canceled {
		t.Errorf("Add: %v", err)
	}
	for _, read := range []string{"", "some", strings.Repeat("some words ", blockSize/4)} {
		_, err := c.Add(context.Background(), "text", io.MultiReader(strings.NewReader(read), failing{}))
		if fault.KindOf(err) != fault.Data || err == nil || err.Error() != "text: the disk is gone" {
			t.Errorf("Add of a reader that fails after %d bytes: %v", len(read), err)
		}
	}
	counted := counter(t, tokenizer.Options{}, 2, blockSize, "some words some words")
	if _, err := counted.Learn(ended, 100, 0); err != context.Canceled {
		t.Errorf("Learn: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		text string
		size int
		kind fault.Kind
		says string
	}{
		{"", 100, fault.Data, "found no words"},
		{" \n\x00\xff", 100, fault.Data, "found no words"},
		{"ab ba ca", 9, fault.Usage, "5 special tokens, 3 characters and 2 continuations of words by one character are 10 pieces"},
	} {
		_, err := counter(t, tokenizer.Options{}, 2, blockSize, c.text).Learn(context.Background(), c.size, 1000)
		if fault.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	if v := learnt(t, tokenizer.Options{}, "ab ba ca", 10, 1000); v.Tokenizer.VocabSize() != 10 {
		t.Errorf("%d pieces, want 10", v.Tokenizer.VocabSize())
	}
}

// BenchmarkLearn is a whole vocabulary of 8,000 pieces from a text that
// PACTUNE_TEXT names.
func BenchmarkLearn(b *testing.B) {
	data, err := os.ReadFile(os.Getenv("PACTUNE_TEXT"))
	if err != nil {
		b.Skip(err)
	}
	b.SetBytes(int64(len(data)))
	for i := 0; i < b.N; i++ {
		learnt(b, tokenizer.Options{Lowercase: true}, string(data), 8000, 1000)
	}
}
