package checkpoint

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// memory is a disk of files that are only read.
type memory struct {
	files.FS
	files fstest.MapFS
}

func (m memory) Open(name string) (fs.File, error) { return m.files.Open(name) }

// What COMPLETE is taken for says the same text again, and names no path.
func FuzzComplete(f *testing.F) {
	sum := "0000000000000000000000000000000000000000000000000000000000000000"
	entry := func(name string) string { return "# 6 bytes\n" + sum + "  " + name + "\n" }
	good := "# pactune checkpoint 1, step 2\n" + entry(Model) + entry(Optimizer) + entry(State)
	for _, text := range []string{good, good + entry("vocab.txt"), good + entry("../x"), "", "# pactune checkpoint 1, step 02\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(c.text(), data) {
			t.Fatalf("%q was taken for %q", data, c.text())
		}
		for _, e := range c.files {
			if e.name != filepath.Base(e.name) || e.name == "." || e.name == ".." {
				t.Fatalf("accepted the name %q", e.name)
			}
		}
	})
}

// A state that is accepted is saved as the same text.
func FuzzState(f *testing.F) {
	good, err := marshal(at(2).state)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	var small bytes.Buffer
	if err := json.Compact(&small, good); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	for _, change := range [][2]string{{`"Step"`, `"step"`}, {`"Step"`, `"St\u0065p"`}, {`"Step": 2,`, ``}, {`"Step": 2`, `"Step": 2, "Step": 3`}, {`"Step": 2`, `"Step": 2, "More": 1`},
		{": 2", ": 2.0"}, {": 2", ": -0"}, {": 2", ": 02"}, {": 2", `: "2"`}, {": 2", ": null"}, {": 2", ": 9223372036854775808"},
		{`"loss"`, "\"\xff\""}, {`"loss"`, `"<\ud800>"`}, {`"loss": 0`, `"loss": 1e400, "more": 0`}, {`"loss": 0`, `"acc": 1e-7, "loss": 0`}, {"{", "{{"}, {"\n", "\r\n"}} {
		text := strings.Replace(string(good), change[0], change[1], 1)
		if text == string(good) {
			f.Fatalf("no %s in %s", change[0], good)
		}
		f.Add([]byte(text))
	}
	for _, text := range []string{``, `null`, `{}`, `{"Step": 1}`, `{"Step":0,"LogBytes":0,"Best":null}`, "{\n  \"Step\": 0,\n  \"LogBytes\": 0,\n  \"Best\": null\n}\n", "[[[[", string(good) + "{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := &Found{Path: "checkpoint-2", fsys: memory{files: fstest.MapFS{"checkpoint-2/state.json": {Data: data}}}}
		var s runState
		if err := found.State(&s); err != nil {
			if fault.KindOf(err) != fault.Model {
				t.Fatalf("kind %d: %v", fault.KindOf(err), err)
			}
			return
		}
		if again, err := marshal(s); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q was taken for %q, %v", data, again, err)
		}
	})
}
