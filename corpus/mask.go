package corpus

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"pactune/internal/fault"
	"pactune/internal/rng"
	"pactune/tokenizer"
)

// vocabulary is what packing and masking know of the tokens.
type vocabulary struct {
	special   tokenizer.Specials
	ordinary  []int32 // ids that stand for text
	isText    []bool  // by id: ordinary
	continues []bool  // by id: a piece inside a word
}

func newVocabulary(t *tokenizer.Tokenizer) (vocabulary, error) {
	n := t.VocabSize()
	v := vocabulary{special: t.Specials(), isText: make([]bool, n), continues: make([]bool, n)}
	for id := range int32(n) {
		if !t.IsSpecial(id) {
			v.ordinary, v.isText[id] = append(v.ordinary, id), true
		}
		v.continues[id] = t.Continues(id)
	}
	if v.special.Class < 0 || v.special.Separator < 0 || v.special.Mask < 0 || len(v.ordinary) == 0 {
		return v, fault.Errorf(fault.Model, "the vocabulary of %d tokens has not what masked-language-model pretraining needs: found the ids %d, %d and %d (−1: none) for [CLS], [SEP] and [MASK] and %d tokens of text",
			n, v.special.Class, v.special.Separator, v.special.Mask, len(v.ordinary))
	}
	return v, nil
}

func (v *vocabulary) anyOrdinary(ids []int32) bool {
	for _, id := range ids {
		if v.isText[id] {
			return true
		}
	}
	return false
}

// Targets is how many of n ordinary tokens are to be predicted:
//
//	max(1, round(probability·n))
//
// A fixed number, as BERT's own pretraining has it; transformers' collator
// draws every token by itself, which adds the variance n·p·(1−p) to the number
// and gives no target at all in a share (1−p)ⁿ of the sequences. With a fixed
// number the work of a batch is known before, and no sequence goes unused.
func Targets(n int, probability float64) int {
	return max(1, int(math.Round(probability*float64(n))))
}

// masker is scratch memory.
type masker struct {
	units []unit
	draws []uint32
}

// unit is tokens that are masked together, IDs[from:to]; draw orders units.
type unit struct {
	draw     uint32
	from, to int32
}

func (m *masker) grow(length int) {
	m.units, m.draws = make([]unit, 0, length), make([]uint32, 0, length)
}

// maskKey is the key of a block's masks in an epoch. Sequence i of the block has
// the rows 3i (which tokens), 3i+1 (what becomes of them) and 3i+2 (by which
// token it is replaced), by position in the sequence.
func maskKey(seed uint64, epoch int, block uint32) rng.Key {
	return rng.NewKey(seed, rng.StreamMask, uint64(epoch)).Fold(block)
}

// mask chooses the targets of the sequence IDs[first:], the last of the batch,
// and masks them. Its units (ordinary tokens; with WholeWord whole words) are
// put in a random order; in this order every unit is taken that still fits into
// the number of targets. Where none fits, the first gives its first tokens.
func (c *Corpus) mask(b *Batch, first int, probability float64, key rng.Key, index uint32) {
	ids := b.IDs[first:]
	m := &b.masker
	m.draws = slices.Grow(m.draws[:0], len(ids))[:len(ids)]
	key.Uint32s(m.draws, 3*index, 0)
	n := m.divide(ids, &c.words, c.o.WholeWord)
	slices.SortFunc(m.units, func(x, y unit) int {
		return cmp.Or(cmp.Compare(x.draw, y.draw), cmp.Compare(x.from, y.from))
	})
	left, begin := Targets(n, probability), len(b.At)
	for _, u := range m.units {
		if int(u.to-u.from) <= left {
			b.take(u, first)
			left -= int(u.to - u.from)
		}
	}
	if len(b.At) == begin {
		u := m.units[0]
		u.to = u.from + int32(left)
		b.take(u, first)
	}
	slices.Sort(b.At[begin:])
	for _, at := range b.At[begin:] {
		b.Targets = append(b.Targets, b.IDs[at])
		b.IDs[at] = c.replacement(b.IDs[at], key, index, uint64(int(at)-first))
	}
}

// divide finds the units of a sequence and returns the number of its ordinary
// tokens.
func (m *masker) divide(ids []int32, v *vocabulary, wholeWord bool) (ordinary int) {
	m.units = m.units[:0]
	for i, id := range ids {
		if !v.isText[id] {
			continue
		}
		ordinary++
		last := len(m.units) - 1
		if wholeWord && v.continues[id] && last >= 0 && m.units[last].to == int32(i) {
			m.units[last].to++
			continue
		}
		m.units = append(m.units, unit{m.draws[i], int32(i), int32(i) + 1})
	}
	return ordinary
}

func (b *Batch) take(u unit, first int) {
	for i := u.from; i < u.to; i++ {
		b.At = append(b.At, int32(first)+i)
	}
}

// replacement is what the model reads in place of a target.
func (c *Corpus) replacement(id int32, key rng.Key, index uint32, position uint64) int32 {
	switch u := rng.Uniform(key.Uint32(3*index+1, position)); {
	case u < c.o.MaskShare:
		return c.words.special.Mask
	case u < c.o.MaskShare+c.o.RandomShare:
		i, _ := bits.Mul32(key.Uint32(3*index+2, position), uint32(len(c.words.ordinary)))
		return c.words.ordinary[i]
	}
	return id
}
