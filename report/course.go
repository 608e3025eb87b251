package report

import (
	"math"
	"sort"

	"pactune/plot"
	"pactune/stats"
)

// course is a quantity over epochs, or over updates, for each run of a group and
// for all: the median and the 10 and 90 % quantiles of the runs that have a value.
type course struct {
	x                 []float64
	of                [][]float64 // by run; NaN is a gap
	median, low, high []float64
}

// history picks what a course is of: the columns of x and y of a run, nil without.
type history func(r *run) (step, x, y []float64)

// follow lines up the runs by their updates.
func follow(runs []*run, pick history) *course {
	at := map[float64]float64{} // x of a step
	values := make([]map[float64]float64, len(runs))
	for i, r := range runs {
		step, x, y := pick(r)
		values[i] = make(map[float64]float64, len(step))
		for k, s := range step {
			if !math.IsNaN(y[k]) && !math.IsInf(y[k], 0) {
				values[i][s] = y[k]
				if _, known := at[s]; !known {
					at[s] = x[k]
				}
			}
		}
	}
	steps := make([]float64, 0, len(at))
	for s := range at {
		steps = append(steps, s)
	}
	sort.Float64s(steps)
	c := &course{of: make([][]float64, len(runs))}
	for _, s := range steps {
		c.x = append(c.x, at[s])
		var here []float64
		for i := range runs {
			v, ok := values[i][s]
			if !ok {
				v = math.NaN()
			} else {
				here = append(here, v)
			}
			c.of[i] = append(c.of[i], v)
		}
		c.median = append(c.median, stats.Median(here))
		c.low = append(c.low, stats.Quantile(here, 0.1))
		c.high = append(c.high, stats.Quantile(here, 0.9))
	}
	return c
}

// series draws a course: thin lines for runs, failed ones dashed, the median and
// the band. A single run is its line alone. The overview has no lines for runs.
func (c *course) series(runs []*run, name string, s plot.Style, overview bool) (list []plot.Series) {
	if len(c.x) == 0 {
		return nil
	}
	if len(runs) > 1 && !overview {
		for i, y := range c.of {
			list = append(list, plot.Series{X: c.x, Y: y, Style: plot.Style{Color: s.Color, Faint: true, Dash: runs[i].failed}})
		}
	}
	s.Bold = true
	median := plot.Series{Name: name, X: c.x, Y: c.median, Style: s, Dots: len(c.x) <= 12}
	if len(runs) > 1 {
		median.Low, median.High = c.low, c.high
	}
	return append(list, median)
}

// upTo is the median at the last x up to the given one, NaN before the first.
func (c *course) upTo(x float64) float64 {
	k := sort.SearchFloat64s(c.x, x)
	switch {
	case k < len(c.x) && c.x[k] == x:
		return c.median[k]
	case k == 0:
		return math.NaN()
	}
	return c.median[k-1]
}

// numbers are a course as a table.
func (c *course) numbers(runs []*run, x string) *table {
	t := &table{Head: []string{x}, long: true}
	if len(runs) > 1 {
		t.Head = append(t.Head, "median", "10 %", "90 %")
	}
	for _, r := range runs {
		t.Head = append(t.Head, r.name)
	}
	for k := range c.x {
		row := cells(number(c.x[k]))
		if len(runs) > 1 {
			row = append(row, cells(number(c.median[k]), number(c.low[k]), number(c.high[k]))...)
		}
		for i := range runs {
			row = append(row, cell{Text: number(c.of[i][k])})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// byEpoch picks a column of the updates over epochs.
func byEpoch(column string) history {
	return func(r *run) (step, x, y []float64) {
		t := r.log.Train
		return t.Column("step"), t.Column("epoch"), t.Column(column)
	}
}

// smooth is a history of running means over a fiftieth of a run.
func smooth(of history) history {
	return func(r *run) (step, x, y []float64) {
		step, x, y = of(r)
		return step, x, plot.RunningMean(y, max(1, len(y)/50))
	}
}

// inStage1 leaves stage 2 of PAC-tuning out, where the bound has no meaning.
func inStage1(of history) history {
	return func(r *run) (step, x, y []float64) {
		step, x, y = of(r)
		y = append([]float64{}, y...)
		for i, s := range r.log.Train.Column("stage") {
			if s == 2 {
				y[i] = math.NaN()
			}
		}
		return step, x, y
	}
}

// has tells whether a run of the group logged a column of its updates.
func (g *group) has(column string) bool {
	for _, r := range g.runs {
		if r.log.Train.Has(column) {
			return true
		}
	}
	return false
}
