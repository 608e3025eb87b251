package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// reviews are rows of CSV with the columns review and label: opinions that a
// word or a phrase decides, in sentences of one kind.
func reviews(n int) string {
	things := []string{"plot", "room", "soup", "battery", "service", "screen", "ending", "sofa", "delivery", "soundtrack", "garden", "pump"}
	good := []string{"a joy from start to end", "better than I had hoped", "worth every penny", "quiet, quick and solid", "the best that I have had", "just \"right\"", "a pleasure to come back to"}
	bad := []string{"a waste of an evening", "worse than I had feared", "not worth the wait", "loud, slow and flimsy", "the last that I will buy", "anything but \"new\"", "broken within a week"}
	open := []string{"The %s is %s.", "I found the %s to be %s", "After a month the %s is still %s!", "My %s: %s, and that is that.", "They call it a %s; it is %s."}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{"review", "label"})
	state := uint32(1)
	next := func(n int) int { // Lehmer's generator of Park and Miller
		state = uint32(uint64(state) * 48271 % 2147483647)
		return int(state>>8) % n
	}
	for range n {
		label, words := "bad", bad
		if next(2) == 0 {
			label, words = "good", good
		}
		w.Write([]string{fmt.Sprintf(open[next(len(open))], things[next(len(things))], words[next(len(words))]), label})
	}
	w.Flush()
	return b.String()
}

// What a training says, in a run cut short, is what docs/OWN_DATA.md shows of the
// whole one: its choices, the data, the first update but for K, which it measures on
// fewer examples, and what the evaluation is measured against.
func TestTrainWithoutOptions(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "reviews.csv"), []byte(reviews(1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := pactune(t, dir, "", "train", "reviews.csv", "--max_steps", "1", "--pac_k_samples", "5")
	if r.code != 0 || r.stdout != filepath.Join("runs", "001-reviews-pac")+"\n" {
		t.Fatalf("%+v", r)
	}
	_, doc, _ := strings.Cut(string(readFile(t, filepath.Join("..", "..", "docs", "OWN_DATA.md"))), "\n$ pactune train reviews.csv\n")
	choices, course, _ := strings.Cut(r.stderr, "\nplan ")
	shown, shownCourse, _ := strings.Cut(doc, "\nplan ")
	if choices != shown {
		t.Errorf("docs/OWN_DATA.md shows\n%s\nthe run says\n%s", shown, choices)
	}
	got, want := firstAndLast(course), firstAndLast(shownCourse)
	if got != want {
		t.Errorf("docs/OWN_DATA.md shows\n%s\nthe run has\n%s", want, got)
	}
	holdRows(t, shownCourse)
}

// firstAndLast is of what a run prints after its plan what does not depend on its
// length, on K, or on time: the K table and the first update, then the majority
// line of each metric and the examples of each class.
func firstAndLast(course string) string {
	var b strings.Builder
	updates := 0
	for _, line := range strings.Split(course, "\n") {
		f := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "K table"):
			fmt.Fprintln(&b, strings.Join(f[:6], " "))
		case strings.HasPrefix(line, " epoch"):
			fmt.Fprintln(&b, line)
		case len(f) == 10 && updates == 0: // but total and K, ex/s and left
			updates++
			fmt.Fprintln(&b, f[0], f[1], f[2], f[3], f[5], f[7])
		case strings.Contains(line, "majority line"):
			fmt.Fprintln(&b, f[0], line[strings.Index(line, "majority line"):])
		case len(f) == 8 && (f[0] == "bad" || f[0] == "good"):
			fmt.Fprintln(&b, f[0], f[4])
		}
	}
	return b.String()
}

// holdRows holds the rows of a whole run to its plan, 480 updates of 40 an epoch
// with stage 2 after 320, and the summary to its last evaluation.
func holdRows(t *testing.T, course string) {
	t.Helper()
	updates, evaluation := 0, []string(nil)
	for _, line := range strings.Split(course, "\n") {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.ContainsAny(f[0], "0123456789") || strings.Contains(line, "examples") {
			continue
		}
		epoch, err := strconv.ParseFloat(f[0], 64)
		step, err2 := strconv.Atoi(f[2])
		if err != nil || err2 != nil {
			continue
		}
		if stage := 1 + step/321; math.Abs(epoch-float64(step)/40) > 0.005 || f[1] != strconv.Itoa(stage) {
			t.Errorf("epoch, stage and step do not fit: %s", line)
		}
		updates = step
		if len(f) == 7 && !strings.Contains(f[6], ":") { // of an update the last column is the time left
			evaluation = f
		}
	}
	if updates != 480 || len(evaluation) != 7 {
		t.Fatalf("the rows end at update %d; the last evaluation is %q", updates, evaluation)
	}
	for _, says := range []string{"\n200 examples, loss " + evaluation[3] + "\n", "\n  accuracy                " + evaluation[4] + " ",
		"\n  f1                      " + evaluation[5] + " ", "\n  matthews_correlation    " + evaluation[6] + " "} {
		if !strings.Contains(course, says) {
			t.Errorf("the last evaluation is %q, and the summary lacks %q", evaluation, says)
		}
	}
}

// The same rows in every format make the same model, to the bit, and get the
// same predictions from it. tips.parquet was written by pyarrow.
func TestFormatsTrainAlike(t *testing.T) {
	dir := job(t)
	var table, lines, tags bytes.Buffer
	c := csv.NewWriter(&table)
	c.Write([]string{"text", "label"})
	for _, row := range strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(dir, "train.txt")))), "\n") {
		text, label, _ := strings.Cut(row, "\t")
		c.Write([]string{text, label})
		object, err := json.Marshal(map[string]string{"text": text, "label": label})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s\n", object)
		fmt.Fprintf(&tags, "__label__%s %s\n", label, text)
	}
	c.Flush()
	for name, content := range map[string][]byte{"tips.csv": table.Bytes(), "tips.jsonl": lines.Bytes(), "tips.ft": tags.Bytes(),
		"tips.parquet": readFile(t, filepath.Join("testdata", "tips.parquet"))} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var weights, answers, sum []byte
	for i, name := range []string{"tips.csv", "tips.jsonl", "tips.ft", "tips.parquet", "train.txt", "-"} {
		out := fmt.Sprint("run", i)
		r := pactune(t, dir, table.String(), "train", name, "--model_name_or_path", "model", "--method", "cwgnc", "--max_steps", "2", "--output_dir", out)
		if r.code != 0 {
			t.Fatalf("%s: %+v", name, r)
		}
		if name == "-" { // the standard input has the sum of the file with its bytes
			var run struct {
				Data []struct{ Path, SHA256 string }
			}
			if err := json.Unmarshal(readFile(t, filepath.Join(dir, out, "run.json")), &run); err != nil || len(run.Data) == 0 || run.Data[0].SHA256 != string(sum) {
				t.Errorf("run.json of the standard input: %v %+v, want %s", err, run, sum)
			}
		}
		e := pactune(t, dir, table.String(), "evaluate", "run0", name, "--json")
		w, a := readFile(t, filepath.Join(dir, out, "model.safetensors")), readFile(t, filepath.Join(dir, out, "eval_predictions.jsonl"))
		if i == 0 {
			weights, answers = w, a
			var run struct{ Data []struct{ SHA256 string } }
			if err := json.Unmarshal(readFile(t, filepath.Join(dir, out, "run.json")), &run); err != nil || len(run.Data) == 0 {
				t.Fatalf("%v", err)
			}
			sum = []byte(run.Data[0].SHA256)
		}
		if !bytes.Equal(w, weights) || predicted(t, a) != predicted(t, answers) || e.code != 0 {
			t.Errorf("%s: equal weights %v, evaluate %+v, predictions\n%s\nof the CSV\n%s", name, bytes.Equal(w, weights), e, a, answers)
		}
	}
}

// predicted are the predictions without the lines that they are for.
func predicted(t *testing.T, answers []byte) string {
	t.Helper()
	var b strings.Builder
	for _, line := range bytes.Split(bytes.TrimSpace(answers), []byte("\n")) {
		var p map[string]any
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		delete(p, "line")
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// debug-data tells every row that a training would refuse, ends with 3 then,
// and says the same as JSON.
func TestDebugData(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "train.csv"), []byte("text,label\na pan,kitchen\na rose,garden\na pan,kitchen\na rose,kitchen\n,garden\ncaf\xe9,kitchen\n"), 0o644)
	os.WriteFile(filepath.Join(dir, "dev.csv"), []byte("text,label\na rose,garden\na lawn,attic\n"), 0o644)
	os.WriteFile(filepath.Join(dir, "good.csv"), []byte("text,label\na pan,kitchen\na rose,garden\n"), 0o644)
	r := pactune(t, dir, "", "debug-data", "good.csv")
	if r.code != 0 || r.stderr != "" || !strings.Contains(r.stdout, "label garden") {
		t.Errorf("good.csv: %+v", r)
	}
	args := strings.Fields("debug-data train.csv --validation_file dev.csv --max_seq_length 3")
	r = pactune(t, dir, "", args...)
	for _, says := range []string{"rows                     6", "train.csv: line 4 repeats line 2", "line 5 contradicts line 3", "dev.csv: line 2 is in the training part as line 3",
		"error   train.csv: line 6: column \"text\" holds an empty text", "error   train.csv: line 7: found the byte 0xe9", "error   dev.csv: line 3: found the label \"attic\""} {
		if !strings.Contains(r.stdout, says) {
			t.Errorf("lacks %q:\n%s", says, r.stdout)
		}
	}
	if r.code != 3 || !strings.Contains(r.stderr, "pactune: errors: 3; the first: train.csv: line 6") {
		t.Errorf("exit %d, %s", r.code, r.stderr)
	}
	r = pactune(t, dir, "", append(args, "--json")...)
	var found struct {
		Parts []struct {
			Part                                  string
			Rows, Used, Refused, Truncated, Empty int
			NotUTF8                               int `json:"not_utf8"`
			Duplicates, Conflicts, Leaks          struct{ Rows int }
			Labels                                []struct {
				Name string
				Rows int
			}
		}
		Errors []string
	}
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.code != 3 || len(found.Errors) != 3 || len(found.Parts) != 2 {
		t.Fatalf("%v %+v", err, r)
	}
	got := fmt.Sprint(found.Parts)
	if want := "[{train 6 4 2 4 1 1 {1} {1} {0} [{garden 1} {kitchen 3}]} {validation 2 1 1 1 0 0 {0} {0} {1} [{garden 1} {kitchen 0}]}]"; got != want {
		t.Errorf("found %s\n want %s", got, want)
	}
}

// What debug-data cannot read at all is the same JSON with every error.
func TestDebugDataErrorsAsJSON(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "refused.csv"), []byte("text,label\n,garden\na pan\n"), 0o644)
	for file, want := range map[string][]string{
		"refused.csv": {"refused.csv: line 2: ", "refused.csv: line 3: ", "refused.csv: none of its rows (2) is left"},
		"none.csv":    {"none.csv: no such file"},
	} {
		r := pactune(t, dir, "", "debug-data", file, "--json")
		var found struct{ Errors []string }
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.code != 3 || len(found.Errors) != len(want) {
			t.Errorf("%s: %v %+v", file, err, r)
			continue
		}
		for i, e := range found.Errors {
			if !strings.HasPrefix(e, want[i]) {
				t.Errorf("%s: error %d is %q, want %q", file, i, e, want[i])
			}
		}
	}
}

// Labels steer no terminal, and stay in their line and cell.
func TestDebugDataShowsLabelsHarmless(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "hostile.csv"), []byte("text,label\na pan,\"k\x1b[31m\tred\nline\"\na rose,\u202egarden\n"), 0o644)
	r := pactune(t, dir, "", "debug-data", "hostile.csv")
	if r.code != 0 || strings.ContainsAny(r.stdout, "\x1b\t\u202e") || !strings.Contains(r.stdout, "\nlabel k?[31m?red?line ") || !strings.Contains(r.stdout, "\nlabel ?garden ") {
		t.Errorf("%q", r)
	}
}

// The standard input says what it is read as; a column that an option names makes
// a header of the first line.
func TestStandardInputWithAHeader(t *testing.T) {
	rows := "review\tstars\na pan\t1\na rose\t2\n"
	r := pactune(t, t.TempDir(), rows, "debug-data", "-", "--label_column_name", "stars")
	if r.code != 0 || !strings.Contains(r.stdout, "note    standard input read as .tsv, by its first line (--train_file FILE)\n") || strings.Contains(r.stdout, "label stars") {
		t.Errorf("%+v", r)
	}
	r = pactune(t, t.TempDir(), rows, "debug-data", "-")
	if r.code != 0 || !strings.Contains(r.stdout, "note    standard input read as .txt, by its first line (--train_file FILE)\nnote    columns: text, label (a .txt has no header") {
		t.Errorf("%+v", r)
	}
}
