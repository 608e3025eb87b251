package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/sweep"
	"pactune/train"
)

// sweepRequest is what the command was asked for, beside train's options.
type sweepRequest struct {
	seeds, samples, grid, shard, print string
	jobs                               int
}

func (s *sweepRequest) options() []train.Option {
	return []train.Option{
		train.Flag("seeds", "of every point of the grid: 1..30, paper30 or 13,21,42; none: that of train", &s.seeds),
		train.Flag("sample_seeds", "of the random training subset of --train_size, each with every seed", &s.samples),
		train.Flag("grid", "options and their values, as in \"method=adamw,cwgnc learning_rate=1e-5,2e-5\"", &s.grid),
		train.Flag("jobs", "runs side by side, as far as the memory holds them", &s.jobs),
		train.Flag("shard", "i/n: only the i-th of n parts of the runs, for machines that share no folder", &s.shard),
		train.Flag("print", "print a job file of this sweep instead", &s.print, "slurm", "kubernetes"),
	}
}

func sweepCommand() *cobra.Command {
	help := func(bool) {
		fmt.Print(`Usage: pactune sweep [GRID.yaml] [DATA] --output_dir DIR [options of train]

Makes many runs of pactune train: every point of a grid of options, with every seed, each in its own
folder DIR/CELL/seedN, and writes DIR/results.csv. The grid is in GRID.yaml, in --grid, or both; all
other options are those of every run. A run that has ended is left as it is and one that was
interrupted goes on, so the same command goes on with a sweep, and one with more seeds adds theirs.
Several processes, on one machine or on many that see DIR, share the runs; docs/SWEEPS.md has examples.
`)
		s := sweepRequest{jobs: 1}
		train.WriteOptions(os.Stdout, train.InSweep, s.options()...)
	}
	return sub("sweep [GRID.yaml]", "Make many runs: a grid of options times seeds", help, makeSweep)
}

// makeSweep plans a sweep, makes its runs, and prints the file of the results.
func makeSweep(ctx context.Context, args []string) error {
	outlive()
	s := sweepRequest{jobs: 1}
	plan, config, err := s.plan(args)
	if err != nil {
		return err
	}
	w := &sweep.Work{Jobs: max(1, s.jobs), Threads: config.Threads, Builtin: builtin}
	if w.Shard, err = sweep.ParseShard(s.shard); err != nil {
		return err
	}
	if config.MaxMemory > 0 {
		w.Args = append(w.Args, "--max_memory="+config.Text("max_memory"))
	}
	w.Screen = sweep.NewScreen(os.Stderr, config.DisableTqdm, config.Quiet)
	if err := plan.Check(); err != nil {
		return err
	}
	found, err := plan.Look(w)
	if err == nil && s.print != "" {
		return s.printJob(plan, args, w, found)
	}
	if err == nil {
		err = plan.Open()
	}
	if err == nil {
		err = plan.Work(ctx, w, found)
	}
	if err != nil {
		return err
	}
	w.Screen.Summary(plan)
	if name, written := plan.Results(); written {
		return result(name + "\n")
	}
	return nil
}

// printJob prints the file with which a cluster runs this very command.
func (s *sweepRequest) printJob(plan *sweep.Plan, args []string, w *sweep.Work, found map[string]*train.Outlook) error {
	program, err := os.Executable()
	if err != nil || s.print == "kubernetes" {
		program = "pactune" // of the image
	}
	command := []string{program, "sweep"}
	for i := 0; i < len(args); i++ {
		switch name, _, given := strings.Cut(args[i], "="); name {
		case "--print", "--threads":
			if !given {
				i++
			}
		default:
			command = append(command, args[i])
		}
	}
	text, err := plan.JobFile(s.print, command, w, found)
	if err != nil {
		return err
	}
	return result(text)
}

// plan reads the command line and the file of the grid.
func (s *sweepRequest) plan(args []string) (*sweep.Plan, *train.Config, error) {
	grid := &sweep.Grid{}
	var err error
	path, args := takeYAML(args)
	if path != "" {
		if grid, err = sweep.ReadGrid(path); err != nil {
			return nil, nil, err
		}
	}
	config, err := train.ParseArgs(args, s.options()...)
	if err != nil {
		return nil, nil, err
	}
	for _, list := range []struct {
		option, text string
		into         *[]uint64
	}{{"seeds", s.seeds, &grid.Seeds}, {"sample_seeds", s.samples, &grid.SampleSeeds}} {
		if list.text == "" {
			continue
		}
		if *list.into, err = sweep.ParseSeeds(list.text); err != nil {
			return nil, nil, fault.Errorf(fault.Usage, "--%s: %w", list.option, err)
		}
	}
	axes, err := sweep.ParseAxes(s.grid)
	if err != nil {
		return nil, nil, err
	}
	grid.Axes = append(grid.Axes, axes...)
	if err := grid.Take(config); err != nil {
		return nil, nil, err
	}
	plan, err := grid.Plan()
	return plan, config, err
}
