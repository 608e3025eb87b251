package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"sort"
	"strings"

	"pactune/internal/plural"
	"pactune/plot"
	"pactune/stats"
)

// answerBlocks show what the models answered at the end: calibration, confusion,
// and the examples on which the seeds of a method disagree.
func (b *book) answerBlocks() (blocks []*block) {
	if bl := b.calibration(); bl != nil {
		blocks = append(blocks, bl)
	}
	confusion := &block{Title: "Confusion", Text: "Examples by their label, in rows, and the model's answer, in columns, summed over the runs of a method; the colour is the share of the row."}
	for _, g := range b.groups {
		if t := g.confusion(); t != nil {
			t.Title = b.of(g, plural.Of(g.with(), "run"))
			confusion.Tables = append(confusion.Tables, t)
		}
	}
	if len(confusion.Tables) > 0 {
		blocks = append(blocks, confusion)
	}
	for _, g := range b.groups {
		if bl := b.agreement(g); bl != nil {
			blocks = append(blocks, bl)
		}
	}
	return blocks
}

// with is the number of runs with an evaluation report.
func (g *group) with() (n int) {
	for _, r := range g.runs {
		if r.eval != nil {
			n++
		}
	}
	return n
}

// drawnFrom so many examples on a bin is drawn: the accuracy of fewer is chance.
const drawnFrom = 10

// calibration holds confidence against accuracy, of all runs of a group together.
func (b *book) calibration() *block {
	p := plot.Panel{Title: "accuracy over confidence", XLabel: "confidence, the probability of the answer", Lo: 0, Hi: 1.02,
		Series: []plot.Series{{Name: "accuracy = confidence", X: []float64{0, 1}, Y: []float64{0, 1}, Style: plot.Style{Color: plot.Hue(7), Dash: true}}}}
	numbers := &table{Head: []string{"confidence", "method", "examples", "mean confidence", "accuracy"}}
	errors := &table{Head: []string{"method", "ECE, mean over runs"}}
	for _, g := range b.groups {
		bins := g.bins()
		if bins == nil {
			continue
		}
		s := plot.Series{Name: g.name, Style: g.style, Dots: true}
		for _, bin := range bins {
			if bin.Rows == 0 {
				continue
			}
			if bin.Rows >= drawnFrom {
				s.X, s.Y = append(s.X, bin.Confidence), append(s.Y, bin.Accuracy)
			}
			numbers.Rows = append(numbers.Rows, cells(fmt.Sprintf("%.3f to %.3f", bin.Low, bin.High), g.name, fmt.Sprintf("%.0f", bin.Rows), fixed(bin.Confidence), fixed(bin.Accuracy)))
		}
		p.Series = append(p.Series, s)
		errors.Rows = append(errors.Rows, cells(g.name, fixed(mean(g.runs, (*run).ece))))
	}
	if len(errors.Rows) == 0 {
		return nil
	}
	c := single(p)
	c.From, c.To, c.Height = 0, 1, 300
	return &block{Title: "Calibration", Text: "Examples in bins of the model's confidence, over the runs of a method; a calibrated model is right as often as it is sure. Bins of fewer than 10 examples stand in the table alone. ECE is the calibration error, the mean distance of accuracy from confidence.",
		Cards: []*card{{picture: c, Numbers: numbers}}, Tables: []*table{errors}, Beside: true}
}

func (r *run) ece() (float64, bool) {
	if r.eval == nil || r.eval.Calibration == nil {
		return 0, false
	}
	return r.eval.Calibration.ECE, true
}

// bins sums the runs' bins; means are over examples.
func (g *group) bins() (sum []bin) {
	for _, r := range g.runs {
		if r.eval == nil || r.eval.Calibration == nil {
			continue
		}
		for i, one := range r.eval.Calibration.Bins {
			if i == len(sum) {
				sum = append(sum, bin{Low: one.Low, High: one.High})
			}
			sum[i].Rows += one.Rows
			sum[i].Confidence += one.Rows * one.Confidence
			sum[i].Accuracy += one.Rows * one.Accuracy
		}
	}
	for i := range sum {
		sum[i].Confidence /= sum[i].Rows
		sum[i].Accuracy /= sum[i].Rows
	}
	return sum
}

// classesAtMost have a matrix; of more the largest confusions are listed.
const (
	classesAtMost    = 16
	confusionsAtMost = 30
)

// confusion sums the matrices of the runs that have the classes of the first.
func (g *group) confusion() *table {
	var labels []string
	var sum [][]float64
	for _, r := range g.runs {
		if r.eval == nil || len(r.eval.Confusion) == 0 {
			continue
		}
		if sum == nil {
			for _, c := range r.eval.Classes {
				labels = append(labels, c.Label)
			}
			sum = make([][]float64, len(labels))
			for i := range sum {
				sum[i] = make([]float64, len(labels))
			}
		}
		for i := range sum {
			for j := range sum {
				if i < len(r.eval.Confusion) && j < len(r.eval.Confusion[i]) {
					sum[i][j] += r.eval.Confusion[i][j]
				}
			}
		}
	}
	switch {
	case len(labels) == 0:
		return nil
	case len(labels) > classesAtMost:
		return largest(labels, sum)
	}
	t := &table{Head: append([]string{"label"}, labels...)}
	for i, l := range labels {
		row, all := cells(l), 0.0
		for _, n := range sum[i] {
			all += n
		}
		for _, n := range sum[i] {
			row = append(row, heat(fmt.Sprintf("%.0f", n), n/all))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// largest lists the confusions that happened most often.
func largest(labels []string, sum [][]float64) *table {
	var wrong [][2]int
	for i := range sum {
		for j, n := range sum[i] {
			if i != j && n > 0 {
				wrong = append(wrong, [2]int{i, j})
			}
		}
	}
	sort.SliceStable(wrong, func(a, b int) bool { return sum[wrong[a][0]][wrong[a][1]] > sum[wrong[b][0]][wrong[b][1]] })
	t := &table{Head: []string{"label", "answer", "examples"}, Left: true}
	for _, w := range wrong[:min(len(wrong), confusionsAtMost)] {
		t.Rows = append(t.Rows, cells(labels[w[0]], labels[w[1]], fmt.Sprintf("%.0f", sum[w[0]][w[1]])))
	}
	return t
}

// example is one row of the evaluation with the answers of all runs.
type example struct {
	answer
	given map[string]int // answers
	right int
	loss  []float64
	value []float64 // of a regression
}

// examplesAtMost are shown.
const examplesAtMost = 15

// agreement shows how many runs are right on how many examples, and the examples
// on which they agree least.
func (b *book) agreement(g *group) *block {
	examples, runs, regression := g.examples()
	if runs < 2 {
		return nil
	}
	if apart(examples, runs) {
		return nil
	}
	bl := &block{Title: b.of(g, "agreement of "+plural.Of(runs, "run"))}
	if regression {
		bl.Tables = []*table{spreadOut(examples)}
		return bl
	}
	count := make([]float64, runs+1)
	for _, e := range examples {
		count[e.right]++
	}
	t := &table{Title: "How many runs are right", Head: []string{"runs", "examples", ""}}
	for n := runs; n >= 0; n-- {
		share := count[n] / float64(len(examples))
		t.Rows = append(t.Rows, append(cells(fmt.Sprintf("%d of %d", n, runs), fmt.Sprintf("%.0f", count[n])), bar(share)))
	}
	bl.Tables = []*table{t}
	if u := unstable(examples, runs); len(u.Rows) > 0 {
		bl.Tables = append(bl.Tables, u)
	}
	return bl
}

// apart tells that the runs were evaluated on different rows, as those are that hold out
// rows of their own data by their sample_seed: they have no answers to agree on.
func apart(examples []*example, runs int) bool {
	return slices.ContainsFunc(examples, func(e *example) bool { return len(e.loss) < runs })
}

func bar(share float64) cell {
	return cell{Text: fmt.Sprintf("%.1f %%", 100*share), Bar: template.CSS(fmt.Sprintf("width:%.1f%%", 100*share))}
}

// examples gathers the answers of all runs that have them, in the order of their rows.
func (g *group) examples() (list []*example, runs int, regression bool) {
	of := map[int]*example{}
	for _, r := range g.runs {
		if len(r.answers) == 0 {
			continue
		}
		runs++
		for _, a := range r.answers {
			e := of[a.ID]
			if e == nil {
				e = &example{answer: a, given: map[string]int{}}
				of[a.ID] = e
				list = append(list, e)
			}
			e.given[a.Prediction]++
			if a.Prediction == a.Label {
				e.right++
			}
			e.loss = append(e.loss, a.Loss)
			if len(a.Scores) == 1 {
				e.value = append(e.value, a.Scores[0])
				regression = true
			}
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list, runs, regression
}

// most is the number of runs that give the commonest answer.
func (e *example) most() (n int) {
	for _, k := range e.given {
		n = max(n, k)
	}
	return n
}

// unstable lists the examples on which the fewest runs agree, the larger mean loss
// first.
func unstable(examples []*example, runs int) *table {
	var open []*example
	for _, e := range examples {
		if len(e.given) > 1 {
			open = append(open, e)
		}
	}
	sort.SliceStable(open, func(i, j int) bool {
		if a, b := open[i].most(), open[j].most(); a != b {
			return a < b
		}
		return stats.Mean(open[i].loss) > stats.Mean(open[j].loss)
	})
	t := &table{Head: []string{"line", "label", "answers", "right", "mean loss"}, Left: true,
		Title: fmt.Sprintf("The least stable of %s on which the runs disagree", plural.Of(len(open), "example"))}
	for _, e := range open[:min(len(open), examplesAtMost)] {
		t.Rows = append(t.Rows, cells(fmt.Sprint(e.Line), e.Label, e.answers(), fmt.Sprintf("%d of %d", e.right, runs), fixed(stats.Mean(e.loss))))
	}
	return t
}

// answers lists them, the commonest first.
func (e *example) answers() string {
	var names []string
	for a := range e.given {
		names = append(names, a)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := e.given[names[i]], e.given[names[j]]
		return a > b || a == b && names[i] < names[j]
	})
	for i, a := range names {
		names[i] = fmt.Sprintf("%s ×%d", a, e.given[a])
	}
	return strings.Join(names, ", ")
}

// spreadOut lists the examples of a regression whose answers spread most.
func spreadOut(examples []*example) *table {
	std := func(e *example) float64 { return stats.Summarize(e.value).Std }
	sorted := append([]*example{}, examples...)
	sort.SliceStable(sorted, func(i, j int) bool { return std(sorted[i]) > std(sorted[j]) })
	t := &table{Title: "The examples whose answers spread most", Head: []string{"line", "label", "mean answer", "std", "min", "max"}}
	for _, e := range sorted[:min(len(sorted), examplesAtMost)] {
		s := stats.Summarize(e.value)
		if math.IsNaN(s.Std) {
			continue
		}
		t.Rows = append(t.Rows, cells(fmt.Sprint(e.Line), e.Label, fixed(s.Mean), fixed(s.Std), fixed(s.Min), fixed(s.Max)))
	}
	return t
}
