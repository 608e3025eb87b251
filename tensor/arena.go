package tensor

import (
	"fmt"
	"unsafe"
)

// align is the granularity of the arena in elements: every block starts on its
// own cache line.
const align = 16

// FloatBytes is the size of an element.
const FloatBytes = int(unsafe.Sizeof(Float(0)))

// Arena hands out blocks of activations and gradients, first fit from the
// lowest address, and merges neighbouring holes when blocks come back. A step
// that allocates in the same order as the one before finds every block where
// it was, and the Go allocator is not asked again.
//
// Reserve makes the slab. An arena that is too small all the same grows by
// chunks and never moves what it has: making one slab of them would need the
// memory of both for a moment. An Arena belongs to one goroutine.
type Arena struct {
	chunks []chunk
	used   int // elements in live blocks
	peak   int // the largest value of used since the arena was made
	poison bool
	dry    bool // one endless chunk without memory
}

type chunk struct {
	slab  []Float // nil in a dry arena
	size  int
	end   int    // of the highest block so far
	holes []span // sorted by offset, never adjacent
}

type span struct{ off, n int }

// Block is a live piece of an arena. The zero Block holds nothing.
type Block struct {
	Data     []Float
	chunk    int
	off, cap int
}

// Poison makes every block that is handed out and every one that comes back
// full of NaN, so that a test sees a read of values that nobody wrote.
func (a *Arena) Poison() { a.poison = true }

// Dry makes an empty arena hand out blocks without memory, whose Data are empty
// but not nil: Bytes then tells how large a slab the same blocks would need.
func (a *Arena) Dry() {
	const endless = 1 << 60
	a.dry = true
	a.chunks = []chunk{{size: endless, holes: []span{{0, endless}}}}
}

// Reserve gives an empty arena a slab of the given size, as Bytes told it.
func (a *Arena) Reserve(bytes int) {
	if len(a.chunks) == 0 && bytes > 0 {
		a.add((bytes + FloatBytes - 1) / FloatBytes)
	}
}

// Alloc returns a block of n elements with unspecified contents.
func (a *Arena) Alloc(n int) Block {
	if n < 0 {
		panic(fmt.Sprintf("tensor: Arena.Alloc: n = %d", n))
	}
	need := (n + align - 1) / align * align
	a.used += need
	a.peak = max(a.peak, a.used)
	for i := range a.chunks {
		if b, ok := a.chunks[i].take(need); ok {
			return a.block(i, b, need, n)
		}
	}
	a.grow(need)
	last := len(a.chunks) - 1
	off, _ := a.chunks[last].take(need)
	return a.block(last, off, need, n)
}

func (a *Arena) block(chunk, off, need, n int) Block {
	if a.dry {
		return Block{Data: []Float{}, chunk: chunk, off: off, cap: need}
	}
	data := a.chunks[chunk].slab[off : off+n : off+need]
	if a.poison {
		fillNaN(data[:need])
	}
	return Block{Data: data, chunk: chunk, off: off, cap: need}
}

// Free gives a block back. Freeing the zero Block does nothing.
func (a *Arena) Free(b Block) {
	if b.cap == 0 {
		return
	}
	if a.poison {
		fillNaN(b.Data[:b.cap])
	}
	a.used -= b.cap
	a.chunks[b.chunk].give(b.off, b.cap)
}

// Reset takes every block back. Blocks handed out before are invalid.
func (a *Arena) Reset() {
	a.used = 0
	for i := range a.chunks {
		c := &a.chunks[i]
		c.holes = append(c.holes[:0], span{0, c.size})
	}
}

// Bytes returns up to which size blocks have been handed out, holes between
// them included, and the largest number of bytes that were in use at one time.
func (a *Arena) Bytes() (size, peak int) {
	for i := range a.chunks {
		size += a.chunks[i].end
	}
	return size * FloatBytes, a.peak * FloatBytes
}

func (a *Arena) elements() (n int) {
	for i := range a.chunks {
		n += a.chunks[i].size
	}
	return n
}

// grow adds a chunk of at least need elements: an eighth of what there is, so
// that the chunks are few and what is left over is little.
func (a *Arena) grow(need int) {
	a.add(max(need, a.elements()/8, 1<<16))
}

func (a *Arena) add(n int) {
	a.chunks = append(a.chunks, chunk{slab: make([]Float, n), size: n, holes: []span{{0, n}}})
}

func (c *chunk) take(n int) (off int, ok bool) {
	for i := range c.holes {
		h := &c.holes[i]
		if h.n < n {
			continue
		}
		off = h.off
		c.end = max(c.end, off+n)
		h.off += n
		h.n -= n
		if h.n == 0 {
			c.holes = append(c.holes[:i], c.holes[i+1:]...)
		}
		return off, true
	}
	return 0, false
}

func (c *chunk) give(off, n int) {
	if n == 0 {
		return
	}
	i := 0
	for i < len(c.holes) && c.holes[i].off < off {
		i++
	}
	before := i > 0 && c.holes[i-1].off+c.holes[i-1].n == off
	after := i < len(c.holes) && off+n == c.holes[i].off
	switch {
	case before && after:
		c.holes[i-1].n += n + c.holes[i].n
		c.holes = append(c.holes[:i], c.holes[i+1:]...)
	case before:
		c.holes[i-1].n += n
	case after:
		c.holes[i].off = off
		c.holes[i].n += n
	default:
		c.holes = append(c.holes, span{})
		copy(c.holes[i+1:], c.holes[i:])
		c.holes[i] = span{off, n}
	}
}

func fillNaN(x []Float) {
	nan := Float(0)
	nan /= nan
	for i := range x {
		x[i] = nan
	}
}
