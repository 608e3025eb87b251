package glue

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"pactune/internal/fault"
)

// dir returns the folder that holds the task's files: dataDir/Folder where
// that exists, else dataDir itself. The folder of another task is refused by its
// name: what is in it may look the same.
func (t *Task) dir(fsys fs.FS, dataDir string) (string, error) {
	for _, dir := range []string{join(fsys, dataDir, t.Folder), join(fsys, dataDir, t.Other), dataDir} {
		for _, f := range t.Files {
			if !exists(fsys, join(fsys, dir, f.Name)) {
				continue
			}
			if o := ofFolder(filepath.Base(dir)); o != nil && o.Folder != t.Folder {
				return "", fault.Errorf(fault.Data, "%s: is the folder of another task (--task_name %s); the files of %s are in a folder %s",
					dir, o.Name, t.Name, t.Folder)
			}
			return dir, nil
		}
	}
	if _, err := open(fsys, dataDir); errors.Is(err, fs.ErrNotExist) {
		return "", fault.Errorf(fault.Data, "%s: no such folder; --data_dir names the folder that holds %s of %s, or the one above it",
			dataDir, t.Files[0].Name, t.Folder)
	}
	return "", fault.Errorf(fault.Data, "%s: neither this folder nor its subfolder %s holds %s; --data_dir names the folder of the task's files, or the one above it",
		dataDir, t.Folder, t.Files[0].Name)
}

// ofFolder is the task whose folder has that name, nil without one.
func ofFolder(name string) *Task {
	for i := range tasks {
		if tasks[i].Folder == name || tasks[i].Other == name {
			return &tasks[i]
		}
	}
	return nil
}

// layout says where the columns of one file are; −1 where there is none.
type layout struct{ width, a, b, label int }

// layout finds the task's columns among the given ones.
func (t *Task) layout(columns []string) layout {
	return layout{len(columns), find(columns, t.TextA), find(columns, t.TextB), find(columns, t.Label)}
}

// find returns the position of name among columns, −1 without a name or a
// match.
func find(columns []string, name string) int {
	if name == "" {
		return -1
	}
	for i, c := range columns {
		if c == name {
			return i
		}
	}
	return -1
}

// ReadFile reads one file of the task below dataDir; the result is nil where it
// is not there.
func (t *Task) ReadFile(dataDir string, f File) (*Dataset, error) {
	one := *t
	one.Files = []File{f}
	dir, err := one.dir(nil, dataDir)
	if err != nil {
		return nil, nil
	}
	return t.read(nil, dir, f, nil)
}

// read reads one file of the task from dir. With report, a row that is refused
// is told and left out.
func (t *Task) read(fsys fs.FS, dir string, f File, report func(error)) (*Dataset, error) {
	path := join(fsys, dir, f.Name)
	text, err := readFile(fsys, path)
	if err != nil {
		return nil, err
	}
	text, bad, err := checkText(path, text, report)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Path: path, Name: t.FileName(f), Suffix: f.Suffix, Task: t, Problem: t.Problem(), LabelNames: t.LabelNames()}
	r := taskReader{task: t, split: f.Split, path: path, d: d, in: lines{rest: text}, bad: bad, report: report}
	if err := r.header(); err != nil {
		return nil, err
	}
	if err := r.rows(); err != nil {
		return nil, err
	}
	r.note(f)
	return d, nil
}

type taskReader struct {
	report func(error) // nil: the first refused row ends the reading
	task   *Task
	split  Split
	path   string
	in     lines
	bad    badLines
	d      *Dataset
	at     layout
	names  []string // of the columns
	fields []string // of the current row
	blank  []int    // lines without anything
	short  []int    // lines with too few columns
	noGold []int    // lines whose annotators disagreed
	empty  []int    // lines with an empty text
}

// header finds the columns: from the first line, or from the task's table
// where the file has no header.
func (r *taskReader) header() error {
	t := r.task
	start := r.in
	line, _ := r.in.next()
	r.names = splitTabs(nil, line)
	if t.Bare != nil && r.split != Test {
		if others := t.others(func(o *Task) bool { return o.owns(r.names) }); others != "" && t.layout(r.names) != t.layout(t.Bare) {
			return at(r.path, 1, "found the header %s; %s has none in its train and dev files%s", showAll(r.names), t.Folder, others)
		}
		r.in, r.names, r.at = start, t.Bare, t.layout(t.Bare)
		return nil
	}
	r.at = t.layout(r.names)
	if t.Bare != nil && r.at.a < 0 && len(r.names) == len(t.Bare) {
		// Few-shot folders use the original dev file, which has no header, as test.
		r.in, r.names, r.at = start, t.Bare, t.layout(t.Bare)
		return nil
	}
	if err := checkHeader(r.path, r.names); err != nil {
		return err
	}
	for _, name := range []string{t.TextA, t.TextB, t.Label} {
		if name == "" || find(r.names, name) >= 0 || name == t.Label && r.split == Test {
			continue
		}
		others := t.others(func(o *Task) bool { return o.owns(r.names) })
		if others == "" {
			others = ": is this the folder of another task?"
		}
		return at(r.path, 1, "found the columns %s; expected a header with %s, as %s has%s", showAll(r.names), show(name), t.Folder, others)
	}
	return nil
}

// owns says whether a header names all of the task's columns.
func (t *Task) owns(columns []string) bool {
	at := t.layout(columns)
	return at.a >= 0 && at.label >= 0 && (t.TextB == "" || at.b >= 0)
}

// others names the tasks besides t that a file may be of, for a message.
func (t *Task) others(fits func(*Task) bool) string {
	var names []string
	for i := range tasks {
		if o := &tasks[i]; o.Name != t.Name && o.Beside == "" && fits(o) {
			names = append(names, "--task_name "+o.Name)
		}
	}
	if names == nil {
		return ""
	}
	return ": is this the folder of another task (" + strings.Join(names, ", ") + ")?"
}

func repeated(names []string) (string, bool) {
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if seen[n] {
			return n, true
		}
		seen[n] = true
	}
	return "", false
}

func (r *taskReader) rows() error {
	r.d.Labelled = r.at.label >= 0
	for {
		line, ok := r.in.next()
		if !ok {
			break
		}
		if line == "" {
			r.blank = append(r.blank, r.in.number)
			continue
		}
		r.bad.before(r.in.number) // the header's
		if r.bad.before(r.in.number + 1) {
			r.d.Rows++
			continue
		}
		r.fields = splitTabs(r.fields, line)
		if err := r.row(); err != nil && r.report != nil {
			r.report(err)
		} else if err != nil {
			return err
		}
	}
	if len(r.d.Examples) == 0 {
		return noRows(r.path, r.d.Rows)
	}
	return nil
}

func (r *taskReader) row() error {
	line := r.in.number
	id := r.d.Rows
	r.d.Rows++
	switch n := len(r.fields); {
	case n > r.at.width:
		return at(r.path, line, "found %s, expected %d (%s); a text may not hold a tab", columnCount(n), r.at.width, showAll(r.names))
	case n < r.at.width && r.split == Test:
		return at(r.path, line, "found %s, expected %d (%s); complete the row: left out, it would move every later prediction", columnCount(n), r.at.width, showAll(r.names))
	case n < r.at.width && r.task.Short:
		r.short = append(r.short, line)
		return nil
	case n < r.at.width && r.at.label >= n:
		return at(r.path, line, "the row has no label: found %s, expected %d (%s); complete the row or remove it", columnCount(n), r.at.width, showAll(r.names))
	case n < r.at.width:
		return at(r.path, line, "found %s, expected %d (%s); complete the row or remove it", columnCount(n), r.at.width, showAll(r.names))
	}
	e := Example{ID: id, Line: line, TextA: r.fields[r.at.a], Label: -1}
	if r.at.b >= 0 {
		e.TextB, e.Pair = r.fields[r.at.b], true
	}
	if e.TextA == "" || e.Pair && e.TextB == "" {
		r.empty = append(r.empty, line)
	}
	if r.at.label >= 0 {
		label := r.fields[r.at.label]
		if r.task.NoGold != "" && label == r.task.NoGold {
			r.noGold = append(r.noGold, line)
			return nil
		}
		if err := r.label(&e, label); err != nil {
			return err
		}
	}
	r.d.Examples = append(r.d.Examples, e)
	return nil
}

// label sets the target of e. "" and −1 mean "none": an error where labels
// are needed, no label in a test file.
func (r *taskReader) label(e *Example, s string) error {
	t := r.task
	if s == "" || s == "-1" {
		if r.split != Test {
			return at(r.path, e.Line, "the row has no label: found %s in column %s, expected %s", show(s), show(t.Label), t.expected())
		}
		r.d.Labelled = false
		return nil
	}
	if t.Labels == nil {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v >= t.Min && v <= t.Max) {
			return at(r.path, e.Line, "found %s in column %s, expected %s", show(s), show(t.Label), t.expected())
		}
		e.Score = v
		return nil
	}
	for id, l := range t.Labels {
		if l.Text == s {
			e.Label = id
			return nil
		}
	}
	hint := ""
	if t.Bare != nil && e.Line == 1 {
		hint = fmt.Sprintf("; %s has no header in its train and dev files: remove the line if it is one", t.Folder)
	}
	hint += t.others(func(o *Task) bool { return o.owns(r.names) && o.says(s) })
	return at(r.path, e.Line, "found the label %s in column %s, expected %s%s", show(s), show(t.Label), t.expected(), hint)
}

// says tells whether a text is one of the task's labels.
func (t *Task) says(text string) bool {
	for _, l := range t.Labels {
		if l.Text == text {
			return true
		}
	}
	return false
}

// expected describes the labels of the task's files.
func (t *Task) expected() string {
	if t.Labels == nil {
		return fmt.Sprintf("a number from %g to %g", t.Min, t.Max)
	}
	texts := make([]string, len(t.Labels))
	for i, l := range t.Labels {
		texts[i] = l.Text
	}
	return "one of " + showAll(texts)
}

// note records what was left out and what differs from the published file.
func (r *taskReader) note(f File) {
	d := r.d
	d.Skipped = len(r.short) + len(r.noGold)
	add := func(numbers []int, what string) {
		if len(numbers) > 0 {
			d.Notes = append(d.Notes, fmt.Sprintf("%s: %d (line %s)", what, len(numbers), showLines(numbers)))
		}
	}
	add(r.short, fmt.Sprintf("rows with fewer than %d columns left out", r.at.width))
	add(r.noGold, "rows without an agreed label left out")
	add(r.blank, "blank lines left out")
	add(r.empty, "rows with an empty text kept")
	if !d.Labelled && r.at.label >= 0 {
		d.Notes = append(d.Notes, "rows without a label: no metrics from this file")
	}
	if n := len(d.Examples); n != f.Rows {
		d.Notes = append(d.Notes, fmt.Sprintf("%s; the published %s has %d", rowCount(n), filepath.Base(f.Name), f.Rows))
	}
}
