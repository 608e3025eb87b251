package plot

import "testing"

// Lines of a log that is damaged are errors, not panics.
func FuzzLogLine(f *testing.F) {
	f.Add([]byte(`{"step":1,"loss":0.5,"text":"a","list":[1]}`))
	f.Add([]byte(`{"loss":`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if row, err := fields(line); err != nil && len(row) > 0 {
			t.Fatalf("%d members beside the error %v", len(row), err)
		}
	})
}
