// Package parquet reads the rows of a Parquet file as plain values: what a data
// set needs of the format, and the one place that imports its library. Who imports
// it lets package glue read .parquet:
//
//	import _ "pactune/parquet"
//
// The command does; a program that uses the libraries need not carry it.
//
// A Parquet file stores its columns one after another, in groups of rows, with
// the schema in a footer at its end. Only columns of the first level are looked
// at. A row has one value for each:
//
//	nil          no value
//	string       a text, which need not be UTF-8
//	bool
//	json.Number  a number in its shortest form; one of a column of floats has a
//	             decimal point or an exponent, as in 2.0
//	[]any        a list of such values
//	Other        anything else: a group, a date, a decimal, bytes of a fixed length
//
// The content is not trusted. What does not fit the format, also where the
// library panics, is an error that says so; the caller adds the file's name. The
// library believes every number of a file: how long a list is, a page, a run. They are
// therefore held against each other and the file's size before it reads them
// (thrift.go, pages.go).
package parquet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/format"

	"pactune/glue"
)

func init() {
	glue.RegisterParquet(func(content []byte) (glue.Table, error) { return NewReader(content) })
}

// Other stands for a value of a type that no text or label has.
type Other struct{}

// Reader reads the rows of a file, from first to last.
type Reader struct {
	names  []string
	leaves []leaf // by column of the library
	size   int    // of the file in bytes
	groups []parquet.RowGroup
	group  [][]any // of the current group, a slice for each column
	row, n int     // next row of the group, and its rows
	left   int     // bytes of texts that may still come
}

// leaf is a column of the library: where it belongs and how it is read.
type leaf struct {
	field    int                       // position of the first-level column
	optional bool                      // that column may be missing from a row
	list     bool                      // a row has a list of values
	level    int                       // definition level
	inList   int                       // the one from which on a list has an element
	nested   bool                      // below the first level
	other    bool                      // some part of a group
	empty    bool                      // of a type without values
	read     func(v parquet.Value) any // nil: Other
}

// NewReader opens a file by its content.
func NewReader(content []byte) (r *Reader, err error) {
	defer guard(&err)
	if n := len(content); n < 12 || string(content[:4]) != magic || string(content[n-4:]) != magic {
		return nil, fmt.Errorf("does not begin and end with %s, as a Parquet file does: it is another kind of file, or is cut short", magic)
	} else if footer := int64(binary.LittleEndian.Uint32(content[n-8:])); footer > int64(n-12) {
		return nil, fmt.Errorf("found a footer of %d bytes in a file of %d: the file is damaged", footer, n)
	} else if err := checkFooter(content[int64(n-8)-footer : n-8]); err != nil {
		return nil, damaged(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, damaged(err)
	}
	columns := leavesOf(file.Root(), nil)
	for _, g := range file.Metadata().RowGroups {
		if len(g.Columns) != len(columns) {
			return nil, damaged(fmt.Errorf("found %d columns in a group of rows, expected %d", len(g.Columns), len(columns)))
		}
		for i := range g.Columns {
			c := &g.Columns[i]
			// The library looks for the size of a block by doubling until it fits:
			// in a damaged file, without end.
			if codec := c.MetaData.Codec; codec == format.Lz4Raw {
				return nil, fmt.Errorf("is compressed with %v, which is not read; write it with SNAPPY, GZIP, BROTLI, ZSTD or without compression", codec)
			}
			if err := checkChunk(content, &c.MetaData, columns[i]); err != nil {
				return nil, damaged(fmt.Errorf("column %q: %w", strings.Join(c.MetaData.PathInSchema, "."), err))
			}
		}
	}
	r = &Reader{size: len(content), left: max(textBytes, pageRatio*len(content)), groups: file.RowGroups()}
	for i, f := range file.Schema().Fields() {
		r.names = append(r.names, f.Name())
		r.addLeaves(f, leaf{field: i, optional: f.Optional()}, 0)
	}
	return r, nil
}

const magic = "PAR1"

// leavesOf are the columns that have values, in the order of the file.
func leavesOf(c *parquet.Column, found []*parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return append(found, c)
	}
	for _, child := range c.Columns() {
		found = leavesOf(child, found)
	}
	return found
}

// Columns names the columns of the first level.
func (r *Reader) Columns() []string { return r.names }

// Next fills row, which has an element for each column; at the end the error
// is io.EOF. After another error there is no next row.
func (r *Reader) Next(row []any) (err error) {
	defer guard(&err)
	for r.row == r.n {
		if len(r.groups) == 0 {
			return io.EOF
		}
		g := r.groups[0]
		r.groups = r.groups[1:]
		if err := r.read(g); err != nil {
			r.groups, r.n = nil, r.row
			return damaged(err)
		}
	}
	for i, column := range r.group {
		row[i] = column[r.row]
	}
	r.row++
	return nil
}

// rowsPerByte is more than any file of texts has: a bound for what a damaged
// one may claim.
const rowsPerByte = 64

// textBytes is what the texts of the smallest file may have in all: rows that share a
// long text of a dictionary are copies of it.
const textBytes = 64 << 20

// read reads a group of rows, column by column.
func (r *Reader) read(g parquet.RowGroup) error {
	if n := g.NumRows(); n < 0 || n > rowsPerByte*int64(r.size) {
		return fmt.Errorf("found a group of %d rows in a file of %d bytes", n, r.size)
	}
	r.group, r.row, r.n = make([][]any, len(r.names)), 0, int(g.NumRows())
	chunks := g.ColumnChunks()
	if len(chunks) != len(r.leaves) {
		return fmt.Errorf("found %d columns in a group of rows, expected %d", len(chunks), len(r.leaves))
	}
	for i := range r.leaves {
		l := &r.leaves[i]
		values, err := l.column(chunks[i], r.n, &r.left)
		if err == nil && len(values) != r.n {
			err = fmt.Errorf("found %d rows, expected %d", len(values), r.n)
		}
		if err != nil {
			return fmt.Errorf("column %q: %w", r.names[l.field], err)
		}
		r.group[l.field] = values
	}
	return nil
}

// column reads a column of a group of n rows.
func (l *leaf) column(chunk parquet.ColumnChunk, n int, left *int) (column []any, err error) {
	if l.read == nil { // nothing in it is looked at
		for range n {
			column = append(column, l.constant())
		}
		return column, nil
	}
	pages := chunk.Pages()
	defer pages.Close()
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return column, nil
		}
		if err != nil {
			return nil, err
		}
		if column, err = l.page(page, column, n, left); err != nil {
			return nil, err
		}
		parquet.Release(page)
	}
}

// page appends the rows of a page. The library's own reader of values does not
// end where a damaged page has fewer values than it claims; here their index
// runs out of range, which guard catches.
func (l *leaf) page(page parquet.Page, column []any, n int, left *int) ([]any, error) {
	definitions, repetitions, value := page.DefinitionLevels(), page.RepetitionLevels(), values(page)
	next := 0
	for i := range int(page.NumValues()) {
		if repetitions == nil || repetitions[i] == 0 {
			column = append(column, nil)
		}
		if len(column) == 0 || len(column) > n {
			return nil, fmt.Errorf("found more than the %d rows of the group", n)
		}
		level := l.level
		if definitions != nil {
			level = int(definitions[i])
		}
		var v any
		if level == l.level {
			v = l.read(value(next))
			next++
		}
		if text, ok := v.(string); ok {
			if *left -= len(text); *left < 0 {
				return nil, fmt.Errorf("found more bytes of texts than a file of this size has")
			}
		}
		l.put(&column[len(column)-1], v, level)
	}
	return column, nil
}

// values returns how the values of a page are reached: those that there are,
// from 0.
func values(page parquet.Page) func(i int) parquet.Value {
	data := page.Data()
	if d := page.Dictionary(); d != nil {
		indexes := data.Int32()
		return func(i int) parquet.Value { return d.Index(indexes[i]) }
	}
	switch data.Kind() {
	case encoding.Boolean:
		bits := data.Boolean()
		return func(i int) parquet.Value { return parquet.BooleanValue(bits[i/8]>>(i%8)&1 == 1) }
	case encoding.Int32:
		v := data.Int32()
		return func(i int) parquet.Value { return parquet.Int32Value(v[i]) }
	case encoding.Int64:
		v := data.Int64()
		return func(i int) parquet.Value { return parquet.Int64Value(v[i]) }
	case encoding.Float:
		v := data.Float()
		return func(i int) parquet.Value { return parquet.FloatValue(v[i]) }
	case encoding.Double:
		v := data.Double()
		return func(i int) parquet.Value { return parquet.DoubleValue(v[i]) }
	}
	v, offsets := data.ByteArray()
	return func(i int) parquet.Value { return parquet.ByteArrayValue(v[offsets[i]:offsets[i+1]]) }
}

// constant is the value of a column that is not read.
func (l *leaf) constant() any {
	if l.empty {
		return nil
	}
	return Other{}
}

// damaged cuts what the library says, which may name every level of a deep file.
func damaged(err error) error { return fmt.Errorf("is a damaged Parquet file: %.200v", err.Error()) }

// guard turns a panic of the library into an error.
func guard(err *error) {
	if bug := recover(); bug != nil {
		*err = damaged(fmt.Errorf("%v", bug))
	}
}

// put adds one value of the column, which has the definition level given, to
// what a row has.
func (l *leaf) put(to *any, v any, level int) {
	switch {
	case !l.list:
		*to = v
	case l.optional && level == 0: // no list
	default:
		list, _ := (*to).([]any)
		if list == nil {
			list = []any{}
		}
		if level >= l.inList {
			list = append(list, v)
		}
		*to = list
	}
}

// addLeaves adds the library's columns below a node of a first-level column, as
// l describes the way to it. A value is read, and a list of values however that
// is nested; anything else is Other.
func (r *Reader) addLeaves(node parquet.Node, l leaf, lists int) {
	if node.Optional() || node.Repeated() {
		l.level++
	}
	if node.Repeated() {
		lists++
		l.list, l.inList = true, l.level
	}
	if node.Leaf() {
		if l.nested && !l.list || lists > 1 {
			l.other = true
		}
		if t := node.Type(); !l.other {
			l.read = reads(t)
			l.empty = t.LogicalType() != nil && t.LogicalType().Unknown != nil
		}
		r.leaves = append(r.leaves, l)
		return
	}
	l.nested = true
	fields := node.Fields()
	l.other = l.other || len(fields) != 1
	for _, f := range fields {
		r.addLeaves(f, l, lists)
	}
}

// reads returns how a column's values are read, nil for types that are Other.
func reads(t parquet.Type) func(v parquet.Value) any {
	logical := t.LogicalType()
	if logical == nil {
		logical = &format.LogicalType{}
	}
	switch kind := t.Kind(); {
	case logical.Decimal != nil || logical.Date != nil || logical.Time != nil || logical.Timestamp != nil || logical.Bson != nil || logical.Unknown != nil:
		return nil
	case kind == parquet.Boolean:
		return func(v parquet.Value) any { return v.Boolean() }
	case kind == parquet.ByteArray:
		return func(v parquet.Value) any { return string(v.ByteArray()) }
	case kind == parquet.Float:
		return func(v parquet.Value) any { return float(float64(v.Float()), 32) }
	case kind == parquet.Double:
		return func(v parquet.Value) any { return float(v.Double(), 64) }
	case logical.Integer != nil && !logical.Integer.IsSigned && kind == parquet.Int32:
		return func(v parquet.Value) any { return json.Number(strconv.FormatUint(uint64(v.Uint32()), 10)) }
	case logical.Integer != nil && !logical.Integer.IsSigned && kind == parquet.Int64:
		return func(v parquet.Value) any { return json.Number(strconv.FormatUint(v.Uint64(), 10)) }
	case kind == parquet.Int32:
		return func(v parquet.Value) any { return json.Number(strconv.FormatInt(int64(v.Int32()), 10)) }
	case kind == parquet.Int64:
		return func(v parquet.Value) any { return json.Number(strconv.FormatInt(v.Int64(), 10)) }
	}
	return nil
}

// float writes a number that comes from a column of floats; NaN and infinities
// stand as Go writes them.
func float(v float64, bits int) json.Number {
	s := strconv.FormatFloat(v, 'g', -1, bits)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return json.Number(s)
}
