// Package classify answers with a fine-tuned model: the library for services
// that cannot have cgo.
//
//	c, err := classify.Load("runs/001-sst2-pac", classify.WithThreads(4))
//	…
//	results, err := c.Predict(ctx, []string{"a fine film", "a dull evening"})
//	fmt.Println(results[0].Label, results[0].Score)
//
// A Classifier is safe for concurrent use. It holds its weights in memory: the
// folder may be moved, changed or removed once Load has returned. There is no
// global state, nothing is logged, nothing panics across this package's
// functions, and nothing exits.
//
// Texts are not padded to a common length, and the answer to a text does not
// depend on what else is asked at the same time: it has the same bits alone,
// in a batch, and on any number of threads.
package classify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sync"

	"pactune/bert"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tensor"
	"pactune/tokenizer"
)

// Errors that callers ask for with errors.Is.
var (
	// ErrModel is a folder that is not a model, is damaged, or does not fit
	// together; the message names the file and what is wrong with it.
	ErrModel = errors.New("classify: not a usable model")
	// ErrClosed is a call after Close.
	ErrClosed = errors.New("classify: closed")
)

// Result is the answer to one text.
type Result struct {
	Label string  // the likeliest label; "" for a regression and, with several labels, when none is likely
	Score float64 // its probability; the predicted value for a regression
	// Labels are, of a multi-label model, all labels with a probability of one
	// half or more, in the order of Classifier.Labels; of other models nil.
	Labels []string
	// Scores are the probabilities of all labels in the order of Labels; of a
	// multi-label model each stands alone, of a regression it is the value.
	Scores []float64
	// Truncated says that the text was longer than the model reads, and its
	// end was left out.
	Truncated bool
}

// Pair is two texts that belong together, such as premise and hypothesis.
type Pair struct{ A, B string }

// Option changes how a model is loaded.
type Option func(*options)

type options struct {
	threads, maxLength int
	precision          string
}

// WithThreads sets how many goroutines share the work of one call, 1 by
// default.
func WithThreads(n int) Option { return func(o *options) { o.threads = n } }

// WithMaxLength sets the number of tokens, special ones included, after which
// a text is truncated. The default, and the upper limit, is what the model has
// positions for.
func WithMaxLength(n int) Option { return func(o *options) { o.maxLength = n } }

// WithPrecision sets how matrix products read their operands: "f32", the
// default, as they are, or "bf16", rounded to bfloat16, which is faster on
// processors with instructions for it.
func WithPrecision(name string) Option { return func(o *options) { o.precision = name } }

// Classifier is a loaded model.
type Classifier struct {
	model     *bert.Model
	tokenizer *tokenizer.Tokenizer
	labels    []string
	maxLength int
	pool      *par.Pool
	precision tensor.Precision

	mu       sync.RWMutex // held for reading while a call runs
	closed   bool
	sessions sync.Pool
}

// Load reads a run folder, or any folder of a BERT for sequence classification
// in Hugging Face's format.
func Load(dir string, opts ...Option) (*Classifier, error) {
	return load(os.DirFS(dir), ".", func() (*bert.Checkpoint, error) { return bert.Open(dir) }, opts)
}

// LoadFS reads a model folder of a file system, for example an embed.FS.
func LoadFS(fsys fs.FS, dir string, opts ...Option) (*Classifier, error) {
	return load(fsys, dir, func() (*bert.Checkpoint, error) { return bert.OpenFS(fsys, dir) }, opts)
}

func load(fsys fs.FS, dir string, open func() (*bert.Checkpoint, error), opts []Option) (c *Classifier, err error) {
	defer guard(&err)
	o := options{threads: 1, precision: "f32"}
	for _, set := range opts {
		set(&o)
	}
	precision, err := tensor.ParsePrecision(o.precision)
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "classify.WithPrecision: %w", err)
	}
	checkpoint, err := open()
	if err != nil {
		return nil, unusable(err)
	}
	defer checkpoint.Close()
	c = &Classifier{precision: precision}
	if c.tokenizer, err = tokenizer.Load(fsys, dir); err != nil {
		return nil, unusable(fmt.Errorf("%s: %w", checkpoint.Path, err))
	}
	if err = c.build(checkpoint); err != nil {
		return nil, unusable(err)
	}
	c.maxLength = checkpoint.Config.MaxPositions
	if o.maxLength > 0 {
		c.maxLength = min(c.maxLength, max(o.maxLength, 3))
	}
	c.pool = par.New(o.threads)
	c.sessions.New = func() any { return newSession(c) }
	return c, nil
}

// build makes the model and its labels from a checkpoint.
func (c *Classifier) build(checkpoint *bert.Checkpoint) error {
	head, width := checkpoint.Head()
	if head == bert.HeadNone {
		return fmt.Errorf("%s: holds an encoder without a classifier; fine-tune it first", checkpoint.Path)
	}
	if err := checkpoint.Fits(c.tokenizer.VocabSize()); err != nil {
		return err
	}
	labels, err := checkpoint.Labels()
	if err != nil {
		return err
	}
	if len(labels) == 0 {
		for i := range width {
			labels = append(labels, fmt.Sprintf("LABEL_%d", i))
		}
	}
	c.labels = labels
	if c.model, err = bert.New(checkpoint.Config, head, width); err != nil {
		return err
	}
	return checkpoint.Restore(c.model)
}

// Labels returns the label names in the order of Result.Scores.
func (c *Classifier) Labels() []string { return append([]string(nil), c.labels...) }

// Predict answers one text after the other. It stops between batches when ctx
// ends and returns ctx's error.
func (c *Classifier) Predict(ctx context.Context, texts []string) ([]Result, error) {
	return c.run(ctx, len(texts), func(i int) (string, string, bool) { return texts[i], "", false })
}

// PredictPairs answers pairs of texts. A model with one token type cannot read
// them, which is an ErrModel.
func (c *Classifier) PredictPairs(ctx context.Context, pairs []Pair) (out []Result, err error) {
	defer guard(&err)
	if n := c.model.Config.TypeVocab; n < 2 && len(pairs) > 0 {
		return nil, unusable(fmt.Errorf("type_vocab_size is %d: the model reads single texts, not pairs", n))
	}
	return c.run(ctx, len(pairs), func(i int) (string, string, bool) { return pairs[i].A, pairs[i].B, true })
}

func (c *Classifier) run(ctx context.Context, n int, text func(int) (a, b string, pair bool)) (out []Result, err error) {
	defer guard(&err)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return nil, ErrClosed
	}
	s := c.sessions.Get().(*session)
	defer c.sessions.Put(s)
	out = make([]Result, 0, n)
	for i := 0; i < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.reset()
		for ; i < n && s.room(); i++ {
			s.add(text(i))
		}
		from := len(out)
		out = s.answer(out)
		for _, r := range out[from:] {
			if math.IsNaN(r.Score) || math.IsInf(r.Score, 0) {
				return nil, unusable(fmt.Errorf("the answer to text %d is %v: its activations overflow", from, r.Score))
			}
			from++
		}
	}
	return out, nil
}

// Close ends the model's workers, after the calls that are running. Later
// calls return ErrClosed.
func (c *Classifier) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.pool.Close()
	}
	return nil
}

func unusable(err error) error { return fault.Errorf(fault.Model, "%w: %w", ErrModel, err) }

// guard turns a panic, a bug of this package or below, into an error.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("classify: internal error: %v", r)
	}
}
