package glue

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"pactune/internal/fault"
)

// part says what is known of a user's file before it is opened: its split,
// and the columns that the training file has settled (nil: not yet).
type part struct {
	split Split
	texts []string
	label string
}

// ownFile is a user's file with its columns chosen and its labels still as
// written.
type ownFile struct {
	part
	format  string // the extension that stands for it
	data    Dataset
	labels  []cell // one per example
	refused []bool // rows that were told to Options.Report; nil: none
	choices []Choice
}

// readOwn reads a user's file. Columns that p does not settle are chosen by
// the rules of run_glue: the label is "label"; the text is sentence1 and
// sentence2 where both exist, else the first two columns that are not the
// label. Columns that JSON or Parquet say are no text are passed over.
func readOwn(o *Options, path string, p part) (*ownFile, error) {
	in, err := openRows(o, path, p)
	if err != nil {
		return nil, err
	}
	f := &ownFile{part: p, format: in.format}
	base := filepath.Base(path)
	f.data = Dataset{Path: path, SHA256: in.sha256, Name: strings.TrimSuffix(base, filepath.Ext(base))}
	if path == stdin {
		f.data.Path, f.data.Name = stdinName, "stdin"
		f.choices = []Choice{{"standard input read as " + in.format + ", by its first line",
			[...]string{"--train_file", "--validation_file", "--test_file"}[p.split] + " FILE"}}
	}
	in.advance()
	names := in.columns()
	if err := f.chooseColumns(o, names, in.row); err != nil {
		return nil, err
	}
	if in.format == ".txt" && find(names, "label") >= 0 && in.row[len(names)-1].text == "label" {
		f.data.Notes = append(f.data.Notes, fmt.Sprintf("line %d reads like a header; a .txt has none, so it is a row: name the file .tsv if it is one", in.line))
	}
	if err := f.readRows(o, in, names); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *ownFile) chooseColumns(o *Options, names []string, first []cell) error {
	settled := len(f.texts) > 0
	if !settled {
		f.label = "label"
		if o.LabelColumn != "" {
			f.label = o.LabelColumn
		}
		f.texts = o.TextColumns
	}
	if find(names, f.label) < 0 && f.split != Test {
		return fault.Errorf(fault.Data, "%s: no column %s; found %s; name the column of the labels with --label_column_name", f.data.Path, show(f.label), showAll(names))
	}
	why := "named"
	if len(f.texts) == 0 {
		f.texts, why = defaultTexts(names, f.label, first)
	}
	if n := len(f.texts); n == 0 {
		return fault.Errorf(fault.Data, "%s: no column of text besides the label; found %s; expected one text column, or two for pairs", f.data.Path, showAll(names))
	} else if n > 2 {
		return fault.Errorf(fault.Usage, "--text_column_names: found %d names (%s), expected one, or two for pairs", n, showAll(f.texts))
	}
	if name, twice := repeated(append(f.texts[:len(f.texts):len(f.texts)], f.label)); twice {
		return fault.Errorf(fault.Usage, "--text_column_names: the column %s is named twice, as text and as label or as both texts; every column serves once", show(name))
	}
	for _, name := range f.texts {
		if find(names, name) < 0 {
			return fault.Errorf(fault.Data, "%s: no column %s; found %s; name the columns of text with --text_column_names", f.data.Path, show(name), showAll(names))
		}
	}
	if !settled && f.format == ".txt" {
		f.choices = append(f.choices, Choice{fmt.Sprintf("columns: %s (a .txt has no header: their number decides)", strings.Join(names, ", ")), "--train_file FILE.tsv"})
	} else if !settled {
		f.choices = append(f.choices,
			Choice{fmt.Sprintf("text: %s (%s)", columnWords(f.texts), why), "--text_column_names"},
			Choice{fmt.Sprintf("label: column %s", show(f.label)), "--label_column_name"})
	}
	return nil
}

// defaultTexts chooses columns of text as run_glue does. A column without a
// name is the row number that pandas writes: never a text; nor is one whose first
// value has another type.
func defaultTexts(names []string, label string, first []cell) (texts []string, why string) {
	if find(names, "sentence1") >= 0 && find(names, "sentence2") >= 0 {
		return []string{"sentence1", "sentence2"}, "both exist"
	}
	var others []string
	for i, n := range names {
		switch kind := first[i].kind; {
		case n == label || n == "" || len(texts) == 2:
		case kind != text && kind != none:
			others = append(others, fmt.Sprintf("%s holds %s", show(n), kind))
		default:
			texts = append(texts, n)
		}
	}
	if len(texts) == 0 && others != nil { // the error of the row will tell
		return defaultTexts(names, label, make([]cell, len(names)))
	}
	why = "the only column that is not the label"
	if len(texts) == 2 {
		why = "a pair: the first two columns that are not the label"
	}
	const shown = 10
	return texts, strings.Join(append([]string{why}, others[:min(len(others), shown)]...), "; ")
}

func columnWords(names []string) string {
	if len(names) == 2 {
		return "columns " + show(names[0]) + " and " + show(names[1])
	}
	return "column " + show(names[0])
}

func (f *ownFile) readRows(o *Options, in *rowSource, names []string) error {
	numbers := true // every first text is a number: probably an index
	open := false   // the last example may have bad lines yet, before the next row
	endRow := func(next int) {
		if n := len(f.labels) - 1; in.bad.before(next) && open {
			f.data.Examples, f.labels = f.data.Examples[:n], f.labels[:n]
		}
		open = false
	}
	for ; !errors.Is(in.err, io.EOF); in.advance() {
		endRow(in.line)
		e := Example{ID: f.data.Rows, Line: in.line, Label: -1}
		f.data.Rows++
		label, err := cell{}, in.err
		if err == nil {
			label, err = f.row(&e, in.row, names)
		}
		if err != nil && o.Report == nil {
			return err
		} else if err != nil {
			o.Report(err)
			continue
		}
		numbers, open = numbers && isNumber(e.TextA), true
		f.data.Examples = append(f.data.Examples, e)
		f.labels = append(f.labels, label)
	}
	endRow(math.MaxInt)
	if len(f.data.Examples) == 0 {
		return noRows(f.data.Path, f.data.Rows)
	}
	f.data.Notes = append(f.data.Notes, in.notes()...)
	if numbers {
		f.data.Notes = append(f.data.Notes, fmt.Sprintf("column %s holds only numbers: is it the text? (--text_column_names)", show(f.texts[0])))
	}
	return nil
}

// row fills the texts of an example and returns its label as written.
func (f *ownFile) row(e *Example, row []cell, names []string) (label cell, err error) {
	if e.TextA, err = f.text(e.Line, f.texts[0], row[find(names, f.texts[0])]); err != nil {
		return label, err
	}
	if len(f.texts) == 2 {
		e.Pair = true
		if e.TextB, err = f.text(e.Line, f.texts[1], row[find(names, f.texts[1])]); err != nil {
			return label, err
		}
	}
	if i := find(names, f.label); i >= 0 {
		label = row[i]
	}
	if label.kind == text {
		if label.text = strings.TrimSpace(label.text); label.text == "" {
			label = cell{}
		}
	}
	if label.kind == none && f.split != Test {
		return label, at(f.data.Path, e.Line, "the row has no label: column %s is empty; complete the row or remove it", show(f.label))
	}
	return label, nil
}

// text checks a cell of a text column.
func (f *ownFile) text(line int, column string, c cell) (string, error) {
	if c.kind != text {
		return "", at(f.data.Path, line, "column %s holds %s; expected a text (--text_column_names names the columns of text)", show(column), c.kind)
	}
	if strings.TrimSpace(c.text) == "" {
		return "", at(f.data.Path, line, "column %s holds %w; write one or remove the row", show(column), ErrEmpty)
	}
	if strings.IndexByte(c.text, 0) >= 0 {
		return "", at(f.data.Path, line, "column %s holds a NUL character; expected a text", show(column))
	}
	if !utf8.ValidString(c.text) { // only Parquet has such
		return "", at(f.data.Path, line, "column %s holds bytes, %w; write the texts as strings", show(column), ErrNotUTF8)
	}
	return c.text, nil
}

// isNumber is true also of a number beyond float64, which is no label then.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}
