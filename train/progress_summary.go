package train

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"pactune/internal/plural"
)

// WriteSummary prints what an evaluation found: metrics with their 95 % intervals
// beside the majority line, the calibration error, precision and recall of every
// class, the confusion matrix.
func WriteSummary(w io.Writer, e *EvalRecord) {
	fmt.Fprintf(w, "%s%s, loss %.4f\n", plural.Of(e.Samples, "example"), suffixText(e.Suffix), e.Loss)
	for _, m := range e.Metrics {
		fmt.Fprintf(w, "  %-22s %7.4f", m.Name, m.Value)
		for _, v := range e.Intervals {
			if v.Name == m.Name {
				fmt.Fprintf(w, " [%.4f, %.4f]", v.Low, v.High)
			}
		}
		if v, ok := e.Majority.Value[m.Name]; ok {
			fmt.Fprintf(w, "   majority line %7.4f", v)
		}
		fmt.Fprintln(w)
	}
	if e.Calibration != nil {
		fmt.Fprintf(w, "  %-22s %7.4f\n", "calibration error", e.Calibration.ECE)
	}
	if len(e.Classes) == 0 {
		return
	}
	wide := 9
	for _, c := range e.Classes {
		wide = max(wide, min(30, utf8.RuneCountInString(Clean(c.Label))))
	}
	fmt.Fprintf(w, "\n  %s  precision  recall      F1  examples", pad("class", wide))
	matrix := len(e.Confusion) == len(e.Classes) && len(e.Classes) <= 10
	if matrix {
		fmt.Fprint(w, "   predicted as")
		for i := range e.Classes {
			fmt.Fprintf(w, " %5s", fmt.Sprintf("(%d)", i))
		}
	}
	fmt.Fprintln(w)
	for i, c := range e.Classes {
		fmt.Fprintf(w, "  %s  %9.4f  %6.4f  %6.4f  %8d", pad(Clean(c.Label), wide), c.Precision, c.Recall, c.F1, c.Support)
		if matrix {
			fmt.Fprintf(w, "   %12s", fmt.Sprintf("(%d)", i))
			for _, n := range e.Confusion[i] {
				fmt.Fprintf(w, " %5d", n)
			}
		}
		fmt.Fprintln(w)
	}
}

// SummaryMap is the same for --json and eval_report.json, and the reliability
// bins.
func SummaryMap(e *EvalRecord) map[string]any {
	m := map[string]any{"loss": e.Loss, "samples": e.Samples, "step": e.Step, "epoch": e.Epoch}
	majority := map[string]any{}
	for _, x := range e.Metrics {
		m[x.Name] = x.Value
		if v, ok := e.Majority.Value[x.Name]; ok {
			majority[x.Name] = v
		}
	}
	if e.Majority.Label != "" {
		majority["answer"] = e.Majority.Label
	}
	m["majority"] = majority
	if len(e.Classes) > 0 {
		classes := []map[string]any{}
		for _, c := range e.Classes {
			classes = append(classes, map[string]any{"label": c.Label, "precision": c.Precision,
				"recall": c.Recall, "f1": c.F1, "support": c.Support})
		}
		m["classes"], m["confusion"] = classes, e.Confusion
	}
	if len(e.Intervals) > 0 {
		intervals := map[string]any{}
		for _, v := range e.Intervals {
			intervals[v.Name] = []float64{v.Low, v.High}
		}
		m["intervals"] = intervals
	}
	if c := e.Calibration; c != nil {
		bins := []map[string]any{}
		for _, b := range c.Bins {
			bins = append(bins, map[string]any{"low": b.Low, "high": b.High, "rows": b.Rows, "confidence": b.Confidence, "accuracy": b.Accuracy})
		}
		m["calibration"] = map[string]any{"ece": c.ECE, "bins": bins}
	}
	return m
}

// WriteJSON writes v on w as one indented JSON object, NaN as null.
func WriteJSON(w io.Writer, v map[string]any) error {
	text, err := marshal(v, "  ")
	if err == nil {
		_, err = w.Write(CleanJSON(text))
	}
	return err
}

func suffixText(suffix string) string {
	if suffix == "_mm" {
		return " (mismatched)"
	}
	return ""
}

// pad fills s with spaces to the width, counted in characters, or cuts it.
func pad(s string, width int) string {
	if n := utf8.RuneCountInString(s); n <= width {
		return s + strings.Repeat(" ", width-n)
	}
	return string([]rune(s)[:width-1]) + "…"
}
