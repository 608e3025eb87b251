package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/plural"
)

// predict answers the test sets with the weights of the end, for
// predict_results_<task>.txt.
func (r *run) predict(ctx context.Context) (err error) {
	start := time.Now()
	r.predicted, err = r.t.forward.predict(ctx, r.tests, r.cfg.EvalBatchSize, r.hooks.working("prediction"))
	r.finish.Result.Predicting = time.Since(start)
	return err
}

// predict answers test sets, size examples at a time.
func (f *forward) predict(ctx context.Context, tests []*glue.Encoded, size int, progress func(done, total int)) ([]glue.Predictions, error) {
	var all []glue.Predictions
	for _, e := range tests {
		ev, err := f.evaluate(ctx, e, size, func(_ string, done, total int) { progress(done, total) })
		if err != nil {
			return nil, err
		}
		all = append(all, ev.predictions)
	}
	return all, nil
}

// WriteAnswers writes what a model answers to a test set, as run_glue does:
// predict_results_rte.txt, for MNLI also predict_results_mnli-mm.txt.
func (f *Folder) WriteAnswers(d *glue.Dataset, p glue.Predictions) error {
	return f.Write(answersName(d), func(w io.Writer) error { return d.WritePredictions(w, p) })
}

func answersName(d *glue.Dataset) string { return "predict_results_" + d.Name + ".txt" }

// answersFolder opens the folder of a run that has ended for its answers to test
// sets. Those that are there already are refused, and so is a model that is no
// run's, or is looked up by a name: nothing is ever written into its folder.
func answersFolder(path string, tests []*glue.Dataset) (*Folder, error) {
	if _, err := os.Stat(filepath.Join(path, manifestName)); err != nil {
		return nil, fault.Errorf(fault.Usage, "--do_predict: the answers go into the folder of the run that made the model, and %s is none: it has no %s", path, manifestName)
	}
	for _, d := range tests {
		name := filepath.Join(path, answersName(d))
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return nil, fault.Errorf(fault.Usage, "--do_predict: %s is there already; move it away for new answers", name)
		}
	}
	return ReopenFolder(path)
}

// answer writes the answers of a model to test sets into the folder of its run.
func (f *Folder) answer(tests []*glue.Encoded, all []glue.Predictions, note func(string)) error {
	for i, p := range all {
		d := tests[i].Data
		if err := f.WriteAnswers(d, p); err != nil {
			return err
		}
		note(fmt.Sprintf("%s: the answers to %s of %s", filepath.Join(f.path, answersName(d)), plural.Of(len(d.Examples), "row"), d.Path))
	}
	return f.addSums()
}

// addSums adds the files that were written to the SHA256SUMS of a sealed folder.
func (f *Folder) addSums() error {
	path := filepath.Join(f.dir, sumsName)
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Errorf(fault.Internal, "%w", err)
	}
	_, err = files.WriteFile(f.disk, path, func(w io.Writer) error {
		if _, err := w.Write(sealed); err != nil {
			return err
		}
		return f.writeSums(w)
	})
	return err
}
