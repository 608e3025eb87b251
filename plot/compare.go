package plot

import (
	"fmt"
	"slices"
)

// Compare lays runs over one another by their names: training loss, the first
// run's metric where a run has it, and clip rate, all over epochs, because
// runs differ in their batches. Of pretrainings alone it is the held-out loss
// over time and over tokens.
func Compare(runs []*Run) *Figure {
	if !slices.ContainsFunc(runs, func(r *Run) bool { return !r.pretraining() }) {
		return pretrainings(runs)
	}
	f := &Figure{Title: "Runs compared", Columns: 3}
	loss := Panel{Title: "training loss, running mean"}
	metric := Panel{Title: "metric"}
	clip := Panel{Title: "clip rate by component (%)", Lo: 0, Hi: 103}
	name := watched(runs)
	if name != "" {
		metric.Title = "evaluation: " + name
	}
	for i, r := range runs {
		style := Style{Color: Hue(i), Dash: i >= len(hues)}
		f.Key = append(f.Key, Key{r.title(), style})
		epoch := r.Train.Column("epoch")
		y := r.Train.Column("loss")
		loss.Series = append(loss.Series, Series{X: epoch, Y: RunningMean(y, max(1, len(y)/50)), Style: style})
		clip.Series = append(clip.Series, Series{X: epoch, Y: r.clipRate().Y, Style: style})
		if len(r.Evals) > 0 && name != "" {
			t := r.Evals[0].Table
			metric.Series = append(metric.Series, Series{X: t.Column("epoch"), Y: t.Column(name), Style: style, Dots: t.rows <= 40})
		}
	}
	if line, ok := majority(runs, name); ok {
		metric.Lines = []Line{{At: line, Label: fmt.Sprintf("majority line %.3f", line)}}
	}
	metric.Lo, metric.Hi = wide(&metric, 0.1)
	f.Panels = []Panel{loss, metric, clip}
	for i := range f.Panels {
		f.Panels[i].XLabel = "epoch"
	}
	return f
}

// watched is the metric of the first run that has one.
func watched(runs []*Run) string {
	for _, r := range runs {
		if len(r.Evals) > 0 && r.Evals[0].Metric != "" {
			return r.Evals[0].Metric
		}
	}
	return ""
}

// majority is the majority line when it is the same for all runs.
func majority(runs []*Run, metric string) (line float64, ok bool) {
	for i, r := range runs {
		m, has := r.Majority[metric]
		if !has || i > 0 && m != line {
			return 0, false
		}
		line = m
	}
	return line, true
}
