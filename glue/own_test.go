package glue

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// own loads training (and validation) data from memory.
func own(t *testing.T, o Options, pairs ...string) *Data {
	t.Helper()
	o.FS, o.TrainFile, o.Train = memory(pairs...), pairs[0], true
	if len(pairs) > 2 {
		o.ValidationFile, o.Eval = pairs[2], true
	}
	d, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The same rows in every format are the same examples.
func TestFormatsAgree(t *testing.T) {
	files := []string{
		"a.txt", "good \"film\" \tpos\nbad, bad film\tneg\nso so\tpos\n",
		"b.tsv", "text\tlabel\ngood \"film\" \tpos\nbad, bad film\tneg\nso so\tpos\n",
		"c.csv", "text,label\n\"good \"\"film\"\" \",pos\n\"bad, bad film\",neg\nso so,pos\n",
		"d.csv", "\ufefflabel,text\r\npos,\"good \"\"film\"\" \"\r\n neg ,\"bad, bad film\"\r\npos,so so\r\n",
		"e.json", `{"text":"good \"film\" ","label":"pos"}` + "\n" + `{"label":"neg","text":"bad, bad film"}` + "\n\n" + `{"text":"so so","label":"pos","more":{"x":[1]}}`,
		"g.ft", "__label__pos good \"film\" \n__label__neg bad, bad film\n\n__label__pos   so so\n",
		"f.jsonl", `{"label":"pos","text":"good \"film\" "}` + "\r\n" + `{"label":"neg","text":"bad, bad film"}` + "\r\n" + `{"text":"so so","label":"pos"}` + "\r\n",
	}
	for i := 0; i < len(files); i += 2 {
		d := own(t, Options{}, files[i], files[i+1])
		if got := strings.Join(d.LabelNames, " "); got != "neg pos" {
			t.Errorf("%s: labels %s", files[i], got)
		}
		for j, want := range []Example{{TextA: `good "film" `, Label: 1}, {TextA: "bad, bad film", Label: 0}, {TextA: "so so", Label: 1}} {
			got := d.Train.Examples[j]
			if strings.TrimSpace(got.TextA) != strings.TrimSpace(want.TextA) || got.Label != want.Label || got.Pair || got.ID != j {
				t.Errorf("%s: row %d: %+v, want %+v", files[i], j, got, want)
			}
		}
	}
}

func TestPairs(t *testing.T) {
	for _, pairs := range [][]string{
		{"a.txt", "one\ttwo\tx\nthree\tfour\ty\n"},
		{"b.csv", "idx,sentence1,sentence2,label\n0,one,two,x\n1,three,four,y\n"},
		{"c.csv", "premise,label,hypothesis\none,x,two\nthree,y,four\n"},
		{"d.csv", ",premise,hypothesis,label\n0,one,two,x\n1,three,four,y\n"},
	} {
		d := own(t, Options{}, pairs...)
		if e := d.Train.Examples[1]; !e.Pair || e.TextA != "three" || e.TextB != "four" || e.Label != 1 {
			t.Errorf("%s: %+v", pairs[0], e)
		}
	}
}

func TestNamedColumns(t *testing.T) {
	d := own(t, Options{TextColumns: []string{"body"}, LabelColumn: "stars"},
		"a.csv", "id,body,stars\n1,fine,10\n2,poor,9\n3,poor,2\n", "b.csv", "stars,body,id\n2,well,7\n")
	if got := strings.Join(d.LabelNames, " "); got != "2 9 10" {
		t.Errorf("numeric labels sort as numbers: %s", got)
	}
	if e := d.Eval[0].Examples[0]; e.TextA != "well" || e.Label != 0 || e.Pair {
		t.Errorf("validation %+v", e)
	}
}

func TestProblems(t *testing.T) {
	regression, single, multi := Regression, SingleLabel, MultiLabel
	cases := []struct {
		o       Options
		content string
		problem Problem
		names   string
	}{
		{Options{}, "a\t1\nb\t0\nc\t10\n", SingleLabel, "0 1 10"},
		{Options{}, "a\t1\nb\tx\nc\t10\n", SingleLabel, "1 10 x"},
		{Options{}, "a\t1.5\nb\t0\nc\t-1\n", Regression, "label"},
		{Options{Asked: &regression}, "a\t1\nb\t0\nc\t-1\n", Regression, "label"},
		{Options{Asked: &single}, "a\t1.0\nb\t0.0\nc\t1.0\n", SingleLabel, "0.0 1.0"},
		{Options{Asked: &multi}, "a\tx\nb\ty, x\nc\t10\n", MultiLabel, "10 x y"},
	}
	for _, c := range cases {
		d := own(t, c.o, "a.txt", c.content)
		if d.Problem != c.problem || strings.Join(d.LabelNames, " ") != c.names {
			t.Errorf("%q: %v %v, want %v %s", c.content, d.Problem, d.LabelNames, c.problem, c.names)
		}
	}
	d := own(t, Options{}, "a.txt", "a\t1.5\nb\t0\nc\t-1\n")
	if e := d.Train.Examples; e[0].Score != 1.5 || e[2].Score != -1 || e[2].Label != -1 {
		t.Errorf("scores %+v", e)
	}
}

func TestJSONLabels(t *testing.T) {
	d := own(t, Options{}, "a.json", `{"text":"a","label":["x","z"]}`+"\n"+`{"text":"b","label":[]}`+"\n"+`{"text":"c","label":["y"]}`)
	if d.Problem != MultiLabel || strings.Join(d.LabelNames, " ") != "x y z" {
		t.Fatalf("%v %v", d.Problem, d.LabelNames)
	}
	want := [][]bool{{true, false, true}, {false, false, false}, {false, true, false}}
	for i, e := range d.Train.Examples {
		if !reflect.DeepEqual(e.Labels, want[i]) || e.Label != -1 {
			t.Errorf("row %d: %+v", i, e)
		}
	}
	if c := d.Train.ClassCounts(); !reflect.DeepEqual(c, []int{1, 1, 1}) {
		t.Errorf("counts %v", c)
	}
	d = own(t, Options{}, "a.json", `{"text":"a","label":true}`+"\n"+`{"text":"b","label":false}`)
	if d.Problem != SingleLabel || strings.Join(d.LabelNames, " ") != "false true" {
		t.Errorf("%v %v", d.Problem, d.LabelNames)
	}
	d = own(t, Options{}, "a.json", `{"text":"a","label":1.0}`+"\n"+`{"text":"b","label":2}`)
	if d.Problem != Regression {
		t.Errorf("%v", d.Problem)
	}
}

// Every choice that was made is told, with the option that overrides it.
func TestChoices(t *testing.T) {
	var b strings.Builder
	b.WriteString("text,label\n")
	for i := range 100 {
		fmt.Fprintf(&b, "text %d,%s\n", i, []string{"no", "no", "no", "yes"}[i%4])
	}
	o := Options{FS: memory("a.csv", b.String()), TrainFile: "a.csv", Train: true, Eval: true, SampleSeed: 42}
	d, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	want := []Choice{
		{`text: column "text" (the only column that is not the label)`, "--text_column_names"},
		{`label: column "label"`, "--label_column_name"},
		{`problem: one class per text; 2 classes, sorted as text: "no", "yes"`, "--problem_type"},
		{`evaluation: 20 of 100 rows held out, stratified, by seed 42`, "--validation_file"},
	}
	if !reflect.DeepEqual(d.Choices, want) {
		t.Errorf("%+v", d.Choices)
	}
	if c := d.Eval[0].ClassCounts(); c[0] != 15 || c[1] != 5 {
		t.Errorf("held out %v rows per class, want a fifth of each: 15 and 5", c)
	}
}

// A text column that holds numbers only is read as asked, and told.
func TestNumbersAsText(t *testing.T) {
	d := own(t, Options{}, "a.csv", "id,text,label\n1,fine,x\n2,poor,y\n")
	if n := strings.Join(d.Notes(), ""); !strings.Contains(n, `column "id" holds only numbers`) {
		t.Errorf("notes %q", n)
	}
}

func TestLabelsOfAModel(t *testing.T) {
	o := Options{FS: memory("a.csv", "text,label\nx,pos\ny,neg\n", "b.txt", "only a text\nand another\n"),
		ValidationFile: "a.csv", Eval: true, Labels: []string{"pos", "neg"}}
	d, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if e := d.Eval[0].Examples; e[0].Label != 0 || e[1].Label != 1 {
		t.Errorf("class ids are the model's: %+v", e)
	}
	o.Eval, o.Test, o.TestFile = false, true, "b.txt"
	if d, err = Load(o); err != nil {
		t.Fatal(err)
	}
	if p := d.Test[0]; p.Labelled || len(p.Examples) != 2 || p.Examples[1].TextA != "and another" {
		t.Errorf("%+v", p)
	}
}

// A test file may lack the label that the training file has.
func TestUnlabelledTestFiles(t *testing.T) {
	for _, c := range [][3]string{
		{"a.txt", "x\ty\tp\nz\tw\tq\n", "one\ttwo\n"},
		{"a.txt", "x\tp\nz\tq\n", "one\n"},
		{"a.tsv", "sentence1\tsentence2\tlabel\nx\ty\tp\nz\tw\tq\n", "sentence2\tsentence1\ntwo\tone\n"},
		{"a.csv", "text,label\nx,p\nz,q\n", "text,label\none,\n"},
		{"a.json", `{"text":"x","label":0}` + "\n" + `{"text":"z","label":1}`, `{"text":"one","label":-1}`},
	} {
		test := "test" + c[0][1:]
		d, err := Load(Options{FS: memory(c[0], c[1], test, c[2]), TrainFile: c[0], TestFile: test, Train: true, Test: true})
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		if e := d.Test[0]; e.Labelled || e.Examples[0].TextA != "one" || e.Examples[0].Pair != (d.Train.Examples[0].Pair) || e.Examples[0].Label != -1 {
			t.Errorf("%s: %+v", c[0], e)
		}
	}
}

// Words that begin with __label__ are labels wherever they stand; a file in
// which a line has several is a multi-label problem, and so is one of which
// that is asked.
func TestFastText(t *testing.T) {
	const lines = "__label__b __label__a one two\nthree __label__a four\n__label__c five\t__label__b\n"
	d := own(t, Options{}, "a.txt", lines)
	if d.Problem != MultiLabel || strings.Join(d.LabelNames, " ") != "a b c" {
		t.Fatalf("%v %v", d.Problem, d.LabelNames)
	}
	for i, want := range []Example{{TextA: "one two", Labels: []bool{true, true, false}},
		{TextA: "three four", Labels: []bool{true, false, false}}, {TextA: "five", Labels: []bool{false, true, true}}} {
		if got := d.Train.Examples[i]; got.TextA != want.TextA || !reflect.DeepEqual(got.Labels, want.Labels) || got.Line != i+1 {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	multi := MultiLabel
	const single = "__label__2 a\n__label__10 b\n"
	if d = own(t, Options{Asked: &multi}, "a.train", single); d.Problem != MultiLabel || strings.Join(d.LabelNames, " ") != "2 10" {
		t.Errorf("%v %v", d.Problem, d.LabelNames)
	}
	if d = own(t, Options{}, "a.train", single, "b.valid", "__label__10 c\n"); d.Problem != SingleLabel || d.Eval[0].Examples[0].Label != 1 {
		t.Errorf("%v %+v", d.Problem, d.Eval[0].Examples)
	}
	// The lines of one label may validate a model of several.
	if d = own(t, Options{}, "a.txt", lines, "b.txt", "__label__c x\n"); !reflect.DeepEqual(d.Eval[0].Examples[0].Labels, []bool{false, false, true}) {
		t.Errorf("%+v", d.Eval[0].Examples)
	}
}

// The first line tells the format of the standard input.
func TestFormatOfStandardInput(t *testing.T) {
	for content, want := range map[string]string{
		"text,label\nx,y\n":                 ".csv",
		"\ufefftext,label\nx,y\n":           ".csv",
		"text\tlabel\nx\ty\n":               ".tsv",
		"sentence1\tsentence2\tgold\n":      ".tsv",
		"x\ty\n":                            ".txt",
		"\n__label__x y\n":                  ".txt",
		"  {\"text\": \"x\", \"label\": 1}": ".jsonl",
		"PAR1\x15\x04":                      ".parquet",
	} {
		if got := formatOf(&Options{}, content); got != want {
			t.Errorf("%q: %s, want %s", content, got, want)
		}
	}
	for _, o := range []Options{{LabelColumn: "stars"}, {TextColumns: []string{"review"}}} {
		if got := formatOf(&o, "review\tstars\nfine\t5\n"); got != ".tsv" {
			t.Errorf("%+v: %s, want .tsv", o, got)
		}
	}
	_, err := Load(Options{TrainFile: "-", ValidationFile: "-", Train: true, Eval: true})
	checkError(t, "twice", err, fault.Usage, []string{"standard input", "once"})
}

// Blank lines of a CSV are counted like those of other formats, also after a
// text of several lines.
func TestBlankLinesOfCSV(t *testing.T) {
	d := own(t, Options{}, "a.csv", "\ntext,label\n\"x\n\ny\",p\n\n\r\nz,q\n\n")
	if n := strings.Join(d.Notes(), ""); !strings.Contains(n, "blank lines left out: 4 (line 1, 6, 7, 9)") {
		t.Errorf("notes %q", n)
	}
	if e := d.Train.Examples; e[0].Line != 3 || e[1].Line != 8 || len(e) != 2 {
		t.Errorf("%+v", e)
	}
}

// With Report every refused row is told, and the others are read.
func TestReport(t *testing.T) {
	var said []string
	report := func(err error) { said = append(said, err.Error()) }
	for _, c := range []struct {
		name, content string
		rows          int
		lines         string
	}{
		{"a.txt", "x\tp\n \tq\nca\xe9\tq\ny\tq\tr\nz\nv\tq\n", 2, "3 2 4 5"},
		{"a.csv", "text,label\nx,p\ny \"z\" y,q\n,q\nw,\nv,q\n", 2, "3 4 5"},
		{"a.jsonl", `{"text":"x","label":"p"}` + "\n{\n" + `{"text":"x","label":3}` + "\n" + `{"text":"y","label":"q"}`, 2, "2 3"},
		{"a.txt", "x\t-1\ny\t0\nz\t1\n", 2, "1"},
		{"a.ft", "__label__x a\nb\n__label__y c\n", 2, "2"},
	} {
		said = nil
		d := own(t, Options{Report: report}, c.name, c.content)
		if len(d.Train.Examples) != c.rows || len(said) != len(strings.Fields(c.lines)) {
			t.Errorf("%q: %d rows, told %q", c.content, len(d.Train.Examples), said)
			continue
		}
		for i, line := range strings.Fields(c.lines) {
			if !strings.HasPrefix(said[i], c.name+": line "+line+": ") {
				t.Errorf("%q: told %q, want line %s", c.content, said[i], line)
			}
		}
	}
	said = nil
	d := own(t, Options{Report: report}, "a.txt", "x\tp\ny\tq\n", "b.txt", "x\tr\ny\tq\n")
	if len(d.Eval[0].Examples) != 1 || len(said) != 1 || !strings.Contains(said[0], "b.txt: line 1: ") {
		t.Errorf("%+v, told %q", d.Eval[0].Examples, said)
	}
}

// Few labels that are no numbers among many that are would make classes of all:
// an error, unless --problem_type asks for one or the other.
func TestOddLabels(t *testing.T) {
	scores := rowsOf(30, func(i int) string { return fmt.Sprintf("%d.5", i) })
	digits := rowsOf(9, parity)
	for _, c := range []struct {
		path, content string
		says          []string
	}{
		{"a.txt", scores + "x\t4.o\n", []string{"a.txt: line 31", `the label "4.o" is no number, while 30 of 31 are`, "--problem_type single_label_classification"}},
		{"a.tsv", "text\tlabel\n" + digits + "x\tO\n", []string{"a.tsv: line 11", `"O"`, "9 of 10"}},
		{"a.csv", "text,label\n" + strings.ReplaceAll(digits, "\t", ",") + "x,O\n", []string{"a.csv: line 11", `"O"`}},
		{"a.ft", strings.Repeat("__label__0 a\n__label__1 b\n", 5) + "__label__O c\n", []string{"a.ft: line 11", `"O"`, "10 of 11"}},
	} {
		o := Options{FS: memory(c.path, c.content), TrainFile: c.path, Train: true}
		_, err := Load(o)
		checkError(t, c.path, err, fault.Data, c.says)
		single := SingleLabel
		o.Asked = &single
		if _, err := Load(o); err != nil {
			t.Errorf("%s, with --problem_type: %v", c.path, err)
		}
		told := 0
		o.Asked, o.Report = nil, func(error) { told++ }
		if d, err := Load(o); err != nil || told != 1 || len(d.Train.Examples) != strings.Count(c.content, "\n")-1-count(c.path == "a.tsv" || c.path == "a.csv") {
			t.Errorf("%s: told %d, %v", c.path, told, err)
		}
	}
	// Two of ten are classes of their own.
	if d := own(t, Options{}, "a.txt", rowsOf(8, parity)+"x\tno\ny\tno\n"); strings.Join(d.LabelNames, " ") != "0 1 no" {
		t.Errorf("%q", d.LabelNames)
	}
}

// Columns that begin with another type than text are no choice for the text, and
// the choice says so.
func TestNumbersAreNoTexts(t *testing.T) {
	for _, c := range [][2]string{
		{`{"idx":0,"sentence":"x","label":0}` + "\n" + `{"idx":1,"sentence":"y","label":1}`, `text: column "sentence" (the only column that is not the label; "idx" holds a number)`},
		{`{"question":"x","idx":0,"sentence":"y","label":0}` + "\n" + `{"question":"x","idx":0,"sentence":"y","label":1}`, `text: columns "question" and "sentence" (a pair: the first two columns that are not the label; "idx" holds a number)`},
		{`{"sentence":"x","label":0,"idx":0}` + "\n" + `{"sentence":"y","label":1,"idx":1}`, `text: column "sentence" (the only column that is not the label; "idx" holds a number)`},
	} {
		if d := own(t, Options{}, "a.jsonl", c[0]); d.Choices[0].What != c[1] {
			t.Errorf("%s: %s", c[0], d.Choices[0].What)
		}
	}
	_, err := Load(Options{Train: true, TrainFile: "a.jsonl", FS: memory("a.jsonl", `{"idx":0,"label":0}`)})
	checkError(t, "numbers alone", err, fault.Data, []string{"a.jsonl: line 1", `column "idx" holds a number`})
	_, err = Load(Options{Train: true, TrainFile: "a.jsonl", FS: memory("a.jsonl", `{"a":"x","label":0}`+"\n"+`{"a":3,"label":0}`)})
	checkError(t, "a number later", err, fault.Data, []string{"a.jsonl: line 2", "--text_column_names"})
}

// What is passed over silently elsewhere is a note: keys that the first object
// lacks, a header in a .txt.
func TestNotesOfWhatIsNotRead(t *testing.T) {
	d := own(t, Options{}, "a.jsonl", `{"text":"a","label":0}`+"\n"+`{"text":"b","label":1,"more":1,"much":2}`+"\n"+`{"text":"b","label":1,"more":1}`)
	if n := d.Notes(); len(n) != 1 || n[0] != `a.jsonl: keys that the first row lacks are left out, from line 2 on: "more", "much"` {
		t.Errorf("%q", n)
	}
	d = own(t, Options{}, "a.txt", "text\tlabel\na\tx\nb\ty\n")
	if n := d.Notes(); len(n) != 1 || !strings.Contains(n[0], "a.txt: line 1 reads like a header") {
		t.Errorf("%q", n)
	}
	d = own(t, Options{}, "a.txt", "__label__label label\n__label__x b\n")
	if n := d.Notes(); len(n) != 0 {
		t.Errorf("%q", n)
	}
}

// A missing label of a validation file is not one that training rows could have.
func TestMinusOneInValidation(t *testing.T) {
	_, err := Load(Options{Train: true, Eval: true, TrainFile: "a.txt", ValidationFile: "b.txt", FS: memory("a.txt", "x\t0\ny\t1\n", "b.txt", "x\t-1\n")})
	checkError(t, "−1", err, fault.Data, []string{"b.txt: line 1", "which means none", "remove it"})
	if strings.Contains(err.Error(), "add training rows") {
		t.Error(err)
	}
}
