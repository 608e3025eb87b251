package glue

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"pactune/internal/fault"
)

// csvRows reads .csv: comma separated, quoted as in RFC 4180, with a header.
type csvRows struct {
	path   string
	text   string
	in     *csv.Reader
	names  []string
	line   int   // the last one that is read
	offset int   // its end in text
	blanks []int // lines that package csv passes over
}

func newCSVRows(path, content string) (*csvRows, error) {
	r := &csvRows{path: path, text: content, in: csv.NewReader(strings.NewReader(content))}
	r.in.FieldsPerRecord = -1 // counted here, for the message
	header, _, err := r.read()
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
func (r *csvRows) notes() []string   { return blankNote(r.blanks) }

// read returns a record and the line where it begins.
func (r *csvRows) read() (record []string, line int, err error) {
	record, err = r.in.Read()
	end := int(r.in.InputOffset())
	rest := lines{rest: r.text[r.offset:end], number: r.line}
	for next, ok := rest.next(); ok && next == ""; next, ok = rest.next() {
		r.blanks = append(r.blanks, rest.number)
	}
	var bad *csv.ParseError
	if err == nil {
		line, _ = r.in.FieldPos(0)
	} else if errors.As(err, &bad) {
		line = bad.StartLine
	}
	r.line, r.offset = r.line+strings.Count(r.text[r.offset:end], "\n"), end
	return record, line, err
}

func (r *csvRows) next(row []cell) (int, error) {
	record, line, err := r.read()
	if err == io.EOF {
		return 0, io.EOF
	}
	if err != nil {
		return line, r.fail(err)
	}
	if len(record) != len(r.names) {
		return line, width(r.path, line, len(record), r.names)
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
