package glue

import (
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
)

// Whatever a user's file holds: examples that keep the package's promises, or
// an error that blames the file.
func FuzzOwnFile(f *testing.F) {
	names := []string{"a.txt", "a.tsv", "a.csv", "a.json", "a.ft"}
	for i, content := range []string{"x\tp\ny\tq\n", "text\tlabel\nx\tp\ny\tq\n", "text,label\n\"x\"\"\n\",1.5\ny,2\n",
		`{"text":"x","label":[1,"2"]}` + "\n" + `{"label":[],"text":"y"}`, "__label__x a\n__label__y b c\n"} {
		f.Add(i, []byte(content))
	}
	for _, c := range badOwn {
		for i := range names {
			f.Add(i, []byte(c.files[1]))
		}
	}
	f.Fuzz(func(t *testing.T, format int, content []byte) {
		name := names[uint(format)%uint(len(names))]
		o := Options{TrainFile: name, Train: true, FS: fstest.MapFS{name: &fstest.MapFile{Data: content}}}
		d, err := Load(o)
		check(t, d, err)
		checkReport(t, o)
	})
}

// The same of task files.
func FuzzTaskFile(f *testing.F) {
	for i, content := range []string{"gj04\t1\t\tA sentence.\ngj04\t0\t*\tBad.\n", "sentence\tlabel\nx\t1\ny\t0\n",
		"index\tsentence1\tsentence2\tscore\n0\ta\tb\t5.0\n", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\r\n1\t2\t3\ta\tb\t1\r\n\r\n4\t5\n"} {
		f.Add(i, []byte(content))
	}
	names := []string{"cola", "sst2", "stsb", "qqp"}
	f.Fuzz(func(t *testing.T, format int, content []byte) {
		name := names[uint(format)%uint(len(names))]
		o := Options{Task: name, DataDir: "d", Train: true, FS: fstest.MapFS{"d/train.tsv": &fstest.MapFile{Data: content}}}
		d, err := Load(o)
		check(t, d, err)
		checkReport(t, o)
	})
}

// checkReport holds the reading that tells of every fault to the one that ends at
// the first: both find any or neither does, and no row is refused untold.
func checkReport(t *testing.T, o Options) {
	t.Helper()
	told := 0
	o.Report = func(error) { told++ }
	d, err := Load(o)
	if err != nil {
		if k := fault.KindOf(err); k != fault.Data {
			t.Fatalf("kind %d: %v", k, err)
		}
		return
	}
	if refused := d.Train.Rows - d.Train.Skipped - len(d.Train.Examples); refused < 0 || refused > told {
		t.Fatalf("%d rows of %d refused, told %d", refused, d.Train.Rows, told)
	}
	o.Report = nil
	if _, err := Load(o); (err == nil) != (told == 0) {
		t.Fatalf("told %d, alone %v", told, err)
	}
}

func check(t *testing.T, d *Data, err error) {
	t.Helper()
	if err != nil {
		if k := fault.KindOf(err); k != fault.Data {
			t.Fatalf("kind %d: %v", k, err)
		}
		return
	}
	last := 0
	for _, e := range d.Train.Examples {
		switch {
		case e.Line <= last || e.ID >= d.Train.Rows:
			t.Fatalf("row %d on line %d after line %d", e.ID, e.Line, last)
		case d.Problem == SingleLabel && (e.Label < 0 || e.Label >= len(d.LabelNames)):
			t.Fatalf("class %d of %d", e.Label, len(d.LabelNames))
		case d.Problem == MultiLabel && len(e.Labels) != len(d.LabelNames):
			t.Fatalf("%d marks for %d classes", len(e.Labels), len(d.LabelNames))
		}
		last = e.Line
	}
	if !d.Train.Labelled || len(d.Train.Examples) == 0 {
		t.Fatal("a training part without labels or rows")
	}
}
