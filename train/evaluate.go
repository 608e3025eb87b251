package train

import (
	"context"
	"fmt"

	"pactune/autograd"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
)

// Evaluate scores the fine-tuned model in cfg.ModelNameOrPath on the
// evaluation set that cfg names; one record, or two for MNLI.
func Evaluate(ctx context.Context, cfg *Config, hooks Hooks) ([]*EvalRecord, error) {
	checkpoint, tok, err := openModel(cfg, nil)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	head, width := checkpoint.Head()
	if head == bert.HeadNone {
		return nil, fault.Errorf(fault.Model, "%s: holds an encoder without a classifier; pactune train fine-tunes it first", checkpoint.Path)
	}
	o := dataOptions(cfg, nil)
	o.Train, o.Eval = false, true
	if o.Labels, err = checkpoint.Labels(); err != nil {
		return nil, err
	}
	if len(o.Labels) == 0 {
		return nil, fault.Errorf(fault.Model, "%s: config.json has no id2label, which names the labels of the classifier; expected %d of them", checkpoint.Path, width)
	}
	for _, p := range []glue.Problem{glue.SingleLabel, glue.MultiLabel, glue.Regression} {
		if p.String() == checkpoint.Config.ProblemType {
			o.Problem = p
		}
	}
	data, err := glue.Load(o)
	if err != nil {
		return nil, err
	}
	if len(data.LabelNames) != width {
		return nil, fault.Errorf(fault.Model, "%s: the classifier has %d labels, the data have %d (%v)", checkpoint.Path, width, len(data.LabelNames), data.LabelNames)
	}
	model, err := bert.New(checkpoint.Config, head, width)
	if err != nil {
		return nil, err
	}
	if _, err := checkpoint.Load(model, 0, true); err != nil {
		return nil, err
	}
	pool := par.New(Threads(cfg.Threads))
	defer pool.Close()
	f := forward{model: model, tape: autograd.NewTape(pool)}
	maxLen := min(cfg.MaxSeqLength, checkpoint.Config.MaxPositions)
	var records []*EvalRecord
	for _, d := range data.Eval {
		e := glue.Encode(d, tok, maxLen, pool.Workers())
		for _, note := range append(append([]string{}, d.Notes...), truncationNote(e, maxLen)) {
			if note != "" && hooks.OnNote != nil {
				hooks.OnNote(note)
			}
		}
		if err := checkEncoded(e, &model.Config, checkpoint.Path); err != nil {
			return nil, err
		}
		ev, err := f.evaluate(ctx, e, cfg.EvalBatchSize, hooks.OnWork)
		if fault.KindOf(err) == fault.Diverged {
			return nil, fmt.Errorf("%s: %w: activations overflow; expected a model whose training did not diverge", checkpoint.Path, err)
		}
		if err != nil {
			return nil, err
		}
		ev.record.Last = true
		records = append(records, ev.record)
	}
	return records, nil
}
