package plot

import (
	"bytes"
	"encoding/json"
	"testing"
)

// A line of a damaged log is an error, not a panic; of a whole one every member
// is read, in any order.
func FuzzLogLine(f *testing.F) {
	f.Add([]byte(`{"step":1,"loss":0.5,"text":"a","list":[1]}`))
	f.Add([]byte(`{"loss":`))
	f.Fuzz(func(t *testing.T, line []byte) {
		row, err := fields(line)
		var want map[string]any
		if err != nil || json.NewDecoder(bytes.NewReader(line)).Decode(&want) != nil {
			return
		}
		got := map[string]bool{}
		for _, f := range row {
			got[f.name] = true
		}
		if len(got) != len(want) {
			t.Fatalf("read the members %v of %q, want %v", got, line, want)
		}
	})
}
