package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"pactune/internal/plural"
)

// JSON returns what writes every result to w as a JSON object on a line of its
// own: jq reads them as they come, `jq -s` makes one array of them.
func JSON(w io.Writer) func(*Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return func(r *Result) error { return e.Encode(r) }
}

// Table returns what writes results to w for a person, a line each, below the
// name of the machine.
func Table(w io.Writer) func(*Result) error {
	headed := false
	return func(r *Result) error {
		var b strings.Builder
		if !headed {
			headed = true
			r.writeHead(&b)
		}
		r.writeLine(&b)
		if r.Profile != nil {
			b.WriteByte('\n')
			r.Profile.Write(&b)
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
}

func (r *Result) writeHead(w io.Writer) {
	fmt.Fprintf(w, "%s, kernels %s, %s, %s\n", r.CPU, r.Kernel, plural.Of(r.Threads, "thread"), r.Precision)
	fmt.Fprintf(w, "GFLOP/s are of the best repetition, beside the peak of multiply-adds before and after it\n\n")
	fmt.Fprintf(w, "%-30s %7s %9s %9s %9s %11s %8s %8s %7s %9s %7s\n",
		"", "repeats", "best", "median", "tokens/s", "sentences/s", "GFLOP/s", "peak", "of peak", "memory", "allocs")
}

func (r *Result) writeLine(w io.Writer) {
	rate, sentences, peak, fraction := "", "", "", ""
	if r.Tokens > 0 {
		rate = fmt.Sprintf("%.0f", float64(r.Tokens)/r.Seconds.Best)
	}
	if r.Sentences > 0 {
		sentences = fmt.Sprintf("%.1f", float64(r.Sentences))
	}
	if r.PeakGFLOPS > 0 {
		peak, fraction = fmt.Sprintf("%.1f", r.PeakGFLOPS), fmt.Sprintf("%.1f %%", 100*r.Fraction)
	}
	fmt.Fprintf(w, "%-30s %7d %9s %9s %9s %11s %8.1f %8s %7s %9s %7d\n", r.Name, r.Repeats, duration(r.Seconds.Best), duration(r.Seconds.Median),
		rate, sentences, r.GFLOPS, peak, fraction, fmt.Sprintf("%.0f MB", float64(r.PeakRSS)/1e6), r.Allocs)
	if r.Bookkeeping != 0 {
		fmt.Fprintf(w, "  %.1f %% of the update is bookkeeping: what it takes beside the next line's passes\n", 100*r.Bookkeeping)
	}
}

// duration shows seconds with a unit that suits them.
func duration(s float64) string {
	switch {
	case s < 1e-3:
		return fmt.Sprintf("%.2f µs", 1e6*s)
	case s < 1:
		return fmt.Sprintf("%.2f ms", 1e3*s)
	}
	return fmt.Sprintf("%.2f s", s)
}
