package report

import (
	"math"
	"sort"
	"strings"

	"pactune/plot"
)

// width and height of a picture of which three stand beside each other, in the
// units of its text.
const (
	cardWidth, cardHeight   = 400, 190
	smallWidth, smallHeight = 270, 120
)

// curveBlocks show training loss, evaluation loss and metric: the medians of all
// groups in one picture, and a picture for each group, on the same axes.
func (b *book) curveBlocks() (blocks []*block) {
	type kind struct {
		title, label string
		pick         history
		line         float64
	}
	kinds := []kind{
		{"Training loss", "training loss", smooth(byEpoch("loss")), math.NaN()},
		{"Evaluation loss", "evaluation loss", b.evaluations("loss"), math.NaN()},
	}
	if b.result != nil && b.result.Metric != "loss" {
		name := visible(b.result.Metric)
		kinds = append(kinds, kind{"Evaluation: " + name, name, b.evaluations(b.result.Metric), b.result.Line})
	}
	for _, k := range kinds {
		if cards := b.besides(k.label, k.pick, k.line); len(cards) > 0 {
			blocks = append(blocks, &block{Title: k.title, Cards: cards})
		}
	}
	return blocks
}

// besides draws one quantity of all groups.
func (b *book) besides(label string, pick history, line float64) (cards []*card) {
	all := plot.Panel{Title: label + ", medians"}
	var panels []*plot.Panel
	var names []string
	var courses []*course
	for _, g := range b.groups {
		c := follow(g.runs, pick)
		if len(c.x) == 0 {
			continue
		}
		p := plot.Panel{Title: b.of(g, label), Series: c.series(g.runs, "", g.style, false)}
		all.Series = append(all.Series, c.series(g.runs, g.name, g.style, true)...)
		names, courses = append(names, g.name), append(courses, c)
		cards = append(cards, &card{picture: single(p), Numbers: c.numbers(g.runs, "epoch")})
	}
	if len(cards) > 1 {
		cards = append([]*card{{picture: single(all), Numbers: medians(names, courses)}}, cards...)
	}
	for _, c := range cards {
		p := &c.picture.(*chart).Panels[0]
		p.XLabel = "epoch"
		if !math.IsNaN(line) {
			p.Lines = []plot.Line{{At: line, Label: "majority line " + number(line)}}
		}
		panels = append(panels, p)
	}
	plot.ShareRange(panels)
	b.shareEpochs(cards)
	return cards
}

// single is a picture of one panel.
func single(p plot.Panel) *chart {
	return &chart{plot.Figure{Title: p.Title, Width: cardWidth, Height: cardHeight, Panels: []plot.Panel{p}}}
}

// medians is a table of courses beside each other, at every x that one of them has.
func medians(names []string, courses []*course) *table {
	t := &table{Head: append([]string{"epoch"}, names...), long: true}
	var all []float64
	for _, c := range courses {
		all = append(all, c.x...)
	}
	sort.Float64s(all)
	for i, x := range all {
		if i > 0 && x == all[i-1] {
			continue
		}
		row := cells(number(x))
		for _, c := range courses {
			row = append(row, cell{Text: number(c.upTo(x))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shareEpochs gives pictures over epochs one axis of x, from zero.
func (b *book) shareEpochs(cards []*card) {
	end := 0.0
	for _, g := range b.groups {
		for _, r := range g.runs {
			for _, e := range r.log.Train.Column("epoch") {
				end = math.Max(end, e)
			}
		}
	}
	for _, c := range cards {
		c.picture.(*chart).To = end
	}
}

// evaluations picks a metric of the set of examples that it belongs to: MNLI's
// second one has the suffix _mm.
func (b *book) evaluations(metric string) history {
	plain, second := strings.CutSuffix(metric, "_mm")
	return func(r *run) (step, x, y []float64) {
		for _, e := range r.log.Evals {
			if strings.HasSuffix(e.Set, "_mm") == second {
				t := e.Table
				return t.Column("step"), t.Column("epoch"), t.Column(plain)
			}
		}
		return nil, nil, nil
	}
}
