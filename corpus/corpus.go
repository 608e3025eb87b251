// Package corpus reads plain text of any size as masked sequences for the
// pretraining of a BERT. It knows files, tokens and masks, and no tensors.
//
// The way of the text:
//
//	file      plain or .gz, UTF-8; a line is a paragraph, or a part of one
//	block     about 64 KiB of a file, ended at a blank line or a line's end;
//	          whole blocks are held out, so held-out text is far from the rest
//	window    about 32 MiB: of every file a share in proportion to its size
//	sequence  [CLS] … [SEP]: consecutive whole sentences of one block, as many
//	          as fit; no padding
//	batch     sequences of a window in random order, packed as in package glue
//
// Only two windows are in memory: the one that is read and the next, which one
// goroutine prepares meanwhile. Open reads every file once: it counts, hashes
// and finds the blocks. Reading compares every block with what Open found.
//
// Every random choice is a function of (seed, epoch, place) through
// internal/rng: which blocks are held out, where the first sequence of a block
// ends (so that an epoch packs differently from the one before), the order
// within a window, the masks. A Position of three numbers is the whole state:
// Seek to it continues as if nothing had happened, on any number of threads.
//
//	c, err := corpus.Open(corpus.Options{Files: files, Tokenizer: t, MaxLength: 128,
//		Probability: 0.15, MaskShare: 0.8, RandomShare: 0.1, HeldOut: 0.005, HeldOutTokens: 200_000}, pool)
//	var b corpus.Batch
//	err = c.Next(&b, 32)        // b.IDs, b.At, b.Targets
//	p := c.Position()           // save it; later c.Seek(p)
package corpus

import (
	"math"

	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/internal/plural"
	"pactune/internal/rng"
	"pactune/tokenizer"
)

// Options say what to read and how.
type Options struct {
	Files     []string // plain text or gzip, as their first bytes say
	Tokenizer *tokenizer.Tokenizer
	MaxLength int // tokens of a sequence, [CLS] and [SEP] included; at least 8
	Seed      uint64

	Probability float64 // share of the tokens that are to be predicted, in (0, 1)
	WholeWord   bool    // all pieces of a word are masked together
	MaskShare   float64 // of the targets: [MASK] in their place
	RandomShare float64 // of the targets: a random ordinary token; the rest stay as they are

	HeldOut       float64 // share of the blocks that training never sees, in [0, 1)
	HeldOutTokens int     // of them, at most as many tokens are kept for evaluation

	Block  int // bytes of a block at most; 0: 64 KiB
	Window int // bytes of a window's text, about; 0: 32 MiB, which is the most
}

const (
	defaultBlock  = 64 << 10
	defaultWindow = 32 << 20
	minLength     = 8
)

// Corpus is a set of text files, open for reading. One goroutine may use it at
// a time.
type Corpus struct {
	o     Options
	pool  *par.Pool
	words vocabulary
	files []File

	firstBlock []uint32 // by file: its blocks count on from here
	heldBelow  uint64   // a block is held out when its random word is below
	windows    []extent // by number
	heldOut    window

	readers []reader // by file; the preparing goroutine has them while busy
	round   round    // likewise
	current *window
	next    *window
	busy    bool // next is being prepared, or is ready and not yet taken
	jobs    chan *window
	done    chan struct{}

	at     Position
	counts []int64 // by id: tokens of the first window, which Stats stands on
}

// extent is what one window holds. Tokens is −1 until it was read.
type extent struct{ bytes, tokens, sequences int64 }

// Open counts and checks the files, reads the held-out text and the first
// window. A nil pool is one thread. Errors are of kind fault.Usage (options),
// fault.Model (a vocabulary without [CLS], [SEP] or [MASK]) and fault.Data,
// which names the file and, where it can, the byte or the line.
func Open(o Options, pool *par.Pool) (*Corpus, error) {
	if o.Block == 0 {
		o.Block = defaultBlock
	}
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	words, err := newVocabulary(o.Tokenizer)
	if err != nil {
		return nil, err
	}
	c := &Corpus{o: o, pool: pool, words: words}
	if c.files, err = countAll(o.Files, o.Block, pool); err != nil {
		return nil, err
	}
	if err := c.divide(); err != nil {
		return nil, err
	}
	c.readers = make([]reader, len(c.files))
	if err := c.start(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (o *Options) check() error {
	switch {
	case len(o.Files) == 0:
		return fault.Errorf(fault.Usage, "no text files: expected at least one")
	case o.MaxLength < minLength:
		return fault.Errorf(fault.Usage, "sequences of %d tokens: expected at least %d", o.MaxLength, minLength)
	case !(o.Probability > 0 && o.Probability < 1):
		return fault.Errorf(fault.Usage, "a share of %v of the tokens to mask: expected more than 0 and less than 1; BERT's is 0.15", o.Probability)
	case !(o.MaskShare >= 0 && o.RandomShare >= 0 && o.MaskShare+o.RandomShare <= 1):
		return fault.Errorf(fault.Usage, "%v of the targets replaced by [MASK] and %v by random tokens: expected shares that add up to at most 1", o.MaskShare, o.RandomShare)
	case !(o.HeldOut >= 0 && o.HeldOut < 1):
		return fault.Errorf(fault.Usage, "a share of %v of the text held out: expected at least 0 and less than 1", o.HeldOut)
	case o.HeldOut > 0 && o.HeldOutTokens < o.MaxLength:
		return fault.Errorf(fault.Usage, "at most %d held-out tokens: expected at least one sequence of %d", o.HeldOutTokens, o.MaxLength)
	case o.Block < 16 || o.Window < o.Block || o.Window > defaultWindow:
		return fault.Errorf(fault.Usage, "blocks of %d bytes, windows of %d: expected 16 ≤ block ≤ window ≤ %d", o.Block, o.Window, defaultWindow)
	}
	return nil
}

// divide decides which blocks are held out and how many windows there are.
func (c *Corpus) divide() error {
	var blocks uint32
	lowest := uint64(math.MaxUint64)
	for f := range c.files {
		c.firstBlock = append(c.firstBlock, blocks)
		blocks += uint32(c.files[f].Blocks)
		for b := range c.files[f].blocks {
			lowest = min(lowest, uint64(c.heldWord(f, b)))
		}
	}
	if c.o.HeldOut > 0 {
		c.heldBelow = max(uint64(c.o.HeldOut*(1<<32)), lowest+1) // at least one block
	}
	var training int64
	for f := range c.files {
		for b := range c.files[f].blocks {
			if !c.isHeldOut(f, b) {
				training += int64(c.files[f].blocks[b].length)
			}
		}
	}
	if training == 0 {
		return fault.Errorf(fault.Data, "%s: the text is %d block(s) of %d bytes, all held out: give more text, or hold out a smaller share than %v, or 0",
			c.files[0].Path, blocks, c.o.Block, c.o.HeldOut)
	}
	c.windows = make([]extent, (training+int64(c.o.Window)-1)/int64(c.o.Window))
	for w := range c.windows {
		c.windows[w].tokens = -1
		for f := range c.files {
			first, last := c.share(f, w)
			for b := first; b < last; b++ {
				if !c.isHeldOut(f, b) {
					c.windows[w].bytes += int64(c.files[f].blocks[b].length)
				}
			}
		}
	}
	return nil
}

// start reads the held-out text and the first window.
func (c *Corpus) start() error {
	if err := c.readHeldOut(); err != nil {
		return err
	}
	c.current, c.next = new(window), new(window)
	c.jobs, c.done = make(chan *window), make(chan struct{})
	go c.prepareAhead(c.jobs)
	if err := c.load(Position{}); err != nil {
		return err
	}
	c.counts = make([]int64, c.o.Tokenizer.VocabSize())
	for _, id := range c.current.ids {
		c.counts[id]++
	}
	if n, want := len(c.current.ids), c.o.MaxLength-2; n < want {
		return fault.Errorf(fault.Data, "%s: the text to train on has %s in its first %d bytes: expected at least %d, one sequence of %d with [CLS] and [SEP]",
			c.files[0].Path, plural.Of(n, "token"), c.windows[0].bytes, want, c.o.MaxLength)
	}
	return nil
}

// Close ends the preparing goroutine and closes the files.
func (c *Corpus) Close() {
	c.wait()
	if c.jobs != nil {
		close(c.jobs)
		c.jobs = nil
	}
	for f := range c.readers {
		c.readers[f].close()
	}
}

// Files says what Open found in the files, in the order of the options.
func (c *Corpus) Files() []File { return c.files }

// Windows is the number of windows of an epoch.
func (c *Corpus) Windows() int { return len(c.windows) }

// heldWord is the random word that decides whether a block is held out.
func (c *Corpus) heldWord(file, block int) uint32 {
	return rng.NewKey(c.o.Seed, rng.StreamText, math.MaxUint64).Uint32(uint32(file), uint64(block))
}

func (c *Corpus) isHeldOut(file, block int) bool {
	return uint64(c.heldWord(file, block)) < c.heldBelow
}

// share is the range of blocks of a file that belongs to a window, held-out
// ones included: those with
//
//	w ≤ (b + u)·W/n < w + 1
//
// for the n blocks of the file, W windows and a random u in [0, 1) of the
// file's, by which the single blocks of many small files spread over all windows.
func (c *Corpus) share(file, window int) (first, last int) {
	n, w := int64(c.files[file].Blocks), int64(len(c.windows))
	u := int64(rng.NewKey(c.o.Seed, rng.StreamText, math.MaxUint64-1).Uint32(uint32(file), 0) >> 16)
	from := func(i int64) int {
		x := i*n<<16 - u*w // b ≥ x / (w·2¹⁶)
		if x <= 0 {
			return 0
		}
		return int((x + w<<16 - 1) / (w << 16))
	}
	return from(int64(window)), from(int64(window) + 1)
}
