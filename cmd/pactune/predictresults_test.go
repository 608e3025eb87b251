package main

import (
	"bytes"
	"crypto/sha256"
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
	// What was forgotten can be had from the finished run: the same files.
	if r = pactune(t, dir, "", strings.Fields("evaluate without --task_name mnli --data_dir glue --do_predict --max_predict_samples 4")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for _, name := range []string{"mnli", "mnli-mm", "ax"} {
		name = "predict_results_" + name + ".txt"
		if got, want := readFile(t, filepath.Join(dir, "without", name)), readFile(t, filepath.Join(dir, "run", name)); !bytes.Equal(got, want) {
			t.Errorf("%s: evaluate writes %q, train %q", name, got, want)
		}
		if !strings.Contains(r.stderr, filepath.Join("without", name)) {
			t.Errorf("%s is not named: %s", name, r.stderr)
		}
	}
	holdSums(t, filepath.Join(dir, "without"), "predict_results_ax.txt")
}

// holdSums holds the files of a folder to its SHA256SUMS, which has a certain one.
func holdSums(t *testing.T, dir, has string) {
	t.Helper()
	sums := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(dir, "SHA256SUMS")))), "\n") {
		sum, name, _ := strings.Cut(line, "  ")
		sums[name] = sum
		if got := fmt.Sprintf("%x", sha256.Sum256(readFile(t, filepath.Join(dir, name)))); got != sum {
			t.Errorf("%s: has %s, SHA256SUMS says %s", name, got, sum)
		}
	}
	if sums[has] == "" {
		t.Errorf("SHA256SUMS lacks %s: %v", has, sums)
	}
}

// evaluate answers the user's own test file, and a task's for glue-submit, into the
// folder of the run, and overwrites nothing.
func TestEvaluatePredicts(t *testing.T) {
	dir := job(t)
	var rows, questions strings.Builder
	rows.WriteString("index\tsentence1\tsentence2\tlabel\n")
	questions.WriteString("index\tsentence1\tsentence2\n")
	for i := range 146 {
		fmt.Fprintf(&rows, "%d\ta pan\tthe rose %d\t%d\n", i, i, i%2)
		fmt.Fprintf(&questions, "%d\ta rose\tthe pan %d\n", i, i)
	}
	os.MkdirAll(filepath.Join(dir, "WNLI"), 0o755)
	for name, text := range map[string]string{"train": rows.String(), "dev": rows.String(), "test": questions.String()} {
		write(t, filepath.Join(dir, "WNLI", name+".tsv"), text)
	}
	const train = "train --quiet --model_name_or_path model --method adamw --max_steps 1 --no_do_eval "
	for _, args := range []string{"--task_name wnli --data_dir WNLI --output_dir wnli", "train.txt --output_dir own",
		"train.txt --do_predict --test_file dev.txt --output_dir both"} {
		if r := pactune(t, dir, "", strings.Fields(train+args)...); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	for _, c := range []struct {
		args, out, says string
		code            int
	}{
		{"evaluate wnli --task_name wnli --data_dir WNLI --do_predict", "146 examples", "wnli/predict_results_wnli.txt: the answers to 146 rows of WNLI/test.tsv", 0},
		{"evaluate wnli --task_name wnli --data_dir WNLI --do_predict", "", "wnli/predict_results_wnli.txt is there already", 2},
		{"glue-submit wnli --partial --out s.zip", "s.zip\n", "", 0},
		{"evaluate own --do_predict", "", "no data to evaluate", 2},
		{"evaluate own dev.txt --do_predict", "", "--test_file FILE", 2},
		{"evaluate model --do_predict --test_file dev.txt", "", "without a classifier", 4},
		{"evaluate own --test_file dev.txt --validation_file dev.txt", "12 examples", "--test_file has no effect: it belongs to --do_predict", 0},
		{"evaluate own --do_predict --test_file dev.txt --json", "{}\n", "the answers to 12 rows of dev.txt", 0},
	} {
		r := pactune(t, dir, "", strings.Fields(c.args)...)
		if r.code != c.code || !strings.Contains(r.stdout, c.out) || c.out == "" && r.stdout != "" || !strings.Contains(filepath.ToSlash(r.stderr), c.says) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
	const answers = "predict_results_dev.txt"
	if got, want := readFile(t, filepath.Join(dir, "own", answers)), readFile(t, filepath.Join(dir, "both", answers)); !bytes.Equal(got, want) {
		t.Errorf("evaluate writes %q, train %q", got, want)
	}
	holdSums(t, filepath.Join(dir, "own"), answers)
	os.Remove(filepath.Join(dir, "own", "run.json")) // now a model like any other
	os.Remove(filepath.Join(dir, "own", answers))
	if r := pactune(t, dir, "", strings.Fields("evaluate own --do_predict --test_file dev.txt")...); r.code != 2 || !strings.Contains(r.stderr, "own is none: it has no run.json") {
		t.Errorf("no run's folder: %+v", r)
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
	os.Mkdir(filepath.Join(dir, "other"), 0o755)
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"other --out s.zip --partial", "other: holds no predict_results", 3},
		{"run --out s.zip", "lacks CoLA.tsv", 3},
		{"other run --out s.zip", "lacks CoLA.tsv", 3},
		{"--check s.zip", "no such file", 3}, // nothing was written
		{"other run --out s.zip --partial", "note    other: holds no predict_results", 0},
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
