package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"pactune/autograd"
	"pactune/bert"
	"pactune/embedded"
	"pactune/internal/fault"
	"pactune/internal/fmath"
	"pactune/internal/par"
	"pactune/tensor"
	"pactune/tokenizer"
	"pactune/train"
)

func fillMaskCommand() *cobra.Command {
	asJSON, k := false, 5
	options := func() []train.Option {
		return []train.Option{
			train.Flag("top_k", "how many tokens to give for each mask; 0: all", &k),
			train.Flag("json", "answer in JSON, one line for each sentence", &asJSON),
		}
	}
	help := func(bool) {
		fmt.Print(`Usage: pactune fill-mask ["he went [MASK] the house ."]... [options]

Gives the likeliest tokens for each [MASK] of a sentence, or of each line of the standard input, best
first: score<TAB>token<TAB>sentence. In JSON a sentence is [{"token": ..., "score": ...}, ...], and one
with several masks a list of such lists. Each mask is filled alone, the others staying masked. Without
--model_name_or_path the encoder inside the program answers.
`)
		train.WriteOptions(os.Stdout, train.InFillMask, options()...)
	}
	return sub("fill-mask [SENTENCE]...", "Guess masked tokens", help, func(ctx context.Context, args []string) error {
		config, sentences, err := train.Parse(args, train.InFillMask, options()...)
		if err != nil {
			return err
		}
		f, err := newFiller(config)
		if err != nil {
			return err
		}
		defer f.close()
		f.k, f.json, f.out = k, asJSON, bufio.NewWriter(os.Stdout)
		return train.Profiled(config, func() error {
			if len(sentences) > 0 {
				return f.sentences(ctx, sentences)
			}
			return f.lines(ctx, bufio.NewReader(os.Stdin))
		})
	})
}

// filler answers sentences with a masked language model.
type filler struct {
	model *bert.Model
	tok   *tokenizer.Tokenizer
	mask  int32 // id of [MASK]
	pool  *par.Pool
	tape  *autograd.Tape
	k     int // 0: all
	json  bool
	out   *bufio.Writer
}

const maskToken = "[MASK]"

// newFiller loads the model that the settings name.
func newFiller(c *train.Config) (*filler, error) {
	var builtin *train.Builtin
	if c.ModelNameOrPath == "" {
		builtin = embedded.Default()
	}
	checkpoint, tok, err := train.OpenModel(c, builtin)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	f, dir := &filler{tok: tok}, checkpoint.Path
	id, ok := f.tok.ID(maskToken)
	if !ok {
		return nil, fault.Errorf(fault.Model, "%s: the vocabulary lacks %s", dir, maskToken)
	}
	f.mask = id
	if f.model, err = bert.New(checkpoint.Config, bert.HeadMLM, 0); err != nil {
		return nil, err
	}
	if lacks := checkpoint.Lacks(f.model); len(lacks) > 0 {
		return nil, fault.Errorf(fault.Model, "%s: no masked language model: %s %s missing; expected a BertForMaskedLM, not one fine-tuned for another task",
			dir, strings.Join(lacks, ", "), map[bool]string{true: "is", false: "are"}[len(lacks) == 1])
	}
	if err := checkpoint.Restore(f.model); err != nil {
		return nil, err
	}
	precision, err := tensor.ParsePrecision(c.Precision)
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "--precision: %w", err)
	}
	f.pool = par.New(train.Threads(c.Threads))
	f.tape = autograd.NewTape(f.pool)
	f.tape.SetPrecision(precision)
	return f, nil
}

func (f *filler) close() { f.pool.Close() }

// sentences answers those of the command line. It refuses a bad one before
// the first answer.
func (f *filler) sentences(ctx context.Context, texts []string) error {
	questions := make([]maskedText, len(texts))
	for i, text := range texts {
		q, err := f.parse(text)
		if err != nil {
			kind := fault.KindOf(err)
			if kind == fault.Data {
				kind = fault.Usage
			}
			return fault.Errorf(kind, "sentence %d: %w", i+1, err)
		}
		questions[i] = q
	}
	for i, q := range questions {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.answer(q); err != nil {
			return fault.Errorf(fault.KindOf(err), "sentence %d: %w", i+1, err)
		}
	}
	return nil
}

// lines answers a line as soon as it has come.
func (f *filler) lines(ctx context.Context, in *bufio.Reader) error {
	type line struct {
		text string
		end  error
	}
	come := make(chan line)
	go func() { // apart, because a read that waits for a line cannot be ended
		for {
			text, end := in.ReadString('\n')
			select {
			case come <- line{text, end}:
			case <-ctx.Done():
				return
			}
			if end != nil {
				return
			}
		}
	}()
	for n := 1; ; n++ {
		var l line
		select {
		case l = <-come:
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.text != "" {
			q, err := f.parse(strings.TrimRight(l.text, "\r\n"))
			if err == nil {
				err = f.answer(q)
			}
			if err != nil {
				return fault.Errorf(fault.KindOf(err), "standard input: line %d: %w", n, err)
			}
		}
		if l.end == io.EOF {
			return nil
		}
		if l.end != nil {
			return fault.Errorf(fault.Data, "standard input: %w", l.end)
		}
	}
}

// maskedText is a sentence and its tokens; at are the rows of its masks.
type maskedText struct {
	text       string
	ids, types []int32
	at         []int32
}

// parse reads a sentence. Errors are of kind Data, or Model.
func (f *filler) parse(text string) (q maskedText, err error) {
	if i := invalid(text); i >= 0 {
		return q, fault.Errorf(fault.Data, "byte %d is not UTF-8; convert it, for example with iconv", i+1)
	}
	var e tokenizer.Encoding
	f.tok.Encode(&e, text, "", false, f.model.Config.MaxPositions)
	if e.Truncated {
		return q, fault.Errorf(fault.Data, "found more than the %d tokens that the model has positions for", f.model.Config.MaxPositions)
	}
	q = maskedText{text: text, ids: e.IDs, types: e.Types}
	for i, id := range e.IDs {
		if id == f.mask {
			q.at = append(q.at, int32(i))
		}
	}
	written := strings.Count(text, maskToken)
	if written == 0 {
		return q, fault.Errorf(fault.Data, "found no %s in %q; expected one in place of each token to guess", maskToken, text)
	}
	if written != len(q.at) {
		return q, fault.Errorf(fault.Model, "the model's tokeniser reads %q as %d tokens %s; expected each to be one", text, len(q.at), maskToken)
	}
	return q, nil
}

// candidate is a token for a mask and its probability.
type candidate struct {
	Token string  `json:"token"`
	Score float64 `json:"score"`
}

// answer writes the candidates of every mask of a sentence.
func (f *filler) answer(q maskedText) error {
	f.tape.Reset(autograd.Sequences{RowStarts: []int32{0, int32(len(q.ids))}, ExampleIDs: []uint32{0}}, false)
	logits := f.model.MaskedLogits(f.tape, q.ids, q.types, q.at, bert.Dropout{})
	masks := make([][]candidate, len(q.at))
	for i := range masks {
		scores := make([]float64, logits.Cols)
		for v, z := range logits.Data[i*logits.Cols : (i+1)*logits.Cols] {
			scores[v] = float64(z)
		}
		if best := fmath.Softmax(scores); math.IsNaN(scores[best]) {
			return fault.Errorf(fault.Model, "the answer is %v: the model's activations overflow", scores[best])
		}
		masks[i] = f.best(scores)
	}
	if f.json {
		f.writeJSON(masks)
	} else {
		f.writeText(q.text, masks)
	}
	if err := f.out.Flush(); err != nil {
		return fault.Errorf(fault.Internal, "cannot write: %w", err)
	}
	return nil
}

// best are the k tokens of the highest scores, the first in the vocabulary among
// equals. A table of embeddings may be padded beyond the vocabulary.
func (f *filler) best(scores []float64) []candidate {
	var all []candidate
	for id, score := range scores {
		if token := f.tok.Token(id); token != "" {
			all = append(all, candidate{token, score})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.Score, a.Score) })
	if f.k == 0 {
		return all
	}
	return all[:min(f.k, len(all))]
}

func (f *filler) writeJSON(masks [][]candidate) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if len(masks) == 1 {
		e.Encode(masks[0]) // into memory
	} else {
		e.Encode(masks)
	}
	f.out.Write(train.CleanJSON(text.Bytes())) // errors of writing stay in f.out until Flush
}

func (f *filler) writeText(text string, masks [][]candidate) {
	clean := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	for i, candidates := range masks {
		for _, c := range candidates {
			f.out.WriteString(strconv.FormatFloat(c.Score, 'f', 4, 64) + "\t" + train.Clean(c.Token) + "\t" + train.Clean(clean.Replace(filled(text, i, c.Token))) + "\n")
		}
	}
}

// filled is the text with its mask i, from 0, replaced; the continuation of a
// word joins it.
func filled(text string, i int, token string) string {
	at := 0
	for ; i > 0; i-- {
		at += strings.Index(text[at:], maskToken) + len(maskToken)
	}
	at += strings.Index(text[at:], maskToken)
	before, after := text[:at], text[at+len(maskToken):]
	if piece, ok := strings.CutPrefix(token, "##"); ok && piece != "" {
		before, token = strings.TrimRight(before, " "), piece
	}
	return before + token + after
}

// invalid returns the place of the first byte that is not UTF-8, or −1.
func invalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}
