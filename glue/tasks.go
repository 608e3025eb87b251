package glue

import (
	"sort"
	"strings"

	"pactune/internal/fault"
)

// Split is a part of a data set.
type Split int

const (
	Train Split = iota
	Dev
	Test
)

// File is one file of a task and the number of rows that was published.
type File struct {
	Name   string
	Split  Split
	Rows   int
	Suffix string // of metric names
	Submit string // of a test file: what the leaderboard calls its predictions
}

// Label is a class: its name in the Hugging Face data set, and what the file
// and the leaderboard say for it. The class id is the position in Task.Labels.
type Label struct{ Name, Text string }

// Line is the level that a run has to rise above: a run whose Metric ends at
// or below Value has failed.
type Line struct {
	Metric string
	Value  float64
	Rule   string // where the level comes from
}

// Task is one GLUE task.
type Task struct {
	Name    string
	Folder  string
	Other   string   // another name that the folder is found by
	Beside  string   // task along with whose test files this one is predicted
	Bare    []string // columns of train and dev where these have no header; test always has one
	TextA   string   // column of the text
	TextB   string   // column of the second text; "" for single sentences
	Label   string   // column of the label
	Labels  []Label  // nil: a regression
	Min     float64  // range of a regression
	Max     float64
	Short   bool     // rows with too few columns are known to occur: left out and counted, but for test files
	NoGold  string   // a label that marks a row without agreement: left out and counted
	Metrics []string // the first one chooses the best checkpoint
	Line    Line     // of the papers; Metric "" where none is given
	Files   []File
}

// tasks is GLUE: nine tasks, and the diagnostic set, which a model of MNLI
// answers. Columns are found by name in the header; class ids are those
// of the Hugging Face data sets, so that published checkpoints agree.
var tasks = []Task{
	{
		Name: "cola", Folder: "CoLA",
		Bare:  []string{"source", "label", "original_label", "sentence"},
		TextA: "sentence", Label: "label", Labels: digits("unacceptable", "acceptable"),
		Metrics: []string{MCC}, Line: Line{MCC, 0, "failed-run rule of CoLA"},
		Files: files(8551, 1043, 1063, "CoLA.tsv"),
	}, {
		Name: "sst2", Folder: "SST-2",
		TextA: "sentence", Label: "label", Labels: digits("negative", "positive"),
		Metrics: []string{Accuracy},
		Files:   files(67349, 872, 1821, "SST-2.tsv"),
	}, {
		Name: "mrpc", Folder: "MRPC",
		TextA: "#1 String", TextB: "#2 String", Label: "Quality", Labels: digits("not_equivalent", "equivalent"),
		Metrics: []string{Accuracy, F1}, Line: Line{F1, 0.75, "failed-run rule of MRPC"},
		Files: files(3668, 408, 1725, "MRPC.tsv"),
	}, {
		Name: "stsb", Folder: "STS-B",
		TextA: "sentence1", TextB: "sentence2", Label: "score", Min: 0, Max: 5,
		Metrics: []string{Pearson, Spearman},
		Files:   files(5749, 1500, 1379, "STS-B.tsv"),
	}, {
		Name: "qqp", Folder: "QQP", Short: true,
		TextA: "question1", TextB: "question2", Label: "is_duplicate", Labels: digits("not_duplicate", "duplicate"),
		Metrics: []string{Accuracy, F1},
		Files:   files(363846, 40430, 390965, "QQP.tsv"),
	}, {
		Name: "mnli", Folder: "MNLI", NoGold: "-",
		TextA: "sentence1", TextB: "sentence2", Label: "gold_label", Labels: words("entailment", "neutral", "contradiction"),
		Metrics: []string{Accuracy},
		Files: []File{
			{"train.tsv", Train, 392702, "", ""},
			{"dev_matched.tsv", Dev, 9815, "", ""}, {"dev_mismatched.tsv", Dev, 9832, "_mm", ""},
			{"test_matched.tsv", Test, 9796, "", "MNLI-m.tsv"}, {"test_mismatched.tsv", Test, 9847, "_mm", "MNLI-mm.tsv"},
		},
	}, {
		Name: "qnli", Folder: "QNLI", Short: true,
		TextA: "question", TextB: "sentence", Label: "label", Labels: words("entailment", "not_entailment"),
		Metrics: []string{Accuracy}, Line: Line{Accuracy, 0.50, "failed-run rule of QNLI"},
		Files: files(104743, 5463, 5463, "QNLI.tsv"),
	}, {
		Name: "rte", Folder: "RTE",
		TextA: "sentence1", TextB: "sentence2", Label: "label", Labels: words("entailment", "not_entailment"),
		Metrics: []string{Accuracy}, Line: Line{Accuracy, 0.53, "failed-run rule of RTE"},
		Files: files(2490, 277, 3000, "RTE.tsv"),
	}, {
		Name: "wnli", Folder: "WNLI",
		TextA: "sentence1", TextB: "sentence2", Label: "label", Labels: digits("not_entailment", "entailment"),
		Metrics: []string{Accuracy},
		Files:   files(635, 71, 146, "WNLI.tsv"),
	}, {
		Name: "ax", Folder: "MNLI", Other: "diagnostic", Beside: "mnli",
		TextA: "sentence1", TextB: "sentence2", Label: "label", Labels: words("entailment", "neutral", "contradiction"),
		Metrics: []string{MCC},
		Files:   []File{{"diagnostic.tsv", Test, 1104, "", "AX.tsv"}},
	},
}

// digits are classes that the files write as 0, 1, ….
func digits(names ...string) []Label {
	labels := words(names...)
	for i := range labels {
		labels[i].Text = string(rune('0' + i))
	}
	return labels
}

// words are classes that the files write by name.
func words(names ...string) []Label {
	labels := make([]Label, len(names))
	for i, n := range names {
		labels[i] = Label{n, n}
	}
	return labels
}

func files(train, dev, test int, submit string) []File {
	return []File{{"train.tsv", Train, train, "", ""}, {"dev.tsv", Dev, dev, "", ""}, {"test.tsv", Test, test, "", submit}}
}

// All returns the tasks in the order of their table.
func All() []*Task {
	list := make([]*Task, len(tasks))
	for i := range tasks {
		list[i] = &tasks[i]
	}
	return list
}

// Tasks returns the names of the known tasks, sorted.
func Tasks() []string {
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.Name
	}
	sort.Strings(names)
	return names
}

// TaskByName returns the task of --task_name; an unknown one is an error of
// kind Usage that lists the known ones.
func TaskByName(name string) (*Task, error) {
	for i := range tasks {
		if tasks[i].Name == strings.ToLower(name) {
			return &tasks[i], nil
		}
	}
	return nil, fault.Errorf(fault.Usage, "--task_name %s: unknown task; known are %s (for a file of your own, leave --task_name out and give --train_file)",
		name, strings.Join(Tasks(), ", "))
}

// Problem returns the kind of the task's target.
func (t *Task) Problem() Problem {
	if t.Labels == nil {
		return Regression
	}
	return SingleLabel
}

// LabelNames returns the class names by id; for a regression one name, as the
// Hugging Face data set has.
func (t *Task) LabelNames() []string {
	if t.Labels == nil {
		return []string{t.Label}
	}
	names := make([]string, len(t.Labels))
	for i, l := range t.Labels {
		names[i] = l.Name
	}
	return names
}

// FileName is what stands for the task in the name of a file about f: "rte";
// "mnli-mm" for MNLI's mismatched part.
func (t *Task) FileName(f File) string {
	if f.Suffix != "" {
		return t.Name + "-mm"
	}
	return t.Name
}

// files returns the files of a split.
func (t *Task) files(s Split) []File {
	var fs []File
	for _, f := range t.Files {
		if f.Split == s {
			fs = append(fs, f)
		}
	}
	return fs
}
