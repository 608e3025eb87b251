package glue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// jsonRows reads .json and .jsonl: an object per line. The columns are the
// keys of the first one, in its order; keys that only others have are passed
// over, and noted.
type jsonRows struct {
	path   string
	in     lines
	names  []string
	index  map[string]int  // position in names; −1 of the later keys
	seen   map[string]bool // keys of the current object
	later  []string        // keys that the first object lacks
	since  int             // line of the first of them
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

func (r *jsonRows) notes() []string {
	notes := blankNote(r.blanks)
	if r.later != nil {
		notes = append(notes, fmt.Sprintf("keys that the first row lacks are left out, from line %d on: %s", r.since, showAll(r.later)))
	}
	return notes
}

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
			i, known := r.index[key]
			switch {
			case i >= 0 && known:
				row[i] = c
			case !known:
				r.index[key], r.later = -1, append(r.later, key)
				if r.since == 0 {
					r.since = r.in.number
				}
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

// newCell types a value of JSON, or of a Table.
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
