package train

import (
	"context"
	"time"

	"pactune/autograd"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/fmath"
	"pactune/nn"
)

// forward runs a model over encoded examples without recording, and computes
// losses: what evaluation and the K table need.
type forward struct {
	model *bert.Model
	tape  *autograd.Tape
	batch glue.Batch
	rows  []int32
}

// run makes the batch of rows and its logits (B, Labels).
func (f *forward) run(e *glue.Encoded, rows []int32, record bool, d bert.Dropout) *autograd.Var {
	e.Batch(&f.batch, rows)
	f.tape.Reset(autograd.Sequences{RowStarts: f.batch.RowStarts, ExampleIDs: f.batch.ExampleIDs}, record)
	return f.model.Logits(f.tape, f.batch.IDs, f.batch.Types, d)
}

// loss of the batch of the last run, by the kind of the problem.
func (f *forward) loss(p glue.Problem, logits *autograd.Var, scale float64) *autograd.Loss {
	switch p {
	case glue.Regression:
		return f.tape.MSE(logits, f.batch.Scores, scale)
	case glue.MultiLabel:
		return f.tape.BCE(logits, f.batch.Multi, scale)
	}
	return f.tape.CrossEntropy(logits, f.batch.Classes, scale)
}

// losses writes the loss of each of the rows into dst, batches of size at a
// time.
func (f *forward) losses(ctx context.Context, e *glue.Encoded, rows []int32, size int, dst []float64) error {
	for from := 0; from < len(rows); from += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+size, len(rows))
		logits := f.run(e, rows[from:to], false, bert.Dropout{})
		copy(dst[from:to], f.loss(e.Data.Problem, logits, 1).PerExample)
	}
	return nil
}

// evaluation is what a pass over an evaluation set gives.
type evaluation struct {
	record      *EvalRecord
	predictions glue.Predictions
	scores      [][]float64
	losses      []float64 // of labelled sets
	warnings    []string
}

// evaluate runs the model over a whole evaluation set. progress, when not nil,
// is told how many of its examples are done.
func (f *forward) evaluate(ctx context.Context, e *glue.Encoded, size int, progress func(what string, done, total int)) (*evaluation, error) {
	start := time.Now()
	out := &evaluation{}
	labelled, n, sum := e.Data.Labelled, e.Rows(), 0.0
	for from := 0; from < n; from += size {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(from+size, n)
		f.rows = f.rows[:0]
		for r := from; r < to; r++ {
			f.rows = append(f.rows, int32(r))
		}
		logits := f.run(e, f.rows, false, bert.Dropout{})
		out.collect(e.Data.Problem, logits)
		if labelled {
			for _, l := range f.loss(e.Data.Problem, logits, 1).PerExample {
				sum += l // one by one: the sum does not depend on size
				out.losses = append(out.losses, l)
			}
		}
		if i := nn.FirstNonFinite(logits.Data); i >= 0 {
			x := e.Data.Examples[from+i/logits.Cols]
			return nil, fault.Errorf(fault.Diverged, "the model's answer to %s, line %d, is %v", e.Data.Path, x.Line, logits.Data[i])
		}
		if progress != nil {
			progress("evaluation", to, n)
		}
	}
	out.record = newEvalRecord(e, out, sum/float64(max(1, n)))
	out.record.Elapsed = time.Since(start)
	return out, nil
}

// collect turns a batch of logits into probabilities and predictions.
func (o *evaluation) collect(p glue.Problem, logits *autograd.Var) {
	c := logits.Cols
	for i := range logits.Rows {
		s := make([]float64, c)
		for j, z := range logits.Data[i*c : (i+1)*c] {
			s[j] = float64(z)
		}
		switch p {
		case glue.Regression:
			o.predictions.Scores = append(o.predictions.Scores, s[0])
		case glue.MultiLabel:
			for j, z := range s {
				s[j] = 1 / (1 + fmath.Exp(-z))
				o.predictions.Multi = append(o.predictions.Multi, s[j] >= 0.5)
			}
		default:
			best := fmath.Softmax(s)
			o.predictions.Classes = append(o.predictions.Classes, int32(best))
		}
		o.scores = append(o.scores, s)
	}
}

func newEvalRecord(e *glue.Encoded, o *evaluation, loss float64) *EvalRecord {
	r := &EvalRecord{Suffix: e.Data.Suffix, Loss: loss, Samples: e.Rows(), Tokens: len(e.IDs)}
	report := e.Data.Evaluate(o.predictions)
	if report == nil {
		return r
	}
	o.warnings = report.Warnings
	for _, m := range report.Metrics {
		r.Metrics = append(r.Metrics, Metric{m.Name, m.Value})
	}
	for _, c := range report.Classes {
		r.Classes = append(r.Classes, ClassScore{c.Name, c.Precision, c.Recall, c.F1, c.Support})
	}
	r.Confusion = report.Confusion
	r.Majority = majorityOf(e.Data, report)
	return r
}

// majorityOf is the best constant answer and its metrics.
func majorityOf(d *glue.Dataset, report *glue.Report) Majority {
	m := Majority{Value: map[string]float64{}}
	for _, v := range report.Majority {
		m.Value[v.Name] = v.Value
	}
	if d.Problem != glue.Regression {
		m.Label = report.Constant
		m.Share = m.Value[glue.Accuracy]
		if d.Problem == glue.SingleLabel && d.Task != nil {
			for _, c := range report.Classes {
				if c.Name == report.Constant {
					m.Share = float64(c.Support) / float64(report.Examples)
				}
			}
		}
	}
	return m
}

// list pairs predictions with the rows that they are for.
func (o *evaluation) list(e *glue.Encoded) []Prediction {
	out := make([]Prediction, e.Rows())
	truth := e.Data.Truth()
	for i, x := range e.Data.Examples {
		out[i] = Prediction{ID: x.ID, Line: x.Line, Predicted: e.Data.Answer(o.predictions, i), Scores: o.scores[i]}
		if e.Data.Problem == glue.SingleLabel {
			out[i].Probability = o.scores[i][o.predictions.Classes[i]]
		}
		if e.Data.Labelled {
			out[i].Label, out[i].Loss = e.Data.Answer(truth, i), o.losses[i]
		}
	}
	return out
}

// details adds to the record what only the last evaluation of a run needs:
// intervals of the metrics and the calibration.
func (o *evaluation) details(d *glue.Dataset) {
	o.record.Intervals = d.Intervals(o.predictions)
	var sure []float64
	for i, c := range o.predictions.Classes {
		sure = append(sure, o.scores[i][c])
	}
	o.record.Calibration = d.Calibrate(o.predictions.Classes, sure)
}
