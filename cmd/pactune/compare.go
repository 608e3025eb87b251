package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/compare"
	"pactune/internal/fault"
	"pactune/train"
)

func compareCommand() *cobra.Command {
	metric, format := "", "text"
	options := func() []train.Option {
		return []train.Option{
			train.Flag("metric", "what to compare, as accuracy or loss; none: what decides on the task", &metric),
			train.Flag("format", "how to print it", &format, "text", "markdown", "csv", "json"),
		}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune compare A B…

Judges methods by many runs. A and B are folders of finished runs on one task and the same data, such
as out/rte-adamw with seed1, seed2, …; other depths do as well. Says of each the mean with its
interval, the spread, the failed runs (at or below the majority line, MRPC's F1 0.75, or diverged)
and the expected best of n (where one that diverged is as bad as the worst); of each pair the difference
of the runs with the same seeds and whether chance explains it (Wilcoxon), likewise of the spread
(Brown-Forsythe) and of the failed runs (Fisher); Holm corrects p where there are several pairs. Groups
without two common seeds are not paired (Mann-Whitney). With several subsets of the training rows
(sample_seed), intervals and tests are over the subsets, each the mean of its runs. Intervals are 95 %.
The last lines say it in words, at the level of 5 %.
`)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("compare A B…", "Judge groups of runs by statistics", help, func(_ context.Context, args []string) error {
		_, dirs, err := train.Parse(args, 0, options()...)
		if err != nil {
			return err
		}
		if len(dirs) == 0 {
			return fault.Errorf(fault.Usage, "compare needs folders of runs, as in: pactune compare out/rte-adamw out/rte-cwgnc")
		}
		var groups []*compare.Group
		for _, dir := range dirs {
			g, err := compare.ReadGroup(dir)
			if err != nil {
				return err
			}
			groups = append(groups, g)
		}
		r, err := compare.New(groups, metric)
		if err != nil {
			return err
		}
		switch format {
		case "json":
			return train.WriteJSON(os.Stdout, r.Values())
		case "csv":
			return result(r.CSV())
		case "markdown":
			return result(printable(r.Markdown()))
		}
		return result(printable(r.Text()))
	})
}
