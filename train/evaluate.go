package train

import (
	"context"
	"fmt"
	"path/filepath"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/internal/plural"
	"pactune/internal/profile"
)

// Evaluate scores the fine-tuned model in cfg.ModelNameOrPath on the
// evaluation set that cfg names; one record, or two for MNLI. With
// cfg.DoPredict it also answers the test sets, as a run with that option does,
// into the folder of the run that made the model.
func Evaluate(ctx context.Context, cfg *Config, hooks Hooks) ([]*EvalRecord, error) {
	var clock *profile.Clock
	if cfg.Profile {
		clock = profile.Start()
		defer hooks.EndProfile(clock)
	}
	checkpoint, tok, err := OpenModel(cfg, nil)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	data, labels, err := evaluationData(cfg, checkpoint)
	if err != nil {
		return nil, err
	}
	model, err := restored(checkpoint)
	if err != nil {
		return nil, err
	}
	note := func(text string) {
		if text != "" && hooks.OnNote != nil {
			hooks.OnNote(text)
		}
	}
	for _, n := range ignoredNotes(cfg.idle()) {
		note(n)
	}
	var folder *Folder
	if cfg.DoPredict {
		if folder, err = answersFolder(filepath.Clean(cfg.ModelNameOrPath), data.Test); err != nil {
			return nil, err
		}
		defer folder.Discard()
	}
	note(orderLabels(model, labels, data.LabelNames))
	pool := par.New(Threads(cfg.Threads))
	defer pool.Close()
	tape, err := cfg.NewTape(pool)
	if err != nil {
		return nil, err
	}
	tape.Clock = clock
	f := forward{model: model, tape: tape}
	note(precisionNote(cfg))
	maxLen := cutAt(cfg, checkpoint.Path, checkpoint.Config.MaxPositions)
	for _, n := range data.Notes() {
		note(n)
	}
	evals := encodeAll(data.Eval, tok, maxLen, pool.Workers())
	tests := encodeAll(data.Test, tok, maxLen, pool.Workers())
	for _, e := range append(append([]*glue.Encoded{}, evals...), tests...) {
		note(truncationNote(e, maxLen))
		if err := checkEncoded(e, &model.Config, checkpoint.Path); err != nil {
			return nil, err
		}
	}
	clock.Part(profile.Read)
	records, err := f.score(ctx, evals, cfg.EvalBatchSize, hooks.OnWork)
	var answers []glue.Predictions
	if err == nil {
		answers, err = f.predict(ctx, tests, cfg.EvalBatchSize, hooks.working("prediction"))
	}
	if fault.KindOf(err) == fault.Diverged {
		err = fmt.Errorf("%s: %w: activations overflow; expected a model whose training did not diverge", checkpoint.Path, err)
	}
	if err == nil && folder != nil {
		err = folder.answer(tests, answers, note)
	}
	if err != nil {
		return nil, err
	}
	return records, nil
}

// restored is the model of a checkpoint, classifier and all.
func restored(checkpoint *bert.Checkpoint) (*bert.Model, error) {
	head, width := checkpoint.Head()
	model, err := bert.New(checkpoint.Config, head, width)
	if err != nil {
		return nil, err
	}
	return model, checkpoint.Restore(model)
}

// score evaluates on labelled sets.
func (f *forward) score(ctx context.Context, evals []*glue.Encoded, size int, progress func(what string, done, total int)) ([]*EvalRecord, error) {
	var records []*EvalRecord
	for _, e := range evals {
		ev, err := f.evaluate(ctx, e, size, progress)
		if err != nil {
			return nil, err
		}
		ev.record.Last = true
		ev.details(e.Data)
		records = append(records, ev.record)
	}
	return records, nil
}

// evaluationData reads the evaluation and the test sets for the classifier of a
// checkpoint, whose labels it returns in the order of the outputs. Who names only
// a test file has its answers alone.
func evaluationData(cfg *Config, checkpoint *bert.Checkpoint) (data *glue.Data, labels []string, err error) {
	head, width := checkpoint.Head()
	if head == bert.HeadNone {
		return nil, nil, fault.Errorf(fault.Model, "%s: holds an encoder without a classifier; pactune train fine-tunes it first", checkpoint.Path)
	}
	o := dataOptions(cfg, nil)
	o.Train, o.Eval = false, cfg.TaskName != "" || cfg.ValidationFile != "" || cfg.TestFile == "" || !cfg.DoPredict
	if o.Labels, err = checkpoint.Labels(); err != nil {
		return nil, nil, err
	}
	if len(o.Labels) == 0 && cfg.TaskName != "" { // transformers leaves the names out when they are these
		for i := range width {
			o.Labels = append(o.Labels, fmt.Sprintf("LABEL_%d", i))
		}
	}
	if len(o.Labels) == 0 {
		return nil, nil, fault.Errorf(fault.Model, "%s: config.json has no id2label, which names the labels of the classifier; expected %d of them", checkpoint.Path, width)
	}
	o.Problem = problemOf(&checkpoint.Config, width)
	data, err = glue.Load(o)
	if err != nil {
		return nil, nil, err
	}
	if len(data.LabelNames) != width {
		return nil, nil, fault.Errorf(fault.Model, "%s: the classifier has %s, the data have %d (%v)", checkpoint.Path, plural.Of(width, "label"), len(data.LabelNames), data.LabelNames)
	}
	return data, o.Labels, nil
}

// cutAt is the number of tokens after which a text is cut: the option's, else
// that of the run which made the model, else the option's default; never more
// than the model has positions for.
func cutAt(cfg *Config, folder string, positions int) int {
	run := NewConfig()
	run.MaxSeqLength = cfg.MaxSeqLength
	if !cfg.IsSet("max_seq_length") {
		// A folder of another program has no such file, and the default holds.
		args, _ := readOptions(filepath.Join(folder, "training_args.json"))
		if text, ok := optionText(args["max_seq_length"]); ok && text != "" {
			_ = run.Set("max_seq_length", text)
		}
	}
	return min(run.MaxSeqLength, positions)
}

// problemOf is the kind of problem that a model answers. As in transformers,
// one output without a problem_type is a regression.
func problemOf(c *bert.Config, width int) glue.Problem {
	for _, p := range []glue.Problem{glue.SingleLabel, glue.MultiLabel, glue.Regression} {
		if p.String() == c.ProblemType {
			return p
		}
	}
	if width == 1 {
		return glue.Regression
	}
	return glue.SingleLabel
}

// orderLabels gives the classifier's outputs the order that the data have for
// their names. A model that names them otherwise is taken to have the order of
// the data; the note says so.
func orderLabels(m *bert.Model, model, data []string) (note string) {
	place := map[string]int{}
	for i, name := range model {
		place[name] = i
	}
	order, moved := make([]int, len(data)), false
	for i, name := range data {
		from, ok := place[name]
		if !ok && len(data) == 1 {
			return "" // a regression: what is predicted has no name
		}
		if !ok {
			return fmt.Sprintf("the model's labels %q are taken for %q, in this order", model, data)
		}
		order[i], moved = from, moved || from != i
	}
	if moved {
		m.OrderLabels(order)
	}
	return ""
}
