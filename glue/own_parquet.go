package glue

import (
	"io"

	"pactune/internal/fault"
)

// Table gives the rows of a file in a format that this package cannot read.
type Table interface {
	// Columns names the columns.
	Columns() []string
	// Next fills row, which has an element for each column: nil, a string, a
	// bool, a json.Number or a []any of them; anything else is of a type that no
	// text or label has. At the end the error is io.EOF.
	Next(row []any) error
}

var openParquet func(content []byte) (Table, error)

// RegisterParquet makes .parquet readable; importing package parquet does it.
// Not to be called while data are read.
func RegisterParquet(open func(content []byte) (Table, error)) { openParquet = open }

// parquetMagic begins a Parquet file.
const parquetMagic = "PAR1"

// parquetRows reads .parquet; its lines are the numbers of rows, from 1.
type parquetRows struct {
	path   string
	in     Table
	values []any
	row    int
	ended  bool
}

func newParquetRows(path, content string) (*parquetRows, error) {
	if openParquet == nil {
		return nil, fault.Errorf(fault.Usage, "%s: this program is built without Parquet (package pactune/parquet); write the rows as .jsonl or .csv", path)
	}
	in, err := openParquet([]byte(content))
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	return &parquetRows{path: path, in: in, values: make([]any, len(in.Columns()))}, checkHeader(path, in.Columns())
}

func (r *parquetRows) columns() []string { return r.in.Columns() }
func (r *parquetRows) notes() []string   { return nil }

func (r *parquetRows) next(row []cell) (int, error) {
	if r.ended {
		return 0, io.EOF
	}
	err := r.in.Next(r.values)
	if err != nil {
		r.ended = true
	}
	if err == io.EOF {
		return 0, io.EOF
	}
	r.row++
	if err != nil {
		return 0, at(r.path, r.row, "%w", err)
	}
	for i, v := range r.values {
		row[i] = newCell(v)
	}
	return r.row, nil
}
