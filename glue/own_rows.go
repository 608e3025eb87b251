package glue

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/plural"
)

// cellKind is what a file says about the type of a value. Delimited files
// know text alone; a value that looks like a number counts as one later.
type cellKind int

const (
	none cellKind = iota // no value: null, or an absent key
	text
	number  // a JSON number
	boolean // a JSON true or false
	list    // a JSON list of strings or numbers
	tags    // the labels of a line of fastText: a class, or several
	other   // any other value: may stand in a column that nobody reads
)

func (k cellKind) String() string {
	return [...]string{"nothing", "a text", "a number", "true or false", "a list", "a list", "an object"}[k]
}

// cell is one value of a row.
type cell struct {
	kind cellKind
	text string
	list []string
}

// rowReader walks over the rows of a user's file, whatever its format.
type rowReader interface {
	// columns names the columns; known before the first row is read.
	columns() []string
	// next fills row, one cell per column, and returns the row's line; at the
	// end the error is io.EOF.
	next(row []cell) (line int, err error)
	// notes tells, at the end, what was passed over.
	notes() []string
}

// rowSource is an opened file with its current row.
type rowSource struct {
	rowReader
	sha256 string
	format string // the extension that stands for it
	bad    badLines
	row    []cell
	line   int   // of row
	err    error // of row; io.EOF behind the last
}

// advance goes to the next row.
func (s *rowSource) advance() { s.line, s.err = s.next(s.row) }

// openRows opens a user's file. The extension says its format:
//
//	.csv               comma separated, quoted as in RFC 4180, with a header
//	.tsv               tab separated, without quoting, with a header
//	.jsonl, .json      an object per line
//	.parquet           Parquet
//	.txt               no header: text<TAB>label, or two texts and a label
//	.txt, .ft,         fastText: __label__a __label__b text; told from the above
//	.train, .valid     by the first line, which begins with __label__
//
// Of the standard input, the first line tells the format.
func openRows(o *Options, path string, p part) (*rowSource, error) {
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt", ".ft", ".train", ".valid":
	default:
		if what := irregular(o.FS, path); path != stdin && what != "" {
			return nil, fault.Errorf(fault.Data, "%s: is %s; expected a file", path, what)
		}
		if path != stdin {
			return nil, fault.Errorf(fault.Usage, "%s: the extension %s says no known format; known are .csv and .tsv (both with a header), .json and .jsonl (an object per line), .parquet, .txt (text<TAB>label, or fastText's __label__ lines)", path, show(ext))
		}
	}
	content, err := readFile(o.FS, path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(content))
	if path == stdin {
		path, ext = stdinName, formatOf(o, content)
	}
	s := &rowSource{sha256: hex.EncodeToString(sum[:]), format: ext}
	if ext != ".parquet" {
		if content, s.bad, err = checkText(path, content, o.Report); err != nil {
			return nil, err
		}
	}
	if s.rowReader, err = newRows(path, ext, content, p); err != nil {
		return nil, err
	}
	s.row = make([]cell, len(s.columns()))
	return s, nil
}

// newRows begins to read content in the format that ext stands for.
func newRows(path, ext, content string, p part) (r rowReader, err error) {
	switch ext {
	case ".parquet":
		r, err = newParquetRows(path, content)
	case ".csv":
		r, err = newCSVRows(path, content)
	case ".tsv":
		r, err = newTSVRows(path, content)
	case ".json", ".jsonl":
		r, err = newJSONRows(path, content)
	default:
		if first, _ := firstLine(content); strings.HasPrefix(first, labelPrefix) {
			r, err = newTagRows(path, content)
		} else {
			r, err = newTxtRows(path, content, p)
		}
	}
	return r, err
}

// stdinName stands for the standard input in messages.
const stdinName = "standard input"

// formatOf tells the format of the standard input, as an extension, by its
// first line. Of lines with tabs it is a header when it has a usual name of a
// column, or one that the options give.
func formatOf(o *Options, content string) string {
	first, _ := firstLine(strings.TrimPrefix(content, "\ufeff"))
	switch {
	case strings.HasPrefix(content, parquetMagic):
		return ".parquet"
	case strings.HasPrefix(strings.TrimSpace(first), "{"), strings.HasPrefix(strings.TrimSpace(first), "["):
		return ".jsonl"
	case strings.HasPrefix(first, labelPrefix):
		return ".txt"
	case strings.Contains(first, "\t"):
		known := append([]string{"label", "sentence1", "text", o.LabelColumn}, o.TextColumns...)
		for _, name := range splitTabs(nil, first) {
			if find(known, name) >= 0 {
				return ".tsv"
			}
		}
		return ".txt"
	}
	return ".csv"
}

// blankNote tells of the lines without anything that were passed over.
func blankNote(blank []int) []string {
	if len(blank) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("blank lines left out: %d (line %s)", len(blank), showLines(blank))}
}

// firstLine is the first line that is not blank, and its number.
func firstLine(content string) (line string, number int) {
	in := lines{rest: content}
	for {
		line, ok := in.next()
		if !ok || line != "" {
			return line, in.number
		}
	}
}

// checkHeader refuses a header with unnamed or repeated columns.
func checkHeader(path string, names []string) error {
	if name, twice := repeated(names); twice {
		return at(path, 1, "the header names the column %s twice; every column needs its own name", show(name))
	}
	return nil
}

// width is the error of a row with another number of columns than expected.
func width(path string, line, found int, names []string) error {
	if found > len(names) {
		return at(path, line, "found %s, expected %d (%s); is there a delimiter inside a text?", columnCount(found), len(names), showAll(names))
	}
	missing := names[len(names)-1]
	return at(path, line, "found %s, expected %d (%s): the row has no %s; complete it or remove it", columnCount(found), len(names), showAll(names), show(missing))
}

func columnCount(n int) string { return plural.Of(n, "column") }

func rowCount(n int) string { return plural.Of(n, "row") }

// tabRows reads .tsv (header, no quoting) and .txt (no header).
type tabRows struct {
	path   string
	in     lines
	names  []string
	fields []string
	blanks []int
}

func newTSVRows(path, content string) (*tabRows, error) {
	r := &tabRows{path: path, in: lines{rest: content}}
	header, _ := r.in.next()
	r.names = splitTabs(nil, header)
	return r, checkHeader(path, r.names)
}

// newTxtRows takes the number of columns from the first row: a text, a text
// and a label, or two texts and a label. A part without labels (a test file)
// may lack the label that the training part has.
func newTxtRows(path, content string, p part) (*tabRows, error) {
	r := &tabRows{path: path, in: lines{rest: content}}
	first, _ := firstLine(content)
	n := 1 + strings.Count(first, "\t")
	single, pair := []string{"text", "label"}, []string{"sentence1", "sentence2", "label"}
	switch {
	case len(p.texts) == 1 && n == 1, len(p.texts) == 2 && n == 2:
		r.names = p.texts // the label is missing
	case len(p.texts) == 1, len(p.texts) == 0 && n <= 2:
		r.names = single
	default:
		r.names = pair
	}
	if p.split == Test && len(p.texts) == 0 && n == 1 {
		r.names = single[:1]
	}
	return r, nil
}

func (r *tabRows) columns() []string { return r.names }
func (r *tabRows) notes() []string   { return blankNote(r.blanks) }

func (r *tabRows) next(row []cell) (int, error) {
	for {
		line, ok := r.in.next()
		if !ok {
			return 0, io.EOF
		}
		if line == "" {
			r.blanks = append(r.blanks, r.in.number)
			continue
		}
		r.fields = splitTabs(r.fields, line)
		if len(r.fields) != len(r.names) {
			return r.in.number, width(r.path, r.in.number, len(r.fields), r.names)
		}
		for i, f := range r.fields {
			row[i] = cell{kind: text, text: f}
		}
		return r.in.number, nil
	}
}
