package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pactune/embedded"
	"pactune/internal/fault"
	"pactune/train"
)

func trainCommand() *cobra.Command {
	help := func(all bool) {
		fmt.Print(`Usage: pactune train [FILE] [options]

FILE holds examples (.csv, .tsv, .jsonl, .parquet, .txt, or - for the standard input) or, as .json or
.yaml, options. Without a model the encoder inside the program is trained; without FILE the
whole job inside it runs. Options are those of run_glue.py: --a_b, --a-b, --a_b=v. With --seeds 1..30
--output_dir DIR it is a sweep of one cell: pactune sweep --help.
`)
		train.WriteHelp(os.Stdout, all)
		if !all {
			fmt.Print("\nThese are the options of every day; pactune train --help all shows every one, docs/OPTIONS.md too.\n")
		}
	}
	return sub("train [FILE]", "Fine-tune a model", help, func(ctx context.Context, args []string) error {
		args, err := withYAML(args)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(args, func(a string) bool { name, _, _ := strings.Cut(a, "="); return name == "--seeds" }) {
			return makeSweep(ctx, args)
		}
		config, err := train.ParseArgs(args)
		if err != nil {
			return err
		}
		return train.Profiled(config, func() error { return fineTune(ctx, config) })
	})
}

// garbage is how much the heap may grow by what nobody needs, in percent of what
// is live. Nearly all of that are weights, in which the collector has nothing to
// look for: it costs little, and the forecast of the memory holds.
const garbage = 10

// fineTune runs a training job, or goes on with one, and prints what came of it, the run's folder
// last.
func fineTune(ctx context.Context, config *train.Config) error {
	outlive()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	screen := train.NewProgress(os.Stderr, config.Color, config.DisableTqdm, config.Quiet)
	defer screen.Close()
	hooks := screen.Hooks()
	done, err := train.Run(untilEOF(ctx), config, builtin(config), hooks)
	screen.Close()
	if err != nil {
		return err
	}
	if config.JSON {
		return train.WriteJSON(os.Stdout, summary(done))
	}
	for _, e := range done.Evals {
		if !config.Quiet {
			fmt.Fprintln(os.Stderr)
			train.WriteSummary(os.Stderr, e)
		}
	}
	return result(done.Folder + "\n")
}

// builtin is what the program itself has of a job that does not name all of it.
func builtin(config *train.Config) *train.Builtin {
	switch {
	case config.Embedded():
		return embedded.Job()
	case config.ModelNameOrPath == "":
		return embedded.Default()
	}
	return nil
}

// untilEOF ends with the standard input, where the environment asks for it: the run
// of a sweep then ends however the sweep's own process does.
func untilEOF(ctx context.Context) context.Context {
	if os.Getenv(train.UntilEOF) == "" {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}

// result writes what a command was asked for.
func result(text string) error {
	if _, err := os.Stdout.WriteString(text); err != nil {
		return fault.Errorf(fault.Internal, "cannot write the result: %w", err)
	}
	return nil
}

func summary(r *train.Result) map[string]any {
	s := map[string]any{"folder": r.Folder, "steps": r.Steps, "train_loss": r.TrainLoss,
		"seconds": r.Elapsed.Seconds(), "interrupted": r.Interrupted}
	for _, e := range r.Evals {
		s["eval"+e.Suffix] = train.SummaryMap(e)
	}
	return s
}

// oneFolder returns the model folder that a subcommand needs.
func oneFolder(name string, rest []string) (string, error) {
	if len(rest) == 0 {
		return "", fault.Errorf(fault.Usage, "%s needs the folder of a fine-tuned model, as in: pactune %s runs/001-rte-cwgnc", name, name)
	}
	return rest[0], nil
}
