package glue

import (
	"io"

	"pactune/internal/fault"
	"pactune/parquet"
)

// parquetRows reads .parquet; its lines are the numbers of rows, from 1.
type parquetRows struct {
	path   string
	in     *parquet.Reader
	values []any
	row    int
	ended  bool
}

func newParquetRows(path, content string) (*parquetRows, error) {
	in, err := parquet.NewReader([]byte(content))
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	return &parquetRows{path: path, in: in, values: make([]any, len(in.Columns()))}, checkHeader(path, in.Columns())
}

func (r *parquetRows) columns() []string { return r.in.Columns() }
func (r *parquetRows) blank() []int      { return nil }

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
