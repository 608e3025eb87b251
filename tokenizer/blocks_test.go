package tokenizer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"

	"pactune/internal/realdata"
	"unicode/utf8"
)

// blocks.json is what testdata/generate/tokenizer_blocks.py recorded of the
// reference tokeniser: where the lines come from, and hashes per block of them.
type blocks struct {
	Block, Lines int        // lines of a block (the last may have fewer), and of all
	Single, Pair int        // maximal lengths
	Files        []string   // tab-separated
	Columns      [][]int    // of each file, those with text
	Texts        []string   // paragraphs, gzip
	Whole, Plain int        // how paragraphs become lines
	Pools        [][2]int32 // first and last code point
	Between      []string
	Lengths      []int
	Made         int
	Hashes       map[string]string // 12 hex digits per block
}

const blockDigits = 12

// draws is the generator of tokenizer_blocks.py: Knuth's MMIX linear
// congruential generator.
type draws uint64

func (r *draws) below(n int) int {
	*r = *r*6364136223846793005 + 1442695040888963407
	return int(uint64(*r) >> 33 % uint64(n))
}

// eachLine yields the lines in the order of the recording.
func (b *blocks) eachLine(t *testing.T, data string, yield func(line string)) {
	t.Helper()
	for i, name := range b.Files {
		content, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range strings.Split(string(content), "\n") {
			cells := strings.Split(row, "\t")
			for _, c := range b.Columns[i] {
				if c < len(cells) {
					yield(cells[c])
				}
			}
		}
	}
	for _, name := range b.Texts {
		b.eachSentence(t, filepath.Join(data, name), yield)
	}
	b.eachMade(yield)
}

// eachSentence yields every b.Whole-th paragraph of a text whole, of the others
// the sentences with a character beyond ASCII and every b.Plain-th without.
func (b *blocks) eachSentence(t *testing.T, name string, yield func(line string)) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	s, n := bufio.NewScanner(z), 0
	s.Buffer(make([]byte, 1<<20), 1<<20)
	s.Split(scanNewlines)
	for i := 0; s.Scan(); i++ {
		switch line := s.Text(); {
		case line == "":
		case i%b.Whole == 0:
			yield(line)
		default:
			for _, sentence := range strings.Split(line, ". ") {
				n++
				if n%b.Plain == 0 || utf8.RuneCountInString(sentence) < len(sentence) {
					yield(sentence)
				}
			}
		}
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// scanNewlines splits at '\n' alone: bufio.ScanLines takes "\r" along.
func scanNewlines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// eachMade yields lines of zero to five words; a word is of one range of
// characters, and half the lines keep to one.
func (b *blocks) eachMade(yield func(line string)) {
	r := draws(3)
	var line []byte
	for range b.Made {
		line = line[:0]
		pool, mixed := r.below(len(b.Pools)), r.below(2) == 0
		for words := r.below(6); words > 0; words-- {
			if mixed {
				pool = r.below(len(b.Pools))
			}
			first, last := b.Pools[pool][0], b.Pools[pool][1]
			length := b.Lengths[r.below(len(b.Lengths))]
			if length > 90 && r.below(8) > 0 {
				length = 3
			}
			for range length {
				line = utf8.AppendRune(line, first+rune(r.below(int(last-first+1))))
			}
			line = append(line, b.Between[r.below(len(b.Between))]...)
		}
		yield(string(line))
	}
}

// blockHashes are the hashes of one block under the names of the recording.
func (b *blocks) blockHashes(tokenizers map[string]*Tokenizer, lines []string) map[string]string {
	var e Encoding
	var buffer []byte
	out := make(map[string]string)
	digest := sha256.New()
	finish := func(name string) {
		out[name] = hex.EncodeToString(digest.Sum(nil))[:blockDigits]
		digest.Reset()
	}
	for _, line := range lines {
		buffer = binary.LittleEndian.AppendUint32(buffer[:0], uint32(len(line)))
		digest.Write(append(buffer, line...))
	}
	finish("text")
	for name, tk := range tokenizers {
		for _, line := range lines {
			tk.Encode(&e, line, "", false, b.Single)
			buffer = appendEncoding(buffer[:0], &e)
			digest.Write(buffer)
		}
		finish(name + ", single")
		for i := 0; i+1 < len(lines); i += 2 {
			tk.Encode(&e, lines[i], lines[i+1], true, b.Pair)
			buffer = appendEncoding(buffer[:0], &e)
			digest.Write(buffer)
		}
		finish(name + ", pairs")
	}
	return out
}

// blockTokenizers are the tokenisers of the recording, read from the files of
// the data folder, and the cased one as read from the tokenizer.json that
// WriteFiles makes of it.
func blockTokenizers(t *testing.T, data string) map[string]*Tokenizer {
	t.Helper()
	file, err := Load(os.DirFS(filepath.Join(data, "vocab")), "bert-base-uncased")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Tokenizer{"uncased tokenizer.json": file}
	for name, folder := range map[string]string{"uncased vocab.txt": "bert-base-uncased", "cased vocab.txt": "bert-base-cased"} {
		out[name], err = FromVocab(realVocab(t, folder), folder, Options{Lowercase: folder == "bert-base-uncased"})
		if err != nil {
			t.Fatal(err)
		}
	}
	out["cased tokenizer.json"] = rewritten(t, out["cased vocab.txt"])
	return out
}

// block is consecutive lines.
type block struct {
	number int
	lines  []string
}

// difference is a hash of a block that is not the recorded one.
type difference struct {
	block
	name, got, want string
}

// compare hashes the blocks that come over work and returns the number of lines
// and what differs, in the order of the blocks.
func (b *blocks) compare(tokenizers map[string]*Tokenizer, work <-chan block) (lines int, found []difference) {
	var lock sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for one := range work {
				hashes := b.blockHashes(tokenizers, one.lines)
				lock.Lock()
				lines += len(one.lines)
				for name, all := range b.Hashes {
					want := "none"
					if end := blockDigits * (one.number + 1); end <= len(all) {
						want = all[end-blockDigits : end]
					}
					if hashes[name] != want {
						found = append(found, difference{one, name, hashes[name], want})
					}
				}
				lock.Unlock()
			}
		}()
	}
	workers.Wait()
	sort.Slice(found, func(i, j int) bool {
		x, y := found[i], found[j]
		return x.number < y.number || x.number == y.number && x.name < y.name
	})
	return lines, found
}

// send cuts the lines into blocks, of which it sends every step-th, and returns
// the number of lines.
func (b *blocks) send(t *testing.T, data string, step int, work chan<- block) (total int) {
	t.Helper()
	defer close(work)
	var next block
	flush := func() {
		if len(next.lines) > 0 && next.number%step == 0 {
			work <- next
			next.lines = make([]string, 0, b.Block)
		}
		next.lines, next.number = next.lines[:0], next.number+1
	}
	b.eachLine(t, data, func(line string) {
		total++
		if next.lines = append(next.lines, line); len(next.lines) == b.Block {
			flush()
		}
	})
	flush()
	return total
}

// Over a million lines have the reference's ids, types and truncation: GLUE,
// Wikipedia, novels, and made lines of fifty ranges of characters. A block is
// hashed as a whole, so that the recording stays small; with -short every tenth
// block is compared.
func TestMillionLines(t *testing.T) {
	data := realdata.Dir(t)
	var b blocks
	readJSON(t, "blocks.json", &b)
	for _, kind := range []string{", single", ", pairs"} {
		b.Hashes["cased tokenizer.json"+kind] = b.Hashes["cased vocab.txt"+kind]
	}
	tokenizers := blockTokenizers(t, data)
	if len(b.Hashes) != 1+2*len(tokenizers) {
		t.Fatalf("blocks.json: %d lists of hashes", len(b.Hashes))
	}
	step := 1
	if testing.Short() {
		step = 10
	}
	work, done := make(chan block, 2), make(chan struct{})
	var compared int
	var found []difference
	go func() {
		compared, found = b.compare(tokenizers, work)
		close(done)
	}()
	total := b.send(t, data, step, work)
	<-done
	t.Logf("%d of %d lines compared, each alone and in a pair, under %d tokenisers: %d hashes differ", compared, total, len(tokenizers), len(found))
	if total != b.Lines {
		t.Errorf("%d lines, want %d: the data folder holds other text than was recorded", total, b.Lines)
	}
	if len(found) > 0 {
		d := found[0]
		t.Errorf("%d hashes differ, the first in block %d, lines %d to %d, which begins %.80q: %s: %s, want %s",
			len(found), d.number, d.number*b.Block, d.number*b.Block+len(d.lines)-1, d.lines[0], d.name, d.got, d.want)
	}
}
