package compare

import (
	"fmt"
	"math"
	"strings"
)

// Verdict says in one sentence what the tests show of a pair at 5 %, and "No
// difference shown" where they show none.
func (r *Report) Verdict(p *Pair) string {
	a, b := p.A.Name, p.B.Name
	better := a
	if p.ahead < 0 != falls(r.Metric) {
		better = b
	}
	var parts []string
	found := fmt.Sprintf("(%s − %s: %+.4f, 95 %% interval %s, %s p %s)", a, b, p.Difference, span(p.Interval), p.orderName(), chance(p.Order.Holm))
	switch {
	case p.Order.Found() && p.ahead*p.Difference <= 0:
		parts = append(parts, fmt.Sprintf("%s is better in %s in most runs, but not on average %s", better, r.Metric, found))
	case p.Order.Found():
		parts = append(parts, fmt.Sprintf("%s is better in %s %s", better, r.Metric, found))
	case p.least >= Level:
		parts = append(parts, fmt.Sprintf("No difference shown in %s %s, and so few runs can show none: the smallest p is %s", r.Metric, found, chance(math.Min(1, p.least))))
	default:
		parts = append(parts, fmt.Sprintf("No difference shown in %s %s", r.Metric, found))
	}
	if p.Spread.Found() {
		steady := a
		if p.A.Std > p.B.Std {
			steady = b
		}
		parts = append(parts, fmt.Sprintf("%s spreads less (standard deviation %.4f and %.4f, p %s)", steady, p.A.Std, p.B.Std, chance(p.Spread.Holm)))
	}
	if p.Failures.Found() {
		safe := a
		if p.A.Failed*p.B.Runs > p.B.Failed*p.A.Runs {
			safe = b
		}
		parts = append(parts, fmt.Sprintf("%s fails less often (%d of %d and %d of %d runs, p %s)", safe, p.A.Failed, p.A.Runs, p.B.Failed, p.B.Runs, chance(p.Failures.Holm)))
	}
	return strings.Join(parts, "; ") + "."
}

func (p *Pair) orderName() string {
	if p.Paired {
		return "Wilcoxon"
	}
	return "Mann–Whitney"
}
