package train

import (
	"fmt"
	"math"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/nn"
)

// Skips counts the updates that --on_nan skip left out: in all, and since the
// last one that was made.
type Skips struct {
	Total int `json:"total"`
	Row   int `json:"row"`
}

// maxSkips is how many updates in a row may be left out. Single batches go wrong
// for reasons of their own; when all do, the weights are at fault.
const maxSkips = 10

// Take counts an update that failed with err as left out, and returns nil, when
// the settings ask for it and err is of kind Diverged; otherwise the error.
func (k *Skips) Take(c *Config, err error) error {
	if c.OnNaN != "skip" || fault.KindOf(err) != fault.Diverged {
		return err
	}
	if k.Row == maxSkips {
		return fmt.Errorf("%w; the %d updates before were left out (--on_nan skip), and no more are", err, maxSkips)
	}
	k.Total++
	k.Row++
	return nil
}

// leaveOut makes the record of update s, which failed with err, when it is left
// out: weights, moments and noise are as before. Otherwise it returns the error.
func (t *trainer) leaveOut(s int, err error) error {
	if err := t.skips.Take(t.cfg, err); err != nil {
		return err
	}
	t.rec = StepRecord{Step: s + 1, Epoch: float64(s+1) / float64(t.perEpoch), Loss: t.rec.Loss, Skipped: err.Error()}
	return nil
}

// remember takes the record of an update that the run has behind it.
func (t *trainer) remember(r *StepRecord) {
	t.rec = *r
	t.unfreeze(r.Step - 1)
	if r.Skipped != "" {
		t.skips.Total++
		t.skips.Row++
		return
	}
	t.skips.Row = 0
	t.spikes.Add(r.Loss)
	if t.noise != nil && r.Step <= t.stage1 {
		t.noise.Steps++
	}
}

// Remark is what the user is told of an unusual update, "" of any other; w is what
// has flagged a spike.
func (r *StepRecord) Remark(w *Spikes) string {
	switch {
	case r.Skipped != "":
		return r.Skipped + ": this update is left out (--on_nan skip)"
	case r.Spike:
		return w.note(r)
	}
	return ""
}

// diverged names the example and, when there is one, the tensor with which a
// loss stopped being a number.
func (t *trainer) diverged(s int, rows []int32, loss *autograd.Loss) error {
	row, value := rows[0], loss.Sum
	for i, l := range loss.PerExample {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			row, value = rows[i], l
			break
		}
	}
	x := t.data.Data.Examples[row]
	return fault.Errorf(fault.Diverged, "update %d: the loss is %v for %s, line %d; %s; %s",
		s+1, value, t.data.Data.Path, x.Line, t.culprit(), t.remedy())
}

func (t *trainer) culprit() string { return Culprit(t.model.Store, t.noise != nil) }

// Culprit says which tensor made a loss that is no number: the first that is
// not finite or, where all are, the one with the largest weight, because
// products with it have left the range of float32. noisy says that what trains has
// noise at the moment.
func Culprit(s *nn.Store, noisy bool) string {
	name, largest := "", 0.0
	for _, p := range s.Params {
		if nn.FirstNonFinite(p.Data) >= 0 {
			if noisy && !p.Frozen {
				return "the tensor " + p.Name + " is not finite with its noise"
			}
			return "the tensor " + p.Name + " is not finite"
		}
		for _, w := range p.Data {
			if v := math.Abs(float64(w)); v > largest {
				name, largest = p.Name, v
			}
		}
	}
	return fmt.Sprintf("all weights are finite, the largest, %.3g, is in the tensor %s: activations overflowed", largest, name)
}

// remedy says what to do about a run that diverged.
func (t *trainer) remedy() string {
	if t.noise != nil && !t.noise.Frozen() {
		return "try a lower --learning_rate or --pac_noise_learning_rate"
	}
	return "try a lower --learning_rate"
}

// finite returns an error when a weight is not.
func (t *trainer) finite() error {
	if err := t.model.Store.Finite(); err != nil {
		return fmt.Errorf("update %d: %w; %s", t.rec.Step, err, t.remedy())
	}
	return nil
}

// takeBack undoes the last update where that is possible, after its weights
// have proved bad, and tells whether it was.
func (t *trainer) takeBack() bool {
	if !t.undo {
		return false
	}
	t.opt.Undo()
	t.undo = false
	return true
}
