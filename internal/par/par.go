// Package par runs the pieces of one piece of work on a fixed pool of
// goroutines. Work is cut by the shape of the data, never by the number of
// workers, and pieces write to places of their own: so results do not depend
// on how many workers there are, nor on who takes which piece.
package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A Task is work that was cut into pieces 0 … n−1, any of which may run at the
// same time as any other. It is an interface and not a function value, so
// that a caller that keeps its Task starts a run without allocating.
type Task interface{ Piece(i int) }

// Pool is a fixed set of workers; the goroutine that calls Run is one of them.
// A nil *Pool is valid and runs everything on the caller.
type Pool struct {
	mu      sync.Mutex // held by the run in progress
	workers int
	start   chan struct{}
	done    chan struct{}
	task    Task
	n       int64
	next    atomic.Int64
	fault   atomic.Pointer[any]
	dry     bool
	patient bool // each worker has a processor to itself
}

// New returns a pool of the given number of workers (1 when below).
func New(workers int) *Pool {
	p := &Pool{workers: max(1, workers), patient: workers <= runtime.GOMAXPROCS(0)}
	p.start = make(chan struct{}, p.workers)
	p.done = make(chan struct{}, p.workers)
	for range p.workers - 1 {
		go p.work()
	}
	return p
}

// Dry returns a pool that runs nothing: what computes on it only goes through
// its allocations, which can be counted so. workers is what Workers returns.
func Dry(workers int) *Pool { return &Pool{workers: max(1, workers), dry: true} }

// IsDry tells whether p runs nothing.
func (p *Pool) IsDry() bool { return p != nil && p.dry }

// Workers returns how many goroutines share the work of a Run.
func (p *Pool) Workers() int {
	if p == nil {
		return 1
	}
	return p.workers
}

// Close ends the workers. No Run may be in progress or follow.
func (p *Pool) Close() {
	if p != nil && !p.dry {
		close(p.start)
	}
}

// Run calls t.Piece(i) for every i in [0, n) and returns when all are done. It
// may be called by several goroutines at once, and from inside a Piece: while
// one Run uses the workers the others run on their callers. A panic in a piece
// panics in the caller of Run, after all other pieces have ended.
func (p *Pool) Run(n int, t Task) {
	if n <= 0 || p.IsDry() {
		return
	}
	if n == 1 || p.Workers() == 1 || !p.mu.TryLock() {
		for i := range n {
			t.Piece(i)
		}
		return
	}
	p.task, p.n = t, int64(n)
	p.next.Store(0)
	helpers := min(p.workers, n) - 1
	for range helpers {
		p.start <- struct{}{}
	}
	p.drain()
	for range helpers {
		p.await(p.done)
	}
	p.task = nil
	fault := p.fault.Swap(nil)
	p.mu.Unlock()
	if fault != nil {
		panic(*fault)
	}
}

func (p *Pool) work() {
	for p.await(p.start) {
		p.drain()
		p.done <- struct{}{}
	}
}

// patience is how long a worker, or the caller for the last worker, keeps looking
// before it sleeps: a step of a small model is many short runs, and to wake workers for
// each made pretraining 2x128 on two cores 8 % slower. It decides who waits how, never
// what is computed.
const patience = 100 * time.Microsecond

// await receives from c and reports whether it is still open.
func (p *Pool) await(c <-chan struct{}) bool {
	for from := time.Now(); p.patient && len(c) == 0 && time.Since(from) < patience; {
	}
	_, open := <-c
	return open
}

func (p *Pool) drain() {
	defer func() {
		if r := recover(); r != nil {
			kept := r // r itself would be allocated on every call
			p.fault.CompareAndSwap(nil, &kept)
		}
	}()
	for i := p.next.Add(1) - 1; i < p.n; i = p.next.Add(1) - 1 {
		p.task.Piece(int(i))
	}
}
