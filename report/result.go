package report

import (
	"fmt"
	"math"

	"pactune/plot"
	"pactune/stats"
)

// resultBlocks show how the runs ended: each seed, the tables of package compare,
// its verdicts.
func (b *book) resultBlocks() []*block {
	r := b.result
	if r == nil {
		return nil
	}
	blocks := []*block{{
		Text:   "Each dot is a run. Below the dots stands the mean with its 95 % bootstrap interval. " + sentence(visible(r.Head())),
		Cards:  []*card{{picture: b.stripOfSeeds(), Numbers: b.seeds()}},
		Tables: []*table{rows(r.GroupRows())},
		Beside: true,
	}}
	if len(r.Pairs) > 0 {
		verdict := &block{Title: "Verdict", Tables: []*table{rows(r.PairRows())}, Text: r.Tests()}
		for i := range r.Pairs {
			verdict.Points = append(verdict.Points, r.Verdict(&r.Pairs[i]))
		}
		blocks = append(blocks, verdict)
	}
	for _, g := range b.groups {
		if g.described == nil {
			blocks[0].Points = append(blocks[0].Points, g.name+" is not compared: no run of it has an evaluation at its end.")
		}
	}
	return blocks
}

func (b *book) stripOfSeeds() *strip {
	r := b.result
	s := &strip{plot.Strip{Title: visible(r.Metric) + " of every run", XLabel: visible(r.Metric), Width: 440,
		Line: plot.Line{At: r.Line, Label: fmt.Sprintf("majority line %.4f", r.Line)}}}
	if math.IsNaN(r.Line) {
		s.Line.Label = ""
	}
	for _, g := range b.groups {
		d := g.described
		if d == nil {
			continue
		}
		row := plot.StripRow{Name: d.Name, Color: g.style.Color, Mean: d.Mean, Low: d.Interval.Low, High: d.Interval.High}
		if d.Diverged > 0 {
			row.Name += fmt.Sprintf(" (%d diverged)", d.Diverged)
		}
		for _, run := range g.runs {
			if !run.Diverged() {
				row.Values = append(row.Values, run.Metrics[r.Metric])
			}
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// seeds is the metric of every run, a line for the runs of one seed.
func (b *book) seeds() *table {
	t := &table{Head: []string{"seed"}}
	of := map[string][]cell{}
	for i, g := range b.groups {
		t.Head = append(t.Head, g.name)
		for _, r := range g.runs {
			row := of[r.name]
			if row == nil {
				row = append(cells(r.seed()), make([]cell, len(b.groups))...)
				of[r.name] = row
				t.Rows = append(t.Rows, row)
			}
			row[i+1].Text = r.metric(b.result.Metric)
			if r.Diverged() {
				row[i+1].Text = "diverged"
			}
		}
	}
	return t
}

// metric is a final metric, "–" for a run without.
func (r *run) metric(name string) string {
	v, ok := r.Metrics[name]
	if !ok {
		v = math.NaN()
	}
	return fixed(v)
}

// rows makes a table of texts, the first its head.
func rows(texts [][]string) *table {
	t := &table{Head: texts[0]}
	for _, row := range texts[1:] {
		t.Rows = append(t.Rows, cells(row...))
	}
	return t
}

// mean of what runs have.
func mean(runs []*run, value func(*run) (float64, bool)) float64 {
	var list []float64
	for _, r := range runs {
		if v, ok := value(r); ok {
			list = append(list, v)
		}
	}
	return stats.Mean(list)
}
