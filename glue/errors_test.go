package glue

import (
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// badOwn are files of a user with one fault each: the training file, perhaps
// a validation file, and what the message has to say.
var badOwn = []struct {
	name  string
	files []string
	says  []string
}{
	{"no label", []string{"a.txt", "x\tp\ny\tq\nz\n"}, []string{"a.txt: line 3", "found 1 column, expected 2", "the row has no"}},
	{"no label in the first row", []string{"a.txt", "x\ny\tq\n"}, []string{"a.txt: line 1", `the row has no "label"`}},
	{"empty label", []string{"a.csv", "text,label\nx,p\ny,\n"}, []string{"a.csv: line 3", "the row has no label"}},
	{"null label", []string{"a.json", `{"text":"x","label":"p"}` + "\n" + `{"text":"y","label":null}`}, []string{"a.json: line 2", "the row has no label"}},
	{"label −1", []string{"a.txt", "x\t0\ny\t-1\n"}, []string{"a.txt: line 2", "−1 means none"}},
	{"columns", []string{"a.txt", "x\tp\ny\tq\ttwo\n"}, []string{"a.txt: line 2", "found 3 columns, expected 2"}},
	{"columns of a tsv", []string{"a.tsv", "text\tlabel\nx\tp\tr\n"}, []string{"a.tsv: line 2", "found 3 columns, expected 2", `"text", "label"`}},
	{"columns of a csv", []string{"a.csv", "text,label\n\"x\ny\",p\nz,q,r\n"}, []string{"a.csv: line 4", "found 3 columns"}},
	{"four columns", []string{"a.txt", "a\tb\tc\td\n"}, []string{"a.txt: line 1", "found 4 columns, expected 3"}},
	{"quotes", []string{"a.csv", "text,label\nx,p\ny \"z\" y,q\n"}, []string{"a.csv: line 3", `bare "`, "in CSV a text with quotes is written"}},
	{"open quotes", []string{"a.csv", "text,label\nx,p\n\"y,q\nz,p\n"}, []string{"a.csv: line 3"}},
	{"Latin-1", []string{"a.txt", "x\tp\ncaf\xe9\tq\n"}, []string{"a.txt: line 2", "0xe9", "byte 4 of the line", "not UTF-8"}},
	{"UTF-16", []string{"a.txt", "\xff\xfex\x00"}, []string{"a.txt: line 1", "UTF-16"}},
	{"NUL", []string{"a.txt", "x\tp\ny\x00\tq\n"}, []string{"a.txt: line 2", "NUL", "byte 2 of the line"}},
	{"NUL in JSON", []string{"a.json", `{"text":"x\u0000","label":1}`}, []string{"a.json: line 1", "NUL"}},
	{"carriage returns only", []string{"a.txt", "x\tp\ry\tq\rz\tp\r"}, []string{"a.txt: line 1", "no line feed"}},
	{"empty file", []string{"a.txt", ""}, []string{"a.txt: the file is empty"}},
	{"blank file", []string{"a.csv", "\n\r\n"}, []string{"a.csv: the file is empty"}},
	{"header only", []string{"a.csv", "text,label\n"}, []string{"a.csv: no rows"}},
	{"empty text", []string{"a.txt", "x\tp\n \tq\n"}, []string{"a.txt: line 2", `column "text"`, "empty text"}},
	{"empty second text", []string{"a.txt", "x\ty\tp\nx\t\tq\n"}, []string{"a.txt: line 2", `column "sentence2"`, "empty text"}},
	{"one class", []string{"a.txt", "x\tp\ny\tp\n"}, []string{"a.txt: found one class only", `"p"`, "2 rows"}},
	{"dev label", []string{"a.txt", "x\tp\ny\tq\n", "b.txt", "x\tp\ny\tr s\n"}, []string{"b.txt: line 2", `"r s"`, `"p", "q"`}},
	{"dev without the column", []string{"a.tsv", "text\tlabel\nx\tp\ny\tq\n", "b.tsv", "sentence\tlabel\nx\tp\n"}, []string{"b.tsv: no column \"text\"", `"sentence", "label"`}},
	{"header twice", []string{"a.csv", "text,text,label\nx,y,p\n"}, []string{"a.csv: line 1", `"text" twice`}},
	{"no label column", []string{"a.csv", "text,stars\nx,1\n"}, []string{`no column "label"`, `"text", "stars"`, "--label_column_name"}},
	{"no text column", []string{"a.csv", "label\nx\n"}, []string{"no column of text"}},
	{"semicolons", []string{"a.csv", "text;label\nx;1\n"}, []string{"a.csv: line 1", "separated by commas"}},
	{"JSON list", []string{"a.json", `[{"text":"x","label":1}]`}, []string{"a.json: line 1", "one object per line"}},
	{"broken JSON", []string{"a.json", `{"text":"x","label":1}` + "\n" + `{"text":"y","label":`}, []string{"a.json: line 2", "does not end"}},
	{"two objects", []string{"a.json", `{"text":"x","label":1} {"text":"y","label":2}`}, []string{"a.json: line 1", "something follows"}},
	{"JSON key twice", []string{"a.json", `{"text":"x","text":"y","label":1}`}, []string{"a.json: line 1", "twice"}},
	{"JSON text", []string{"a.json", `{"text":"x","label":1}` + "\n" + `{"text":7,"label":1}`}, []string{"a.json: line 2", `column "text" holds a number`}},
	{"mixed labels", []string{"a.json", `{"text":"x","label":1}` + "\n" + `{"text":"y","label":"p"}`}, []string{"a.json: line 2", "the label is a text, while line 1 has a number"}},
	{"object label", []string{"a.json", `{"text":"x","label":{}}`}, []string{"a.json: line 1", "the label is an object"}},
	{"a list in dev", []string{"a.json", `{"text":"x","label":1}` + "\n" + `{"text":"y","label":2}`, "b.json", `{"text":"x","label":[1]}`}, []string{"b.json: line 1", "the label is a list; expected one class"}},
	{"fastText without a label", []string{"a.txt", "__label__x a\n__label__y b\nc\n"}, []string{"a.txt: line 3", "the row has no label", "__label__"}},
	{"fastText without a text", []string{"a.ft", "__label__x a\n__label__y\n"}, []string{"a.ft: line 2", "an empty text"}},
	{"several labels for one class", []string{"a.ft", "__label__x a\n__label__y b\n", "b.ft", "__label__x __label__y a\n"}, []string{"b.ft: line 1", "found 2 labels", "expected one class"}},
	{"a carriage return inside", []string{"a.txt", "z\tp\nx\tp\ry\tq\n"}, []string{"a.txt: line 2", "found 3 columns, expected 2"}},
	{"long line", []string{"a.txt", "x\tp\n" + strings.Repeat("word ", 1<<20) + "\n"}, []string{"a.txt: line 2", "found 1 column"}},
	{"a million columns", []string{"a.csv", "text,label\nx,p\n" + strings.Repeat("y,", 1e6) + "\n"}, []string{"a.csv: line 3", "found 1000001 columns, expected 2"}},
	{"many names", []string{"a.tsv", strings.Repeat("c\t", 1e5) + "\n"}, []string{"a.tsv: line 1", `"c" twice`}},
	{"empty lists", []string{"a.json", `{"text":"x","label":[]}`}, []string{"a.json", "no row has a label"}},
	{"not a number", []string{"a.txt", "x\t1.5\ny\t2\n", "b.txt", "x\tgood\n"}, []string{"b.txt: line 1", `"good"`, "a finite number"}},
	{"infinite", []string{"a.txt", "x\t1.5\ny\tInf\n"}, []string{"a.txt: line 2", `"Inf"`, "a finite number"}},
	{"too few to hold out", []string{"a.txt", "x\tp\ny\tq\n"}, []string{"too few to hold some out", "--validation_file"}},
}

func TestBadOwnFiles(t *testing.T) {
	for _, c := range badOwn {
		o := Options{FS: memory(c.files...), TrainFile: c.files[0], Train: true, Eval: true}
		if len(c.files) > 2 {
			o.ValidationFile = c.files[2]
		}
		_, err := Load(o)
		checkError(t, c.name, err, fault.Data, c.says)
	}
}

// A column is the text or the label, once: a label among the texts would be
// learnt from itself.
func TestColumnsThatServeTwice(t *testing.T) {
	for texts, label := range map[string]string{"label": "", "review label": "", "review review": "", "review": "review"} {
		o := Options{FS: memory("a.csv", "review,title,label\nx,y,p\nz,w,q\n"), TrainFile: "a.csv", Train: true,
			TextColumns: strings.Fields(texts), LabelColumn: label}
		_, err := Load(o)
		checkError(t, texts, err, fault.Usage, []string{"--text_column_names", "named twice"})
	}
}

func checkError(t *testing.T, name string, err error, kind fault.Kind, says []string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	if fault.KindOf(err) != kind {
		t.Errorf("%s: kind %d, want %d: %v", name, fault.KindOf(err), kind, err)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s: the message lacks %q:\n%v", name, s, err)
		}
	}
}

func TestBadTaskFiles(t *testing.T) {
	const rte = "index\tsentence1\tsentence2\tlabel\n"
	const sst = "sentence\tlabel\n"
	for _, c := range []struct {
		name, task, content string
		says                []string
	}{
		{"no label", "rte", rte + "0\ta\tb\tentailment\n1\tc\td\n", []string{"dev.tsv: line 3", "no label", "found 3 columns, expected 4"}},
		{"empty label", "rte", rte + "0\ta\tb\t\n", []string{"dev.tsv: line 2", "no label"}},
		{"label −1", "sst2", sst + "a\t-1\n", []string{"dev.tsv: line 2", "no label"}},
		{"short", "rte", rte + "0\ta\n", []string{"dev.tsv: line 2", "found 2 columns"}},
		{"long", "rte", rte + "0\ta\tb\tentailment\tx\n", []string{"dev.tsv: line 2", "found 5 columns, expected 4"}},
		{"long qqp", "qqp", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t1\t1\n", []string{"line 2", "found 7 columns, expected 6"}},
		{"label with space", "sst2", sst + "a\t1 \n", []string{"dev.tsv: line 2", `"1 "`, `one of "0", "1"`}},
		{"unknown label", "rte", rte + "0\ta\tb\tneutral\n", []string{"dev.tsv: line 2", `"neutral"`, `"entailment", "not_entailment"`}},
		{"score", "stsb", "sentence1\tsentence2\tscore\na\tb\t7\n", []string{"dev.tsv: line 2", `"7"`, "from 0 to 5"}},
		{"score NaN", "stsb", "sentence1\tsentence2\tscore\na\tb\tNaN\n", []string{"dev.tsv: line 2", `"NaN"`}},
		{"header in CoLA", "cola", "source\tlabel\tx\tsentence\n", []string{"dev.tsv: line 1", "CoLA has no header"}},
		{"no header", "rte", "0\ta\tb\tentailment\n", []string{"dev.tsv: line 1", `expected a header with "sentence1"`}},
		{"another task", "qnli", rte + "0\ta\tb\tentailment\n", []string{"dev.tsv: line 1", "another task"}},
		{"header twice", "sst2", "sentence\tsentence\tlabel\n", []string{"dev.tsv: line 1", "twice"}},
		{"header only", "sst2", sst, []string{"dev.tsv: no rows"}},
		{"short rows only", "qnli", "index\tquestion\tsentence\tlabel\n0\ta\n", []string{"dev.tsv: none of its rows (1) is left"}},
		{"empty", "sst2", "", []string{"dev.tsv: the file is empty"}},
		{"UTF-8", "sst2", sst + "a\t1\n\xff\t1\n", []string{"dev.tsv: line 3", "0xff"}},
	} {
		_, err := Load(Options{Task: c.task, DataDir: "d", Eval: true, FS: memory("d/dev.tsv", c.content, "d/dev_matched.tsv", c.content)})
		checkError(t, c.name, err, fault.Data, c.says)
	}
}

// A row left out of a test file would move the index of every later prediction.
func TestShortRowsOfTestFiles(t *testing.T) {
	_, err := Load(Options{Task: "qqp", DataDir: "d", Test: true, FS: memory("d/test.tsv", "id\tquestion1\tquestion2\n0\ta\tb\n1\tc\n2\td\te\n")})
	checkError(t, "qqp", err, fault.Data, []string{"d/test.tsv: line 3", "found 2 columns, expected 3"})
}

func TestOneClassInATask(t *testing.T) {
	_, err := Load(Options{Task: "sst2", DataDir: "d", Train: true, FS: memory("d/train.tsv", "sentence\tlabel\na\t1\nb\t1\n")})
	checkError(t, "one class", err, fault.Data, []string{"train.tsv", "one class only", `"positive"`})
}

// A limit that leaves one class is what the user asked for: a note, no error.
func TestOneClassAfterALimit(t *testing.T) {
	d := own(t, Options{MaxTrain: 1}, "a.txt", "x\tp\ny\tq\n")
	if n := d.Notes(); len(n) != 1 || !strings.Contains(n[0], "one class only") {
		t.Errorf("notes %q", n)
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "none.txt")
	_, err := Load(Options{TrainFile: file, Train: true})
	checkError(t, "file", err, fault.Data, []string{file, "no such file"})
	_, err = Load(Options{TrainFile: dir + "/x.xlsx", Train: true})
	checkError(t, "extension", err, fault.Usage, []string{".xlsx", ".jsonl"})
	_, err = Load(Options{Task: "rte", DataDir: dir, Train: true})
	checkError(t, "task folder", err, fault.Data, []string{dir, "RTE", "train.tsv"})
	_, err = Load(Options{Task: "rte", DataDir: dir + "/no", Train: true})
	checkError(t, "folder", err, fault.Data, []string{dir + "/no: no such folder"})
	_, err = Load(Options{Task: "rte", DataDir: "d", Train: true, FS: memory("d/RTE/dev.tsv", "x")})
	checkError(t, "train", err, fault.Data, []string{"d/RTE/train.tsv: no such file"})
	_, err = Load(Options{Task: "rte", Train: true})
	checkError(t, "no folder", err, fault.Usage, []string{"--data_dir"})
	_, err = Load(Options{Train: true})
	checkError(t, "no file", err, fault.Usage, []string{"--train_file"})
	_, err = Load(Options{Eval: true})
	checkError(t, "no validation file", err, fault.Usage, []string{"--validation_file"})
	_, err = Load(Options{Train: true, TrainSize: 3, TrainFile: "a.txt", FS: memory("a.txt", "x\tp\ny\tq\n")})
	checkError(t, "train size", err, fault.Usage, []string{"--train_size 3", "2 rows"})
	_, err = Load(Options{Train: true, TextColumns: []string{"no"}, TrainFile: "a.csv", FS: memory("a.csv", "text,label\nx,1\n")})
	checkError(t, "text column", err, fault.Data, []string{`no column "no"`, `"text", "label"`})
}

// Lines of any length are read: 5 MB of text, a million columns.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("word ", 1<<20)
	d := own(t, Options{}, "a.txt", long+"\tp\nx\tq\n")
	if got := d.Train.Examples[0].TextA; got != long {
		t.Errorf("%d bytes read of %d", len(got), len(long))
	}
	d = own(t, Options{}, "a.json", `{"text":"`+long+`","label":"p"}`+"\n"+`{"text":"x","label":"q"}`)
	if got := d.Train.Examples[0].TextA; got != long {
		t.Errorf("%d bytes read of %d", len(got), len(long))
	}
	_, err := Load(Options{TrainFile: "a.txt", Train: true, FS: memory("a.txt", "x\tp\n"+strings.Repeat("\t", 1e6)+"\n")})
	checkError(t, "columns", err, fault.Data, []string{"line 2", "found 1000001 columns"})
	if len(err.Error()) > 500 {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}
