package glue

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pactune/internal/realdata"
	"pactune/tokenizer"
)

// wordTokens makes a token of every word: 1 where it begins with u, which
// stands for an unknown one, else 5; [CLS] and [SEP] are 2 and 3.
type wordTokens struct{}

func (wordTokens) Encode(e *tokenizer.Encoding, a, b string, pair bool, _ int) {
	e.IDs = append(e.IDs[:0], 2)
	words := strings.Fields(a)
	if pair {
		words = append(words, strings.Fields(b)...)
	}
	for _, w := range words {
		id := int32(5)
		if strings.HasPrefix(w, "u") {
			id = 1
		}
		e.IDs = append(e.IDs, id)
	}
	e.IDs = append(e.IDs, 3)
	e.Types = make([]int32, len(e.IDs))
}

func inspect(t *testing.T, o Options, maxLen int) *Inspection {
	t.Helper()
	in, err := Inspect(o, wordTokens{}, func(id int32) bool { return id < 4 }, 1, maxLen, 2)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// Every number against a count by hand.
func TestInspect(t *testing.T) {
	o := Options{TrainFile: "a.txt", ValidationFile: "b.txt", FS: memory(
		"a.txt", "one two\tx\nunit three four\ty\none  two \tx\none two\ty\n\t x\nfive\tx\nsix\n",
		"b.txt", "five\ty\nseven\tx\nfive\ty\nseven u\tz\n")}
	if err := o.Present(); err != nil || !o.Train || !o.Eval || o.Test {
		t.Fatalf("%v %+v", err, o)
	}
	in := inspect(t, o, 4)
	want := []*PartInspection{{
		Part: "train", Path: "a.txt", Rows: 7, Used: 5, Refused: 2, Labels: []LabelCount{{"x", 3}, {"y", 2}},
		Tokens: TokenCounts{4, 5, 5, 5, 20}, Truncated: 1, UnknownShare: 0.1, Empty: 1,
		Duplicates: Places{1, [][2]int{{3, 1}}}, Conflicts: Places{1, [][2]int{{4, 1}}},
	}, {
		Part: "validation", Path: "b.txt", Rows: 4, Used: 3, Refused: 1, Labels: []LabelCount{{"x", 1}, {"y", 2}},
		Tokens: TokenCounts{3, 3, 3, 3, 9}, Duplicates: Places{1, [][2]int{{3, 1}}}, Leaks: Places{2, [][2]int{{1, 6}, {3, 6}}},
	}}
	for i, p := range in.Parts {
		if !reflect.DeepEqual(p, want[i]) {
			t.Errorf("found %+v\n want %+v", p, want[i])
		}
	}
	if len(in.Errors) != 3 || in.Problem != "single_label_classification" {
		t.Errorf("%+v", in)
	}
}

func TestInspectScores(t *testing.T) {
	in := inspect(t, Options{TrainFile: "a.txt", FS: memory("a.txt", "a\t1.5\nb\t-2\nc\t3\n"), Train: true}, 0)
	if s := in.Parts[0].Scores; s == nil || *s != (Scores{-2, 2.5 / 3, 3}) {
		t.Errorf("%+v", s)
	}
}

// Real tasks are read without errors; the counts are those of a script that
// compares the texts of the files.
func TestInspectRealTasks(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "glue")
	for task, want := range map[string][3][3]int{ // duplicates, conflicts, leaks of train, dev and test
		"rte":  {{2, 0, 0}, {0, 0, 0}, {0, 0, 0}},
		"cola": {{8, 11, 0}, {1, 3, 16}, {3, 0, 19}},
	} {
		o := Options{Task: task, DataDir: dir}
		if _, err := os.Stat(dir); err != nil {
			t.Skip(err)
		}
		if err := o.Present(); err != nil {
			t.Fatal(err)
		}
		in := inspect(t, o, 128)
		if len(in.Errors) > 0 || len(in.Parts) != 3 {
			t.Fatalf("%s: %+v", task, in)
		}
		for i, p := range in.Parts {
			if got := [3]int{p.Duplicates.Rows, p.Conflicts.Rows, p.Leaks.Rows}; got != want[i] {
				t.Errorf("%s, %s: %v, want %v", task, p.Part, got, want[i])
			}
		}
	}
}
