package plot

import (
	"fmt"
	"math"
	"strings"
)

// Curves shows a run over its updates: the loss, the terms of the bound with
// PAC-tuning, gradient norm and rate without, and the metric beside its
// majority line.
func Curves(r *Run) *Figure {
	f := &Figure{Title: r.title(), Columns: 3}
	if r.pac() {
		f.Panels = r.boundPanels()
	} else {
		f.Panels = r.plainPanels()
	}
	for i := range f.Panels {
		f.Panels[i].XLabel = "update"
	}
	r.markStages(f.Panels)
	f.Subtitle = r.about()
	return f
}

// title names the run: its folder, and its method where the folder does not.
func (r *Run) title() string {
	if r.Method == "" || strings.Contains(r.Name, r.Method) {
		return r.Name
	}
	return r.Name + " (" + r.Method + ")"
}

// about sums up where the run ended.
func (r *Run) about() string {
	parts := []string{}
	if steps := r.Train.Column("step"); len(steps) > 0 {
		parts = append(parts, fmt.Sprintf("%.0f updates", steps[len(steps)-1]))
	}
	for _, e := range r.Evals {
		if v := last(e.Table.Column(e.Metric)); e.Metric != "" && !math.IsNaN(v) {
			text := fmt.Sprintf("%s%s %.4f at the end", e.Metric, strings.TrimPrefix(e.Set, "eval"), v)
			if m, ok := r.Majority[e.Metric]; ok {
				text += fmt.Sprintf(", majority line %.4f", m)
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func last(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return v[len(v)-1]
}

func (r *Run) pac() bool { return r.Train.Has("kl") }

// stage2 is the first update of PAC-tuning's stage 2, 0 when there is none.
func (r *Run) stage2() float64 {
	stage, step := r.Train.Column("stage"), r.Train.Column("step")
	for i := range stage {
		if stage[i] == 2 {
			return step[i]
		}
	}
	return 0
}

// markStages draws the begin of stage 2 into panels; the first one says so.
func (r *Run) markStages(panels []Panel) {
	stage2 := r.stage2()
	for i := range panels {
		if stage2 > 0 {
			panels[i].Marks = []Line{{At: stage2}}
		}
	}
	if stage2 > 0 && len(panels) > 0 {
		panels[0].Marks[0].Label = "stage 2"
	}
}

// inStage1 is a column with gaps in stage 2, where the bound's terms are only
// those at its end.
func (r *Run) inStage1(name string) []float64 {
	stage, v := r.Train.Column("stage"), append([]float64{}, r.Train.Column(name)...)
	for i := range v {
		if stage[i] == 2 {
			v[i] = math.NaN()
		}
	}
	return v
}

// curve is a column of the updates.
func (r *Run) curve(name, column string, s Style) Series {
	return Series{Name: name, X: r.Train.Column("step"), Y: r.Train.Column(column), Style: s}
}

func (r *Run) boundPanels() []Panel {
	step := r.Train.Column("step")
	stage1 := func(name, column string, s Style) Series {
		return Series{Name: name, X: step, Y: r.inStage1(column), Style: s}
	}
	loss := Panel{Title: "loss and total", Log: true, Series: []Series{
		stage1("total = loss + bound", "total", Style{Color: Hue(1)}),
		r.curve("training loss", "loss", Style{Color: Hue(0)}),
	}}
	kl := Panel{Title: "KL per training example", Log: true, Series: []Series{stage1("", "kl_per_row", Style{Color: Hue(0)})}}
	kl.Lo, kl.Hi = fromFloor(kl.Series[0].Y)
	return []Panel{
		loss, kl,
		{Title: "K and γ", Log: true, Series: []Series{
			stage1("γ", "gamma", Style{Color: Hue(1)}),
			stage1("K", "K", Style{Color: Hue(0)}),
		}},
		r.noisePanel("body"),
		r.noisePanel("head"),
		{Title: "distance from the initial weights", Series: []Series{stage1("", "distance_from_init", Style{Color: Hue(0)})}},
		r.metricPanel(),
		r.evalLossPanel(),
		r.gradientPanel(),
	}
}

func (r *Run) noisePanel(part string) Panel {
	return Panel{Title: "mean noise (std) of the " + part, Log: true, Series: []Series{
		r.curve("posterior", "posterior_std_"+part, Style{Color: Hue(0)}),
		r.curve("prior", "prior_std_"+part, Style{Color: Hue(1), Dash: true}),
	}}
}

// fromFloor is the range of a logarithmic axis that shows at most four decades
// below the highest value: KL starts at zero up to rounding.
func fromFloor(v []float64) (lo, hi float64) {
	s := newScale(true)
	for _, x := range v {
		if x > 0 && !math.IsInf(x, 0) {
			s.include(x)
		}
	}
	if s.lo > s.hi {
		return 0, 0
	}
	s.lo = math.Max(s.lo, s.hi*1e-4)
	s.settle()
	return s.lo, s.hi
}

func (r *Run) plainPanels() []Panel {
	loss := Panel{Title: "training loss", Series: r.smooth(r.curve("an update", "loss", Style{Color: Hue(0)}))}
	rate := Panel{Title: "learning rate", Series: []Series{r.curve("", "learning_rate", Style{Color: Hue(0)})}}
	if !same(r.Train.Column("learning_rate"), r.Train.Column("head_learning_rate")) {
		rate.Log = true
		rate.Series[0].Name = "body"
		rate.Series = append(rate.Series, r.curve("head", "head_learning_rate", Style{Color: Hue(1)}))
	}
	return []Panel{loss, r.metricPanel(), r.evalLossPanel(), r.gradientPanel(), r.clipPanel(), rate}
}

// gradientPanel shows the norm before and after clipping, or one curve when
// nothing was clipped.
func (r *Run) gradientPanel() Panel {
	p := Panel{Title: "gradient norm of an update", Log: true}
	before := r.curve("before clipping", "grad_norm", Style{Color: Hue(0)})
	after := r.curve("after", "grad_norm_clipped", Style{Color: Hue(1)})
	if same(after.Y, before.Y) {
		before.Name = ""
		p.Series = r.smooth(before)
	} else {
		p.Series = append(r.smooth(before), r.smooth(after)...)
	}
	return p
}

func same(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}

// smooth draws a noisy curve faintly and its running mean over a fiftieth of
// the run in front of it.
func (r *Run) smooth(s Series) []Series {
	window := len(s.Y) / 50
	if window < 3 {
		return []Series{s}
	}
	mean := s
	mean.Y = RunningMean(s.Y, window)
	if s.Name == "an update" {
		mean.Name = fmt.Sprintf("mean of %d updates", window)
	} else {
		s.Name = ""
	}
	s.Style.Faint = true
	return []Series{s, mean}
}

// RunningMean is the mean of the last n values up to each, or of as many as
// there are; NaN does not count, and where none counts there is a gap.
func RunningMean(v []float64, n int) []float64 {
	mean := make([]float64, len(v))
	for i := range v {
		sum, count := 0.0, 0.0
		for _, x := range v[max(0, i+1-n) : i+1] {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				sum += x
				count++
			}
		}
		mean[i] = sum / count
	}
	return mean
}

func (r *Run) metricPanel() Panel {
	p := Panel{Title: "metric"}
	for i, e := range r.Evals {
		if e.Metric == "" {
			continue
		}
		if i == 0 {
			p.Title = "evaluation: " + e.Metric
			if m, ok := r.Majority[e.Metric]; ok {
				p.Lines = []Line{{At: m, Label: fmt.Sprintf("majority line %.3f", m)}}
			}
		}
		p.Series = append(p.Series, e.series(e.Metric, i, len(r.Evals) > 1))
	}
	p.Lo, p.Hi = wide(&p, 0.1)
	return p
}

// wide is a range of y that is at least so large that chance does not look
// like progress; 0, 0 when the panel is empty.
func wide(p *Panel, least float64) (lo, hi float64) {
	s := p.upright()
	if empty(p) {
		return 0, 0
	}
	more := math.Max(0, least-(s.hi-s.lo)) / 2
	return s.lo - more, s.hi + more
}

func (r *Run) evalLossPanel() Panel {
	p := Panel{Title: "evaluation: loss"}
	for i, e := range r.Evals {
		p.Series = append(p.Series, e.series("loss", i, len(r.Evals) > 1))
	}
	p.Lo, p.Hi = wide(&p, 0.1)
	return p
}

func (e *Eval) series(column string, i int, named bool) Series {
	s := Series{X: e.Table.Column("step"), Y: e.Table.Column(column), Style: Style{Color: Hue(i)}}
	s.Dots = len(s.X) <= 40
	if named {
		s.Name = e.Set
	}
	return s
}

// clipPanel shows the share of weights in clipped components. Global clipping
// does not count.
func (r *Run) clipPanel() Panel {
	return Panel{Title: "clip rate by component (%)", Lo: 0, Hi: 103, Series: []Series{r.clipRate()}}
}

func (r *Run) clipRate() Series {
	s := r.curve("", "clip_rate", Style{Color: Hue(0)})
	s.Y = append([]float64{}, s.Y...)
	for i := range s.Y {
		s.Y[i] *= 100
	}
	return s
}
