package embedded

import (
	"math"
	"testing"
)

// naiveBayes is the multinomial model with add-one smoothing: the log odds of
// garden are those of the classes plus, for each word of the text that the
// training part has, log P(w|garden) − log P(w|kitchen).
type naiveBayes struct {
	prior float64
	odds  map[string]float64
}

func fitNaiveBayes(train []item) naiveBayes {
	counts := make(map[string][2]float64)
	var texts, words [2]float64
	for _, it := range train {
		class := classOf(it.label)
		texts[class]++
		for _, w := range it.words {
			c := counts[w]
			c[class]++
			counts[w] = c
			words[class]++
		}
	}
	m := naiveBayes{math.Log(texts[0] / texts[1]), make(map[string]float64)}
	v := float64(len(counts))
	for w, c := range counts {
		m.odds[w] = math.Log((c[0]+1)/(words[0]+v)) - math.Log((c[1]+1)/(words[1]+v))
	}
	return m
}

func classOf(label string) int {
	if label == Garden {
		return 0
	}
	return 1
}

func (m naiveBayes) class(words []string) int {
	s := m.prior
	for _, w := range words {
		s += m.odds[w]
	}
	if s > 0 {
		return 0
	}
	return 1
}

func (m naiveBayes) accuracy(items []item) float64 {
	right := 0
	for _, it := range items {
		if m.class(it.words) == classOf(it.label) {
			right++
		}
	}
	return float64(right) / float64(len(items))
}

// TestNaiveBayes holds the simple baseline: the words together tell the class,
// though none does alone, and not so well that nothing is left to learn.
func TestNaiveBayes(t *testing.T) {
	train, dev := both(t)
	m := fitNaiveBayes(train)
	got := m.accuracy(dev)
	t.Logf("naive Bayes: dev %.1f %%, train %.1f %%; majority line 50.0 %%", 100*got, 100*m.accuracy(train))
	if got < 0.75 || got > 0.95 {
		t.Errorf("naive Bayes is right for %.1f %% of the development part", 100*got)
	}
}

// TestShuffledLabels gives naive Bayes the texts with every second pair of
// labels exchanged: what it learns then holds for no other text.
func TestShuffledLabels(t *testing.T) {
	train, dev := both(t)
	for i := range train {
		if i%4 < 2 {
			train[i].label = map[string]string{Garden: Kitchen, Kitchen: Garden}[train[i].label]
		}
	}
	// 250 answers by chance: standard deviation 3.2 %, four of them are 13 %.
	if got := fitNaiveBayes(train).accuracy(dev); math.Abs(got-0.5) > 0.13 {
		t.Errorf("with exchanged labels naive Bayes is right for %.1f %% of the development part", 100*got)
	}
}
