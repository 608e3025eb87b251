package report

import (
	"pactune/plot"
	"pactune/stats"
)

// boundBlocks show the terms of PAC-tuning's objective, a block for each group that
// trained with it.
func (b *book) boundBlocks() (blocks []*block) {
	for _, g := range b.groups {
		if g.has("kl") {
			blocks = append(blocks, &block{Title: b.of(g, "the bound over epochs"), Cards: b.boundCards(g)})
		}
	}
	return blocks
}

// term is a quantity of the bound; a second column is drawn dashed beside it.
type term struct {
	title          string
	column, name   string
	second, beside string
	stage1, log    bool
}

var terms = []term{
	{title: "training loss", column: "loss"},
	{title: "total = loss + L_pac", column: "total", stage1: true},
	{title: "KL/m, KL per training example (nats)", column: "kl_per_row", stage1: true, log: true},
	{title: "L_pac", column: "l_pac", stage1: true},
	{title: "K, effective variance of the loss", column: "K", stage1: true},
	{title: "γ", column: "gamma", stage1: true, log: true},
	{title: "mean noise of the body (std)", column: "posterior_std_body", name: "posterior", second: "prior_std_body", beside: "prior", log: true},
	{title: "mean noise of the head (std)", column: "posterior_std_head", name: "posterior", second: "prior_std_head", beside: "prior", log: true},
	{title: "distance from the initial weights (L2)", column: "distance_from_init", stage1: true},
}

func (b *book) boundCards(g *group) (cards []*card) {
	for _, t := range terms {
		if !g.has(t.column) {
			continue
		}
		pick := byEpoch(t.column)
		if t.stage1 {
			pick = inStage1(pick)
		}
		if t.column == "loss" || t.column == "total" {
			pick = smooth(pick)
		}
		c := follow(g.runs, pick)
		p := plot.Panel{Title: t.title, XLabel: "epoch", Log: t.log, Series: c.series(g.runs, t.name, g.style, false)}
		numbers := c.numbers(g.runs, "epoch")
		if t.column == "kl_per_row" {
			p.Lo, p.Hi = stats.Quantile(c.median, 0.05)/2, 1.5*stats.Quantile(c.median, 1) // at first KL is rounding
		}
		if t.second != "" && g.has(t.second) {
			second := follow(g.runs, byEpoch(t.second))
			p.Series = append(p.Series, second.series(g.runs, t.beside, plot.Style{Color: priorColor(g), Dash: true}, true)...)
			numbers.Head = append(numbers.Head, t.beside+", median")
			for k, x := range c.x {
				numbers.Rows[k] = append(numbers.Rows[k], cell{Text: number(second.upTo(x))})
			}
		}
		if at, ok := g.stage2(); ok {
			p.Marks = []plot.Line{{At: at, Label: "stage 2"}}
		}
		cards = append(cards, &card{picture: single(p), Numbers: numbers})
	}
	b.shareEpochs(cards)
	return cards
}

// priorColor is one that the group does not have.
func priorColor(g *group) plot.Color {
	if g.style.Color == plot.Hue(1) {
		return plot.Hue(0)
	}
	return plot.Hue(1)
}

// stage2 is the epoch at which the first run that got there begins stage 2.
func (g *group) stage2() (epoch float64, ok bool) {
	for _, r := range g.runs {
		epochs := r.log.Train.Column("epoch")
		for i, s := range r.log.Train.Column("stage") {
			if s == 2 {
				return epochs[i], true
			}
		}
	}
	return 0, false
}
