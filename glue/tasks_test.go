package glue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
	"pactune/internal/realdata"
)

// memory makes a file system of the given names and contents.
func memory(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

// Every file has the number of rows that was published, and no notes: the
// reader adds one where the number differs or a row is left out.
func TestRowsOfRealFiles(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "glue")
	read := 0
	for i := range tasks {
		for _, f := range tasks[i].Files {
			path, err := tasks[i].dir(nil, dir)
			if err != nil {
				continue
			}
			if _, err := os.Stat(filepath.Join(path, f.Name)); err != nil {
				continue
			}
			d, err := tasks[i].read(nil, path, f, nil)
			if err != nil {
				t.Error(err)
				continue
			}
			read++
			if len(d.Examples) != f.Rows || d.Skipped != 0 || len(d.Notes) != 0 {
				t.Errorf("%s: %d rows, want %d; %v", d.Path, len(d.Examples), f.Rows, d.Notes)
			}
			if d.Labelled != (f.Split != Test) {
				t.Errorf("%s: labelled %v", d.Path, d.Labelled)
			}
		}
	}
	if read != 21 {
		t.Errorf("%d files read, want 21: six tasks whole, QNLI without train, the diagnostic set", read)
	}
}

// Counted with cut, sort and uniq: 1249 of RTE's training rows are entailment,
// 2528 of CoLA's are unacceptable.
func TestLabelsOfRealFiles(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "glue")
	for name, want := range map[string]int{"rte": 1249, "cola": 2528} {
		d, err := Load(Options{Task: name, DataDir: dir, Train: true, Eval: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Train.ClassCounts()[0]; got != want {
			t.Errorf("%s: %d rows of class 0, want %d", name, got, want)
		}
	}
	d, err := Load(Options{Task: "stsb", DataDir: dir, Eval: true})
	if err != nil {
		t.Fatal(err)
	}
	if e := d.Eval[0].Examples[0]; e.Score != 5 || !e.Pair || e.TextA != "A man with a hard hat is dancing." || e.Line != 2 || e.ID != 0 {
		t.Errorf("first row %+v", e)
	}
}

// The 16-per-class folders have the layouts of their tasks.
func TestFewShotFolders(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "fewshot", "k-shot")
	for _, name := range []string{"rte", "sst2", "cola"} {
		d, err := Load(Options{Task: name, DataDir: filepath.Join(dir, task(t, name).Folder, "16-13"), Train: true, Eval: true})
		if err != nil {
			t.Error(err)
			continue
		}
		if c := d.Train.ClassCounts(); c[0] != 16 || c[1] != 16 {
			t.Errorf("%s: %v rows per class, want 16", name, c)
		}
	}
}

const mnliHeader = "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\t"

// The published layouts of MNLI: 12 columns in train, 16 in dev, 10 in test,
// the gold label last.
func TestMNLI(t *testing.T) {
	row := "0\t1\t1n\tfiction\t( a )\t( b )\t(ROOT a)\t(ROOT b)\tone \" two\tthree\t"
	dev := mnliHeader + "label1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label\n" +
		row + "neutral\tneutral\tentailment\tneutral\tneutral\tneutral\n" + row + "neutral\tentailment\tneutral\tentailment\tcontradiction\t-\n"
	test := strings.TrimSuffix(mnliHeader, "\t") + "\n" + strings.TrimSuffix(row, "\t") + "\n"
	d, err := Load(Options{Task: "mnli", DataDir: "glue", Train: true, Eval: true, Test: true, FS: memory(
		"glue/MNLI/train.tsv", mnliHeader+"label1\tgold_label\n"+row+"neutral\tcontradiction\n"+row+"entailment\tentailment\n",
		"glue/MNLI/dev_matched.tsv", dev, "glue/MNLI/dev_mismatched.tsv", dev,
		"glue/MNLI/test_matched.tsv", test, "glue/MNLI/test_mismatched.tsv", test)})
	if err != nil {
		t.Fatal(err)
	}
	if e := d.Train.Examples; len(e) != 2 || e[0].Label != 2 || e[1].Label != 0 || e[0].TextA != `one " two` || e[0].TextB != "three" {
		t.Errorf("train %+v", e)
	}
	if len(d.Eval) != 2 || len(d.Eval[0].Examples) != 1 || d.Eval[0].Examples[0].Label != 1 || d.Eval[0].Skipped != 1 {
		t.Fatalf("eval %+v", d.Eval)
	}
	if d.Eval[1].Suffix != "_mm" || d.Eval[1].Name != "mnli-mm" || d.Eval[0].Name != "mnli" {
		t.Errorf("names %q %q, suffix %q", d.Eval[0].Name, d.Eval[1].Name, d.Eval[1].Suffix)
	}
	if len(d.Test) != 2 || d.Test[0].Labelled || d.Test[0].Examples[0].Label != -1 {
		t.Errorf("test %+v", d.Test[0])
	}
	if n := strings.Join(d.Notes(), "\n"); !strings.Contains(n, "rows without an agreed label left out: 1 (line 3)") {
		t.Errorf("notes %s", n)
	}
}

// QQP's published files hold rows that a line feed broke: they are left out
// and counted. Its test file has other columns than train and dev.
func TestQQP(t *testing.T) {
	d, err := Load(Options{Task: "qqp", DataDir: "QQP", Train: true, Test: true, FS: memory(
		"QQP/train.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\r\n1\t2\t3\t\"Why?\tHow?\t1\r\n4\t5\t6\tbroken\r\n\r\nrest\t0\r\n7\t8\t9\tWho?\t\t0\r\n",
		"QQP/test.tsv", "id\tquestion1\tquestion2\n0\tWhere?\tWhen?\n")})
	if err != nil {
		t.Fatal(err)
	}
	e := d.Train.Examples
	if len(e) != 2 || e[0].TextA != `"Why?` || e[0].TextB != "How?" || e[0].Label != 1 || e[1].Label != 0 || e[1].Line != 6 || e[1].ID != 3 {
		t.Errorf("train %+v", e)
	}
	if d.Train.Skipped != 2 || d.Train.Rows != 4 {
		t.Errorf("%d rows left out of %d", d.Train.Skipped, d.Train.Rows)
	}
	notes := strings.Join(d.Train.Notes, "\n")
	for _, want := range []string{"rows with fewer than 6 columns left out: 2 (line 3, 5)", "blank lines left out: 1 (line 4)", "rows with an empty text kept: 1 (line 6)", "2 rows; the published train.tsv has 363846"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in the notes:\n%s", want, notes)
		}
	}
	if e := d.Test[0].Examples[0]; e.TextA != "Where?" || e.TextB != "When?" || e.Label != -1 {
		t.Errorf("test %+v", e)
	}
}

// MRPC begins with a byte order mark; CoLA has a header in test only; a line
// ends with LF or CRLF, and a lone CR belongs to the text.
func TestLayouts(t *testing.T) {
	fsys := memory(
		"MRPC/dev.tsv", "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t10\t11\t\" one\ttwo\n0\t12\t13\tthree\tfour",
		"CoLA/dev.tsv", "gj04\t1\t\tA sentence.\ngj04\t0\t*\tBad\rone.\n",
		"CoLA/test.tsv", "index\tsentence\n0\tUnlabelled.\n",
		"kshot/dev.tsv", "gj04\t1\t\tA sentence.\n",
		"kshot/test.tsv", "gj04\t1\t\tLabelled, no header.\n",
		"RTE/test.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t-1\n1\tc\td\tentailment\n",
	)
	load := func(o Options) *Data {
		t.Helper()
		o.FS = fsys
		d, err := Load(o)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	mrpc := load(Options{Task: "mrpc", DataDir: ".", Eval: true}).Eval[0]
	if e := mrpc.Examples; len(e) != 2 || e[0].TextA != `" one` || e[0].Label != 1 || e[1].TextB != "four" {
		t.Errorf("MRPC %+v", e)
	}
	if got := strings.Join(mrpc.LabelNames, " "); got != "not_equivalent equivalent" {
		t.Errorf("MRPC's labels: %s", got)
	}
	cola := load(Options{Task: "cola", DataDir: "CoLA", Eval: true, Test: true})
	if e := cola.Eval[0].Examples; len(e) != 2 || e[1].TextA != "Bad\rone." || e[1].Pair || e[1].Line != 2 {
		t.Errorf("CoLA %+v", e)
	}
	if e := cola.Test[0].Examples; len(e) != 1 || e[0].TextA != "Unlabelled." {
		t.Errorf("CoLA's test %+v", e)
	}
	shot := load(Options{Task: "cola", DataDir: "kshot", Test: true}).Test[0]
	if e := shot.Examples; len(e) != 1 || e[0].TextA != "Labelled, no header." || e[0].Label != 1 || !shot.Labelled {
		t.Errorf("few-shot test %+v", e)
	}
	rte := load(Options{Task: "rte", DataDir: ".", Test: true}).Test[0]
	if e := rte.Examples; e[0].Label != -1 || e[1].Label != 0 || rte.Labelled {
		t.Errorf("RTE's test %+v", e)
	}
}

func TestTaskByName(t *testing.T) {
	if k, err := TaskByName("RTE"); err != nil || k.Folder != "RTE" {
		t.Errorf("%v %v", k, err)
	}
	_, err := TaskByName("rtt")
	if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "cola, mnli, mrpc") {
		t.Errorf("%v", err)
	}
}

// The files of every task, under a neutral name of their folder, are refused by
// every other task, and the message names the task that they are of.
func TestFolderOfAnotherTask(t *testing.T) {
	dir := filepath.Join(realdata.Dir(t), "glue")
	for i := range tasks {
		of := &tasks[i]
		if _, err := os.Stat(filepath.Join(dir, of.Folder, "dev.tsv")); err != nil {
			continue
		}
		for j := range tasks {
			as := &tasks[j]
			if i == j || as.Name == "mnli" || as.Beside != "" { // whose files have other names
				continue
			}
			_, err := Load(Options{Task: as.Name, DataDir: ".", Eval: true, FS: os.DirFS(filepath.Join(dir, of.Folder))})
			if fault.KindOf(err) != fault.Data {
				t.Errorf("%s read as %s: %v", of.Name, as.Name, err)
			} else if of.Bare == nil && !strings.Contains(err.Error(), "--task_name "+of.Name) {
				t.Errorf("%s read as %s: the message does not name the task: %v", of.Name, as.Name, err)
			}
			_, err = Load(Options{Task: as.Name, DataDir: filepath.Join(dir, of.Folder), Test: true})
			if fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), "(--task_name "+of.Name+")") {
				t.Errorf("the folder %s with --task_name %s: %v", of.Folder, as.Name, err)
			}
		}
	}
}

// The diagnostic set has a folder of its own or lies in MNLI's; MNLI's test
// files bring it along where it is.
func TestDiagnosticSet(t *testing.T) {
	const ax = "index\tsentence1\tsentence2\n0\ta\tb\n"
	test := strings.TrimSuffix(mnliHeader, "\t") + "\n0\t1\t1n\tf\tp\tp\tp\tp\tone\ttwo\n"
	matched, mismatched := "MNLI/test_matched.tsv", "MNLI/test_mismatched.tsv"
	for where, fsys := range map[string]fstest.MapFS{
		"MNLI/diagnostic.tsv":       memory("MNLI/diagnostic.tsv", ax, matched, test, mismatched, test),
		"diagnostic/diagnostic.tsv": memory("diagnostic/diagnostic.tsv", ax, matched, test, mismatched, test),
		"":                          memory(matched, test, mismatched, test),
	} {
		d, err := Load(Options{Task: "mnli", DataDir: ".", Test: true, FS: fsys})
		if err != nil {
			t.Fatal(err)
		}
		if where == "" {
			if len(d.Test) != 2 {
				t.Errorf("%d test sets without a diagnostic set", len(d.Test))
			}
			continue
		}
		if len(d.Test) != 3 || d.Test[2].Name != "ax" || d.Test[2].Path != where || d.Test[2].Labelled {
			t.Fatalf("%s: %d test sets", where, len(d.Test))
		}
		alone, err := Load(Options{Task: "ax", DataDir: ".", Test: true, FS: fsys})
		if err != nil || len(alone.Test) != 1 || alone.Test[0].Examples[0].TextB != "b" {
			t.Errorf("%s: %v", where, err)
		}
	}
	_, err := Load(Options{Task: "ax", DataDir: ".", Train: true, FS: memory("MNLI/diagnostic.tsv", ax)})
	if fault.KindOf(err) != fault.Usage {
		t.Errorf("training on ax: %v", err)
	}
}
