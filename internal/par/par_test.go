package par

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

type counts struct {
	seen   []atomic.Int32
	inside *Pool // run a second round from inside a piece
	fail   int   // the piece that panics, −1 for none
}

func (c *counts) Piece(i int) {
	if i == c.fail {
		panic(fmt.Sprint("piece ", i))
	}
	c.seen[i].Add(1)
	if c.inside != nil {
		inner := &counts{seen: make([]atomic.Int32, 5), fail: -1}
		c.inside.Run(5, inner)
		inner.check(nil, 1)
	}
}

func (c *counts) check(t *testing.T, want int32) {
	for i := range c.seen {
		if n := c.seen[i].Load(); n != want {
			if t == nil {
				panic(fmt.Sprintf("inner piece %d ran %d times", i, n))
			}
			t.Fatalf("piece %d ran %d times, want %d", i, n, want)
		}
	}
}

// Every piece runs exactly once, on any number of workers, from several
// callers at once, and from inside a piece.
func TestEveryPieceRunsOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 3, 8} {
		p := New(workers)
		for _, n := range []int{0, 1, 2, 7, 100} {
			c := &counts{seen: make([]atomic.Int32, n), fail: -1}
			p.Run(n, c)
			c.check(t, 1)
		}
		nested := &counts{seen: make([]atomic.Int32, 20), inside: p, fail: -1}
		p.Run(20, nested)
		nested.check(t, 1)

		shared := &counts{seen: make([]atomic.Int32, 50), fail: -1}
		var wait sync.WaitGroup
		for range 6 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				p.Run(50, shared)
			}()
		}
		wait.Wait()
		shared.check(t, 6)
		p.Close()
	}
	var none *Pool
	c := &counts{seen: make([]atomic.Int32, 3), fail: -1}
	none.Run(3, c)
	c.check(t, 1)
	none.Close()
	if none.Workers() != 1 {
		t.Errorf("a nil pool has %d workers, want the caller", none.Workers())
	}
}

// A panic reaches the caller of Run, and the pool works on.
func TestPanicReachesTheCaller(t *testing.T) {
	p := New(3)
	defer p.Close()
	for fail := range 5 {
		func() {
			defer func() {
				if r := recover(); fmt.Sprint(r) != fmt.Sprint("piece ", fail) {
					t.Errorf("recovered %v, want the panic of piece %d", r, fail)
				}
			}()
			p.Run(5, &counts{seen: make([]atomic.Int32, 5), fail: fail})
			t.Errorf("piece %d panicked, Run returned", fail)
		}()
	}
	c := &counts{seen: make([]atomic.Int32, 9), fail: -1}
	p.Run(9, c)
	c.check(t, 1)
}

func TestRunAllocatesNothing(t *testing.T) {
	p := New(2)
	defer p.Close()
	c := &counts{seen: make([]atomic.Int32, 4), fail: -1}
	if n := testing.AllocsPerRun(100, func() { p.Run(4, c) }); n != 0 {
		t.Errorf("%v allocations in a Run", n)
	}
}

// A dry pool runs nothing and says what it would run on.
func TestDry(t *testing.T) {
	p := Dry(3)
	c := &counts{seen: make([]atomic.Int32, 10), fail: -1}
	p.Run(10, c)
	p.Close()
	for i := range c.seen {
		if c.seen[i].Load() != 0 {
			t.Errorf("piece %d ran", i)
		}
	}
	if !p.IsDry() || p.Workers() != 3 || New(1).IsDry() || (*Pool)(nil).IsDry() {
		t.Error("which pools are dry")
	}
}
