package train

import (
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// history collects the rows of trainer_state.json: the updates that are also
// printed, and every evaluation. Its room is made before the first update.
type history struct {
	plan  *Plan
	rows  []StepRecord // Loss is the mean since the row before
	evals []*EvalRecord
	mean  mean
}

// mean is a running mean of losses since it was last taken.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v float64) { m.sum += v; m.n++ }

func (m *mean) take() float64 {
	v := m.sum / float64(m.n)
	*m = mean{}
	return v
}

// Logs tells whether a line is printed for an update.
func (p *Plan) Logs(step int) bool {
	return p.LogEvery > 0 && (step%p.LogEvery == 0 || step == p.Steps || p.LogFirst && step == 1)
}

// Start makes room for the log of a run.
func (f *Folder) Start(p *Plan) {
	f.history = history{plan: p}
	if p.LogEvery > 0 {
		f.history.rows = make([]StepRecord, 0, min(p.Steps/p.LogEvery, 1<<16)+3)
	}
}

// Step logs one update; Log.Err tells whether that failed.
func (f *Folder) Step(r *StepRecord, t Timing) {
	f.Log.Step(r, t)
	f.history.add(r)
}

func (h *history) add(r *StepRecord) {
	if r.Skipped != "" {
		return
	}
	h.mean.add(r.Loss)
	if h.plan.Logs(r.Step) {
		h.rows = append(h.rows, *r)
		h.rows[len(h.rows)-1].Loss = h.mean.take()
	}
}

// evaluated is the number of evaluations of the weights after an update.
func (h *history) evaluated(step int) (n int) {
	for i := len(h.evals) - 1; i >= 0 && h.evals[i].Step == step; i-- {
		n++
	}
	return n
}

// Eval logs one evaluation. It is a result: the folder stays.
func (f *Folder) Eval(e *EvalRecord) error {
	f.Log.Eval(e)
	f.history.evals = append(f.history.evals, e)
	if err := f.Log.Err(); err != nil {
		return err
	}
	return f.Publish()
}

// Finish holds what the files of a finished run say besides the log.
type Finish struct {
	Config     *Config
	Plan       *Plan
	Result     *Result
	Data       []DataFile
	Model      ModelFile
	Licence    Licence // of the model that the run started from
	Argv       []string
	Start, End time.Time
	Exit       string    // "running", "finished", "interrupted", "diverged: …"
	Notes      []string  // choices and warnings that the user saw
	KSigma, K  []float64 // the K table, nil without PAC-tuning
}

// Finish writes the files of a run that has ended: results, state, arguments,
// manifest, model card and SHA256SUMS. Model, tokeniser, noise and predictions
// were written before.
func (f *Folder) Finish(s *Finish) error {
	if err := f.Publish(); err != nil {
		return err
	}
	all := map[string]any{}
	for _, write := range []func() error{
		func() error { return f.writeResults("train", all, trainResults(s)) },
		func() error {
			if len(s.Result.Evals) == 0 {
				return nil
			}
			return f.writeResults("eval", all, evalResults(s))
		},
		func() error { return f.WriteJSON("all_results.json", 4, all) },
		func() error { return f.WriteJSON("trainer_state.json", 2, f.history.state(s)) },
		func() error { return f.WriteJSON("training_args.json", 2, s.Config.Values()) },
		func() error { return s.Licence.Write(f.Write) },
		func() error {
			return f.Write("README.md", func(w io.Writer) error { return writeCard(w, s, &f.history) })
		},
		func() error { return f.Seal(Manifest(s)) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) writeResults(part string, all, results map[string]any) error {
	for key, value := range results {
		all[key] = value
	}
	return f.WriteJSON(part+"_results.json", 4, results)
}

func trainResults(s *Finish) map[string]any {
	seconds := (s.Result.Elapsed - s.Result.Predicting).Seconds()
	return map[string]any{
		"epoch":                    epochs(s.Plan, s.Result.Steps),
		"total_flos":               s.Result.FLOs,
		"train_loss":               s.Result.TrainLoss,
		"train_runtime":            round(seconds, 4),
		"train_samples":            s.Plan.TrainRows,
		"train_samples_per_second": rate(float64(s.Plan.TrainRows)*epochs(s.Plan, s.Result.Steps), seconds),
		"train_steps_per_second":   rate(float64(s.Result.Steps), seconds),
	}
}

// evalResults has transformers' keys; the keys of MNLI's mismatched set end
// in _mm.
func evalResults(s *Finish) map[string]any {
	results := map[string]any{"epoch": epochs(s.Plan, s.Result.Steps)}
	for _, e := range s.Result.Evals {
		for key, value := range evalRow(e, s.Config.EvalBatchSize) {
			results[key+e.Suffix] = value
		}
	}
	return results
}

func evalRow(e *EvalRecord, batch int) map[string]any {
	seconds := e.Elapsed.Seconds()
	row := map[string]any{
		"eval_loss":               e.Loss,
		"eval_runtime":            round(seconds, 4),
		"eval_samples":            e.Samples,
		"eval_samples_per_second": rate(float64(e.Samples), seconds),
		"eval_steps_per_second":   rate(math.Ceil(float64(e.Samples)/float64(max(1, batch))), seconds),
	}
	for _, m := range e.Metrics {
		row["eval_"+m.Name] = m.Value
	}
	return row
}

func epochs(p *Plan, steps int) float64 {
	return float64(steps) / float64(max(1, p.StepsPerEpoch))
}

func rate(n, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return round(n/seconds, 3)
}

func round(v float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	return r
}

// flos is transformers' floating_point_ops, 6 × tokens × parameters outside the tables
// of embeddings, over the updates so far: 2 for the forward and 4 for the backward pass,
// whatever is frozen, without attention's products of tokens with tokens. Tokens are
// those of the texts; run_glue counts the padding that it computes with, too.
func (r *run) flos() float64 {
	tokens, parameters := 0, 0
	for s := range r.finish.Result.Steps {
		for _, row := range r.t.order.Rows(s) {
			tokens += r.t.data.Len(int(row))
		}
	}
	for _, p := range r.t.model.Store.Params {
		if !strings.HasSuffix(p.Name, "_embeddings.weight") {
			parameters += len(p.Clean)
		}
	}
	return 6 * float64(tokens) * float64(parameters)
}

// state is trainer_state.json. Its keys are those of transformers'
// TrainerState, which refuses others; what is ours stands in the rows. Its
// best_global_step is left out: version 4.46 refuses it, and later ones take null
// where it is not there.
func (h *history) state(s *Finish) map[string]any {
	state := map[string]any{
		"best_metric": nil, "best_model_checkpoint": nil,
		"epoch": epochs(s.Plan, s.Result.Steps), "global_step": s.Result.Steps,
		"eval_steps": s.Config.EvalEvery(s.Plan.Steps, s.Plan.StepsPerEpoch), "logging_steps": s.Plan.LogEvery,
		"save_steps": s.Config.saveSteps(s.Plan), "max_steps": s.Plan.Steps, "num_train_epochs": int(math.Ceil(epochs(s.Plan, s.Plan.Steps))),
		"is_hyper_param_search": false, "is_local_process_zero": true, "is_world_process_zero": true,
		"num_input_tokens_seen": 0, "stateful_callbacks": map[string]any{}, "total_flos": s.Result.FLOs,
		"train_batch_size": s.Config.BatchSize, "trial_name": nil, "trial_params": nil,
		"log_history": append(h.log(s.Config.EvalBatchSize), trainHistory(s)),
	}
	if b := s.Result.Best; b != nil {
		if _, value, ok := s.Config.watched(b); ok {
			state["best_metric"] = value
		}
	}
	return state
}

// log merges updates and evaluations by step, an update before its evaluation.
func (h *history) log(batch int) []map[string]any {
	var rows []map[string]any
	evals := h.evals
	for i := range h.rows {
		r := &h.rows[i]
		for len(evals) > 0 && evals[0].Step < r.Step {
			rows, evals = append(rows, evalHistory(evals[0], batch)), evals[1:]
		}
		rows = append(rows, stepHistory(r))
	}
	for _, e := range evals {
		rows = append(rows, evalHistory(e, batch))
	}
	return rows
}

// trainHistory is the row that transformers ends a training with. What makes a
// model card or a table of the history takes the rows before it for the course.
func trainHistory(s *Finish) map[string]any {
	row := trainResults(s)
	delete(row, "train_samples")
	row["step"] = s.Result.Steps
	return row
}

func stepHistory(r *StepRecord) map[string]any {
	row := map[string]any{"epoch": r.Epoch, "grad_norm": r.GradNorm, "learning_rate": r.LR,
		"loss": r.Loss, "step": r.Step, "pactune_clip_rate": r.ClipRate}
	if r.Stage > 0 {
		row["pactune_stage"], row["pactune_kl"], row["pactune_bound"] = r.Stage, r.KL, r.LPAC
		row["pactune_total"], row["pactune_gamma"], row["pactune_K"] = r.Total, r.Gamma, r.K
		row["pactune_noise_mean"] = r.NoiseBody
	}
	return row
}

func evalHistory(e *EvalRecord, batch int) map[string]any {
	row := map[string]any{}
	for key, value := range evalRow(e, batch) {
		row[key+e.Suffix] = value
	}
	delete(row, "eval_samples"+e.Suffix)
	row["epoch"], row["step"] = e.Epoch, e.Step
	return row
}

// WritePredictions writes eval_predictions.jsonl, one line an example: its label
// and the model's, its loss, the probability of the model's label and those of
// all; suffix is that of MNLI's second set, which has a file of its own.
func (f *Folder) WritePredictions(suffix string, predictions []Prediction) error {
	return f.Write("eval_predictions"+suffix+".jsonl", func(w io.Writer) error {
		var l line
		for i := range predictions {
			p := &predictions[i]
			l.open()
			l.int("id", p.ID)
			l.int("line", p.Line)
			l.text("label", p.Label)
			l.text("prediction", p.Predicted)
			l.number("loss", p.Loss)
			l.number("probability", p.Probability)
			l.numbers("scores", p.Scores)
			if _, err := w.Write(l.close()); err != nil {
				return err
			}
		}
		return nil
	})
}
