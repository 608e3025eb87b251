package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// table holds the columns of the rows that are printed; a cell without a value
// is blank.
type table struct {
	columns []column
	cells   []string
	headed  bool
}

type column struct {
	head  string
	width int
}

// newTable chooses the columns by the method.
func newTable(p *Plan) *table {
	t := &table{}
	t.add("epoch", 6)
	if strings.HasPrefix(p.Method, "pac") {
		t.add("stage", 5)
	}
	t.add("step", max(4, len(strconv.Itoa(p.Steps))))
	t.add("loss", 7)
	if strings.HasPrefix(p.Method, "pac") {
		t.add("total", 8)
		t.add("KL/m", 8)
		t.add("K", 6)
		if p.FreeGamma {
			t.add("gamma", 6)
		}
		t.add("noise", 7)
	} else {
		t.add("gnorm", 7)
		t.add("lr", 7)
	}
	if strings.HasSuffix(p.Method, "cwgnc") {
		t.add("clip%", 5)
	}
	t.add("eval_loss", 9)
	for _, m := range p.MetricNames {
		t.add(heading(m), 6)
	}
	t.add("ex/s", 6)
	t.add("left", 7)
	t.cells = make([]string, len(t.columns))
	return t
}

func (t *table) add(head string, width int) {
	t.columns = append(t.columns, column{head, max(width, len(head))})
}

func (t *table) put(head, text string) {
	for i := range t.columns {
		if t.columns[i].head == head {
			t.cells[i] = text
		}
	}
}

// heading shortens the name of a metric to what fits above its numbers.
func heading(metric string) string {
	switch metric {
	case "matthews_correlation":
		return "MCC"
	case "combined_score":
		return "combined"
	}
	return metric
}

// step fills the cells of an update.
func (t *table) step(r *StepRecord, loss, rate float64, left time.Duration) {
	t.put("epoch", trim(r.Epoch))
	t.put("step", strconv.Itoa(r.Step))
	t.put("loss", short(loss))
	t.put("gnorm", short(r.GradNorm))
	t.put("lr", fmt.Sprintf("%.1e", r.LR))
	t.put("clip%", fmt.Sprintf("%.1f", 100*r.ClipRate))
	if r.Stage > 0 {
		t.put("stage", strconv.Itoa(r.Stage))
		t.put("noise", short(r.NoiseBody))
	}
	if r.Stage == 1 {
		t.put("total", short(r.Total))
		t.put("KL/m", short(r.KLPerRow))
		t.put("K", short(r.K))
		t.put("gamma", short(r.Gamma))
	}
	t.put("ex/s", short(rate))
	t.put("left", clock(left))
}

// eval fills the cells of an evaluation.
func (t *table) eval(e *EvalRecord) {
	t.put("epoch", trim(e.Epoch))
	t.put("step", strconv.Itoa(e.Step))
	if e.Stage > 0 {
		t.put("stage", strconv.Itoa(e.Stage))
	}
	t.put("eval_loss", fmt.Sprintf("%.4f", e.Loss))
	for _, m := range e.Metrics {
		t.put(heading(m.Name), fmt.Sprintf("%.4f", m.Value))
	}
	if e.Suffix != "" {
		t.put("left", strings.TrimSpace(suffixText(e.Suffix))) // which has no use here
	}
}

func (t *table) head() string {
	row := t.cells
	t.cells = make([]string, len(t.columns))
	for i, c := range t.columns {
		t.cells[i] = c.head
	}
	text := t.line()
	t.cells = row
	return text
}

// line joins the cells and empties them.
func (t *table) line() string {
	var b strings.Builder
	for i, c := range t.columns {
		if i > 0 {
			b.WriteString("  ")
		}
		fmt.Fprintf(&b, "%*s", c.width, t.cells[i])
		t.cells[i] = ""
	}
	return strings.TrimRight(b.String(), " ")
}

// bar draws done/total in that many characters.
func bar(done, total, width int) string {
	n := width * done / max(1, total)
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", width-n) + "]"
}

// short writes a number in at most eight characters.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return nonfinite(v)
	case a != 0 && a < 0.001 || a >= 1e6:
		return strconv.FormatFloat(v, 'e', 1, 64)
	case a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

// trim writes a number with at most two decimals and no empty ones.
func trim(v float64) string {
	return strconv.FormatFloat(round(v, 2), 'f', -1, 64)
}

// count writes 109483778 as 109.5M.
func count(n int) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1fk", float64(n)/1e3)
	}
	return strconv.Itoa(n)
}

func epochText(n float64) string {
	if n == 1 {
		return "1 epoch"
	}
	return trim(n) + " epochs"
}

// clock writes a duration as m:ss or h:mm:ss.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
