package plot

// pretraining tells whether the run is one of masked language modelling.
func (r *Run) pretraining() bool { return watched([]*Run{r}) == "perplexity" }

// pretrainings lays runs of pretraining over one another: the held-out loss, in
// nats, over the time that the updates took and over the tokens read. Of two
// shapes the smaller one is ahead at first; where the curves cross tells which
// to take for the time that there is. A run without timings has no curve.
func pretrainings(runs []*Run) *Figure {
	f := &Figure{Title: "Held-out loss of masked language models", Columns: 2}
	time := Panel{Title: "nats a token over time", XLabel: "hours"}
	tokens := Panel{Title: "nats a token over tokens read", XLabel: "million tokens"}
	for i, r := range runs {
		style := Style{Color: Hue(i), Dash: i >= len(hues)}
		f.Key = append(f.Key, Key{r.Name, style})
		t := r.Evals[0].Table
		step, loss := t.Column("step"), t.Column("loss")
		if r.Timings.rows == 0 {
			continue
		}
		time.Series = append(time.Series, Series{X: r.spent("seconds", step, 3600), Y: loss, Style: style, Dots: t.rows <= 40})
		tokens.Series = append(tokens.Series, Series{X: r.spent("tokens", step, 1e6), Y: loss, Style: style, Dots: t.rows <= 40})
	}
	f.Panels = []Panel{time, tokens}
	return f
}

// spent is the sum of a column of timings.jsonl up to each of the steps, in
// units of what one unit holds.
func (r *Run) spent(column string, steps []float64, unit float64) []float64 {
	at, all := r.Timings.Column("step"), r.Timings.Column(column)
	out := make([]float64, len(steps))
	sum, i := 0.0, 0
	for k, s := range steps {
		for ; i < len(at) && at[i] <= s; i++ {
			sum += all[i]
		}
		out[k] = sum / unit
	}
	return out
}
