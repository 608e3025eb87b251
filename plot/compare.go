package plot

// Compare lays runs over one another by their names: training loss, metric
// and clip rate.
func Compare(runs []*Run) *Figure {
	f := &Figure{Title: "Runs compared", Columns: 3}
	loss := Panel{Title: "training loss"}
	metric := Panel{Title: "metric"}
	clip := Panel{Title: "clip rate (% of weights)", Lo: 0, Hi: 103}
	for i, r := range runs {
		style := Style{Color: Hue(i), Dash: i >= len(hues)}
		f.Key = append(f.Key, Key{r.title(), style})
		name := func(s Series) Series { s.Name = ""; s.Style = style; return s }
		mean := func(s Series) Series { all := r.smooth(s); return name(all[len(all)-1]) }
		loss.Series = append(loss.Series, mean(r.curve("", "loss", style)))
		clip.Series = append(clip.Series, name(r.clipRate()))
		for k, s := range r.metricPanel().Series {
			if k == 0 {
				metric.Series = append(metric.Series, name(s))
				metric.Title, metric.Lines = r.metricPanel().Title, r.metricPanel().Lines
			}
		}
	}
	metric.Lo, metric.Hi = wide(&metric, 0.1)
	f.Panels = []Panel{loss, metric, clip}
	for i := range f.Panels {
		f.Panels[i].XLabel = "update"
	}
	return f
}
