package train

import (
	"context"
	"io"
	"time"

	"pactune/glue"
)

// predict answers the test sets with the weights of the end, for
// predict_results_<task>.txt.
func (r *run) predict(ctx context.Context) error {
	start := time.Now()
	for _, e := range r.tests {
		p, err := r.t.forward.evaluate(ctx, e, r.cfg.EvalBatchSize, func(_ string, done, total int) {
			r.working("prediction")(done, total)
		})
		if err != nil {
			return err
		}
		r.predicted = append(r.predicted, p.predictions)
	}
	r.finish.Result.Predicting = time.Since(start)
	return nil
}

// WriteAnswers writes what a model answers to a test set, as run_glue does:
// predict_results_rte.txt, for MNLI also predict_results_mnli-mm.txt.
func (f *Folder) WriteAnswers(d *glue.Dataset, p glue.Predictions) error {
	return f.Write("predict_results_"+d.Name+".txt", func(w io.Writer) error { return d.WritePredictions(w, p) })
}
