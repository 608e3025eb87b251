// Command pactune fine-tunes BERT on CPUs with PAC-tuning and component-wise
// gradient norm clipping. Results go to stdout, everything else to stderr; the
// exit code tells what kind of error ended it (package internal/fault).
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pactune/asm"
	"pactune/internal/fault"
	"pactune/train"
)

func main() { os.Exit(run(os.Args[1:])) }

// run executes the command line and returns the exit code.
func run(args []string) int {
	s := listen(context.Background())
	defer s.stop()
	root := command()
	root.SetArgs(args)
	err := root.ExecuteContext(s.ctx)
	if code := s.code(); code != 0 {
		if err != nil && s.ctx.Err() == nil {
			complain(err)
		}
		return code
	}
	if err != nil {
		complain(err)
		return int(fault.KindOf(err))
	}
	return 0
}

func complain(err error) {
	fmt.Fprintln(os.Stderr, "pactune: "+strings.TrimSpace(err.Error()))
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "pactune",
		Short: "Fine-tune BERT on CPUs with PAC-tuning and component-wise gradient clipping",
		Long: `pactune fine-tunes BERT on CPUs with PAC-tuning and component-wise gradient clipping.

  pactune train                     the job inside the program: a first look, under two minutes
  pactune train data.csv --model_name_or_path DIR
  pactune train --model_name_or_path DIR --task_name rte --data_dir glue/RTE --method cwgnc
  pactune evaluate runs/001-rte-cwgnc --validation_file more.csv
  echo "a great film" | pactune predict runs/001-sst2-pac -`,
		Version:       train.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return c.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if err := asm.EnvError(); err != nil {
				return fault.Errorf(fault.Usage, "%w", err)
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fault.Errorf(fault.Usage, "%w; options follow the subcommand, as in: pactune train --seed 1", err)
	})
	root.SetOut(os.Stdout)
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(trainCommand(), evaluateCommand(), predictCommand(), initCommand(), versionCommand(), optionsCommand())
	return root
}

func unknownCommand(c *cobra.Command, name string) error {
	near := c.SuggestionsFor(name)
	if len(near) > 0 {
		return fault.Errorf(fault.Usage, "unknown command %q: did you mean pactune %s?", name, near[0])
	}
	return fault.Errorf(fault.Usage, "unknown command %q: there are train, evaluate, predict, init and version", name)
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
