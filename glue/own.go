package glue

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

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
	data    Dataset
	labels  []cell // one per example
	choices []Choice
}

// readOwn reads a user's file. Columns that p does not settle are chosen by
// the rules of run_glue: the label is "label"; the text is sentence1 and
// sentence2 where both exist, else the first two columns that are not the
// label.
func readOwn(o *Options, path string, p part) (*ownFile, error) {
	rows, err := openRows(o.FS, path, p)
	if err != nil {
		return nil, err
	}
	f := &ownFile{part: p}
	base := filepath.Base(path)
	f.data = Dataset{Path: path, Name: strings.TrimSuffix(base, filepath.Ext(base))}
	names := rows.columns()
	if err := f.chooseColumns(o, names); err != nil {
		return nil, err
	}
	if err := f.readRows(rows, names); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *ownFile) chooseColumns(o *Options, names []string) error {
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
		f.texts, why = defaultTexts(names, f.label)
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
	if !settled && strings.EqualFold(filepath.Ext(f.data.Path), ".txt") {
		f.choices = append(f.choices, Choice{fmt.Sprintf("columns: %s (a .txt has no header: their number decides)", strings.Join(names, ", ")), "--train_file FILE.tsv"})
	} else if !settled {
		f.choices = append(f.choices,
			Choice{fmt.Sprintf("text: %s (%s)", columnWords(f.texts), why), "--text_column_names"},
			Choice{fmt.Sprintf("label: column %s", show(f.label)), "--label_column_name"})
	}
	return nil
}

// defaultTexts chooses columns of text as run_glue does. A column without a
// name is the row number that pandas writes: never a text.
func defaultTexts(names []string, label string) (texts []string, why string) {
	if find(names, "sentence1") >= 0 && find(names, "sentence2") >= 0 {
		return []string{"sentence1", "sentence2"}, "both exist"
	}
	for _, n := range names {
		if n != label && n != "" && len(texts) < 2 {
			texts = append(texts, n)
		}
	}
	if len(texts) == 2 {
		return texts, "a pair: the first two columns that are not the label"
	}
	return texts, "the only column that is not the label"
}

func columnWords(names []string) string {
	if len(names) == 2 {
		return "columns " + show(names[0]) + " and " + show(names[1])
	}
	return "column " + show(names[0])
}

func (f *ownFile) readRows(rows rowReader, names []string) error {
	a, b, label := find(names, f.texts[0]), -1, find(names, f.label)
	if len(f.texts) == 2 {
		b = find(names, f.texts[1])
	}
	row := make([]cell, len(names))
	numbers := true // every first text is a number: probably an index
	for {
		line, err := rows.next(row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		e := Example{ID: f.data.Rows, Line: line, Label: -1, Pair: b >= 0}
		f.data.Rows++
		if e.TextA, err = f.text(line, f.texts[0], row[a]); err != nil {
			return err
		}
		if b >= 0 {
			if e.TextB, err = f.text(line, f.texts[1], row[b]); err != nil {
				return err
			}
		}
		c := cell{}
		if label >= 0 {
			c = row[label]
		}
		if c.kind == text {
			if c.text = strings.TrimSpace(c.text); c.text == "" {
				c = cell{}
			}
		}
		if c.kind == none && f.split != Test {
			return at(f.data.Path, line, "the row has no label: column %s is empty; complete the row or remove it", show(f.label))
		}
		numbers = numbers && isNumber(e.TextA)
		f.data.Examples = append(f.data.Examples, e)
		f.labels = append(f.labels, c)
	}
	if f.data.Rows == 0 {
		return fault.Errorf(fault.Data, "%s: no rows besides the header; expected at least one", f.data.Path)
	}
	f.note(rows.blank(), numbers)
	return nil
}

func (f *ownFile) note(blank []int, numbers bool) {
	if n := len(blank); n > 0 {
		f.data.Notes = append(f.data.Notes, fmt.Sprintf("blank lines left out: %d (line %s)", n, showLines(blank)))
	}
	if numbers {
		f.data.Notes = append(f.data.Notes, fmt.Sprintf("column %s holds only numbers: is it the text? (--text_column_names)", show(f.texts[0])))
	}
}

// text checks a cell of a text column.
func (f *ownFile) text(line int, column string, c cell) (string, error) {
	if c.kind != text {
		return "", at(f.data.Path, line, "column %s holds %s; expected a text", show(column), c.kind)
	}
	if strings.TrimSpace(c.text) == "" {
		return "", at(f.data.Path, line, "column %s holds an empty text; write one or remove the row", show(column))
	}
	if strings.IndexByte(c.text, 0) >= 0 {
		return "", at(f.data.Path, line, "column %s holds a NUL character; expected a text", show(column))
	}
	return c.text, nil
}

// isNumber is true also of a number beyond float64, which is no label then.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}
