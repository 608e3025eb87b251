package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/train"
)

func evaluateCommand() *cobra.Command {
	help := func(bool) {
		fmt.Print(`Usage: pactune evaluate DIR FILE
       pactune evaluate DIR --task_name rte --data_dir glue/RTE [--do_predict]

Scores a fine-tuned model: metrics beside the majority line, classes, confusion matrix. Texts are
cut where the run that made the model cut them, unless --max_seq_length says otherwise. With
--do_predict it also answers the test files, as train does, into the folder DIR of the run.
`)
		train.WriteOptions(os.Stdout, train.InEvaluate)
	}
	return sub("evaluate DIR", "Score a fine-tuned model on labelled examples", help, func(ctx context.Context, args []string) error {
		config, rest, err := train.Parse(args, train.InEvaluate)
		if err != nil {
			return err
		}
		dir, err := oneFolder("evaluate", rest)
		if err != nil {
			return err
		}
		if rest = rest[1:]; len(rest) > 0 && config.ValidationFile == "" {
			config.ValidationFile, rest = rest[0], rest[1:]
		}
		if len(rest) > 0 {
			return fault.Errorf(fault.Usage, "evaluate takes one folder and one file, found also %q", rest[0])
		}
		config.ModelNameOrPath = dir
		return train.Profiled(config, func() error { return score(ctx, config) })
	})
}

// score evaluates and prints what came of it.
func score(ctx context.Context, config *train.Config) error {
	screen := train.NewProgress(os.Stderr, config.Color, false, config.Quiet)
	defer screen.Close()
	records, err := train.Evaluate(ctx, config, screen.Hooks())
	screen.Close()
	if err != nil {
		return err
	}
	return show(config, records)
}

func show(config *train.Config, records []*train.EvalRecord) error {
	if !config.JSON {
		var text bytes.Buffer
		for i, r := range records {
			if i > 0 {
				text.WriteString("\n")
			}
			train.WriteSummary(&text, r)
		}
		return result(text.String())
	}
	all := map[string]any{}
	for _, r := range records {
		all["eval"+r.Suffix] = train.SummaryMap(r)
	}
	return train.WriteJSON(os.Stdout, all)
}
