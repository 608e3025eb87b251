package embedded

import (
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"
)

// item is one labelled text; words are its letters in small, cut at
// everything else.
type item struct {
	text, label string
	words       []string
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && r != '\''
	})
}

// distinct returns the words of an item without repetition.
func (it *item) distinct() map[string]bool {
	set := make(map[string]bool)
	for _, w := range it.words {
		set[w] = true
	}
	return set
}

// items parses a data file by hand, not with the reader of the command.
func items(t *testing.T, name string, data []byte) []item {
	t.Helper()
	if !utf8.Valid(data) {
		t.Fatalf("%s is not UTF-8", name)
	}
	if !strings.HasSuffix(string(data), "\n") {
		t.Fatalf("%s: the last line has no end", name)
	}
	var out []item
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		text, label, ok := strings.Cut(line, "\t")
		if !ok || strings.Contains(label, "\t") {
			t.Fatalf("%s:%d: %q is not text<TAB>label", name, i+1, line)
		}
		if label != Garden && label != Kitchen {
			t.Fatalf("%s:%d: label %q", name, i+1, label)
		}
		if text != strings.TrimSpace(text) || text == "" {
			t.Fatalf("%s:%d: empty text, or space around it", name, i+1)
		}
		out = append(out, item{text, label, wordsOf(text)})
	}
	return out
}

func both(t *testing.T) (train, dev []item) {
	return items(t, TrainFile, Train()), items(t, DevFile, Dev())
}

func TestCountsAndBalance(t *testing.T) {
	train, dev := both(t)
	for _, part := range []struct {
		name  string
		items []item
		want  int
	}{{TrainFile, train, 750}, {DevFile, dev, 250}} {
		garden := 0
		for _, it := range part.items {
			if it.label == Garden {
				garden++
			}
		}
		if len(part.items) != part.want || 2*garden != part.want {
			t.Errorf("%s: %d texts, %d of them garden; want %d, half of them garden", part.name, len(part.items), garden, part.want)
		}
	}
}

func TestLengths(t *testing.T) {
	train, dev := both(t)
	words := 0
	for _, it := range append(train, dev...) {
		words += len(it.words)
		if n := len(it.words); n < 6 || n > 24 || len(it.text) > 120 {
			t.Errorf("%d words, %d bytes: %q", n, len(it.text), it.text)
		}
	}
	t.Logf("%.1f words a text", float64(words)/float64(len(train)+len(dev)))
}

// TestDisjoint compares every two texts as sets of words: none is there twice,
// and none of one part shares more than 60 % of the words with one of the other.
func TestDisjoint(t *testing.T) {
	train, dev := both(t)
	seen := make(map[string]bool)
	for _, it := range append(append([]item{}, train...), dev...) {
		key := strings.Join(it.words, " ")
		if seen[key] {
			t.Errorf("twice: %q", it.text)
		}
		seen[key] = true
	}
	sets := make([]map[string]bool, len(train))
	for i := range train {
		sets[i] = train[i].distinct()
	}
	worst, pair := 0.0, ""
	for _, d := range dev {
		words := d.distinct()
		for i, set := range sets {
			shared := 0
			for w := range words {
				if set[w] {
					shared++
				}
			}
			if s := float64(shared) / float64(len(words)+len(set)-shared); s > worst {
				worst, pair = s, d.text+" | "+train[i].text
			}
		}
	}
	t.Logf("the closest two share %.2f of their words: %s", worst, pair)
	if worst > 0.6 {
		t.Errorf("near-duplicates in both parts: %s", pair)
	}
}

// TestNoWordGivesTheLabelAway counts, for each word, the texts of each class
// that have it.
func TestNoWordGivesTheLabelAway(t *testing.T) {
	train, dev := both(t)
	all := append(train, dev...)
	type count struct{ garden, kitchen int }
	counts := make(map[string]count)
	for i := range all {
		for w := range all[i].distinct() {
			c := counts[w]
			if all[i].label == Garden {
				c.garden++
			} else {
				c.kitchen++
			}
			counts[w] = c
		}
	}
	best, bestWord, lean, leanWord := 0.0, "", 0.0, ""
	for w, c := range counts {
		// The classes are equally large: the rule "has w: this class, else the
		// other" is right for half the texts and the surplus.
		right := 0.5 + float64(max(c.garden-c.kitchen, c.kitchen-c.garden))/float64(len(all))
		if right > best || right == best && w < bestWord {
			best, bestWord = right, w
		}
		if right >= 0.6 {
			t.Errorf("the word %q alone is right for %.1f %% of the texts", w, 100*right)
		}
		n := c.garden + c.kitchen
		if n < 5 {
			continue
		}
		share := float64(max(c.garden, c.kitchen)) / float64(n)
		if share > lean || share == lean && w < leanWord {
			lean, leanWord = share, w
		}
		if min(c.garden, c.kitchen) == 0 || share > 5.0/6 {
			t.Errorf("the word %q: %d garden, %d kitchen", w, c.garden, c.kitchen)
		}
	}
	t.Logf("%d words; best single word %q: %.1f %%; most one-sided %q: %.1f %%", len(counts), bestWord, 100*best, leanWord, 100*lean)
}

func TestFiles(t *testing.T) {
	for name, want := range map[string][]byte{TrainFile: Train(), DevFile: Dev()} {
		got, err := fs.ReadFile(Files(), name)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %d bytes, %v; want %d bytes", name, len(got), err, len(want))
		}
	}
}
