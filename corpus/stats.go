package corpus

import (
	"math"

	"pactune/internal/fmath"
)

// Stats describes the training text of an epoch. Right after Open its numbers
// follow from the text and the options alone: they stand on the first window,
// from which those of the others are estimated by their bytes. Windows that
// Next has reached since count as they are.
type Stats struct {
	Bytes     int64 // of text
	Tokens    int64 // without [CLS] and [SEP]
	Sequences int64
	Exact     bool // all windows were read: Tokens is no estimate

	HeldOutSequences int
	HeldOutTokens    int // [CLS] and [SEP] included

	Unknown float64 // share of [UNK] in the tokens of the first window

	// UnigramNats is the mean over the targets t of the held-out sequences of
	//
	//	−ln((count[t] + 1)/(N + V))
	//
	// with the counts of the V ordinary tokens in the first window, N in all: the
	// loss of a model that knows how frequent tokens are and nothing else. 0
	// without held-out text.
	UnigramNats float64
}

// note keeps the numbers of a window that was read.
func (c *Corpus) note(w *window) {
	x := &c.windows[w.number]
	x.tokens, x.sequences = int64(len(w.ids)), int64(len(w.sequences))
}

// Stats describes the text as far as it is known.
func (c *Corpus) Stats() Stats {
	s := Stats{Exact: true, HeldOutSequences: c.HeldOutSequences()}
	var known extent
	for _, w := range c.windows {
		s.Bytes += w.bytes
		if w.tokens < 0 {
			s.Exact = false
			continue
		}
		known.bytes += w.bytes
		known.tokens += w.tokens
		known.sequences += w.sequences
	}
	scale := float64(s.Bytes) / float64(known.bytes)
	s.Tokens = int64(math.Round(float64(known.tokens) * scale))
	s.Sequences = int64(math.Round(float64(known.sequences) * scale))
	for _, q := range c.heldOut.sequences {
		s.HeldOutTokens += int(q.length) + 2
	}
	s.Unknown, s.UnigramNats = c.unigram()
	return s
}

// Shares is the share of each token in the training text as far as Stats knows
// it, (count + 1)/(N + V); 1/(N + V) for those that stand for no text.
func (c *Corpus) Shares() []float64 {
	shares := make([]float64, len(c.counts))
	total := float64(len(c.words.ordinary))
	for id, n := range c.counts {
		if c.words.isText[id] {
			total += float64(n)
		}
	}
	for id, n := range c.counts {
		if shares[id] = 1 / total; c.words.isText[id] {
			shares[id] = float64(n+1) / total
		}
	}
	return shares
}

// unigram returns the share of [UNK] and the mean of UnigramNats.
func (c *Corpus) unigram() (unknown, nats float64) {
	var all int64
	for _, n := range c.counts {
		all += n
	}
	if c.words.special.Unknown >= 0 {
		unknown = float64(c.counts[c.words.special.Unknown]) / float64(all)
	}
	shares := c.Shares()
	var b Batch
	targets := 0
	for i := range c.HeldOutSequences() {
		c.HeldOut(&b, i, 1)
		for _, t := range b.Targets {
			nats -= fmath.Log(shares[t])
		}
		targets += len(b.Targets)
	}
	return unknown, nats / float64(max(1, targets))
}
