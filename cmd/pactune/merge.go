package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/sweep"
	"pactune/train"
)

func mergeCommand() *cobra.Command {
	out := ""
	options := func() []train.Option {
		return []train.Option{train.Flag("out", "new folder for the runs of all shards, without their weights", &out)}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune merge A B… --out DIR
       pactune merge A

Gathers the runs of the shards of one sweep, which were made in folders of their own (pactune sweep
--shard), with all that pactune compare reads, and writes DIR/results.csv. Of one folder it writes the
results.csv anew.
`)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("merge A B…", "Gather the shards of a sweep", help, func(_ context.Context, args []string) error {
		_, dirs, err := train.Parse(args, 0, options()...)
		switch {
		case err != nil:
			return err
		case len(dirs) == 0:
			return fault.Errorf(fault.Usage, "merge needs the folders of a sweep's shards, as in: pactune merge a b --out all")
		case len(dirs) > 1 && out == "":
			return fault.Errorf(fault.Usage, "merge needs --out, a new folder for the runs of the %d shards", len(dirs))
		}
		plan, err := sweep.Merge(dirs, out)
		if fault.KindOf(err) == fault.Usage { // of the new folder
			return withoutOption(err)
		}
		if err != nil {
			return err
		}
		name, _ := plan.Results()
		return result(name + "\n")
	})
}
