package optim

import (
	"math"

	"pactune/internal/fault"
)

// ScheduleKind is a shape of the learning rate over a run, by the name that
// transformers' get_scheduler knows it.
type ScheduleKind string

const (
	Linear             ScheduleKind = "linear"
	Cosine             ScheduleKind = "cosine"
	CosineWithRestarts ScheduleKind = "cosine_with_restarts"
	Polynomial         ScheduleKind = "polynomial"
	Constant           ScheduleKind = "constant"
	ConstantWithWarmup ScheduleKind = "constant_with_warmup"
	InverseSqrt        ScheduleKind = "inverse_sqrt"
)

// polynomialEnd is the rate at which a polynomial schedule ends; its power is
// 1, so it is a straight line.
const polynomialEnd = 1e-7

// Schedule is a learning-rate schedule: a pure function of the step.
type Schedule struct {
	Kind   ScheduleKind
	Warmup int     // steps over which the rate rises from 0
	Total  int     // steps of the whole run
	LR     float64 // the rate that is scaled; only polynomial reads it
}

// NewSchedule returns the schedule of that name, or an error of kind Usage.
func NewSchedule(name string, warmup, total int, lr float64) (Schedule, error) {
	s := Schedule{ScheduleKind(name), warmup, total, lr}
	switch s.Kind {
	case Linear, Cosine, CosineWithRestarts, Polynomial, Constant, ConstantWithWarmup, InverseSqrt:
		if warmup < 0 {
			return Schedule{}, fault.Errorf(fault.Usage, "warm-up of %d steps: expected 0 or more", warmup)
		}
		if s.Kind == Polynomial && lr <= polynomialEnd {
			return Schedule{}, fault.Errorf(fault.Usage, "learning rate %g: a polynomial schedule falls to %g, expected a rate above it", lr, polynomialEnd)
		}
		return s, nil
	}
	return Schedule{}, fault.Errorf(fault.Usage, "unknown schedule %q: expected linear, cosine, "+
		"cosine_with_restarts, polynomial, constant, constant_with_warmup or inverse_sqrt", name)
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
	case Cosine:
		return max(0, 0.5*(1+cosPi(progress)))
	case CosineWithRestarts: // of one cycle, get_scheduler's default
		if progress >= 1 {
			return 0
		}
		return max(0, 0.5*(1+cosPi(progress)))
	case Polynomial:
		if step > s.Total {
			return polynomialEnd / s.LR
		}
		return (float64((s.LR-polynomialEnd)*(1-progress)) + polynomialEnd) / s.LR
	case InverseSqrt:
		timescale := w
		if s.Warmup == 0 {
			timescale = 10_000
		}
		return 1 / math.Sqrt((t+timescale-w)/timescale)
	}
	panic("optim: Schedule.Scale: unknown schedule " + string(s.Kind))
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
