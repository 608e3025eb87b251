package optim

import (
	"math"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// The formulas of transformers.optimization, by hand: warm-up 10 of 110 steps.
func TestSchedulesFollowTheirFormulas(t *testing.T) {
	const w, total, lr = 10, 110, 2e-5
	for name, after := range map[string]func(step float64) float64{
		"linear":               func(s float64) float64 { return math.Max(0, (total-s)/(total-w)) },
		"constant_with_warmup": func(float64) float64 { return 1 },
		"cosine":               func(s float64) float64 { return math.Max(0, 0.5*(1+math.Cos(math.Pi*(s-w)/(total-w)))) },
		"cosine_with_restarts": func(s float64) float64 {
			if s >= total {
				return 0
			}
			return 0.5 * (1 + math.Cos(math.Pi*math.Mod((s-w)/(total-w), 1)))
		},
		"polynomial": func(s float64) float64 {
			if s > total {
				return 1e-7 / lr
			}
			return ((lr-1e-7)*math.Pow(1-(s-w)/(total-w), 1) + 1e-7) / lr
		},
		"inverse_sqrt": func(s float64) float64 { return 1 / math.Sqrt(s/w) },
	} {
		s, err := NewSchedule(name, w, total, lr, nil)
		if err != nil {
			t.Fatal(err)
		}
		for step := 0; step <= total+20; step++ {
			want := float64(step) / w
			if step >= w {
				want = after(float64(step))
			}
			if got := s.Scale(step); math.Abs(got-want) > 4e-16 { // two roundings of a number up to 1
				t.Errorf("%s at step %d: %v, want %v", name, step, got, want)
			}
		}
	}
}

func TestScheduleEdges(t *testing.T) {
	for _, c := range []struct {
		name                string
		warmup, total, step int
		want                float64
	}{
		{"constant", 10, 100, 0, 1}, // get_scheduler's constant ignores the warm-up
		{"linear", 0, 4, 0, 1},
		{"linear", 0, 4, 1, 0.75},
		{"linear", 0, 4, 4, 0},
		{"linear", 4, 4, 3, 0.75}, // nothing but warm-up: no division by 0
		{"linear", 4, 4, 4, 0},
		{"cosine", 0, 4, 2, 0.5},
		{"cosine", 0, 4, 4, 0},
		{"inverse_sqrt", 0, 4, 0, 1}, // without a warm-up the time scale is 10,000
		{"inverse_sqrt", 0, 4, 30_000, 0.5},
	} {
		s, err := NewSchedule(c.name, c.warmup, c.total, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Scale(c.step); got != c.want {
			t.Errorf("%s warm-up %d of %d at step %d: %v, want %v", c.name, c.warmup, c.total, c.step, got, c.want)
		}
	}
	if _, err := NewSchedule("lineal", 0, 1, 1, nil); fault.KindOf(err) != fault.Usage {
		t.Errorf("unknown schedule: %v", err)
	}
	if _, err := NewSchedule("linear", -1, 1, 1, nil); fault.KindOf(err) != fault.Usage {
		t.Errorf("negative warm-up: %v", err)
	}
}

func TestSettingsOfSchedules(t *testing.T) {
	for _, c := range []struct {
		kind   ScheduleKind
		kwargs map[string]float64
		want   string // part of the error
	}{
		{Linear, map[string]float64{"num_cycles": 2}, `"num_cycles" is no setting of linear: expected none`},
		{Cosine, map[string]float64{"num_cycle": 2}, `"num_cycle" is no setting of cosine: expected num_cycles`},
		{Cosine, map[string]float64{"num_cycles": -1}, "num_cycles is -1"},
		{CosineWithMinLR, nil, "needs one of min_lr and min_lr_rate"},
		{CosineWithMinLR, map[string]float64{"min_lr": 1e-6, "min_lr_rate": 0.1}, "needs one of min_lr and min_lr_rate"},
		{WarmupStableDecay, map[string]float64{"num_decay_steps": 2}, "needs num_stable_steps"},
		{Polynomial, map[string]float64{"lr_end": 1}, "expected a rate above it"},
	} {
		_, err := NewSchedule(string(c.kind), 0, 10, 1, c.kwargs)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: %v, want a usage error with %q", c.kind, c.kwargs, err, c.want)
		}
	}
}

func TestCosPi(t *testing.T) {
	for i := range 4001 {
		x := float64(i) / 1000
		// math.Cos gets a rounded π·x: up to an ulp of that is its share.
		if got, want := cosPi(x), math.Cos(math.Pi*x); math.Abs(got-want) > 3e-16+x*4e-16 {
			t.Errorf("cosPi(%v) = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float64]float64{0: 1, 0.5: 0, 1: -1, 1.5: 0, 2: 1} {
		if got := cosPi(x); got != want {
			t.Errorf("cosPi(%v) = %v, want %v exactly", x, got, want)
		}
	}
}
