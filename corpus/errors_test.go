package corpus

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/tokenizer"
)

func wants(t *testing.T, what string, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	if fault.KindOf(err) != kind {
		t.Errorf("%s: %v is of kind %d, want %d", what, err, fault.KindOf(err), kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q lacks %q", what, err, part)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for what, change := range map[string]func(*Options){
		"no text files":         func(o *Options) { o.Files = nil },
		"sequences of 7 tokens": func(o *Options) { o.MaxLength = 7 },
		"a share of 0 of":       func(o *Options) { o.Probability = 0 },
		"a share of 1 of":       func(o *Options) { o.HeldOut = 1 },
		"held-out tokens":       func(o *Options) { o.HeldOutTokens = 3 },
		"blocks of 10000":       func(o *Options) { o.Block = 10000 },
	} {
		o := small(t, "")
		change(&o)
		_, err := Open(o, nil)
		wants(t, what, err, fault.Usage, what)
	}
	o := small(t, "")
	var err error
	o.Tokenizer, err = tokenizer.FromVocab(strings.NewReader("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"), "v", tokenizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(o, nil)
	wants(t, "no tokens of text", err, fault.Model, "0 tokens of text")
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.txt", countingText(0, 2000))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(countingText(0, 6000))); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(packed.Bytes())
	damaged[len(damaged)-6] ^= 1 // the checksum
	for name, c := range map[string]struct {
		content string
		parts   []string
	}{
		"empty.txt":     {"", []string{"no text"}},
		"latin1.txt":    {strings.Repeat("caf\xe9 ", 100) + "\n", []string{"100 of 501 bytes are not UTF-8", "line 1"}},
		"utf16.txt":     {strings.Repeat("a\x00", 100), []string{"100 of 200 bytes"}},
		"cut.gz":        {packed.String()[:packed.Len()/2], []string{"damaged gzip", "unexpected EOF"}},
		"damaged.gz":    {string(damaged), []string{"damaged gzip", "checksum"}},
		"header.gz":     {"\x1f\x8bnonsense, as it were", []string{"damaged gzip", "header"}},
		"twice.txt":     {countingText(0, 2000), []string{"good.txt", "the same bytes"}},
		"emptytext.gz":  {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00", []string{"no text"}},
		"not-there.txt": {"-", []string{"no such file"}},
		"folder.txt":    {"/", []string{"folder", "regular file"}},
	} {
		path := filepath.Join(dir, name)
		switch c.content {
		case "-":
		case "/":
			if err := os.Mkdir(path, 0o777); err != nil {
				t.Fatal(err)
			}
		default:
			if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		o := small(t, "")
		o.Files = []string{good, path}
		_, err := Open(o, nil)
		wants(t, name, err, fault.Data, append(c.parts, name)...)
	}
}

func TestTooLittleText(t *testing.T) {
	for what, c := range map[string]struct {
		text    string
		heldOut float64
		parts   []string
	}{
		"short":     {"w1 w2 w3 w4 w5", 0, []string{"5 tokens", "at least 22"}},
		"blank":     {strings.Repeat(" \n", 9000), 0, []string{"0 tokens"}},
		"one block": {"w1 w2 w3 w4 w5", 0.1, []string{"1 block(s)", "hold out a smaller share"}},
	} {
		o := small(t, "")
		o.HeldOut, o.Files = c.heldOut, []string{write(t, t.TempDir(), "t.txt", c.text)}
		_, err := Open(o, nil)
		wants(t, what, err, fault.Data, append(c.parts, "t.txt")...)
	}
}

// A few bytes that are no text are counted and left out.
func TestNotes(t *testing.T) {
	o := small(t, "")
	text := countingText(0, 2000) + "\n"
	line := strings.Count(text, "\n") + 2
	text += "w1\nw2 \xff\xfe\x00 w3\nw4" + strings.Repeat("\nw5", 300)
	o.Files = []string{write(t, t.TempDir(), "t.txt", text)}
	c := open(t, o, nil)
	f := c.Files()[0]
	if f.BadBytes != 3 || f.BadLine != int64(line) || f.Bytes != int64(len(text)) || f.Lines != int64(strings.Count(text, "\n"))+1 {
		t.Errorf("%+v: want 3 bad bytes, the first in line %d of %d", f, line, strings.Count(text, "\n")+1)
	}
	if n := c.Notes(); len(n) != 1 || !strings.Contains(n[0], "3 of ") || !strings.Contains(n[0], "t.txt") {
		t.Errorf("notes: %q", n)
	}
}

// What changes after Open is an error where it is read, and again after that;
// when the file is as it was, reading goes on.
func TestChangedFiles(t *testing.T) {
	for _, suffix := range []string{"", ".gz"} {
		o := small(t, suffix)
		o.Seed = 11
		c := open(t, o, nil)
		last := o.Files[2]
		old, err := os.ReadFile(last)
		if err != nil {
			t.Fatal(err)
		}
		straight := open(t, o, nil)
		var want []Batch
		for straight.Position().Epoch < 2 {
			want = append(want, next(t, straight, 1))
		}
		for what, content := range map[string][]byte{
			"other words": bytes.ReplaceAll(old, []byte("w50"), []byte("w51")),
			"longer":      append(bytes.Clone(old), "w1 "...),
			"shorter":     old[:len(old)/2],
			"gone":        nil,
		} {
			if suffix != "" && what == "other words" {
				continue
			}
			if err := c.Seek(Position{}); err != nil {
				t.Fatal(err)
			}
			c.wait()
			if err := os.WriteFile(last, content, 0o666); err != nil {
				t.Fatal(err)
			}
			if content == nil {
				os.Remove(last)
			}
			var b Batch
			for c.Position().Epoch < 2 && err == nil {
				err = c.Next(&b, 1)
			}
			wants(t, what+suffix, err, fault.Data, last)
			wants(t, what+suffix+" again", c.Next(&b, 1), fault.Data, last)
			at := c.Position()
			if err := os.WriteFile(last, old, 0o666); err != nil {
				t.Fatal(err)
			}
			err = nil
			for c.Position().Epoch < 2 {
				if got := next(t, c, 1); c.Position().Epoch == 2 && !same(got, want[len(want)-1]) {
					t.Errorf("%s%s: another end after the error at %+v", what, suffix, at)
				}
			}
		}
	}
}

func TestSeekOutside(t *testing.T) {
	c := open(t, small(t, ""), nil)
	for _, p := range []Position{{-1, 0, 0}, {0, -1, 0}, {0, c.Windows(), 0}, {0, 0, -1}, {0, 1, 1 << 20}} {
		wants(t, "Seek", c.Seek(p), fault.Usage, "belongs to other text")
	}
	next(t, c, 3)
	if p := c.Position(); p != (Position{0, 0, 3}) {
		t.Errorf("the position is %+v, want what it was and three on", p)
	}
}
