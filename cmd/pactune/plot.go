package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/plot"
	"pactune/train"
)

const plotHelp = `Usage: pactune plot RUN… --out DIR

Draws the course of a run from the files of its folder, as SVG, and prints the paths.

One run     curves.svg       loss, the terms of PAC-tuning's bound, metric beside the majority line
            components.svg   gradient norm of every tensor, clip rate
Several     RUN-curves.svg and RUN-components.svg of each, and
            compare.svg      loss, metric and clip rate over one another; of pretrainings the
                             held-out loss over time and over tokens

A run that still trains can be drawn too. A picture of the same name is replaced.
`

func plotCommand() *cobra.Command {
	out := "."
	options := func() []train.Option {
		return []train.Option{train.Flag("out", "folder of the pictures; it is made when it does not exist", &out)}
	}
	help := func(bool) {
		fmt.Print(plotHelp)
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("plot RUN…", "Draw the curves of runs as SVG", help, func(_ context.Context, args []string) error {
		_, dirs, err := train.Parse(args, 0, options()...)
		if err != nil {
			return err
		}
		if len(dirs) == 0 {
			return fault.Errorf(fault.Usage, "plot needs the folder of a run, as in: pactune plot runs/001-rte-cwgnc --out pictures")
		}
		return drawRuns(dirs, out)
	})
}

// drawRuns reads every run before it writes a picture.
func drawRuns(dirs []string, out string) error {
	runs, err := readRuns(dirs)
	if err != nil {
		return err
	}
	if err := files.MakeFolders(files.OS, out); err != nil {
		return fault.Errorf(fault.KindOf(err), "--out %w", err)
	}
	for _, r := range runs {
		prefix := ""
		if len(runs) > 1 {
			prefix = r.Name + "-"
		}
		if err := writePicture(filepath.Join(out, prefix+"curves.svg"), plot.Curves(r)); err != nil {
			return err
		}
		if len(r.Components) == 0 {
			continue
		}
		if err := writePicture(filepath.Join(out, prefix+"components.svg"), plot.Components(r)); err != nil {
			return err
		}
	}
	if len(runs) == 1 {
		return nil
	}
	return writePicture(filepath.Join(out, "compare.svg"), plot.Compare(runs))
}

// readRuns reads runs and gives those of one name numbers.
func readRuns(dirs []string) ([]*plot.Run, error) {
	var runs []*plot.Run
	taken := map[string]bool{}
	for _, dir := range dirs {
		r, err := plot.Read(dir)
		if err != nil {
			return nil, err
		}
		name := r.Name
		for n := 2; taken[r.Name]; n++ {
			r.Name = fmt.Sprintf("%s-%d", name, n)
		}
		taken[r.Name] = true
		runs = append(runs, r)
	}
	return runs, nil
}

func writePicture(path string, f *plot.Figure) error {
	_, err := files.WriteFile(files.OS, path, func(w io.Writer) error { _, err := w.Write(f.SVG()); return err })
	if err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
