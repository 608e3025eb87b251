package glue

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
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
		"f.jsonl", `{"label":"pos","text":"good \"film\" "}` + "\r\n" + `{"label":"neg","text":"bad, bad film"}` + "\r\n" + `{"text":"so so","label":"pos"}` + "\r\n",
	}
	for i := 0; i < len(files); i += 2 {
		d := own(t, Options{}, files[i], files[i+1])
		if got := strings.Join(d.LabelNames, " "); got != "neg pos" {
			t.Errorf("%s: labels %s", files[i], got)
		}
		for j, want := range []Example{{TextA: `good "film" `, Label: 1}, {TextA: "bad, bad film", Label: 0}, {TextA: "so so", Label: 1}} {
			got := d.Train.Examples[j]
			if got.TextA != want.TextA || got.Label != want.Label || got.Pair || got.ID != j {
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
	yes, no := true, false
	cases := []struct {
		o       Options
		content string
		problem Problem
		names   string
	}{
		{Options{}, "a\t1\nb\t0\nc\t10\n", SingleLabel, "0 1 10"},
		{Options{}, "a\t1\nb\tx\nc\t10\n", SingleLabel, "1 10 x"},
		{Options{}, "a\t1.5\nb\t0\nc\t-1\n", Regression, "label"},
		{Options{DoRegression: &yes}, "a\t1\nb\t0\nc\t-1\n", Regression, "label"},
		{Options{DoRegression: &no}, "a\t1.0\nb\t0.0\nc\t1.0\n", SingleLabel, "0.0 1.0"},
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
		{`problem: one class per text; 2 classes, sorted as text: "no", "yes"`, "--do_regression true"},
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
