package corpus

// Batch is packed as glue.Batch is: sequence i owns the tokens RowStarts[i] to
// RowStarts[i+1]. IDs are what the model reads, masks and replacements in
// place; it predicts Targets[j], the true id of IDs[At[j]].
type Batch struct {
	IDs, Types []int32  // Types are 0
	RowStarts  []int32  // len Examples+1
	ExampleIDs []uint32 // name the rows for dropout
	At         []int32  // tokens to predict, ascending
	Targets    []int32
	Examples   int

	masker masker
}

func (b *Batch) clear() {
	b.IDs, b.Types, b.ExampleIDs = b.IDs[:0], b.Types[:0], b.ExampleIDs[:0]
	b.RowStarts = append(b.RowStarts[:0], 0)
	b.At, b.Targets, b.Examples = b.At[:0], b.Targets[:0], 0
}

// fill appends the sequence in place i of the window's order.
func (c *Corpus) fill(b *Batch, w *window, i int, probability float64, exampleID uint32) {
	s := w.sequences[w.order[i]]
	first := len(b.IDs)
	b.IDs = append(b.IDs, c.words.special.Class)
	b.IDs = append(b.IDs, w.ids[s.start:s.start+s.length]...)
	b.IDs = append(b.IDs, c.words.special.Separator)
	for range len(b.IDs) - first {
		b.Types = append(b.Types, 0)
	}
	b.RowStarts = append(b.RowStarts, int32(len(b.IDs)))
	b.ExampleIDs = append(b.ExampleIDs, exampleID)
	b.Examples++
	c.mask(b, first, probability, maskKey(c.o.Seed, w.epoch, s.block), s.index)
}

// HeldOutSequences is the number of sequences that training never sees.
func (c *Corpus) HeldOutSequences() int { return len(c.heldOut.sequences) }

// HeldOutProbability is the share of held-out tokens that are to be predicted.
const HeldOutProbability = 0.15

// HeldOut fills b with held-out sequences first … first+sequences−1, fewer at
// the end. Their targets are always the same whatever the options say of masks,
// so that the losses of runs compare, and all are [MASK]: one that the model may
// read says nothing about what it understands.
func (c *Corpus) HeldOut(b *Batch, first, sequences int) {
	b.clear()
	for i := first; i < min(first+sequences, c.HeldOutSequences()); i++ {
		c.fill(b, &c.heldOut, i, HeldOutProbability, uint32(i))
	}
	for _, at := range b.At {
		b.IDs[at] = c.words.special.Mask
	}
}

// Grow makes room in b for any batch of the given number of sequences, so that
// none that follows allocates. The capacities are what such a batch can have.
func (c *Corpus) Grow(b *Batch, sequences int) {
	length := c.o.MaxLength
	b.IDs, b.Types = make([]int32, 0, sequences*length), make([]int32, 0, sequences*length)
	b.RowStarts, b.ExampleIDs = make([]int32, 0, sequences+1), make([]uint32, 0, sequences)
	targets := sequences * Targets(length-2, max(c.o.Probability, HeldOutProbability))
	b.At, b.Targets = make([]int32, 0, targets), make([]int32, 0, targets)
	b.masker.grow(length)
}
