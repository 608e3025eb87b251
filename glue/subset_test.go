package glue

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// rowsOf writes n rows of a .txt file with the label label(i).
func rowsOf(n int, label func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("text " + strconv.Itoa(i) + "\t" + label(i) + "\n")
	}
	return b.String()
}

func ids(d *Dataset) []int {
	var ids []int
	for _, e := range d.Examples {
		ids = append(ids, e.ID)
	}
	return ids
}

func parity(i int) string { return strconv.Itoa(i % 2) }

func TestTrainSize(t *testing.T) {
	content := rowsOf(1000, parity)
	load := func(seed uint64) []int {
		return ids(own(t, Options{TrainSize: 100, SampleSeed: seed}, "a.txt", content).Train)
	}
	one := load(1)
	if len(one) != 100 || !increasing(one) {
		t.Fatalf("%d rows, want 100 in file order", len(one))
	}
	if !reflect.DeepEqual(one, load(1)) || reflect.DeepEqual(one, load(2)) {
		t.Error("the seed decides the rows")
	}
	// The mean of 100 of 0 … 999 is 499.5 with standard deviation 27.4.
	sum := 0
	for _, id := range one {
		sum += id
	}
	if m := float64(sum) / 100; m < 390 || m > 610 {
		t.Errorf("mean row %v, want 499.5 ± 4 standard deviations", m)
	}
}

func increasing(v []int) bool {
	for i := 1; i < len(v); i++ {
		if v[i] <= v[i-1] {
			return false
		}
	}
	return true
}

func TestMaxSamples(t *testing.T) {
	d := own(t, Options{MaxTrain: 3, MaxEval: 2}, "a.txt", rowsOf(9, parity), "b.txt", rowsOf(9, parity))
	if !reflect.DeepEqual(ids(d.Train), []int{0, 1, 2}) || !reflect.DeepEqual(ids(d.Eval[0]), []int{0, 1}) {
		t.Errorf("rows %v and %v, want the first ones", ids(d.Train), ids(d.Eval[0]))
	}
	d = own(t, Options{MaxTrain: 30}, "a.txt", rowsOf(9, parity))
	if len(d.Train.Examples) != 9 || d.Train.Rows != 9 {
		t.Errorf("%d rows of %d", len(d.Train.Examples), d.Train.Rows)
	}
}

// Held out are a fifth of every class, at least one row and never all; the
// two parts share no row and miss none.
func TestHoldOut(t *testing.T) {
	label := func(i int) string {
		switch {
		case i == 0:
			return "alone"
		case i < 3:
			return "two"
		case i < 53:
			return "fifty"
		}
		return "rest"
	}
	load := func(seed uint64) *Data {
		d, err := Load(Options{TrainFile: "a.txt", Train: true, Eval: true, SampleSeed: seed, FS: memory("a.txt", rowsOf(153, label))})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := load(1)
	// Classes sort as text: alone, fifty, rest, two.
	if got := d.Eval[0].ClassCounts(); !reflect.DeepEqual(got, []int{0, 10, 20, 1}) {
		t.Errorf("held out %v", got)
	}
	if got := d.Train.ClassCounts(); !reflect.DeepEqual(got, []int{1, 40, 80, 1}) {
		t.Errorf("kept %v", got)
	}
	seen := map[int]bool{}
	for _, id := range append(ids(d.Train), ids(d.Eval[0])...) {
		seen[id] = true
	}
	if len(seen) != 153 || !increasing(ids(d.Train)) || !increasing(ids(d.Eval[0])) {
		t.Errorf("%d of 153 rows, in file order", len(seen))
	}
	if reflect.DeepEqual(ids(d.Eval[0]), ids(load(2).Eval[0])) || !reflect.DeepEqual(ids(d.Eval[0]), ids(load(1).Eval[0])) {
		t.Error("the seed decides the rows")
	}
}

func TestHoldOutOfARegression(t *testing.T) {
	d, err := Load(Options{TrainFile: "a.txt", Train: true, Eval: true,
		FS: memory("a.txt", rowsOf(10, func(i int) string { return strconv.Itoa(i) + ".5" }))})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Eval[0].Examples) != 2 || len(d.Train.Examples) != 8 || d.Problem != Regression {
		t.Errorf("%d and %d rows", len(d.Train.Examples), len(d.Eval[0].Examples))
	}
}
