package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"pactune/bench"
	"pactune/internal/fault"
	"pactune/tensor"
	"pactune/train"
)

// benches are the subcommands of bench. One that has models of a shape has
// some of the options model, vocab_size, batch, seq and steps, with these defaults.
var benches = []struct {
	name, about string
	shape       bench.Options
	options     []string
}{
	{"gemm", "matrix products of BERT-base, and odd ones", bench.Options{}, []string{"seconds"}},
	{"attention", "packed attention of 12 heads of 64, forward and backward", bench.Options{}, []string{"seconds"}},
	{"step", "a training step: AdamW, dropout 0.1, random tokens", bench.Options{Model: "base", Batch: 16, Seq: 128}, []string{"model", "batch", "seq", "steps", "profile"}},
	{"pretrain", "an update of pretraining: 15 % of random tokens masked", bench.Options{Model: "4x256", Batch: 64, Seq: 128, VocabSize: 8000}, []string{"model", "vocab_size", "batch", "seq", "steps", "profile"}},
	{"pac", "an update of PAC-tuning, its passes alone, the K table, the evaluation", bench.Options{Model: "base"}, []string{"model", "train_file", "validation_file", "vocab", "steps"}},
	{"predict", "the answer to one text, and to a batch", bench.Options{Model: "base", Batch: 32}, []string{"model", "batch", "seq", "seconds"}},
}

const benchHelp = `Usage: pactune bench gemm|attention|step|pretrain|pac|predict [options]

Times what pactune spends its time on, beside the peak of this machine in the same run. Models are
shapes with weights from a seed; no files are needed.

`

func benchCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "bench", Short: "Measure speed beside the peak of the machine",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.Errorf(fault.Usage, "bench needs a name of what to time, as in: pactune bench gemm; there are gemm, attention, step, pretrain, pac and predict")
			}
			return bench.Run(context.Background(), args[0], bench.Options{}, nil)
		},
	}
	root.SetHelpFunc(func(*cobra.Command, []string) {
		fmt.Print(benchHelp)
		for _, b := range benches {
			fmt.Printf("  pactune bench %-10s %s\n", b.name, b.about)
		}
		fmt.Println("\nEach has options of its own: pactune bench step --help.")
	})
	for _, b := range benches {
		root.AddCommand(benchKind(b.name, b.about, b.shape, b.options))
	}
	return root
}

// benchKind makes the subcommand of one kind.
func benchKind(name, about string, o bench.Options, takes []string) *cobra.Command {
	o.Seconds, o.Steps = 0.5, 5
	asJSON := false
	known := map[string]train.Option{
		"seconds":         train.Flag("seconds", "least time of the repetitions of each line", &o.Seconds),
		"model":           train.Flag("model", shapes, &o.Model),
		"vocab_size":      train.Flag("vocab_size", "tokens of the vocabulary", &o.VocabSize),
		"batch":           train.Flag("batch", "texts in a batch", &o.Batch),
		"seq":             train.Flag("seq", "tokens of a text; of predict 0: as many as the sentences of SST-2 have", &o.Seq),
		"steps":           train.Flag("steps", "repetitions", &o.Steps),
		"profile":         train.Flag("profile", "time each op and part of the step as well", &o.Profile),
		"train_file":      train.Flag("train_file", "examples of two classes; none: random tokens, as many as 100 phrases of SST-2 have", &o.TrainFile),
		"validation_file": train.Flag("validation_file", "examples to evaluate on", &o.ValidationFile),
		"vocab":           train.Flag("vocab", "vocab.txt for the texts of the files", &o.Vocab),
	}
	options := func() []train.Option {
		var list []train.Option
		for _, name := range takes {
			list = append(list, known[name])
		}
		return append(list, train.Flag("json", "every line as a JSON object", &asJSON))
	}
	help := func(bool) {
		fmt.Printf("Usage: pactune bench %s [options]\n\nTimes %s.\n", name, about)
		train.WriteOptions(os.Stdout, train.InBench, options()...)
	}
	return sub(name, about, help, func(ctx context.Context, args []string) error {
		config, rest, err := train.Parse(args, train.InBench, options()...)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			return fault.Errorf(fault.Usage, "bench %s takes no argument, found %q", name, rest[0])
		}
		o.Threads = config.Threads
		if o.Precision, err = tensor.ParsePrecision(config.Precision); err != nil {
			return fault.Errorf(fault.Usage, "--precision: %w", err)
		}
		emit := bench.Table(os.Stdout)
		if asJSON {
			emit = bench.JSON(os.Stdout)
		}
		return bench.Run(ctx, name, o, emit)
	})
}
