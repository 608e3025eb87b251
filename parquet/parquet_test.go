package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// wanted is what testdata/generate/parquet.py writes into row i of a column.
func wanted(column string, i int) any {
	number := func(text string) any { return json.Number(text) }
	switch column {
	case "text":
		if i%50 == 49 {
			return nil
		}
		return fmt.Sprintf("text %d é\n\"quoted\"", i)
	case "required":
		return fmt.Sprint("r", i)
	case "category":
		return []string{"pos", "neg"}[i%2]
	case "int":
		return number(fmt.Sprint(i - 5))
	case "small":
		return number(fmt.Sprint(i%100 - 3))
	case "unsigned":
		return number(fmt.Sprint(^uint64(0) - uint64(i)))
	case "double":
		return number(fmt.Sprint(i/4) + []string{".0", ".25", ".5", ".75"}[i%4])
	case "float":
		return number(fmt.Sprintf("%d.%d", i/10, i%10))
	case "bool":
		return i%3 == 0
	case "list":
		if i%7 == 6 {
			return nil
		}
		list := []any{}
		for k := range i % 4 {
			list = append(list, fmt.Sprint("l", k))
		}
		return list
	case "holes":
		if i%2 == 1 {
			return []any{number("1"), nil}
		}
		return []any{number("2")}
	case "bytes":
		return string([]byte{byte(i), 0xff})
	case "null":
		return nil
	}
	return Other{} // group, single, nested, date
}

func readAll(content []byte) (names []string, rows [][]any, err error) {
	r, err := NewReader(content)
	if err != nil {
		return nil, nil, err
	}
	for {
		row := make([]any, len(r.Columns()))
		err := r.Next(row)
		if errors.Is(err, io.EOF) {
			return r.Columns(), rows, nil
		}
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
	}
}

func files(t testing.TB) map[string][]byte {
	paths, err := filepath.Glob("testdata/*.parquet")
	if err != nil || len(paths) != 7 {
		t.Fatalf("%v %v", paths, err)
	}
	contents := map[string][]byte{}
	for _, path := range paths {
		if contents[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return contents
}

// Files that pyarrow wrote with every compression, both forms of pages, with
// and without dictionaries, hold what it was given.
func TestFilesOfPyarrow(t *testing.T) {
	for path, content := range files(t) {
		names, rows, err := readAll(content)
		if strings.HasSuffix(path, "lz4.parquet") {
			if err == nil || !strings.Contains(err.Error(), "LZ4") {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		if err != nil || len(rows) != 150 || len(names) != 17 {
			t.Errorf("%s: %d rows of %d columns, %v", path, len(rows), len(names), err)
			continue
		}
		for i, row := range rows {
			for k, name := range names {
				if want := wanted(name, i); !reflect.DeepEqual(row[k], want) {
					t.Fatalf("%s: row %d, %s: %#v, want %#v", path, i, name, row[k], want)
				}
			}
		}
	}
}

// A file that is cut short, or of which a byte is another, gives an error or
// rows, and no panic.
func TestDamagedFiles(t *testing.T) {
	for path, content := range files(t) {
		step := 1 + len(content)/40
		for i := 0; i < len(content); i += step {
			if _, _, err := readAll(content[:i]); err == nil {
				t.Errorf("%s, cut at byte %d: no error", path, i)
			}
			bad := append([]byte{}, content...)
			bad[i] ^= 0x41
			readAll(bad)
		}
	}
	for _, content := range []string{"", "PAR1", "PAR1PAR1", "PAR1\xff\xff\xff\xffPAR1", "PAR1\x00\x00\x00\x00PAR1"} {
		if _, _, err := readAll([]byte(content)); err == nil {
			t.Errorf("%q: no error", content)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, content := range files(f) {
		f.Add(content)
	}
	f.Fuzz(func(_ *testing.T, content []byte) { readAll(content) })
}
