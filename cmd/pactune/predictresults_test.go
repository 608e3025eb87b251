package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallMNLI writes MNLI in its published layout, a few rows a file, with the
// diagnostic set.
func smallMNLI(t *testing.T, dir string) {
	t.Helper()
	const head = "index\tpromptID\tpairID\tgenre\tb1\tb2\tp1\tp2\tsentence1\tsentence2"
	labels := []string{"neutral", "entailment", "contradiction"}
	file := func(name, header string, rows int, row func(i int) string) {
		var b strings.Builder
		fmt.Fprintln(&b, header)
		for i := range rows {
			fmt.Fprintln(&b, row(i))
		}
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pair := func(i int) string { return fmt.Sprintf("%d\t1\t1n\tf\tb\tb\tp\tp\ta pan\tred rose", i) }
	file("MNLI/train.tsv", head+"\tlabel1\tgold_label", 12, func(i int) string { return pair(i) + "\tx\t" + labels[i%3] })
	for part, n := range map[string]int{"matched": 3, "mismatched": 4} {
		file("MNLI/dev_"+part+".tsv", head+"\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tgold_label", n,
			func(i int) string { return pair(i) + "\tx\tx\tx\tx\tx\t" + labels[i%3] })
		file("MNLI/test_"+part+".tsv", head, n, pair)
	}
	file("diagnostic/diagnostic.tsv", "index\tsentence1\tsentence2", 5, func(i int) string { return fmt.Sprintf("%d\ta pan\tred rose", i) })
}

// --do_predict writes one file for each test file, as run_glue does: MNLI's two,
// and the diagnostic set's where it is there.
func TestPredictResults(t *testing.T) {
	dir := job(t)
	smallMNLI(t, filepath.Join(dir, "glue"))
	const train = "train --quiet --model_name_or_path model --method adamw --max_steps 2 --threads 1 --task_name mnli --data_dir glue "
	r := pactune(t, dir, "", strings.Fields(train+"--do_predict --max_predict_samples 4 --output_dir run")...)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for name, rows := range map[string]int{"mnli": 3, "mnli-mm": 4, "ax": 4} {
		text, err := os.ReadFile(filepath.Join(dir, "run", "predict_results_"+name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != rows+1 || lines[0] != "index\tprediction" {
			t.Errorf("%s: %q", name, text)
		}
		for i, l := range lines[1:] {
			index, label, _ := strings.Cut(l, "\t")
			if index != fmt.Sprint(i) || !strings.Contains(" entailment neutral contradiction ", " "+label+" ") {
				t.Errorf("%s: row %q", name, l)
			}
		}
	}
	if r = pactune(t, dir, "", strings.Fields(train+"--output_dir without")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "without", "predict_results*")); len(found) > 0 {
		t.Errorf("without --do_predict: %v", found)
	}
}

// glue-submit writes nothing that the leaderboard would refuse, and says why.
func TestGlueSubmit(t *testing.T) {
	dir := t.TempDir()
	wnli := strings.Builder{}
	wnli.WriteString("index\tprediction\n")
	for i := range 146 {
		fmt.Fprintf(&wnli, "%d\tentailment\n", i)
	}
	os.Mkdir(filepath.Join(dir, "run"), 0o755)
	os.WriteFile(filepath.Join(dir, "run", "predict_results_wnli.txt"), []byte(wnli.String()), 0o644)
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"run --out s.zip", "lacks CoLA.tsv", 3},
		{"--check s.zip", "no such file", 3}, // nothing was written
		{"run --out s.zip --partial", "", 0},
		{"--check s.zip", "lacks CoLA.tsv", 3},
		{"--check s.zip --partial", "", 0},
		{"run --out s.zip --partial", "is there already", 2},
		{"run", "needs runs and a file to write", 2},
		{"run --check s.zip", "leave out the runs", 2},
		{"--check run", "is not a file", 3},
	} {
		r := pactune(t, dir, "", strings.Fields("glue-submit "+c.args)...)
		if strings.Contains(r.stdout, "would take it") { // of one task of nine
			t.Errorf("%s: %+v", c.args, r)
		}
		if r.code != c.code || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}

// The table of tasks has every task, and the rows of a folder's files.
func TestTasksCommand(t *testing.T) {
	dir := t.TempDir()
	r := pactune(t, dir, "", "tasks")
	for _, name := range []string{"cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli", "ax"} {
		if !strings.Contains(r.stdout, "\n"+name+" ") {
			t.Errorf("no %s in the table:\n%s", name, r.stdout)
		}
	}
	if r = pactune(t, dir, "", "tasks", "--data_dir", "."); r.code != 3 {
		t.Errorf("a folder without tasks: %+v", r)
	}
	smallMNLI(t, dir)
	r = pactune(t, dir, "", "tasks", "--data_dir", ".")
	if r.code != 0 || !strings.Contains(r.stdout, "12    392702     12 rows; the published train.tsv has 392702") {
		t.Errorf("%+v", r)
	}
}

// Where no model is named the encoder inside the program is trained, on the
// user's own data as well.
func TestDefaultEncoder(t *testing.T) {
	dir := job(t)
	r := pactune(t, dir, "", strings.Fields("train train.txt --validation_file dev.txt --method adamw --max_steps 2 --output_dir run")...)
	if r.code != 0 || !strings.Contains(r.stderr, "the encoder in the binary") {
		t.Fatalf("%+v", r)
	}
	manifest := string(readFile(t, filepath.Join(dir, "run", "run.json")))
	if !strings.Contains(manifest, `"train.txt"`) || !strings.Contains(manifest, "the encoder in the binary") {
		t.Errorf("run.json: %s", manifest)
	}
	if r = pactune(t, dir, "the pan\n", "predict", "run"); r.code != 0 || strings.Count(r.stdout, "\n") != 1 {
		t.Errorf("predict: %+v", r)
	}
}
