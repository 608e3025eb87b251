package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/pretrain"
	"pactune/train"
)

func resumeCommand() *cobra.Command {
	help := func(bool) {
		fmt.Print(`Usage: pactune resume DIR [options]

Goes on with an interrupted run of pactune train or pactune pretrain from its newest checkpoint, or
from its start where it has none. The result is that of a run that was never interrupted, to the bit.
A run that has ended is left as it is. Of pactune train DIR may also be one of the checkpoints.
`)
		train.WriteOptions(os.Stdout, train.InResume)
	}
	return sub("resume", "Go on with an interrupted run", help, func(ctx context.Context, args []string) error {
		own, rest, err := train.Parse(args, train.InResume)
		if _, _, known := train.Parse(args, train.InTrain, pretrain.NewConfig().Options()...); err != nil && known == nil {
			return fault.Errorf(fault.Usage, "%w; resume keeps the options with which the run was started: start another run to change them", err)
		}
		if err != nil {
			return err
		}
		if len(rest) != 1 {
			return fault.Errorf(fault.Usage, "resume needs the folder of a run, as in: pactune resume runs/001-rte-cwgnc; found %d", len(rest))
		}
		if pretrain.IsRun(rest[0]) {
			return read(own, func(hooks train.Hooks) (*pretrain.Result, error) {
				return pretrain.Resume(ctx, rest[0], own, hooks)
			})
		}
		config, err := train.ReadRun(rest[0], own)
		if err != nil {
			return err
		}
		return train.Profiled(config, func() error { return fineTune(ctx, config) })
	})
}
