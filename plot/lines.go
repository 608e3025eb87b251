package plot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"

	"pactune/internal/fault"
)

var errNoObject = errors.New("found no object")

// field is one member of a JSON object: a text, or a number, with NaN for null
// and for what is neither.
type field struct {
	name   string
	text   string
	number float64
}

// readLines gives each line of a file of JSON objects to take. An error is of
// kind Data and names the line; a last line without its line feed is left out
// when it is torn.
func readLines(path string, take func(row []field)) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Errorf(fault.Data, "%w", err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		torn := err == io.EOF
		if err != nil && !torn {
			return fault.Errorf(fault.Data, "%s: line %d: %w", path, n, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			row, bad := fields(line)
			if bad != nil && !torn {
				return fault.Errorf(fault.Data, "%s: line %d: %w; expected one JSON object", path, n, bad)
			}
			if bad == nil {
				take(row)
			}
		}
		if torn {
			return nil
		}
	}
}

// fields are the members of the JSON object in line, in their order, which
// tells the metric to watch.
func fields(line []byte) ([]field, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('{') {
		return nil, errNoObject
	}
	var row []field
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		f := field{name: key.(string), number: math.NaN()}
		switch v := v.(type) {
		case string:
			f.text = v
		case float64:
			f.number = v
		case bool:
			f.number = 0
			if v {
				f.number = 1
			}
		}
		row = append(row, f)
	}
	_, err := d.Token() // the closing brace
	return row, err
}
