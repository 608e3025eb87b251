package glue

import (
	"reflect"
	"slices"
	"testing"
)

// 11 examples in micro-batches of 2, 3 to an update: 6 + 5 examples, the last
// micro-batch of the epoch has one.
func TestPlanInFileOrder(t *testing.T) {
	p := Plan{Examples: 11, Batch: 2, Accumulation: 3}
	if p.Steps() != 2 {
		t.Fatalf("%d updates, want 2", p.Steps())
	}
	for step, want := range [][][]int32{
		{{0, 1}, {2, 3}, {4, 5}}, {{6, 7}, {8, 9}, {10}},
		{{0, 1}, {2, 3}, {4, 5}}, // the next epoch
	} {
		var got [][]int32
		for i := range p.Micros(step) {
			got = append(got, p.Micro(step, i))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("update %d: %v, want %v", step, got, want)
		}
	}
}

// Every epoch visits every row once, in an order of its own, which a plan
// that begins in the middle finds again.
func TestPlanShuffled(t *testing.T) {
	p := Plan{Examples: 100, Batch: 7, Accumulation: 2, Shuffle: true, Seed: 3}
	epoch := func(e int) []int32 {
		var rows []int32
		for s := range p.Steps() {
			rows = append(rows, p.Rows(e*p.Steps()+s)...)
		}
		return rows
	}
	first, second := epoch(0), epoch(1)
	if slices.Equal(first, second) {
		t.Error("two epochs have one order")
	}
	for _, rows := range [][]int32{first, second} {
		sorted := slices.Clone(rows)
		slices.Sort(sorted)
		for i, r := range sorted {
			if len(sorted) != 100 || r != int32(i) {
				t.Fatalf("rows %v", rows)
			}
		}
	}
	resumed := Plan{Examples: 100, Batch: 7, Accumulation: 2, Shuffle: true, Seed: 3}
	step := p.Steps() + 3
	if !slices.Equal(slices.Clone(resumed.Rows(step)), p.Rows(step)) {
		t.Error("a resumed plan has another order")
	}
	if !slices.Equal(epoch(0), first) {
		t.Error("going back to an epoch gives another order")
	}
	other := Plan{Examples: 100, Batch: 7, Accumulation: 2, Shuffle: true, Seed: 4}
	if slices.Equal(other.Rows(0), first[:14]) {
		t.Error("two seeds have one order")
	}
	// The split into micro-batches leaves the rows of an update as they are.
	split := Plan{Examples: 100, Batch: 14, Accumulation: 1, Shuffle: true, Seed: 3}
	if !slices.Equal(split.Rows(2), first[28:42]) {
		t.Error("another split into micro-batches gives other updates")
	}
}

func TestPlanOfOneRow(t *testing.T) {
	p := Plan{Examples: 1, Batch: 16, Accumulation: 4, Shuffle: true}
	if p.Steps() != 1 || p.Micros(5) != 1 || !slices.Equal(p.Micro(5, 0), []int32{0}) {
		t.Errorf("%d updates, micro-batches %d", p.Steps(), p.Micros(5))
	}
}
