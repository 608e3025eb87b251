// Package submission writes what the GLUE leaderboard takes: one zip of eleven
// small tables, and checks such a zip by the leaderboard's rules.
//
// train or evaluate with --do_predict leaves predict_results_<task>.txt in the
// folder of a run, with the names of labels as run_glue.py writes them. The leaderboard wants other names of files
// and the labels that stand in GLUE's own files:
//
//	predict_results_sst2.txt     SST-2.tsv in the zip
//	index	prediction           index	prediction
//	0	negative                 0	0
//
// Rules, for every table: it lies at the top of the zip under its exact name; the
// header is index<TAB>prediction; the rows count from 0 to the published number
// of the test file, in this order; predictions are the label strings of the
// task's files, for STS-B a number from 0 to 5; there are no quotes, blank lines
// or carriage returns.
//
// Collect reads runs, Write makes the zip, Check tells everything that the
// leaderboard would refuse. What Write makes is checked like any other zip.
package submission

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pactune/glue"
	"pactune/internal/fault"
)

// table is one file of a submission.
type table struct {
	task *glue.Task
	file glue.File
}

// tables are all files of a submission, in the order of glue's tasks.
func tables() []table {
	var list []table
	for _, t := range glue.All() {
		for _, f := range t.Files {
			if f.Submit != "" {
				list = append(list, table{t, f})
			}
		}
	}
	return list
}

// source is the file of a run that a table is made from.
func (t table) source() string { return "predict_results_" + t.task.FileName(t.file) + ".txt" }

// Tables are the contents of a submission by their names in the zip.
type Tables map[string][]byte

// Collect reads the predictions of runs. Each table may come from one run only.
// A run without any is passed over, which note tells the user, where another
// has some.
func Collect(runs []string, note func(text string)) (Tables, error) {
	out, from := Tables{}, map[string]string{}
	var without []string
	for _, run := range runs {
		if _, err := os.Stat(run); err != nil {
			return nil, fault.Errorf(fault.Data, "%s: no such folder; expected that of a run", run)
		}
		found := false
		for _, t := range tables() {
			path := filepath.Join(run, t.source())
			text, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fault.Errorf(fault.Data, "%w; expected the predictions of a run", err)
			}
			name := t.file.Submit
			if from[name] != "" {
				return nil, fault.Errorf(fault.Data, "%s: two runs answer it, %s and %s; give one of them", name, from[name], run)
			}
			if out[name], err = t.convert(path, string(text)); err != nil {
				return nil, err
			}
			from[name], found = run, true
		}
		if !found {
			without = append(without, run)
		}
	}
	const none = "%s: holds no predict_results_<task>.txt of a GLUE task; train and evaluate write it with --task_name and --do_predict"
	if len(out) == 0 {
		return nil, fault.Errorf(fault.Data, none, strings.Join(without, ", "))
	}
	for _, run := range without {
		note(fmt.Sprintf(none, run) + "; it is passed over")
	}
	return out, nil
}

// convert turns the predictions of a run into a table: names of labels into
// those of the task's files, numbers into the task's range.
func (t table) convert(path, text string) ([]byte, error) {
	var b bytes.Buffer
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		index, answer, _ := strings.Cut(line, "\t")
		if i > 0 {
			var ok bool
			if answer, ok = t.label(answer); !ok {
				return nil, fault.Errorf(fault.Data, "%s: line %d: found the prediction %.40q, expected %s", path, i+1, answer, t.expected(true))
			}
		}
		fmt.Fprintf(&b, "%s\t%s\n", index, answer)
	}
	return b.Bytes(), nil
}

// label is how the leaderboard writes a run's answer.
func (t table) label(answer string) (string, bool) {
	if t.task.Labels == nil {
		v, err := strconv.ParseFloat(answer, 64)
		return strconv.FormatFloat(max(t.task.Min, min(t.task.Max, v)), 'f', 3, 64), err == nil && !math.IsNaN(v)
	}
	for _, l := range t.task.Labels {
		if l.Name == answer {
			return l.Text, true
		}
	}
	return answer, false
}

// expected names the predictions that a table may hold, as a run or as the
// leaderboard writes them.
func (t table) expected(run bool) string {
	if t.task.Labels == nil {
		return fmt.Sprintf("a number from %g to %g", t.task.Min, t.task.Max)
	}
	var names []string
	for _, l := range t.task.Labels {
		if name := l.Text; !run {
			names = append(names, name)
		} else {
			names = append(names, l.Name)
		}
	}
	return "one of " + strings.Join(names, ", ")
}

// Write writes the zip; equal tables give equal bytes.
func (ts Tables) Write(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, t := range tables() {
		text, there := ts[t.file.Submit]
		if !there {
			continue
		}
		f, err := z.Create(t.file.Submit)
		if err != nil {
			return err
		}
		if _, err := f.Write(text); err != nil {
			return err
		}
	}
	return z.Close()
}
