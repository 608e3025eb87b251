package corpus

import "pactune/internal/fault"

// Position is a place in the stream of training sequences: that of the next
// one. The sequences of a window count in the order in which they are read.
type Position struct {
	Epoch    int `json:"epoch"`
	Window   int `json:"window"`
	Sequence int `json:"sequence"`
}

// Position is the place of the sequence that Next will give first. It is
// {e, 0, 0} when e epochs have been read.
func (c *Corpus) Position() Position { return c.at }

// Next fills b with the next sequences of the training text, of one epoch
// after the other, without end. Nothing is allocated once b's slices are large
// enough (Grow). Errors are of kind fault.Data: a file was changed or damaged
// since Open; the position is then that of the sequence that could not be read.
func (c *Corpus) Next(b *Batch, sequences int) error {
	b.clear()
	for b.Examples < sequences {
		if err := c.load(c.at); err != nil {
			return err
		}
		w := c.current
		for b.Examples < sequences && c.at.Sequence < len(w.order) {
			c.fill(b, w, c.at.Sequence, c.o.Probability, c.exampleID(c.at))
			c.at.Sequence++
		}
		if c.at.Sequence == len(w.order) {
			c.at = c.after(c.at)
		}
	}
	return nil
}

// Epoch is how often the text has been read up to the position: windows count
// alike, the sequences of one too.
func (c *Corpus) Epoch() float64 {
	part := 0.0
	if c.current.is(c.at) {
		part = float64(c.at.Sequence) / float64(max(1, len(c.current.order)))
	}
	return float64(c.at.Epoch) + (float64(c.at.Window)+part)/float64(len(c.windows))
}

// exampleID names the rows of a batch for dropout: no two of a batch have one
// name, and over the run a name comes again after 64 windows.
func (c *Corpus) exampleID(p Position) uint32 {
	return uint32(p.Epoch*len(c.windows)+p.Window)<<26 | uint32(p.Sequence)
}

// after is the start of the window behind the one of p.
func (c *Corpus) after(p Position) Position {
	if p.Window+1 < len(c.windows) {
		return Position{p.Epoch, p.Window + 1, 0}
	}
	return Position{p.Epoch + 1, 0, 0}
}

// Seek makes p the position: what Next gives then is what it would have given
// had everything before been read. The text up to p's window is read again
// where the file is compressed, but not tokenised. Errors: fault.Usage for a
// position that the text under these options does not have, fault.Data as Next.
func (c *Corpus) Seek(p Position) error {
	if p.Epoch < 0 || p.Window < 0 || p.Window >= len(c.windows) || p.Sequence < 0 {
		return fault.Errorf(fault.Usage, "position %+v in a text of %d windows: it belongs to other text or options", p, len(c.windows))
	}
	if err := c.load(p); err != nil {
		return err
	}
	if n := len(c.current.order); p.Sequence > 0 && p.Sequence >= n {
		return fault.Errorf(fault.Usage, "position %+v in a window of %d sequences: it belongs to other text or options", p, n)
	}
	c.at = p
	return nil
}

// load makes the window of p the current one and has the next one prepared.
func (c *Corpus) load(p Position) error {
	if c.current.is(p) {
		return nil
	}
	c.wait()
	if !c.next.is(p) { // another was prepared, or it failed
		c.next.epoch, c.next.number = p.Epoch, p.Window
		if err := c.prepare(c.next, c.pool); err != nil {
			return err
		}
	}
	c.current, c.next = c.next, c.current
	c.note(c.current)
	ahead := c.after(p)
	c.next.epoch, c.next.number = ahead.Epoch, ahead.Window
	c.busy = true
	c.jobs <- c.next
	return nil
}

// wait until nothing is being prepared.
func (c *Corpus) wait() {
	if c.busy {
		<-c.done
		c.busy = false
	}
}
