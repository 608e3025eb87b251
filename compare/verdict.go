package compare

import (
	"fmt"
	"math"
	"strings"
)

// Verdict says in one sentence what the tests show of a pair at 5 %, and "No
// difference shown" where they show none.
func (r *Report) Verdict(p *Pair) string {
	parts := []string{r.orderFound(p)}
	if p.Spread.Found() {
		steady := p.A
		if p.A.Deviation > p.B.Deviation {
			steady = p.B
		}
		parts = append(parts, fmt.Sprintf("%s spreads less (mean distance from the median %.4f and %.4f, p %s)", steady.Name, p.A.Deviation, p.B.Deviation, chance(p.Spread.Holm)))
	}
	if p.Failures.Found() {
		safe := p.A
		if p.failsMore > 0 {
			safe = p.B
		}
		parts = append(parts, fmt.Sprintf("%s fails less often (%d of %d and %d of %d runs, p %s)", safe.Name, p.A.Failed, p.A.Runs, p.B.Failed, p.B.Runs, chance(p.Failures.Holm)))
	}
	return strings.Join(parts, "; ") + "."
}

// orderFound says which of a pair is better.
func (r *Report) orderFound(p *Pair) string {
	a, b := p.A.Name, p.B.Name
	switch {
	case p.A.N == 0 && p.B.N == 0:
		return fmt.Sprintf("No run of %s and of %s has a final %s", a, b, r.Metric)
	case p.A.N == 0:
		return fmt.Sprintf("No run of %s has a final %s", a, r.Metric)
	case p.B.N == 0:
		return fmt.Sprintf("No run of %s has a final %s", b, r.Metric)
	}
	better := a
	if p.ahead < 0 != falls(r.Metric) {
		better = b
	}
	found := fmt.Sprintf("(%s − %s: %s, 95 %% interval %s, %s p %s%s)", a, b, signed(p.Difference), span(p.Interval), p.orderName(), chance(p.Order.Holm), p.leftOut())
	switch {
	case p.Order.Found() && p.ahead*p.Difference <= 0:
		return fmt.Sprintf("%s is better in %s in most %ss, but not on average %s", better, r.Metric, r.Unit(), found)
	case p.Order.Found():
		return fmt.Sprintf("%s is better in %s %s", better, r.Metric, found)
	case p.least >= Level:
		return fmt.Sprintf("No difference shown in %s %s, and so few %ss can show none: the smallest p is %s", r.Metric, found, r.Unit(), chance(math.Min(1, p.least)))
	}
	return fmt.Sprintf("No difference shown in %s %s", r.Metric, found)
}

// leftOut names the runs that have no metric to compare.
func (p *Pair) leftOut() (text string) {
	for _, d := range []*Described{p.A, p.B} {
		if d.Diverged > 0 {
			text += fmt.Sprintf("; without %d of %d runs of %s, which diverged", d.Diverged, d.Runs, d.Name)
		}
	}
	return text
}

func (p *Pair) orderName() string {
	if p.Paired {
		return "Wilcoxon"
	}
	return "Mann–Whitney"
}
