package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tokenizer"
	"pactune/tokenizer/learn"
	"pactune/train"
)

const vocabHelp = `Usage: pactune vocab --size 8000 --out DIR FILE…

Learns a WordPiece vocabulary from texts, which gzip may have packed; - is the standard input.
Writes vocab.txt, tokenizer.json, tokenizer_config.json and special_tokens_map.json into a new
folder, which Hugging Face's AutoTokenizer reads too. pactune init --vocab DIR/vocab.txt makes a
model for it.
`

func vocabCommand() *cobra.Command {
	v := &vocabulary{size: 30000, alphabet: 1000}
	options := func() []train.Option {
		return []train.Option{
			train.Flag("size", "pieces of the vocabulary, special tokens included", &v.size),
			train.Flag("out", "new or empty folder", &v.out),
			train.Flag("cased", "the vocabulary tells capitals from small letters", &v.cased),
			train.Flag("limit_alphabet", "most frequent characters that have pieces; words with others are unknown; 0: all", &v.alphabet),
		}
	}
	help := func(bool) {
		fmt.Print(vocabHelp)
		train.WriteOptions(os.Stdout, train.InVocab, options()...)
	}
	return sub("vocab FILE…", "Learn a WordPiece vocabulary from text", help, func(ctx context.Context, args []string) error {
		config, files, err := train.Parse(args, train.InVocab, options()...)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fault.Errorf(fault.Usage, "vocab needs a text, as in: pactune vocab --size 8000 --out DIR wiki.txt.gz; - reads the standard input")
		}
		if v.out == "" {
			return fault.Errorf(fault.Usage, "--out is missing: expected a new or an empty folder")
		}
		v.files, v.pool = files, par.New(train.Threads(config.Threads))
		defer v.pool.Close()
		return v.make(ctx, config)
	})
}

// vocabulary is what `pactune vocab` is asked for, and what came of it.
type vocabulary struct {
	size, alphabet int
	out            string
	cased          bool
	files          []string
	pool           *par.Pool

	learnt  *learn.Vocabulary
	bytes   int64
	bad     int
	seconds float64
}

// make learns the vocabulary and writes it, whole or not at all. The folder is
// made first: long texts are not read for nothing.
func (v *vocabulary) make(ctx context.Context, config *train.Config) error {
	start := time.Now()
	folder, err := train.NewFolder(&train.Config{OutputDir: v.out})
	if err != nil {
		return withoutOption(err)
	}
	defer folder.Discard()
	counter := learn.NewCounter(v.pool, tokenizer.Options{Lowercase: !v.cased})
	for _, name := range v.files {
		if err := v.read(ctx, counter, name); err != nil {
			return err
		}
	}
	switch v.learnt, err = counter.Learn(ctx, v.size, v.alphabet); fault.KindOf(err) {
	case fault.Usage:
		return fault.Errorf(fault.Usage, "--size %d: %w (--limit_alphabet)", v.size, err)
	case fault.Data:
		return fault.Errorf(fault.Data, "%s: %w", strings.Join(v.files, ", "), err)
	}
	if err != nil {
		return err
	}
	if err := v.learnt.Tokenizer.WriteFiles(func(name string, data []byte) error {
		return folder.Write(name, func(w io.Writer) error { _, err := w.Write(data); return err })
	}); err != nil {
		return err
	}
	if err := folder.Publish(); err != nil {
		return err
	}
	v.seconds = time.Since(start).Seconds()
	v.warn(os.Stderr)
	if !config.Quiet {
		v.describe(os.Stderr)
	}
	if config.JSON {
		return train.WriteJSON(os.Stdout, v.record())
	}
	return result(v.out + "\n")
}

func (v *vocabulary) read(ctx context.Context, counter *learn.Counter, name string) error {
	in, err := openInput(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if name == "-" {
		name = "standard input"
	}
	source, err := counter.Add(ctx, name, in)
	if err != nil {
		return err
	}
	v.bytes += source.Bytes
	v.bad += source.Bad
	if source.Bad > 0 {
		fmt.Fprintf(os.Stderr, "note    %s: line %d: found bytes that are not UTF-8, %d in the file; they are left out\n", train.Clean(name), source.BadLine, source.Bad)
	}
	return nil
}

// describe tells a person what was learnt.
func (v *vocabulary) describe(w io.Writer) {
	l := v.learnt
	fmt.Fprintf(w, "text    %.1f MB, %d words, %d distinct\n", float64(v.bytes)/1e6, l.Words, l.Distinct)
	fmt.Fprintf(w, "vocab   %d pieces, of %d characters; %.3f pieces a word, %.3f %% of the words unknown\n",
		l.Tokenizer.VocabSize(), l.Characters, float64(l.Pieces)/float64(l.Words), 100*float64(l.Unknown)/float64(l.Words))
	fmt.Fprintf(w, "time    %.1f s\n", v.seconds)
}

// warn tells what the user may not expect of the vocabulary.
func (v *vocabulary) warn(w io.Writer) {
	if n := v.learnt.Tokenizer.VocabSize(); n < v.size {
		fmt.Fprintf(w, "note    %d pieces instead of %d: the text has no other pair that occurs twice\n", n, v.size)
	}
	if n := v.learnt.Long; n > 0 {
		fmt.Fprintf(w, "note    %d words of more than %d characters were passed over: they are always unknown\n", n, tokenizer.MaxWord)
	}
}

// record is what describe tells, for a program.
func (v *vocabulary) record() map[string]any {
	l := v.learnt
	return map[string]any{
		"folder": v.out, "bytes": v.bytes, "invalid_bytes": v.bad, "seconds": v.seconds,
		"words": l.Words, "distinct_words": l.Distinct, "long_words": l.Long, "unknown_words": l.Unknown,
		"pieces": l.Tokenizer.VocabSize(), "characters": l.Characters, "pieces_per_word": float64(l.Pieces) / float64(l.Words),
	}
}
