package optim

import (
	"math"
	"slices"
	"strings"

	"pactune/internal/fault"
)

// ScheduleKind is a shape of the learning rate over a run, by the name that
// transformers' get_scheduler knows it.
type ScheduleKind string

const (
	Linear             ScheduleKind = "linear"
	Cosine             ScheduleKind = "cosine"
	CosineWithRestarts ScheduleKind = "cosine_with_restarts"
	CosineWithMinLR    ScheduleKind = "cosine_with_min_lr"
	Polynomial         ScheduleKind = "polynomial"
	Constant           ScheduleKind = "constant"
	ConstantWithWarmup ScheduleKind = "constant_with_warmup"
	InverseSqrt        ScheduleKind = "inverse_sqrt"
	WarmupStableDecay  ScheduleKind = "warmup_stable_decay"
)

// ScheduleKinds are all kinds, in the order in which they are told.
var ScheduleKinds = []ScheduleKind{Linear, Cosine, CosineWithRestarts, CosineWithMinLR, Polynomial,
	Constant, ConstantWithWarmup, InverseSqrt, WarmupStableDecay}

// Schedule is a learning-rate schedule: a pure function of the step.
type Schedule struct {
	Kind   ScheduleKind
	Warmup int     // steps over which the rate rises from 0
	Total  int     // steps of the whole run
	LR     float64 // the rate that is scaled
	// What lr_scheduler_kwargs sets.
	Cycles        float64 // num_cycles of a cosine, 0.5 for one fall, or its restarts
	Least         float64 // min_lr/LR, min_lr_rate or min_lr_ratio: the lowest scale
	End           float64 // lr_end, the last rate of polynomial, whose power is 1
	Stable, Decay int     // num_stable_steps, num_decay_steps
}

// NewSchedule returns the schedule of that name, or an error of kind Usage.
// kwargs are the settings that transformers takes as lr_scheduler_kwargs.
func NewSchedule(name string, warmup, total int, lr float64, kwargs map[string]float64) (Schedule, error) {
	s := Schedule{Kind: ScheduleKind(name), Warmup: warmup, Total: total, LR: lr, Cycles: 0.5, End: 1e-7}
	if s.Kind == CosineWithRestarts {
		s.Cycles = 1
	}
	if !slices.Contains(ScheduleKinds, s.Kind) {
		return s, fault.Errorf(fault.Usage, "unknown schedule %q: expected one of %v", name, ScheduleKinds)
	}
	if warmup < 0 {
		return s, fault.Errorf(fault.Usage, "warm-up of %d steps: expected 0 or more", warmup)
	}
	if err := s.set(kwargs); err != nil {
		return s, err
	}
	if s.Kind == Polynomial && lr <= s.End {
		return s, fault.Errorf(fault.Usage, "learning rate %g: a polynomial schedule falls to lr_end, %g, expected a rate above it", lr, s.End)
	}
	return s, nil
}

// settings names what lr_scheduler_kwargs may and, before a bar, must hold.
var settings = map[ScheduleKind]string{
	Cosine:             "|num_cycles",
	CosineWithRestarts: "|num_cycles",
	CosineWithMinLR:    "|num_cycles min_lr min_lr_rate",
	Polynomial:         "|lr_end",
	WarmupStableDecay:  "num_stable_steps num_decay_steps|min_lr_ratio num_cycles",
}

// set applies kwargs, in the order of their names.
func (s *Schedule) set(kwargs map[string]float64) error {
	must, may, _ := strings.Cut(settings[s.Kind], "|")
	known := append(strings.Fields(must), strings.Fields(may)...)
	names := make([]string, 0, len(kwargs))
	for name := range kwargs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := kwargs[name]
		if !slices.Contains(known, name) {
			expected := "none"
			if len(known) > 0 {
				expected = strings.Join(known, ", ")
			}
			return fault.Errorf(fault.Usage, "--lr_scheduler_kwargs: %q is no setting of %s: expected %s", name, s.Kind, expected)
		}
		if !(v >= 0) || math.IsInf(v, 0) {
			return fault.Errorf(fault.Usage, "--lr_scheduler_kwargs: %s is %v: expected 0 or a number above it", name, v)
		}
		switch name {
		case "num_cycles":
			s.Cycles = v
		case "lr_end":
			s.End = v
		case "min_lr":
			s.Least = v / s.LR
		case "min_lr_rate", "min_lr_ratio":
			s.Least = v
		case "num_stable_steps":
			s.Stable = int(v)
		case "num_decay_steps":
			s.Decay = int(v)
		}
	}
	for _, name := range strings.Fields(must) {
		if _, given := kwargs[name]; !given {
			return fault.Errorf(fault.Usage, "schedule %s needs %s in lr_scheduler_kwargs, such as {\"%s\": 100}", s.Kind, name, name)
		}
	}
	_, rate := kwargs["min_lr"]
	_, share := kwargs["min_lr_rate"]
	if s.Kind == CosineWithMinLR && rate == share {
		return fault.Errorf(fault.Usage, "schedule %s needs one of min_lr and min_lr_rate in lr_scheduler_kwargs", s.Kind)
	}
	return nil
}

// Scale is the factor on the learning rate at a step, counted from 0: the
// first update uses Scale(0), which with a warm-up is 0, as in PyTorch.
func (s Schedule) Scale(step int) float64 {
	if s.Kind == Constant {
		return 1
	}
	t, w := float64(step), float64(s.Warmup)
	if step < s.Warmup {
		return t / max(1, w)
	}
	progress := (t - w) / max(1, float64(s.Total)-w)
	switch s.Kind {
	case ConstantWithWarmup:
		return 1
	case Linear:
		return max(0, (float64(s.Total)-t)/max(1, float64(s.Total)-w))
	case Cosine, CosineWithMinLR:
		return max(0, s.wave(2*s.Cycles*progress))
	case CosineWithRestarts:
		if progress >= 1 {
			return 0
		}
		_, phase := math.Modf(s.Cycles * progress)
		return max(0, s.wave(phase))
	case WarmupStableDecay:
		if step < s.Warmup+s.Stable {
			return 1
		}
		if step >= s.Warmup+s.Stable+s.Decay {
			return s.Least
		}
		return s.wave(2 * s.Cycles * ((t - w - float64(s.Stable)) / float64(s.Decay)))
	case Polynomial:
		if step > s.Total {
			return s.End / s.LR
		}
		return (float64((s.LR-s.End)*(1-progress)) + s.End) / s.LR
	case InverseSqrt:
		timescale := w
		if s.Warmup == 0 {
			timescale = 10_000
		}
		return 1 / math.Sqrt((t+timescale-w)/timescale)
	}
	panic("optim: Schedule.Scale: unknown schedule " + string(s.Kind))
}

// wave falls from 1 at phase 0 to Least at phase 1, as a cosine.
func (s Schedule) wave(phase float64) float64 {
	return float64(float64(0.5*(1+cosPi(phase)))*(1-s.Least)) + s.Least
}

// cosPi returns cos(πx), x ≥ 0, within 2 units in the last place of 1: the
// angle is folded into [0, π/4] and the Taylor series summed by fused
// multiply-adds, so that all machines see the same rate.
func cosPi(x float64) float64 {
	x -= 2 * math.Floor(x/2)
	if x > 1 {
		x = 2 - x
	}
	if x > 0.5 {
		return -cosPi(1 - x)
	}
	if x <= 0.25 {
		y := math.Pi * x
		return series(y*y, 18)
	}
	y := math.Pi * (0.5 - x) // cos(π/2 − y) = sin y
	return y * series(y*y, 19)
}

// series is the Taylor polynomial of degree n in y by Horner's rule, yy = y²:
// of cos y for an even n, of sin(y)/y, one degree lower, for an odd n.
func series(yy float64, n int) float64 {
	sum := 1.0
	for ; n > 1; n -= 2 {
		sum = math.FMA(-yy/float64(n*(n-1)), sum, 1)
	}
	return sum
}
