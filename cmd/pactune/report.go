package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/internal/files"
	html "pactune/report" // report is a function here
	"pactune/train"
)

const reportHelp = `Usage: pactune report DIR… --out report.html

Writes one HTML page about finished runs: each DIR holds the seeds of one method, as for pactune
compare. The page has the seeds of every method on one axis with the verdict, the curves of loss and
metric, PAC-tuning's bound and its noise, the norms of gradients and weights by component and by
layer, confusion and calibration, the examples on which seeds disagree, and data, options and
commands. It is one file below 3 MB that loads nothing and runs no code, for light and dark screens
and for paper. A file of the same name is replaced.
`

func reportCommand() *cobra.Command {
	out, metric := "report.html", ""
	options := func() []train.Option {
		return []train.Option{
			train.Flag("out", "the page", &out),
			train.Flag("metric", "what to judge by, as accuracy or loss; none: what decides on the task", &metric),
		}
	}
	help := func(bool) {
		fmt.Print(reportHelp)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("report DIR…", "Write a page about groups of runs", help, func(_ context.Context, args []string) error {
		_, dirs, err := train.Parse(args, 0, options()...)
		if err != nil {
			return err
		}
		if len(dirs) == 0 {
			return fault.Errorf(fault.Usage, "report needs folders of runs, as in: pactune report out/rte-adamw out/rte-cwgnc --out report.html")
		}
		page, err := html.Page(dirs, metric)
		if err != nil {
			return err
		}
		_, err = files.WriteFile(files.OS, out, func(w io.Writer) error { _, err := w.Write(page); return err })
		if err != nil {
			return fault.Errorf(fault.Resources, "--out %s: %w", out, err)
		}
		return result(out + "\n")
	})
}
