package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"pactune/pretrain"
	"pactune/train"
)

func pretrainCommand() *cobra.Command {
	help := func(bool) {
		fmt.Print(`Usage: pactune pretrain --model_config 4x256 --vocab DIR --train_files TEXT… [options]
       pactune pretrain --model_name_or_path DIR --train_files TEXT… [options]

Teaches a model to read, by masked language modelling on plain text: a new one, or one that goes on.
The folder that it leaves is read by pactune train and fill-mask, and by transformers as
BertForMaskedLM. pactune resume DIR goes on with a run that was interrupted.
`)
		train.WriteOptionsOf(os.Stdout, "pretrain", train.InPretrain, pretrain.NewConfig().Options()...)
	}
	return sub("pretrain", "Pretrain a model on plain text", help, func(ctx context.Context, args []string) error {
		config, err := pretrain.ParseArgs(args)
		if err != nil {
			return err
		}
		return read(config.Config, func(hooks train.Hooks) (*pretrain.Result, error) { return pretrain.Run(ctx, config, hooks) })
	})
}

// read runs a pretraining and prints what came of it, the folder last.
func read(config *train.Config, do func(train.Hooks) (*pretrain.Result, error)) error {
	outlive()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	return train.Profiled(config, func() error {
		screen := train.NewProgress(os.Stderr, config.Color, config.DisableTqdm, config.Quiet)
		defer screen.Close()
		done, err := do(screen.Hooks())
		screen.Close()
		if err != nil {
			return err
		}
		if done.Interrupted && !config.Quiet {
			fmt.Fprintf(os.Stderr, "saved after update %d; go on with: pactune resume %s\n", done.Steps, train.Clean(done.Folder))
		}
		if config.JSON {
			return train.WriteJSON(os.Stdout, map[string]any{"folder": done.Folder, "steps": done.Steps, "tokens": done.Tokens,
				"eval_loss": done.Loss, "unigram_loss": done.Unigram, "seconds": done.Elapsed.Seconds(), "interrupted": done.Interrupted})
		}
		return result(done.Folder + "\n")
	})
}
