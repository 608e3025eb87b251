package corpus

import (
	"slices"
	"strings"
	"testing"

	"pactune/internal/rng"
)

func TestSentences(t *testing.T) {
	for text, want := range map[string][]string{
		"One. Two? Three! Four":    {"One.", " Two?", " Three!", " Four"},
		"A line\nand one. more\n":  {"A line\n", "and one.", " more\n"},
		"3.14 is “pi.” No.\n":      {"3.14 is “pi.” No.\n"},
		"Wait... what?! Yes . End": {"Wait...", " what?!", " Yes .", " End"},
		"\n\n":                     {"\n", "\n"},
		"end.":                     {"end."},
	} {
		var got []string
		for rest := text; rest != ""; {
			n := sentence([]byte(rest))
			got, rest = append(got, rest[:n]), rest[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// naivePack takes tokens out of a list of sentences, one after the other.
func naivePack(sentences [][]int32, first, room int) (out [][]int32) {
	var now []int32
	limit := first
	flush := func() {
		out, now, limit = append(out, now), nil, room
	}
	for _, s := range sentences {
		if len(now) > 0 && len(now)+len(s) > limit {
			flush()
		}
		for _, id := range s {
			if len(now) == limit {
				flush()
			}
			now = append(now, id)
		}
	}
	if len(now) > 0 {
		out = append(out, now)
	}
	return out
}

func TestPackAgainstNaiveTwin(t *testing.T) {
	key := rng.NewKey(2, rng.StreamSubset, 0)
	for trial := range uint64(2000) {
		draw := func(i uint64, n int) int { return key.Intn(trial<<8|i, n) }
		room := 1 + draw(0, 20)
		first := 1 + draw(1, room)
		var sentences [][]int32
		var ids, ends []int32
		for s := range draw(2, 12) {
			one := make([]int32, 1+draw(uint64(10+s), 1+draw(uint64(100+s), 50)))
			for i := range one {
				one[i] = int32(len(ids) + i)
			}
			sentences, ids = append(sentences, one), append(ids, one...)
			ends = append(ends, int32(len(ids)))
		}
		starts := pack(nil, ends, first, room)
		var got [][]int32
		for i := range len(starts) - 1 {
			got = append(got, ids[starts[i]:starts[i+1]])
		}
		if want := naivePack(sentences, first, room); !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("sentences %v, room %d, then %d: got %v, want %v", sentences, first, room, got, want)
		}
	}
}

// A block ends at a blank line of its last quarter, else at the last line's
// end, else at the last space, else before the last character.
func TestCut(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("a", 16) + "\n\nbb\nc": strings.Repeat("a", 16) + "\n\n",
		"a\n\nbbbbbbbbbbbbbbbb\nc d":          "a\n\nbbbbbbbbbbbbbbbb\n",
		"aaaa bbbbbbbb cccccccc":              "aaaa bbbbbbbb ",
		"éééééééééééé":                        "ééééééééééé",
		"aaaaaaaaaaaaaaaaa\xe2\x82":           "aaaaaaaaaaaaaaaaa",
		strings.Repeat("\x80", 16):            strings.Repeat("\x80", 16),
	} {
		if got := text[:cut([]byte(text))]; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
