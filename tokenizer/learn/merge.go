package learn

import (
	"container/heap"
	"strings"
	"unicode/utf8"
)

const (
	prefix       = "##"
	minFrequency = 2 // a pair that occurs less often is not merged
)

// merger merges the most frequent pair of neighbouring pieces, again and again
// (byte-pair encoding on characters). Every word is a sequence of pieces, the
// first as it stands, the others with "##".
type merger struct {
	pieces []string         // by id: the characters, then what was merged
	ids    map[string]int32 // of pieces

	words  [][]int32 // the pieces of each distinct word
	counts []int64   // how often it occurs
	pairs  map[pair]*occurrence
	queue  queue
	raised []pair // those whose count grew in this merge
}

type pair struct{ left, right int32 }

// occurrence says where a pair stands: in words, or it did once.
type occurrence struct {
	count int64
	words []int32
	last  int64 // count when it was put into the queue
}

// newMerger begins with single characters: those of the alphabet, then, with
// "##", those that stand behind the first of a word. The alphabet is sorted and
// has all characters of words.
func newMerger(alphabet []rune, words []string, counts []int64) *merger {
	m := &merger{ids: map[string]int32{}, counts: counts, pairs: map[pair]*occurrence{}}
	follow := map[rune]bool{}
	for _, w := range words {
		for i, r := range w {
			if i > 0 {
				follow[r] = true
			}
		}
	}
	for _, r := range alphabet {
		m.id(string(r))
	}
	for _, r := range alphabet {
		if follow[r] {
			m.id(prefix + string(r))
		}
	}
	m.queue.pieces = &m.pieces
	for w, word := range words {
		pieces := make([]int32, 0, utf8.RuneCountInString(word))
		for i, r := range word {
			c := string(r)
			if i > 0 {
				c = prefix + c
			}
			pieces = append(pieces, m.ids[c])
		}
		m.words = append(m.words, pieces)
		for i := 1; i < len(pieces); i++ {
			m.change(pair{pieces[i-1], pieces[i]}, w, counts[w])
		}
	}
	m.enqueue()
	return m
}

// id is the id of a piece, a new one where it has none.
func (m *merger) id(piece string) int32 {
	id, ok := m.ids[piece]
	if !ok {
		id = int32(len(m.pieces))
		m.ids[piece] = id
		m.pieces = append(m.pieces, piece)
	}
	return id
}

// change adds n to the count of a pair in word w.
func (m *merger) change(p pair, w int, n int64) {
	o := m.pairs[p]
	if o == nil {
		o = &occurrence{}
		m.pairs[p] = o
	}
	o.count += n
	if n < 0 {
		return
	}
	if k := len(o.words); k == 0 || o.words[k-1] != int32(w) {
		o.words = append(o.words, int32(w))
	}
	m.raised = append(m.raised, p)
}

// enqueue puts the raised pairs into the queue, once each.
func (m *merger) enqueue() {
	for _, p := range m.raised {
		if o := m.pairs[p]; o.count != o.last {
			o.last = o.count
			heap.Push(&m.queue, candidate{p, o.count})
		}
	}
	m.raised = m.raised[:0]
}

// next merges the most frequent pair, of several the first by its texts, and
// returns how often it occurred: 0 when none occurs minFrequency times.
func (m *merger) next() int64 {
	for m.queue.Len() > 0 {
		top := heap.Pop(&m.queue).(candidate)
		o := m.pairs[top.pair]
		if o == nil {
			continue
		}
		if o.count != top.count {
			o.last = 0
			m.raised = append(m.raised, top.pair)
			m.enqueue()
			continue
		}
		if o.count < minFrequency {
			return 0
		}
		whole := m.id(m.pieces[top.left] + strings.TrimPrefix(m.pieces[top.right], prefix))
		for _, w := range o.words {
			m.merge(int(w), top.pair, whole)
		}
		delete(m.pairs, top.pair) // and what was subtracted where it overlaps itself, as in "aaa"
		m.enqueue()
		return top.count
	}
	return 0
}

// merge replaces a pair in word w, from left to right.
func (m *merger) merge(w int, p pair, whole int32) {
	pieces, n := m.words[w], m.counts[w]
	out := pieces[:0]
	for i := 0; i < len(pieces); i++ {
		if i+1 == len(pieces) || pieces[i] != p.left || pieces[i+1] != p.right {
			out = append(out, pieces[i])
			continue
		}
		if k := len(out); k > 0 {
			m.change(pair{out[k-1], p.left}, w, -n)
			m.change(pair{out[k-1], whole}, w, n)
		}
		if i+2 < len(pieces) {
			m.change(pair{p.right, pieces[i+2]}, w, -n)
			m.change(pair{whole, pieces[i+2]}, w, n)
		}
		out = append(out, whole)
		i++
	}
	m.words[w] = out
}

// queue is a heap of pairs, the most frequent first, then by text. A count in
// it may be old; next looks the present one up.
type (
	candidate struct {
		pair
		count int64
	}
	queue struct {
		list   []candidate
		pieces *[]string
	}
)

func (q *queue) Len() int      { return len(q.list) }
func (q *queue) Swap(i, j int) { q.list[i], q.list[j] = q.list[j], q.list[i] }
func (q *queue) Push(v any)    { q.list = append(q.list, v.(candidate)) }
func (q *queue) Less(i, j int) bool {
	a, b := &q.list[i], &q.list[j]
	if a.count != b.count {
		return a.count > b.count
	}
	text := *q.pieces
	if a.left != b.left {
		return text[a.left] < text[b.left]
	}
	return text[a.right] < text[b.right]
}

func (q *queue) Pop() any {
	last := q.list[len(q.list)-1]
	q.list = q.list[:len(q.list)-1]
	return last
}
