package compare

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"pactune/stats"
)

// Text is the report for a terminal; Markdown the same as tables of Markdown.
func (r *Report) Text() string     { return r.lay(columns) }
func (r *Report) Markdown() string { return r.lay(markdown) }

// lay sets the tables of groups and of pairs and the verdicts.
func (r *Report) lay(set func(rows [][]string) string) string {
	var out strings.Builder
	out.WriteString(r.Head() + "\n\n" + set(r.GroupRows()))
	if len(r.Pairs) == 0 {
		return out.String()
	}
	out.WriteString("\n" + set(r.PairRows()) + "\n" + r.Tests() + "\n\n")
	for i := range r.Pairs {
		out.WriteString(r.Verdict(&r.Pairs[i]) + "\n")
	}
	return out.String()
}

// Head says what is compared.
func (r *Report) Head() string {
	head := r.Metric
	if r.Task != "" {
		head = r.Task + ", " + head
	}
	side := "at or below"
	if falls(r.Metric) {
		side = "at or above"
	}
	if math.IsNaN(r.Line) {
		head += "; no line is known below which a run has failed"
	} else {
		head += fmt.Sprintf("; a run has failed %s %.4f", side, r.Line)
	}
	if r.Subsets {
		head += "; intervals and tests are of subsets (sample_seed), each the mean of its runs"
	}
	return head
}

// row makes a line of a table: a name, then what value says of each column.
func row[T any](name string, of []T, value func(*T) string) []string {
	line := []string{name}
	for i := range of {
		line = append(line, value(&of[i]))
	}
	return line
}

// GroupRows is the table of groups, a column each; the first row is its head.
func (r *Report) GroupRows() [][]string {
	rows := [][]string{
		row("", r.Groups, func(d *Described) string { return d.Name }),
		row("runs", r.Groups, func(d *Described) string { return strconv.Itoa(d.N) }),
	}
	if r.Subsets {
		rows = append(rows, row("subsets", r.Groups, func(d *Described) string { return strconv.Itoa(d.Units) }))
	}
	rows = append(rows,
		row("mean ± std", r.Groups, func(d *Described) string { return number(d.Mean) + " ± " + number(d.Std) }),
		row("95 % interval of the mean", r.Groups, func(d *Described) string { return span(d.Interval) }),
		row("median", r.Groups, func(d *Described) string { return number(d.Median) }),
		row("min", r.Groups, func(d *Described) string { return number(d.Min) }),
		row("max", r.Groups, func(d *Described) string { return number(d.Max) }),
		row("population std", r.Groups, func(d *Described) string { return number(d.PopulationStd) }),
		row("failed runs", r.Groups, func(d *Described) string { return d.failures() }),
		row("95 % interval of their share", r.Groups, func(d *Described) string {
			if d.Failed < 0 {
				return "–"
			}
			return span(d.Share)
		}))
	for _, n := range []int{2, 5, 10, 20} {
		if n <= r.smallest() {
			rows = append(rows, row(fmt.Sprintf("expected best of %d", n), r.Groups, func(d *Described) string { return number(d.best(n)) }))
		}
	}
	return rows
}

func (d *Described) failures() string {
	switch {
	case d.Failed < 0 && d.Diverged > 0:
		return fmt.Sprintf("%d of %d diverged", d.Diverged, d.Runs)
	case d.Failed < 0:
		return "–"
	case d.Diverged > 0:
		return fmt.Sprintf("%d of %d (%d diverged)", d.Failed, d.Runs, d.Diverged)
	}
	return fmt.Sprintf("%d of %d", d.Failed, d.Runs)
}

// best is the expected best of n, NaN where no run has the metric.
func (d *Described) best(n int) float64 {
	if d.N == 0 {
		return math.NaN()
	}
	return d.Best[n-1]
}

// smallest is the number of runs of the smallest group that has the metric: budgets
// up to it are fair.
func (r *Report) smallest() int {
	n := math.MaxInt
	for i := range r.Groups {
		if r.Groups[i].N > 0 {
			n = min(n, r.Groups[i].N)
		}
	}
	return n
}

// PairRows has a line for each pair; p is Holm's, which of one pair is p itself.
func (r *Report) PairRows() [][]string {
	p := " p"
	if len(r.Pairs) > 1 {
		p = " p (Holm)"
	}
	rows := [][]string{{"", "difference", "95 % interval", "pairs", "difference" + p, "spread" + p, "failures" + p, "A12"}}
	for i := range r.Pairs {
		p := &r.Pairs[i]
		pairs := "–"
		if p.Paired {
			pairs = strconv.Itoa(p.Pairs)
		}
		rows = append(rows, []string{p.A.Name + " − " + p.B.Name, signed(p.Difference), span(p.Interval), pairs,
			chance(p.Order.Holm), chance(p.Spread.Holm), chance(p.Failures.Holm), number(p.A12)})
	}
	return rows
}

// Tests names them, and says which units have no partner, and why pairs are none.
func (r *Report) Tests() string {
	paired, apart, partners := false, false, ""
	for i := range r.Pairs {
		p := &r.Pairs[i]
		paired, apart = paired || p.Paired, apart || !p.Paired && p.A.N > 0 && p.B.N > 0
		partners += p.partners(r.Unit())
	}
	key := "seed"
	if r.Subsets {
		key = "subset"
	}
	order := "Wilcoxon's test of the pairs by " + key
	switch {
	case paired && apart:
		order += ", or Mann–Whitney's of groups that have fewer than two " + key + "s in common"
	case apart:
		order = "Mann–Whitney's test, because fewer than two " + key + "s are common"
	case !paired:
		order = "no test, because a group has no " + r.Metric
	}
	failures := "Fisher"
	if r.Subsets {
		failures = "Wilcoxon's or Mann–Whitney's test of their share in each subset"
	}
	return "Difference: " + order + "; spread: Brown–Forsythe; failures: " + failures + "." + partners
}

// partners says how many pairs there are where some units have none.
func (p *Pair) partners(unit string) string {
	var of []string
	for _, side := range []struct {
		seeds []uint64
		name  string
	}{{p.OnlyA, p.A.Name}, {p.OnlyB, p.B.Name}} {
		if len(side.seeds) > 0 {
			of = append(of, fmt.Sprintf("%s of %s", ranges(side.seeds), side.name))
		}
	}
	if len(of) == 0 {
		return ""
	}
	return fmt.Sprintf(" %s − %s: %d pairs; no partner for %s %s.", p.A.Name, p.B.Name, p.Pairs, map[string]string{"run": "seed", "subset": "subset"}[unit], strings.Join(of, " and "))
}

// Unit is what counts as one in intervals and tests: a run, or the runs on a subset.
func (r *Report) Unit() string {
	if r.Subsets {
		return "subset"
	}
	return "run"
}

func signed(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%+.4f", v)
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

func chance(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return number(p)
}

func span(i stats.Interval) string {
	if math.IsNaN(i.Low) {
		return "–"
	}
	return number(i.Low) + " to " + number(i.High)
}

// columns sets rows as text.
func columns(rows [][]string) string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
	return out.String()
}

// markdown sets rows as a table, the first as its head.
func markdown(rows [][]string) string {
	var out strings.Builder
	for i, r := range rows {
		for _, cell := range r {
			out.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		out.WriteString("|\n")
		if i == 0 {
			out.WriteString(strings.Repeat("|---", len(r)) + "|\n")
		}
	}
	return out.String()
}

// CSV has a line for each number: a of a group, a and b of a pair, its name, its
// value, its interval, its p; what is not defined is empty.
func (r *Report) CSV() string {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	nan := math.NaN()
	none := stats.Interval{Low: nan, High: nan}
	line := func(a, b, name string, value float64, i stats.Interval, p, holm float64) {
		w.Write([]string{r.Task, r.Metric, a, b, name, exact(value), exact(i.Low), exact(i.High), exact(p), exact(holm)})
	}
	w.Write([]string{"task", "metric", "a", "b", "name", "value", "low", "high", "p", "p_holm"})
	for i := range r.Groups {
		d := &r.Groups[i]
		group := func(name string, value float64, i stats.Interval) { line(d.Name, "", name, value, i, nan, nan) }
		group("runs", float64(d.Runs), none)
		group("diverged", float64(d.Diverged), none)
		group("n", float64(d.N), none)
		if r.Subsets {
			group("subsets", float64(d.Units), none)
		}
		group("mean", d.Mean, d.Interval)
		group("std", d.Std, none)
		group("population_std", d.PopulationStd, none)
		group("mean_absolute_deviation", d.Deviation, none)
		group("median", d.Median, none)
		group("min", d.Min, none)
		group("max", d.Max, none)
		if d.Failed >= 0 {
			group("failed_share", float64(d.Failed)/float64(d.Runs), d.Share)
		}
		for n, best := range d.Best {
			group(fmt.Sprintf("best_of_%d", n+1), best, none)
		}
	}
	for i := range r.Pairs {
		p := &r.Pairs[i]
		pair := func(name string, value float64, i stats.Interval, t Test) {
			line(p.A.Name, p.B.Name, name, value, i, t.P, t.Holm)
		}
		pair("pairs", float64(p.Pairs), none, Test{nan, nan, nan})
		pair("difference", p.Difference, p.Interval, Test{nan, nan, nan})
		pair(p.orderKey(), p.Order.Statistic, none, p.Order)
		pair("brown_forsythe", p.Spread.Statistic, none, p.Spread)
		pair(r.failuresKey(p), p.Failures.Statistic, none, p.Failures)
		pair("a12", p.A12, none, Test{nan, nan, nan})
	}
	w.Flush()
	return out.String()
}

func (p *Pair) orderKey() string {
	if p.Paired {
		return "wilcoxon"
	}
	return "mann_whitney"
}

func (r *Report) failuresKey(p *Pair) string {
	switch {
	case !r.Subsets:
		return "fisher"
	case p.sharesPaired:
		return "failures_wilcoxon"
	}
	return "failures_mann_whitney"
}

// exact is a number that reads back as the same, "" for one that is not defined.
func exact(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Values are the report for JSON; what is not defined is null.
func (r *Report) Values() map[string]any {
	groups, pairs := []any{}, []any{}
	for i := range r.Groups {
		d := &r.Groups[i]
		g := map[string]any{"name": d.Name, "runs": d.Runs, "diverged": d.Diverged, "n": d.N, "units": d.Units,
			"mean": defined(d.Mean), "mean_interval": interval(d.Interval), "std": defined(d.Std), "population_std": defined(d.PopulationStd),
			"mean_absolute_deviation": defined(d.Deviation),
			"median":                  defined(d.Median), "min": defined(d.Min), "max": defined(d.Max), "failed": nil, "failed_share_interval": nil}
		if d.Failed >= 0 {
			g["failed"], g["failed_share_interval"] = d.Failed, interval(d.Share)
		}
		best := []any{}
		for _, v := range d.Best {
			best = append(best, defined(v))
		}
		g["best_of"] = best
		groups = append(groups, g)
	}
	for i := range r.Pairs {
		p := &r.Pairs[i]
		pairs = append(pairs, map[string]any{"a": p.A.Name, "b": p.B.Name, "paired": p.Paired, "pairs": p.Pairs, "without_partner_a": p.OnlyA, "without_partner_b": p.OnlyB,
			"difference": defined(p.Difference), "difference_interval": interval(p.Interval), p.orderKey(): p.Order.values(),
			"brown_forsythe": p.Spread.values(), r.failuresKey(p): p.Failures.values(), "a12": defined(p.A12), "verdict": r.Verdict(p)})
	}
	return map[string]any{"task": r.Task, "metric": r.Metric, "unit": r.Unit(), "line": defined(r.Line), "groups": groups, "pairs": pairs}
}

func (t Test) values() map[string]any {
	return map[string]any{"statistic": defined(t.Statistic), "p": defined(t.P), "p_holm": defined(t.Holm)}
}

func interval(i stats.Interval) []any { return []any{defined(i.Low), defined(i.High)} }

func defined(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}
