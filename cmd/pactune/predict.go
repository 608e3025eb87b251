package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"pactune/classify"
	"pactune/hub"
	"pactune/internal/fault"
	"pactune/train"
)

func predictCommand() *cobra.Command {
	asJSON, probs, length := false, false, 0
	options := func() []train.Option {
		return []train.Option{
			train.Flag("probs", "the probability of every label, not only of the likeliest", &probs),
			train.Flag("json", "answer in JSON lines also where text was read", &asJSON),
			train.Flag("max_seq_length", "tokens that are read of a text; 0: as many as the model has positions for", &length),
		}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune predict DIR [FILE|-] [options]

Answers one line for each line of FILE, or of the standard input. A line of text gives
label<TAB>probability; two texts that belong together stand on one line with a tab between. A line
of JSON, {"text": ...} or {"sentence1": ..., "sentence2": ...}, gives a line of JSON, with its "id".
Of a model with several labels a text, all that are likely are given, separated by commas.
`)
		train.WriteOptions(os.Stdout, train.InPredict, options()...)
	}
	return sub("predict DIR [FILE|-]", "Classify texts", help, func(ctx context.Context, args []string) error {
		config, rest, err := train.Parse(args, train.InPredict, options()...)
		if err != nil {
			return err
		}
		dir, err := oneFolder("predict", rest)
		if err != nil {
			return err
		}
		if dir, err = hub.Folder(dir, config.ModelRevision, config.CacheDir, hub.Model); err != nil {
			return err
		}
		if len(rest) > 2 {
			return fault.Errorf(fault.Usage, "predict takes one folder and one file, found also %q", rest[2])
		}
		name := "-"
		if len(rest) == 2 {
			name = rest[1]
		}
		switch filepath.Ext(name) {
		case ".csv", ".tsv", ".parquet":
			return fault.Errorf(fault.Usage, "%s: predict reads texts one a line, or JSON lines, not tables: write the texts so; pactune evaluate DIR %s scores a labelled table", name, name)
		}
		in, err := openInput(name)
		if err != nil {
			return err
		}
		defer in.Close()
		model, err := classify.Load(dir, classify.WithThreads(train.Threads(config.Threads)), classify.WithMaxLength(length), classify.WithPrecision(config.Precision))
		if err != nil { // without the library's own words, which no other command says
			return fault.Errorf(fault.KindOf(err), "%s", strings.TrimPrefix(err.Error(), classify.ErrModel.Error()+": "))
		}
		defer model.Close()
		if name == "-" {
			name = "standard input"
		}
		p := &predictor{model: model, name: name, in: bufio.NewReader(in), out: bufio.NewWriter(os.Stdout),
			json: asJSON, probs: probs, labels: model.Labels(), screen: train.IsTerminal(os.Stdout), note: note}
		err = train.Profiled(config, func() error { return p.run(ctx) })
		if p.cut > 1 {
			note(fmt.Sprintf("%s: the end of %d of %d texts was not read", name, p.cut, p.line))
		}
		return err
	})
}

// note tells the user of something beside the results.
func note(text string) { fmt.Fprintln(os.Stderr, "note    "+train.Clean(text)) }

// openInput opens a file of text, or the standard input for "-".
func openInput(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		return nil, fault.Errorf(fault.Data, "%s: is a folder; expected a file with a text a line, or - for the standard input", name)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.Errorf(fault.Data, "%s: no such file; expected a file with a text a line, or - for the standard input", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%w", err)
	}
	return f, nil
}
