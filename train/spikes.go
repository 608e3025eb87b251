package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"pactune/glue"
	"pactune/internal/fmath"
)

const (
	spikeWindow = 64 // losses that a new one is compared with
	spikeStart  = 16 // losses before the first comparison
	spikeStds   = 10
)

// Spikes watches the losses of the updates. With m their median and MAD their
// median distance from it, over the last 64, a loss x is a spike when
//
//	x − m > 10·1.4826·MAD     ten standard deviations, were they normal
//	x − m > 2·(largest − m)   twice as far out as any of them
//	x > Floor
//
// A spike counts among the losses that come later are compared with.
type Spikes struct {
	Floor float64

	last   [spikeWindow]float64 // the n-th loss at n modulo 64
	sorted [spikeWindow]float64
	n      int
	median float64 // that the last loss was compared with
}

// Add takes the loss of an update and tells whether it is a spike. It allocates
// nothing.
func (w *Spikes) Add(x float64) bool {
	s := w.sorted[:copy(w.sorted[:], w.last[:min(w.n, spikeWindow)])]
	w.last[w.n%spikeWindow] = x
	w.n++
	if len(s) < spikeStart || x <= w.Floor {
		return false
	}
	slices.Sort(s)
	m, largest := s[len(s)/2], s[len(s)-1]
	for i, v := range s {
		s[i] = math.Abs(v - m)
	}
	slices.Sort(s)
	w.median = m
	return x-m > spikeStds*1.4826*s[len(s)/2] && x-m > 2*(largest-m)
}

// MarshalJSON writes the last losses, oldest first: all that a run which goes on
// needs.
func (w Spikes) MarshalJSON() ([]byte, error) {
	list := make([]float64, 0, spikeWindow)
	for i := max(0, w.n-spikeWindow); i < w.n; i++ {
		list = append(list, w.last[i%spikeWindow])
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON wrote. Floor stays.
func (w *Spikes) UnmarshalJSON(text []byte) error {
	var list []float64
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	w.n = copy(w.last[:], list)
	return nil
}

// note tells the user of the spike that the last Add found.
func (w *Spikes) note(r *StepRecord) string {
	return fmt.Sprintf("update %d: the loss %s is a spike, the median of the last %d was %s; if it stays there, try a lower --learning_rate or a longer --warmup_ratio",
		r.Step, short(r.Loss), spikeWindow, short(w.median))
}

// sureOf is what an example costs that the model is quite sure to be of another
// class, whose probability is the largest float32 below 1, 1 − 2^-24: −ln p in
// nats. Late in a run a single one makes a batch's loss large, and that is no spike.
const sureOf = 24 * math.Ln2

// spikeFloor is the loss of guessing, ln C for C classes, ln 2 for each of many
// labels, the variance of a regression's targets, and for classes one example in
// batch that the model is sure of wrongly.
func spikeFloor(d *glue.Dataset, batch int) float64 {
	switch d.Problem {
	case glue.Regression:
		var sum, squares float64
		for i := range d.Examples {
			v := d.Examples[i].Score
			sum, squares = sum+v, squares+float64(v*v)
		}
		n := float64(max(1, len(d.Examples)))
		return squares/n - float64(sum/n*(sum/n))
	case glue.MultiLabel:
		return fmath.Log(2) + sureOf/float64(batch)
	}
	return fmath.Log(float64(max(2, len(d.LabelNames)))) + sureOf/float64(batch)
}
