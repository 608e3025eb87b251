package tensor

import (
	"testing"

	"pactune/internal/rng"
)

// Random allocations and frees: live blocks never overlap, and when all have
// come back every chunk is one hole again.
func TestArenaKeepsBlocksApart(t *testing.T) {
	var a Arena
	key := rng.NewKey(1, 95, 0)
	var live []Block
	for i := range 5000 {
		if n := key.Intn(uint64(2*i), 3); n > 0 || len(live) == 0 {
			b := a.Alloc(key.Intn(uint64(2*i+1), 3000))
			for j := range b.Data {
				b.Data[j] = Float(i)
			}
			live = append(live, b)
			continue
		}
		j := key.Intn(uint64(2*i+1), len(live))
		for k, v := range live[j].Data {
			if v != live[j].Data[0] {
				t.Fatalf("step %d: element %d of a live block was overwritten: %v, first %v", i, k, v, live[j].Data[0])
			}
		}
		a.Free(live[j])
		live = append(live[:j], live[j+1:]...)
	}
	for _, b := range live {
		a.Free(b)
	}
	for i, c := range a.chunks {
		if len(c.holes) != 1 || c.holes[0] != (span{0, len(c.slab)}) {
			t.Errorf("chunk %d of %d elements has holes %v, want one", i, len(c.slab), c.holes)
		}
	}
	if a.used != 0 {
		t.Errorf("%d elements are in use, want none", a.used)
	}
}

// The same order of allocations finds the same memory and asks for no more.
func TestArenaIsSteady(t *testing.T) {
	var a Arena
	step := func() *Float {
		a.Reset()
		x, y := a.Alloc(100000), a.Alloc(70000)
		a.Free(x)
		z := a.Alloc(90000)
		a.Free(y)
		a.Free(z)
		return &z.Data[0]
	}
	first := step()
	if n := testing.AllocsPerRun(10, func() { step() }); n != 0 {
		t.Errorf("%v allocations in a steady step", n)
	}
	if step() != first {
		t.Error("a block moved between equal steps")
	}
	if size, peak := a.Bytes(); peak > size || peak < 170000*4 {
		t.Errorf("size %d, peak %d", size, peak)
	}
}

// A dry arena needs the size that a real one with a slab of that size uses.
func TestDryArena(t *testing.T) {
	sizes := func(a *Arena) int {
		var live []Block
		for i := range 500 {
			live = append(live, a.Alloc(1+i*7919%1000))
			if i%3 == 0 {
				j := i * 31 % len(live)
				a.Free(live[j])
				live = append(live[:j], live[j+1:]...)
			}
			if i == 250 {
				a.Reset()
				live = nil
			}
		}
		size, _ := a.Bytes()
		return size
	}
	var dry, real Arena
	dry.Dry()
	want := sizes(&dry)
	real.Reserve(want)
	if got := sizes(&real); got != want || len(real.chunks) != 1 {
		t.Errorf("dry %d bytes, real %d in %d chunks", want, got, len(real.chunks))
	}
	if b := dry.Alloc(1 << 40); b.Data == nil || len(b.Data) != 0 {
		t.Error("a dry block has memory, or looks freed")
	}
}
