package glue

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/realdata"
)

// The ten thousandth word of the default seed is given by the C++ standard.
func TestMT19937(t *testing.T) {
	m := newMT19937(5489)
	var x uint32
	for range 10000 {
		x = m.uint32()
	}
	if x != 4123659995 {
		t.Errorf("word 10,000 of seed 5489 is %d", x)
	}
}

// numpy.random.seed(13); x = list(range(10)); numpy.random.shuffle(x), of NumPy
// 1.26.
func TestShuffleOfNumPy(t *testing.T) {
	text := "header\n"
	for i := range 10 {
		text += fmt.Sprintf("%d\ta\tb\t%d\n", i, i%2)
	}
	task, err := TaskByName("rte")
	if err != nil {
		t.Fatal(err)
	}
	train, dev, _, err := KShot(task, "x", []byte(text), 5, 0, 13)
	var order []string
	for _, line := range strings.Split(strings.TrimSpace(string(train)), "\n")[1:] {
		order = append(order, line[:1])
	}
	if got := strings.Join(order, ""); err != nil || got != "3517964802" || string(dev) != "header\n" {
		t.Errorf("%s, %q, %v; want %s", got, dev, err, "3517964802")
	}
}

// The sets that were published: RTE's five, and CoLA's of seed 100.
func TestPublishedKShotSets(t *testing.T) {
	data := realdata.Dir(t)
	for _, set := range []struct {
		task string
		seed uint32
	}{{"rte", 13}, {"rte", 21}, {"rte", 42}, {"rte", 87}, {"rte", 100}, {"cola", 100}} {
		task, err := TaskByName(set.task)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(data, "glue", task.Folder, "train.tsv"))
		if err != nil {
			t.Fatal(err)
		}
		train, dev, notes, err := KShot(task, "train.tsv", text, 16, 16, set.seed)
		if err != nil || notes != nil {
			t.Fatal(notes, err)
		}
		for name, got := range map[string][]byte{"train.tsv": train, "dev.tsv": dev} {
			want, err := os.ReadFile(filepath.Join(data, "fewshot", "k-shot", KShotFolder(task, 16, set.seed), name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s %d, %s: %d bytes, want %d (%v)", set.task, set.seed, name, len(got), len(want), err)
			}
		}
	}
}

func TestKShotRefuses(t *testing.T) {
	rte, _ := TaskByName("rte")
	stsb, _ := TaskByName("stsb")
	for name, c := range map[string]struct {
		task *Task
		text string
		says string
	}{
		"too few rows":  {rte, "h\n1\ta\tb\tx\n2\ta\tb\ty\n", `the class "`},
		"one class":     {rte, "h\n1\ta\tb\tx\n2\ta\tb\tx\n", "found 1, expected two or more classes"},
		"no columns":    {rte, "h\nword\n", "found 1 column,"},
		"an empty file": {rte, "", "found 0, expected two or more classes"},
		"no score":      {stsb, "h\n1\ta\tmuch\n", `the score "much"`},
	} {
		if _, _, _, err := KShot(c.task, "file.tsv", []byte(c.text), 2, 2, 1); fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "file.tsv") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A class with fewer rows than training and development ask for is told.
func TestKShotOfFewRows(t *testing.T) {
	rte, _ := TaskByName("rte")
	_, dev, notes, err := KShot(rte, "f.tsv", []byte("h\n1\ta\tb\tx\n2\ta\tb\tx\n3\ta\tb\ty\n4\ta\tb\ty\n5\ta\tb\ty\n6\ta\tb\ty\n"), 2, 2, 1)
	if err != nil || strings.Count(string(dev), "\n") != 3 {
		t.Errorf("%v %q", err, dev)
	}
	if want := []string{`f.tsv: the class "x" has 2 rows: 2 for training, and 0 instead of 2 for development`}; !slices.Equal(notes, want) {
		t.Errorf("%q, want %q", notes, want)
	}
}

// The random lines of a set are the rows that train itself draws with the same
// number and seed, whether the file has a header or not.
func TestRandomLinesAreTrainsRows(t *testing.T) {
	for name, row := range map[string]func(i int) string{
		"sst2": func(i int) string { return fmt.Sprintf("text %d\t%d", i, i%2) },
		"cola": func(i int) string { return fmt.Sprintf("gj04\t%d\t\ttext %d", i%2, i) },
	} {
		task, err := TaskByName(name)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if task.Bare == nil {
			text.WriteString("sentence\tlabel\n")
		}
		for i := range 60 {
			text.WriteString(row(i) + "\n")
		}
		for _, seed := range []uint64{3, 1 << 31} {
			lines, err := RandomLines(task, "train.tsv", []byte(text.String()), 20, seed)
			if err != nil {
				t.Fatal(err)
			}
			load := func(o Options, content string) (texts []string) {
				t.Helper()
				o.Task, o.DataDir, o.Train, o.FS = name, "d", true, memory("d/train.tsv", content)
				d, err := Load(o)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range d.Train.Examples {
					texts = append(texts, e.TextA)
				}
				return texts
			}
			got, want := load(Options{}, string(lines)), load(Options{TrainSize: 20, SampleSeed: seed}, text.String())
			if len(want) != 20 || !slices.Equal(got, want) {
				t.Errorf("%s, seed %d: %q, train draws %q", name, seed, got, want)
			}
		}
	}
}

// The diagnostic set has no training rows, and a missing file is told as ever.
func TestTextsOfWhatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "diagnostic.tsv"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := tasks[len(tasks)-1].Texts(dir)
	checkError(t, "ax", err, fault.Usage, []string{"--task_name ax: has no training file", "--task_name mnli"})
	if err := os.WriteFile(filepath.Join(dir, "dev.tsv"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	qnli, _ := TaskByName("qnli")
	_, _, err = qnli.Texts(dir)
	checkError(t, "qnli", err, fault.Data, []string{"train.tsv: no such file; expected a data file"})
}
