package train

import (
	"fmt"
	"time"
)

// trial measures the first updates for the forecast of the time: the second to the
// fourth that are made, as the first touches memory that is not there yet.
type trial struct {
	updates int // seen
	spent   time.Duration
	tokens  int
}

const trialUpdates = 3

// evalShare: an evaluation costs this part of an update for each of its tokens: a forward pass,
// where an update has that and a backward pass of twice the work.
const evalShare = 1.0 / 3

// calibrate tells once, after the first updates of a run that has many more, how
// long it will take.
func (p *Progress) calibrate(step int, t Timing) {
	w := &p.trial
	if w.updates++; w.updates == 1 || w.updates > 1+trialUpdates {
		return
	}
	w.spent += t.Elapsed
	w.tokens += t.Tokens
	if updates := p.plan.Steps - step; w.updates == 1+trialUpdates && updates >= 2*trialUpdates {
		each := (w.spent / trialUpdates).Round(time.Millisecond)
		p.print(fmt.Sprintf("time    about %s left: updates %d to %d took %s each", Roughly(w.left(p.plan, step)), step+1-trialUpdates, step, each))
	}
}

// left forecasts the time of the updates after step, by the tokens of an average
// one, and of the evaluations.
func (w *trial) left(plan *Plan, step int) time.Duration {
	perUpdate := float64(plan.TrainTokens) / float64(max(1, plan.StepsPerEpoch))
	tokens := perUpdate * float64(plan.Steps-step)
	evaluations := 0
	if plan.EvalRows > 0 {
		evaluations = 1
		if plan.EvalEvery > 0 {
			evaluations += (plan.Steps-1)/plan.EvalEvery - (step-1)/plan.EvalEvery
		}
	}
	tokens += evalShare * float64(evaluations*plan.EvalTokens)
	return time.Duration(tokens * float64(w.spent) / float64(max(1, w.tokens)))
}

// Roughly writes a duration as a person says it: 40 s, 12 min, 1 h 55 min, 2 days 3 h.
func Roughly(d time.Duration) string {
	s := int(d.Seconds() + 0.5)
	switch m, h := (s+30)/60, (s+1800)/3600; {
	case s < 90:
		return fmt.Sprintf("%d s", s)
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m < 24*60:
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	case h < 48:
		return fmt.Sprintf("1 day %d h", h-24)
	default:
		return fmt.Sprintf("%d days %d h", h/24, h%24)
	}
}
