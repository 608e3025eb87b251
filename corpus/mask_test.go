package corpus

import (
	"math"
	"slices"
	"sort"
	"testing"

	"pactune/internal/rng"
)

// masking is a corpus that can mask: the words w0 …, of which ##x and ##y go on.
func masking(t testing.TB, o Options) *Corpus {
	t.Helper()
	o.Tokenizer = numbered(t, 500)
	v, err := newVocabulary(o.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return &Corpus{o: o, words: v}
}

// piece is the id of ##x, ##y the next.
const piece = firstWord + 500

// oneSequence is a window of one sequence.
func oneSequence(ids []int32, block, index uint32) *window {
	return &window{ids: ids, sequences: []sequence{{0, uint32(len(ids)), index, block}}, order: []int32{0}}
}

// naiveMask follows the rule of mask in words: units by random word, taken
// while they fit. Element by element, with maps.
func naiveMask(c *Corpus, ids []int32, epoch int, block, index uint32) (read []int32, at []int) {
	key := rng.NewKey(c.o.Seed, rng.StreamMask, uint64(epoch)).Fold(block)
	special := map[int32]bool{0: true, unknownID: true, classID: true, separatorID: true, maskID: true}
	var units [][]int
	n := 0
	for i, id := range ids {
		if special[id] {
			continue
		}
		n++
		if c.o.WholeWord && id >= piece && i > 0 && !special[ids[i-1]] {
			units[len(units)-1] = append(units[len(units)-1], i)
		} else {
			units = append(units, []int{i})
		}
	}
	sort.SliceStable(units, func(i, j int) bool {
		return key.Uint32(3*index, uint64(units[i][0])) < key.Uint32(3*index, uint64(units[j][0]))
	})
	want := max(1, int(math.Round(c.o.Probability*float64(n))))
	for _, u := range units {
		if len(at)+len(u) <= want {
			at = append(at, u...)
		}
	}
	if len(at) == 0 {
		at = units[0][:want]
	}
	sort.Ints(at)
	read = slices.Clone(ids)
	for _, i := range at {
		switch u := rng.Uniform(key.Uint32(3*index+1, uint64(i))); {
		case u < 0.8:
			read[i] = maskID
		case u < 0.9:
			texts := c.o.Tokenizer.VocabSize() - 5
			r := int32(uint64(key.Uint32(3*index+2, uint64(i))) * uint64(texts) >> 32)
			read[i] = 5 + r // the special ids are 0 to 4
		}
	}
	return read, at
}

func TestMaskAgainstNaiveTwin(t *testing.T) {
	key := rng.NewKey(4, rng.StreamSubset, 0)
	for trial := range uint64(1000) {
		draw := func(i uint64, n int) int { return key.Intn(trial<<12|i, n) }
		c := masking(t, Options{Seed: trial, WholeWord: trial%2 == 0, Probability: []float64{0.15, 0.4, 0.01}[trial%3], MaskShare: 0.8, RandomShare: 0.1})
		ids := make([]int32, 1+draw(0, 126))
		for i := range ids {
			switch e := uint64(i); draw(100+e, 10) {
			case 0:
				ids[i] = int32(draw(300+e, 5)) // a special token written in the text
			case 1, 2, 3:
				ids[i] = piece + int32(draw(300+e, 2))
			default:
				ids[i] = firstWord + int32(draw(300+e, 500))
			}
		}
		ids[draw(1, len(ids))] = firstWord
		block, index, epoch := uint32(draw(2, 1000)), uint32(draw(3, 1000)), draw(4, 9)
		w := oneSequence(ids, block, index)
		w.epoch = epoch
		var b Batch
		b.clear()
		c.fill(&b, oneSequence([]int32{firstWord}, 1, 1), 0, c.o.Probability, 0) // masks do not depend on what is before
		before := len(b.IDs)
		targets := len(b.At)
		c.fill(&b, w, 0, c.o.Probability, 0)
		whole := append(append([]int32{classID}, ids...), separatorID)
		read, at := naiveMask(c, whole, epoch, block, index)
		if !slices.Equal(b.IDs[before:], read) {
			t.Fatalf("trial %d: %v is read as %v, want %v", trial, whole, b.IDs[before:], read)
		}
		if len(b.At)-targets != len(at) {
			t.Fatalf("trial %d: %d targets, want %d", trial, len(b.At)-targets, len(at))
		}
		for j, i := range at {
			if int(b.At[targets+j]) != before+i || b.Targets[targets+j] != whole[i] {
				t.Fatalf("trial %d: target %d is %d at %d, want %d at %d", trial, j, b.Targets[targets+j], int(b.At[targets+j])-before, whole[i], i)
			}
		}
	}
}

// Of 100 equal tokens 15 are targets in every epoch; over many epochs every
// place is a target equally often, and what becomes of targets has the shares
// of the options, all within five standard deviations of a binomial.
func TestMaskFrequencies(t *testing.T) {
	maskFrequencies(t, 0.8, 0.1)
	maskFrequencies(t, 0.3, 0.6)
	maskFrequencies(t, 1, 0)
}

func maskFrequencies(t *testing.T, mask, replaced float64) {
	c := masking(t, Options{Seed: 1, Probability: 0.15, MaskShare: mask, RandomShare: replaced})
	const n, epochs = 100, 4000
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = firstWord + 7
	}
	w := oneSequence(ids, 3, 2)
	var places [n]int
	var masks, kept int
	random := map[int32]int{}
	var b Batch
	for w.epoch = range epochs {
		b.clear()
		c.fill(&b, w, 0, c.o.Probability, 0)
		if len(b.At) != 15 {
			t.Fatalf("%d targets, want 15", len(b.At))
		}
		for j, at := range b.At {
			places[at-1]++
			switch id := b.IDs[at]; id {
			case maskID:
				masks++
			case b.Targets[j]:
				kept++
			default:
				random[id]++
			}
		}
	}
	within := func(what string, got int, trials int, p float64) {
		t.Helper()
		mean, deviation := float64(trials)*p, math.Sqrt(float64(trials)*p*(1-p))
		if math.Abs(float64(got)-mean) > 5*deviation {
			t.Errorf("%s: %d times of %d, want %.0f ± %.0f", what, got, trials, mean, deviation)
		}
	}
	for i, got := range places {
		if within("a place", got, epochs, 0.15); t.Failed() {
			t.Fatalf("place %d", i)
		}
	}
	const targets = 15 * epochs
	texts := len(c.words.ordinary)
	within("[MASK]", masks, targets, mask)
	within("as it was", kept, targets, 1-mask-replaced+replaced/float64(texts))
	for _, id := range c.words.ordinary {
		if id != ids[0] {
			within("a random token", random[id], targets, replaced/float64(texts))
		}
		delete(random, id)
	}
	if len(random) > 0 {
		t.Errorf("targets were replaced by special tokens: %v", random)
	}
}

func TestTargets(t *testing.T) {
	for n, want := range map[int]int{1: 1, 3: 1, 9: 1, 10: 2, 16: 2, 17: 3, 100: 15, 126: 19, 510: 77} {
		if got := Targets(n, 0.15); got != want {
			t.Errorf("Targets(%d, 0.15) = %d, want %d", n, got, want)
		}
	}
}

// The yardstick by its formula, with counts of the first window's tokens.
func TestUnigramNats(t *testing.T) {
	o := small(t, "")
	o.HeldOut, o.Window = 0.2, 1<<20
	c := open(t, o, nil)
	var held Batch
	c.HeldOut(&held, 0, c.HeldOutSequences())
	counts := map[int32]float64{}
	total := float64(c.o.Tokenizer.VocabSize() - 5)
	for _, s := range epoch(t, c) {
		for _, id := range s {
			counts[id]++
			total++
		}
	}
	want := 0.0
	for _, id := range held.Targets {
		want -= math.Log((counts[id] + 1) / total)
	}
	want /= float64(len(held.Targets))
	got := c.Stats()
	if math.Abs(got.UnigramNats-want) > 1e-12*want { // the order of the sum is the same
		t.Errorf("UnigramNats is %v, want %v", got.UnigramNats, want)
	}
	if got.Unknown != 0 || !got.Exact || got.HeldOutTokens != len(held.IDs) {
		t.Errorf("Stats: %+v, held out %d tokens", got, len(held.IDs))
	}
}
