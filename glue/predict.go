package glue

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Answer writes prediction i as run_glue does: the class's name, a number with
// three decimals, or the names of all predicted classes with commas between.
func (d *Dataset) Answer(p Predictions, i int) string {
	switch d.Problem {
	case Regression:
		return fmt.Sprintf("%3.3f", p.Scores[i])
	case MultiLabel:
		c := len(d.LabelNames)
		var names []string
		for k, in := range p.Multi[i*c : (i+1)*c] {
			if in {
				names = append(names, d.LabelNames[k])
			}
		}
		return strings.Join(names, ",")
	}
	return d.LabelNames[p.Classes[i]]
}

// WritePredictions writes predict_results_<task>.txt: the header
// "index<TAB>prediction", then a row per example.
func (d *Dataset) WritePredictions(w io.Writer, p Predictions) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "index\tprediction")
	for i := range d.Examples {
		fmt.Fprintf(b, "%d\t%s\n", i, d.Answer(p, i))
	}
	return b.Flush()
}
