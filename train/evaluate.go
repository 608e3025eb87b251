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
// evaluation set that cfg names; one record, or two for MNLI.
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
	head, width := checkpoint.Head()
	model, err := bert.New(checkpoint.Config, head, width)
	if err != nil {
		return nil, err
	}
	if err := checkpoint.Restore(model); err != nil {
		return nil, err
	}
	note := func(text string) {
		if text != "" && hooks.OnNote != nil {
			hooks.OnNote(text)
		}
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
	var records []*EvalRecord
	for _, d := range data.Eval {
		e := glue.Encode(d, tok, maxLen, pool.Workers())
		note(truncationNote(e, maxLen))
		if err := checkEncoded(e, &model.Config, checkpoint.Path); err != nil {
			return nil, err
		}
		clock.Part(profile.Read)
		ev, err := f.evaluate(ctx, e, cfg.EvalBatchSize, hooks.OnWork)
		if fault.KindOf(err) == fault.Diverged {
			return nil, fmt.Errorf("%s: %w: activations overflow; expected a model whose training did not diverge", checkpoint.Path, err)
		}
		if err != nil {
			return nil, err
		}
		ev.record.Last = true
		ev.details(d)
		records = append(records, ev.record)
	}
	return records, nil
}

// evaluationData reads the evaluation sets for the classifier of a checkpoint,
// whose labels it returns in the order of the outputs.
func evaluationData(cfg *Config, checkpoint *bert.Checkpoint) (data *glue.Data, labels []string, err error) {
	head, width := checkpoint.Head()
	if head == bert.HeadNone {
		return nil, nil, fault.Errorf(fault.Model, "%s: holds an encoder without a classifier; pactune train fine-tunes it first", checkpoint.Path)
	}
	o := dataOptions(cfg, nil)
	o.Train, o.Eval = false, true
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
