package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pactune/bert"
	"pactune/internal/fault"
	"pactune/internal/plural"
	"pactune/tokenizer"
	"pactune/train"
)

// shapes explains an option that names one.
const shapes = "tiny 2x128, mini 4x256, small 4x512, base 12x768, large 24x1024, or any other layers x width, with /N for N heads"

func initCommand() *cobra.Command {
	architecture, size, vocab, seed, cased := "bert", "mini", "", uint64(42), false
	options := func() []train.Option {
		return []train.Option{
			train.Flag("architecture", "the kind of model", &architecture, "bert"),
			train.Flag("size", shapes, &size),
			train.Flag("vocab", "folder or vocab.txt of a WordPiece tokeniser", &vocab),
			train.Flag("cased", "a vocab.txt tells capitals from small letters; a folder says so itself", &cased),
			train.Flag("seed", "seed of the weights", &seed),
		}
	}
	help := func(bool) {
		fmt.Println("Usage: pactune init --size mini --vocab vocab.txt --seed 1 DIR\n\nWrites a checkpoint with random weights in Hugging Face's format into a new folder.")
		train.WriteOptions(os.Stdout, 0, options()...)
	}
	return sub("init", "Write a checkpoint with random weights", help, func(_ context.Context, args []string) error {
		_, rest, err := train.Parse(args, 0, options()...)
		if err != nil {
			return err
		}
		if len(rest) != 1 {
			return fault.Errorf(fault.Usage, "init needs one folder to write into, as in: pactune init --size mini --vocab vocab.txt DIR; found %d", len(rest))
		}
		if vocab == "" {
			return fault.Errorf(fault.Usage, "--vocab is missing: expected a vocab.txt, one token a line, or the folder of a tokeniser")
		}
		return writeModel(rest[0], size, vocab, cased, seed)
	})
}

// writeModel draws a model and writes it, whole or not at all.
func writeModel(dir, size, vocab string, cased bool, seed uint64) error {
	if err := train.CheckOutput(&train.Config{OutputDir: dir}); err != nil {
		return withoutOption(err)
	}
	tok, err := tokenizer.Open(vocab, tokenizer.Options{Lowercase: !cased})
	if err != nil {
		return fault.Errorf(fault.KindOf(err), "--vocab %w", err)
	}
	config, err := bert.Sized(size, tok.VocabSize())
	if err != nil {
		return err
	}
	model, err := bert.New(config, bert.HeadNone, 0)
	if err != nil {
		return err
	}
	model.Initialise(seed)
	folder, err := train.NewFolder(&train.Config{OutputDir: dir})
	if err != nil {
		return withoutOption(err)
	}
	defer folder.Discard()
	if err := train.WriteModel(folder.Write, model, tok); err != nil {
		return err
	}
	if err := folder.Publish(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s: %s of width %d, %s, %s from seed %d\n",
		train.Clean(dir), plural.Of(config.Layers, "layer"), config.HiddenSize, plural.Of(tok.VocabSize(), "token"), plural.Of(weights(model), "weight"), seed)
	fmt.Println(dir)
	return nil
}

// withoutOption rewords an error about --output_dir for a command that has not
// that option.
func withoutOption(err error) error {
	reword := strings.NewReplacer("--output_dir ", "", "; name a new folder, or leave the option out for runs/NNN-…", "; name a new folder", " with --output_dir", "")
	return fault.Errorf(fault.KindOf(err), "%s", reword.Replace(err.Error()))
}

func weights(m *bert.Model) int {
	n := 0
	for _, p := range m.Store.Params {
		n += len(p.Clean)
	}
	return n
}
