package report

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"pactune/internal/plural"
	"pactune/plot"
	"pactune/stats"
)

// normBlocks show the clip rate, the gradient's norm, and the norms of gradient and
// weights of every tensor and of the change of the weights, a few blocks for each group
// that logged them.
func (b *book) normBlocks() (blocks []*block) {
	for _, g := range b.groups {
		if cards := b.clipCards(g); len(cards) > 0 {
			blocks = append(blocks, &block{Title: b.of(g, "the whole gradient"), Cards: cards})
		}
		for _, q := range []struct{ column, title string }{{"grad_norm", "gradient norm"}, {"weight_norm", "weight norm"},
			{"distance_from_init", "distance from the initial weights"}} {
			blocks = append(blocks, b.tensorBlocks(g, q.column, q.title)...)
		}
	}
	return blocks
}

// outcome is the runs of a group that failed, or those that did not.
type outcome struct {
	name  string
	runs  []*run
	style plot.Style
}

// outcomes are one or both; a group without failures has no name for its only one.
func (g *group) outcomes() (list []outcome) {
	var good, bad []*run
	for _, r := range g.runs {
		if r.failed {
			bad = append(bad, r)
		} else {
			good = append(good, r)
		}
	}
	if len(good) > 0 && len(bad) == 0 {
		return []outcome{{"", good, g.style}}
	}
	if len(good) > 0 {
		list = append(list, outcome{plural.Of(len(good), "successful run"), good, plot.Style{Color: plot.Hue(0)}})
	}
	return append(list, outcome{plural.Of(len(bad), "failed run"), bad, plot.Style{Color: plot.Hue(1)}})
}

// clipCards show what was clipped and the norm of an update's gradient, failed and
// successful runs apart.
func (b *book) clipCards(g *group) (cards []*card) {
	kinds := []struct {
		title string
		pick  history
		log   bool
	}{
		{"clip rate by component (%)", percent(smooth(byEpoch("clip_rate"))), false},
		{"gradient norm before clipping", smooth(byEpoch("grad_norm")), true},
		{"gradient norm after clipping", smooth(byEpoch("grad_norm_clipped")), true},
	}
	for _, k := range kinds {
		p := plot.Panel{Title: k.title, XLabel: "epoch", Log: k.log}
		if !k.log {
			p.Lo, p.Hi = 0, 103
		}
		var runs []*run
		for _, o := range g.outcomes() {
			runs = append(runs, o.runs...)
			p.Series = append(p.Series, follow(o.runs, k.pick).series(o.runs, o.name, o.style, false)...)
		}
		c := follow(runs, k.pick)
		if len(c.x) > 0 && (k.log || !never(c)) {
			cards = append(cards, &card{picture: single(p), Numbers: c.numbers(runs, "epoch")})
		}
	}
	b.shareEpochs(cards)
	return cards
}

// never tells that a course is zero throughout, as the clip rate without clipping.
func never(c *course) bool {
	for _, y := range c.of {
		for _, v := range y {
			if v != 0 && !math.IsNaN(v) {
				return false
			}
		}
	}
	return true
}

func percent(of history) history {
	return func(r *run) (step, x, y []float64) {
		step, x, y = of(r)
		y = append([]float64{}, y...)
		for i := range y {
			y[i] *= 100
		}
		return step, x, y
	}
}

// tensorBlocks show a norm by component and by layer, on one axis for both outcomes.
func (b *book) tensorBlocks(g *group, column, title string) (blocks []*block) {
	var panels []*plot.Panel
	for _, byLayer := range []bool{false, true} {
		for _, o := range g.outcomes() {
			m := o.median(column)
			if len(m.Components) == 0 {
				continue
			}
			key, pictures := plot.LayerKey(m.Layers()), m.ByComponent(column)
			name := title + " by component, a line for each layer"
			if byLayer {
				key, pictures = plot.ComponentKey(), m.ByLayer(column)
				name = title + " by layer, a line for each component"
			}
			b.ramp(m.Layers())
			if o.name != "" {
				name += ": " + o.name
			}
			bl := &block{Title: b.of(g, name), Key: key, Small: true, Fold: byLayer || column != "grad_norm"}
			if m.Threshold > 0 && column == "grad_norm" {
				bl.Text = "The dotted line is the threshold of clipping, " + number(m.Threshold) + ", of a " + visible(m.Grouping) + "."
			}
			for i := range pictures {
				p := pictures[i]
				p.XLabel = "update"
				chart := single(p)
				chart.Width, chart.Height = smallWidth, smallHeight
				chart.Title = b.of(g, title+": "+p.Title)
				panels = append(panels, &chart.Panels[0])
				bl.Cards = append(bl.Cards, &card{picture: chart})
			}
			if byLayer {
				bl.Text = strings.TrimSpace(bl.Text + " The numbers are those by component.")
			} else {
				bl.Tables = []*table{tensorNumbers(m, column)}
			}
			blocks = append(blocks, bl)
		}
	}
	plot.Share(panels)
	return blocks
}

// median is a run whose components have the medians over those of the outcome, at
// each update that one of them recorded.
func (o *outcome) median(column string) *plot.Run {
	m := &plot.Run{}
	seen := map[string]bool{}
	for _, r := range o.runs {
		if m.Threshold == 0 {
			m.Threshold, m.Grouping = r.log.Threshold, r.log.Grouping
		}
		for _, c := range r.log.Components {
			if seen[c.Tensor] {
				continue
			}
			seen[c.Tensor] = true
			steps, values := o.medians(c.Tensor, column)
			if len(steps) > 0 {
				m.Components = append(m.Components, plot.Component{Tensor: c.Tensor,
					Table: plot.NewTable(map[string][]float64{"step": steps, column: values})})
			}
		}
	}
	return m
}

func (o *outcome) medians(tensor, column string) (steps, medians []float64) {
	at := map[float64][]float64{}
	for _, r := range o.runs {
		for _, c := range r.log.Components {
			if c.Tensor != tensor {
				continue
			}
			y := c.Table.Column(column)
			for i, s := range c.Table.Column("step") {
				if !math.IsNaN(y[i]) && !math.IsInf(y[i], 0) && !math.IsNaN(s) {
					at[s] = append(at[s], y[i])
				}
			}
		}
	}
	for s := range at {
		steps = append(steps, s)
	}
	sort.Float64s(steps)
	for _, s := range steps {
		medians = append(medians, stats.Median(at[s]))
	}
	return steps, medians
}

// updatesAtMost of a run have a column in the table of its tensors.
const updatesAtMost = 10

// tensorNumbers has a row for a tensor and a column for an update.
func tensorNumbers(m *plot.Run, column string) *table {
	t := &table{Title: "numbers, evenly spaced updates", Head: []string{"tensor"}, Folded: true}
	steps := m.Components[0].Table.Column("step")
	at := spaced(len(steps), updatesAtMost)
	for _, i := range at {
		t.Head = append(t.Head, fmt.Sprintf("update %.0f", steps[i]))
	}
	for _, c := range m.Components {
		row := cells(c.Tensor)
		y := map[float64]float64{}
		for i, s := range c.Table.Column("step") {
			y[s] = c.Table.Column(column)[i]
		}
		for _, i := range at {
			text := "–"
			if v, ok := y[steps[i]]; ok {
				text = number(v)
			}
			row = append(row, cell{Text: text})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
