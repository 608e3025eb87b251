package bench

import (
	"context"
	"os"
	"strconv"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/pac"
	"pactune/tokenizer"
	"pactune/train"
)

// pacBatch is the paper's batch: the examples of an update, where there are as
// many.
const pacBatch = 100

// pacTexts are what PAC-tuning is timed on.
type pacTexts struct {
	vocab      int
	train      *glue.Encoded
	validation *glue.Encoded // nil for none
}

// runPAC times an update of PAC-tuning by the paper's recipe (frozen
// embeddings, head on [CLS], no dropout), the same forward and backward passes
// alone, the K table and the evaluation. Updates and passes take turns, so
// that what else the machine does weighs on both.
func runPAC(ctx context.Context, o *Options, emit func(*Result) error) error {
	texts, err := readTexts(o)
	if err != nil {
		return err
	}
	pool := par.New(o.Threads)
	defer pool.Close()
	p, err := newPACBench(o, texts, pool)
	if err != nil {
		return err
	}
	if err := p.updates(ctx, emit); err != nil {
		return err
	}
	if err := p.alone(ctx, p.table(ctx), emit); err != nil {
		return err
	}
	if texts.validation == nil {
		return nil
	}
	return p.alone(ctx, p.evaluation(ctx, texts.validation), emit)
}

// pacBench is a model in PAC-tuning.
type pacBench struct {
	o       *Options
	config  *bert.Config
	u       *train.Updates
	lengths []int // tokens of the examples
	batch   int
}

func newPACBench(o *Options, texts *pacTexts, pool *par.Pool) (*pacBench, error) {
	if err := unless(o.Steps >= 1, "--steps %d: expected a whole number from 1 up", o.Steps); err != nil {
		return nil, err
	}
	shape, err := bert.Sized(o.Model, texts.vocab)
	if err != nil {
		return nil, err
	}
	m, err := newModel(shape, bert.HeadCLS)
	if err != nil {
		return nil, err
	}
	p := &pacBench{o: o, config: &m.Config, lengths: lengthsOf(texts.train), batch: min(pacBatch, texts.train.Rows())}
	c, err := o.settings(texts.train.Rows(), [2]string{"method", "pac"}, [2]string{"preset", "paper"}, [2]string{"train_order", "file"},
		[2]string{"per_device_train_batch_size", strconv.Itoa(p.batch)})
	if err != nil {
		return nil, err
	}
	if c.FreezeEmbeddings {
		m.Freeze(bert.IsEmbedding)
	}
	p.u, err = train.NewUpdates(c, m, texts.train, pool)
	return p, err
}

// workload is a part of PAC-tuning that does passes forward passes, a backward
// pass counting as two, over texts of the given lengths.
func (p *pacBench) workload(name string, passes float64, lengths []int, do func() error) (*workload, *job) {
	w := &workload{FLOPs: passes * forwardFLOPs(p.config, lengths)}
	w.Name, w.Model, w.Batch = "pac/"+name+"/"+p.o.Model, p.o.Model, len(lengths)
	for _, n := range lengths {
		w.Tokens += n
	}
	j := &job{done: func() {}, run: timed(do)}
	w.setup = func() (*job, error) { return j, nil }
	return w, j
}

// updates times the first update, again and again, and its passes alone.
func (p *pacBench) updates(ctx context.Context, emit func(*Result) error) error {
	lengths := p.lengths[:p.batch]
	update, step := p.workload("update", 3, lengths, func() error { return p.u.Step(0) })
	passes, gradients := p.workload("forward+backward", 3, lengths, func() error { return p.u.Gradients(0) })
	if _, err := step.run(); err != nil { // buffers grow
		return err
	}
	s, g := update.begin(p.o), passes.begin(p.o)
	for range p.o.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.repeat(step); err != nil {
			return err
		}
		if err := g.repeat(gradients); err != nil {
			return err
		}
	}
	update.end(s)
	passes.end(g)
	update.Bookkeeping = known(1 - passes.Seconds.Best/update.Seconds.Best)
	if err := emit(&update.Result); err != nil {
		return err
	}
	return emit(&passes.Result)
}

// alone times what is too long to be done twice.
func (p *pacBench) alone(ctx context.Context, w *workload, emit func(*Result) error) error {
	w.once = true
	if err := w.measure(ctx, p.o); err != nil {
		return err
	}
	return emit(&w.Result)
}

func (p *pacBench) table(ctx context.Context) *workload {
	w, _ := p.workload("k_table", pac.KPasses, p.lengths, func() error { return p.u.MeasureK(ctx) })
	w.Tokens *= pac.KPasses
	return w
}

func (p *pacBench) evaluation(ctx context.Context, e *glue.Encoded) *workload {
	w, _ := p.workload("evaluation", 1, lengthsOf(e), func() error {
		_, err := p.u.Evaluate(ctx, e)
		return err
	})
	return w
}

// readTexts reads the files of the options or, without any, makes random
// tokens with the lengths of the 100 phrases of SST-2 and the 872 sentences
// for evaluation that the authors of PAC-tuning publish: 1,264 and 21,943
// tokens.
func readTexts(o *Options) (*pacTexts, error) {
	if o.TrainFile == "" {
		if err := unless(o.ValidationFile == "" && o.Vocab == "", "--vocab and --validation_file need --train_file, the examples to train on"); err != nil {
			return nil, err
		}
		return &pacTexts{vocab: randomVocab,
			train:      randomTexts(append(uniform(64, 13), uniform(36, 12)...)),
			validation: randomTexts(sentences(872))}, nil
	}
	if err := unless(o.Vocab != "", "--vocab is missing: expected a vocab.txt for the texts of --train_file"); err != nil {
		return nil, err
	}
	f, err := os.Open(o.Vocab)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "--vocab %s: %w; expected a vocab.txt, one token a line", o.Vocab, err)
	}
	defer f.Close()
	tok, err := tokenizer.FromVocab(f, o.Vocab, tokenizer.Options{Lowercase: true})
	if err != nil {
		return nil, err
	}
	data, err := glue.Load(glue.Options{TrainFile: o.TrainFile, ValidationFile: o.ValidationFile, Train: true, Eval: o.ValidationFile != ""})
	if err != nil {
		return nil, err
	}
	if err := unless(data.Problem == glue.SingleLabel && len(data.LabelNames) == 2, "%s: expected texts of two classes, as PAC-tuning is timed on", o.TrainFile); err != nil {
		return nil, err
	}
	const maxTokens = 128 // the default of --max_seq_length
	texts := &pacTexts{vocab: tok.VocabSize(), train: glue.Encode(data.Train, tok, maxTokens, o.Threads)}
	if len(data.Eval) > 0 {
		texts.validation = glue.Encode(data.Eval[0], tok, maxTokens, o.Threads)
	}
	return texts, nil
}
