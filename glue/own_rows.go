package glue

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/strictjson"
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
	other   // any other JSON value: may stand in a column that nobody reads
)

func (k cellKind) String() string {
	return [...]string{"nothing", "a text", "a number", "true or false", "a list", "an object"}[k]
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
	// blank lists the lines without anything that were passed over.
	blank() []int
}

// openRows opens a user's file by its extension.
func openRows(fsys fs.FS, path string, part part) (rowReader, error) {
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".txt", ".csv", ".tsv", ".json", ".jsonl":
	default:
		return nil, fault.Errorf(fault.Usage, "%s: the extension %s says no known format; known are .txt (text<TAB>label), .csv, .tsv (both with a header), .json and .jsonl (an object per line)", path, show(ext))
	}
	content, err := readText(fsys, path)
	if err != nil {
		return nil, err
	}
	switch ext {
	case ".csv":
		return newCSVRows(path, content)
	case ".json", ".jsonl":
		return newJSONRows(path, content)
	case ".tsv":
		return newTSVRows(path, content)
	}
	return newTxtRows(path, content, part)
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

func columnCount(n int) string { return plural(n, "column") }

func rowCount(n int) string { return plural(n, "row") }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

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
	peek := r.in
	first := ""
	for first == "" {
		line, ok := peek.next()
		if !ok {
			break
		}
		first = line
	}
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
func (r *tabRows) blank() []int      { return r.blanks }

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
			return 0, width(r.path, r.in.number, len(r.fields), r.names)
		}
		for i, f := range r.fields {
			row[i] = cell{kind: text, text: f}
		}
		return r.in.number, nil
	}
}

// csvRows reads .csv: comma separated, quoted as in RFC 4180, with a header.
type csvRows struct {
	path  string
	in    *csv.Reader
	names []string
}

func newCSVRows(path, content string) (*csvRows, error) {
	r := &csvRows{path: path, in: csv.NewReader(strings.NewReader(content))}
	r.in.FieldsPerRecord = -1 // counted here, for the message
	header, err := r.in.Read()
	if err != nil {
		return nil, r.fail(err)
	}
	r.names = header
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		return nil, at(path, 1, "found one column, %s; expected columns separated by commas", show(header[0]))
	}
	return r, checkHeader(path, header)
}

func (r *csvRows) columns() []string { return r.names }
func (r *csvRows) blank() []int      { return nil }

func (r *csvRows) next(row []cell) (int, error) {
	record, err := r.in.Read()
	if err == io.EOF {
		return 0, io.EOF
	}
	if err != nil {
		return 0, r.fail(err)
	}
	line, _ := r.in.FieldPos(0)
	if len(record) != len(r.names) {
		return 0, width(r.path, line, len(record), r.names)
	}
	for i, f := range record {
		row[i] = cell{kind: text, text: f}
	}
	return line, nil
}

// fail says what to do about a quoting error.
func (r *csvRows) fail(err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return fault.Errorf(fault.Data, "%s: %w", r.path, err)
	}
	return at(r.path, p.StartLine, "%w (byte %d of line %d); in CSV a text with quotes is written \"like \"\"this\"\"\"; a file without quoting is .tsv", p.Err, p.Column, p.Line)
}

// jsonRows reads .json and .jsonl: an object per line. The columns are the
// keys of the first one, in its order; keys that only others have are passed
// over.
type jsonRows struct {
	path   string
	in     lines
	names  []string
	index  map[string]int  // position in names
	seen   map[string]bool // keys of the current object
	blanks []int
}

func newJSONRows(path, content string) (*jsonRows, error) {
	r := &jsonRows{path: path, in: lines{rest: content}, index: map[string]int{}, seen: map[string]bool{}}
	peek := r.in
	for {
		line, ok := peek.next()
		if !ok {
			return nil, fault.Errorf(fault.Data, "%s: no rows; expected one JSON object per line", path)
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		err := r.object(peek.number, line, func(key string, _ cell) {
			r.index[key] = len(r.names)
			r.names = append(r.names, key)
		})
		return r, err
	}
}

func (r *jsonRows) columns() []string { return r.names }
func (r *jsonRows) blank() []int      { return r.blanks }

func (r *jsonRows) next(row []cell) (int, error) {
	for {
		line, ok := r.in.next()
		if !ok {
			return 0, io.EOF
		}
		if strings.TrimSpace(line) == "" {
			r.blanks = append(r.blanks, r.in.number)
			continue
		}
		for i := range row {
			row[i] = cell{}
		}
		err := r.object(r.in.number, line, func(key string, c cell) {
			if i, known := r.index[key]; known {
				row[i] = c
			}
		})
		return r.in.number, err
	}
}

// object calls visit for every key of one line's object, in order.
func (r *jsonRows) object(line int, s string, visit func(key string, c cell)) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	bad := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the object does not end")
		}
		return at(r.path, line, "not a JSON object: %w; expected one object per line, for example {\"text\": \"…\", \"label\": \"…\"}", err)
	}
	start, err := d.Token()
	if err != nil {
		return bad(err)
	}
	if start == json.Delim('[') {
		return bad(errors.New("it begins a list (jq -c '.[]' writes the members of a list line by line)"))
	}
	if start != json.Delim('{') {
		return bad(fmt.Errorf("found %s", show(fmt.Sprint(start))))
	}
	clear(r.seen)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return bad(err)
		}
		key := token.(string)
		if r.seen[key] {
			return at(r.path, line, "the key %s occurs twice; every column needs its own name", show(key))
		}
		r.seen[key] = true
		var v any
		if err := d.Decode(&v); err != nil {
			return bad(err)
		}
		visit(key, newCell(v))
	}
	if _, err := d.Token(); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return bad(errors.New("something follows the object"))
	}
	if err := strictjson.Check([]byte(s)); err != nil { // a repaired text would be another
		return bad(err)
	}
	return nil
}

// newCell types a JSON value.
func newCell(v any) cell {
	switch v := v.(type) {
	case nil:
		return cell{}
	case string:
		return cell{kind: text, text: v}
	case json.Number:
		return cell{kind: number, text: v.String()}
	case bool:
		return cell{kind: boolean, text: fmt.Sprint(v)}
	case []any:
		c := cell{kind: list, list: make([]string, len(v))}
		for i, e := range v {
			member := newCell(e)
			if member.kind != text && member.kind != number {
				return cell{kind: other}
			}
			c.list[i] = member.text
		}
		return c
	}
	return cell{kind: other}
}
