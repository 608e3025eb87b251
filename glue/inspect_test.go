package glue

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pactune/internal/fault"
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

// A row with bad bytes is refused whole, told once in the order of lines, and
// counts nowhere; so is a record of CSV with them in a later line of it.
func TestInspectBadBytes(t *testing.T) {
	for path, content := range map[string]string{
		"a.txt":   "one\tx\n \ty\nca\xe9\tx\ntwo\ty\n\x00\ty\n",
		"a.csv":   "text,label\none,x\n,y\n\"so\nca\xe9\",x\ntwo,y\n\"a\xff\nb\",y\n",
		"a.jsonl": "{\"text\":\"one\",\"label\":\"x\"}\n{\"text\":\"\",\"label\":\"x\"}\n{\"text\":\"\xe9\",\"label\":\"x\"}\n{\"text\":\"two\",\"label\":\"y\"}\n{\"text\":\"\xe9\",\"label\":\"x\"}\n",
		"a.ft":    "__label__x one\n__label__x\n__label__x \xe9\n__label__y two\n__label__y \xff\n",
	} {
		in := inspect(t, Options{TrainFile: path, FS: memory(path, content), Train: true}, 0)
		p := in.Parts[0]
		if p.Rows != 5 || p.Used != 2 || p.Refused != 3 || p.Empty != 1 || !reflect.DeepEqual(p.Labels, []LabelCount{{"x", 1}, {"y", 1}}) {
			t.Errorf("%s: %+v", path, p)
		}
		lines := []string{"line 2: ", "line 3: ", "line 5: "}
		if path == "a.csv" {
			lines = []string{"line 3: ", "line 5: ", "line 7: "}
		}
		if len(in.Errors) != 3 {
			t.Fatalf("%s: %q", path, in.Errors)
		}
		for i, line := range lines {
			if !strings.HasPrefix(in.Errors[i], path+": "+line) {
				t.Errorf("%s: error %d is %q, want %s", path, i, in.Errors[i], line)
			}
		}
	}
	in := inspect(t, Options{Task: "sst2", DataDir: "d", Train: true, FS: memory("d/train.tsv", "sentence\tlabel\none\t0\nca\xe9\t1\ntwo\t2\ntwo\t1\n")}, 0)
	if p := in.Parts[0]; p.Rows != 4 || p.Used != 2 || p.Refused != 2 || p.NotUTF8 != 1 || len(in.Errors) != 2 || !strings.Contains(in.Errors[0], "line 3") {
		t.Errorf("%+v %q", p, in.Errors)
	}
}

// The row before one that is no CSV is not blamed for the bytes of that one.
func TestInspectBadBytesInABadRow(t *testing.T) {
	in := inspect(t, Options{TrainFile: "a.csv", FS: memory("a.csv", "text,label\none,x\n\"so\nca\xe9\",x,y\ntwo,y\nthree \"\xff\",y\n"), Train: true}, 0)
	if p := in.Parts[0]; p.Rows != 4 || p.Used != 2 || p.NotUTF8 != 2 || len(in.Errors) != 4 {
		t.Errorf("%+v %q", p, in.Errors)
	}
}

// Where no row is left the message says so, and Errors has all of them.
func TestInspectOfRefusedRows(t *testing.T) {
	for _, o := range []Options{
		{TrainFile: "a.txt", Train: true, FS: memory("a.txt", "\tx\n \ty\n")},
		{TrainFile: "a.txt", Train: true, FS: memory("a.txt", "a\t-1\nb\t-1\n")},
		{Task: "sst2", DataDir: "d", Train: true, FS: memory("d/train.tsv", "sentence\tlabel\na\t2\nb\t3\n")},
		{Task: "qnli", DataDir: "d", Train: true, FS: memory("d/train.tsv", "index\tquestion\tsentence\tlabel\n0\ta\n1\tb\n")},
	} {
		in, err := Inspect(o, wordTokens{}, func(int32) bool { return false }, 1, 0, 1)
		checkError(t, o.TrainFile+o.Task, err, fault.Data, []string{"none of its rows (2) is left"})
		if n := len(in.Errors); n != 3 && !(o.Task == "qnli" && n == 1) {
			t.Errorf("%q", in.Errors)
		}
	}
	in := inspect(t, Options{TrainFile: "a.txt", ValidationFile: "b.txt", Train: true, Eval: true, FS: memory("a.txt", "a\t1.5\nb\t2\n", "b.txt", "a\tx\n")}, 0)
	if p := in.Parts[1]; p.Scores != nil || p.Refused != 1 || p.Used != 0 {
		t.Errorf("%+v", p)
	}
}

// LM-BFF's sets of MNLI have the matched part alone: both commands say so.
func TestMNLIWithoutMismatched(t *testing.T) {
	row := "0\t1\t1n\tf\tp\tp\tp\tp\tone\ttwo\t"
	dev := mnliHeader + "gold_label\n" + row + "neutral\n" + row + "entailment\n"
	o := Options{Task: "mnli", DataDir: "k", FS: memory("k/train.tsv", dev, "k/dev_matched.tsv", dev, "k/test_matched.tsv", dev)}
	if err := o.Present(); err != nil || !o.Train || !o.Eval || !o.Test {
		t.Fatalf("%v %+v", err, o)
	}
	in := inspect(t, o, 0)
	notes := strings.Join(in.Notes, "\n")
	for _, says := range []string{"k/dev_matched.tsv: dev_mismatched.tsv is not there", "k/test_matched.tsv: test_mismatched.tsv is not there", "diagnostic.tsv is not there: no predictions for --task_name ax"} {
		if !strings.Contains(notes, says) {
			t.Errorf("the notes lack %q:\n%s", says, notes)
		}
	}
	if len(in.Parts) != 3 || in.Parts[1].Part != "validation" {
		t.Errorf("%d parts", len(in.Parts))
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
