// Command pactune fine-tunes BERT on CPUs with PAC-tuning and component-wise
// gradient norm clipping. Results go to stdout, everything else to stderr; the
// exit code tells what kind of error ended it (package internal/fault).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"pactune/asm"
	"pactune/internal/fault"
	_ "pactune/parquet" // lets glue read .parquet
	"pactune/train"
)

func main() { os.Exit(run(os.Args[1:])) }

// run executes the command line and returns the exit code.
func run(args []string) (code int) {
	s := listen(context.Background())
	defer s.stop()
	defer func() {
		if bug := recover(); bug != nil { // Go itself would exit with 2, which means usage here
			fmt.Fprintf(os.Stderr, "pactune: internal error, please report it: %s\n%s", printable(fmt.Sprint(bug)), debug.Stack())
			code = int(fault.Internal)
		}
	}()
	root := command()
	root.SetArgs(args)
	err := root.ExecuteContext(s.ctx)
	// The code of a signal says that what it ended is saved: it does not hide a failure.
	signalled := s.code()
	if signalled != 0 && (err == nil || err == context.Canceled) {
		return signalled
	}
	if err == nil {
		return 0
	}
	complain(err)
	if signalled != 0 && errors.Is(err, context.Canceled) {
		return signalled
	}
	return int(fault.KindOf(err))
}

func complain(err error) {
	fmt.Fprintln(os.Stderr, "pactune: "+printable(strings.TrimSpace(err.Error())))
}

// printable is a message, of one line or more, without what could steer the
// terminal: names in it come from files.
func printable(message string) string {
	lines := strings.Split(message, "\n")
	for i := range lines {
		lines[i] = train.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

const overview = `pactune fine-tunes BERT on CPUs with PAC-tuning and component-wise gradient clipping.

  pactune train                    run the job inside the program: a first look
  pactune train data.csv --model_name_or_path DIR
                                   fine-tune a model on your own examples
  pactune train --model_name_or_path DIR --task_name rte --data_dir glue/RTE --method cwgnc
                                   fine-tune it on a GLUE task
  pactune sweep GRID.yaml --output_dir DIR
                                   make many runs: a grid of options times seeds
  pactune merge A B --out DIR      gather the runs of a sweep from several machines
  pactune debug-data data.csv      look at data before a training
  pactune evaluate RUN more.csv    score a fine-tuned model on labelled examples
  pactune predict RUN [FILE|-]     classify texts, one a line
  pactune fill-mask --model_name_or_path DIR "he went [MASK] the house ."
                                   guess masked tokens
  pactune plot RUN --out DIR       draw the curves of a run as SVG
  pactune compare A B              judge methods by the runs of many seeds
  pactune report A B --out report.html
                                   show them on one page: curves, verdict, noise, norms, answers
  pactune bench gemm               measure speed beside the peak of this machine; also attention, step,
                                   pretrain, pac, predict
  pactune pretrain --model_config 4x256 --vocab DIR --train_files TEXT…
                                   pretrain a model on plain text
  pactune resume RUN               go on with an interrupted run
  pactune download NAME            fetch a model of huggingface.co into the cache
  pactune init --size mini --vocab vocab.txt DIR
                                   write a checkpoint with random weights
  pactune convert bert/pytorch_model.bin model.safetensors
                                   write weights of PyTorch, or rounded ones, as safetensors
  pactune fewshot --task_name rte --data_dir glue/RTE --out k-shot
                                   write few-shot training sets of a GLUE task
  pactune tasks [--data_dir glue]  print the table of GLUE's tasks, and the rows of their files
  pactune glue-submit RUN… --out submission.zip
                                   write, or check, what the GLUE leaderboard takes
  pactune vocab --size 8000 --out DIR FILE…
                                   learn a WordPiece vocabulary from text
  pactune version [--json]         print the version
  pactune completion SHELL         print a script that completes commands

Each command explains itself: pactune train --help. Results go to stdout, everything else to
stderr. Exit codes: 0 done, 1 unexpected, 2 usage, 3 data, 4 model file, 5 memory or disk,
6 diverged, 130 and 143 ended by a signal after saving; where that fails, the code of the failure.
`

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "pactune",
		Short:         "Fine-tune BERT on CPUs with PAC-tuning and component-wise gradient clipping",
		Version:       train.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			fmt.Print(overview)
			return nil
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return useKernel(os.Getenv("PACTUNE_KERNEL"))
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fault.Errorf(fault.Usage, "%w; options follow the subcommand, as in: pactune train --seed 1", err)
	})
	root.SetOut(os.Stdout)
	root.SetHelpFunc(func(*cobra.Command, []string) { fmt.Print(overview) })
	root.SuggestionsMinimumDistance = 2
	cobra.EnableCommandSorting = false
	root.AddCommand(
		trainCommand(), sweepCommand(), mergeCommand(), evaluateCommand(), predictCommand(), resumeCommand(),
		fillMaskCommand(), pretrainCommand(), vocabCommand(),
		fewshotCommand(), tasksCommand(), debugDataCommand(), glueSubmitCommand(),
		downloadCommand(), initCommand(), convertCommand(),
		plotCommand(), compareCommand(), reportCommand(), benchCommand(),
		versionCommand(), optionsCommand(),
	)
	describeCompletion(root)
	return root
}

// describeCompletion gives cobra's own command the manners of the others.
func describeCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	shells := "bash, zsh, fish and powershell"
	c.SetHelpFunc(func(*cobra.Command, []string) {
		fmt.Printf("Usage: pactune completion SHELL\n\nPrints a script for SHELL that completes the names of commands; there are %s:\n\n  source <(pactune completion bash)\n", shells)
	})
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(*cobra.Command, []string) error {
		return fault.Errorf(fault.Usage, "completion needs the name of a shell, as in: pactune completion bash; there are %s", shells)
	}
}

// useKernel makes the kernels of that name those in use; "" leaves the best.
func useKernel(name string) error {
	if name == "" {
		return nil
	}
	isa, err := asm.ParseISA(name)
	if err == nil {
		err = asm.Use(isa)
	}
	if err != nil {
		return fault.Errorf(fault.Usage, "PACTUNE_KERNEL: %w", err)
	}
	return nil
}

func unknownCommand(c *cobra.Command, name string) error {
	near := c.SuggestionsFor(name)
	if len(near) > 0 {
		return fault.Errorf(fault.Usage, "unknown command %q: did you mean pactune %s?", name, near[0])
	}
	var names []string
	for _, sub := range c.Root().Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	last := len(names) - 1
	return fault.Errorf(fault.Usage, "unknown command %q: there are %s and %s", name, strings.Join(names[:last], ", "), names[last])
}

// sub makes a subcommand whose options the table parses, not cobra.
func sub(use, short string, help func(all bool), do func(ctx context.Context, args []string) error) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, DisableFlagParsing: true,
		RunE: func(c *cobra.Command, args []string) error {
			if wanted, all := helpWanted(args); wanted {
				help(all)
				return nil
			}
			return do(c.Context(), args)
		},
	}
	c.SetHelpFunc(func(*cobra.Command, []string) { help(false) })
	return c
}

// helpWanted finds -h, --help and --help all.
func helpWanted(args []string) (wanted, all bool) {
	for i, a := range args {
		switch a {
		case "--":
			return false, false
		case "-h", "--help":
			return true, i+1 < len(args) && args[i+1] == "all"
		case "--help=all", "--help-all", "--help_all":
			return true, true
		}
	}
	return false, false
}
