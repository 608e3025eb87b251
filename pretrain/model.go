package pretrain

import (
	"errors"
	"io/fs"
	"math"
	"os"

	"pactune/bert"
	"pactune/corpus"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/tensor"
	"pactune/tokenizer"
	"pactune/train"
)

// source is where model and tokeniser come from: a shape and a vocabulary, or
// the folder of a model that goes on.
type source struct {
	tok        *tokenizer.Tokenizer
	config     bert.Config
	checkpoint *bert.Checkpoint // nil for a new model
	licence    train.Licence
}

func (c *Config) open() (*source, error) {
	if c.ModelNameOrPath != "" {
		checkpoint, tok, err := train.OpenModel(c.Config, nil)
		if err != nil {
			return nil, err
		}
		licence, err := train.ReadLicence(os.DirFS(checkpoint.Path))
		if err != nil {
			checkpoint.Close()
			return nil, fault.Errorf(fault.Model, "%s: %w", checkpoint.Path, err)
		}
		return &source{tok: tok, config: checkpoint.Config, checkpoint: checkpoint, licence: licence}, nil
	}
	tok, err := tokenizer.Open(c.Vocab, tokenizer.Options{Lowercase: true})
	if err != nil {
		return nil, fault.Errorf(fault.KindOf(err), "--vocab %w", err)
	}
	s := &source{tok: tok}
	text, err := bounded.ReadFile(nil, c.ModelConfig, bert.MaxConfig)
	switch {
	case err == nil:
		s.config, err = bert.ParseConfig(text, c.ModelConfig)
	case errors.Is(err, fs.ErrNotExist):
		s.config, err = bert.Sized(c.ModelConfig, tok.VocabSize())
		s.config.MaxPositions = max(s.config.MaxPositions, c.MaxSeqLength)
	default:
		err = fault.Errorf(fault.Usage, "--model_config %s: %w", c.ModelConfig, err)
	}
	if err != nil {
		return nil, err
	}
	if n := tok.VocabSize(); n > s.config.VocabSize {
		return nil, fault.Errorf(fault.Model, "%s: vocab_size is %d, but %s has %d tokens", c.ModelConfig, s.config.VocabSize, c.Vocab, n)
	}
	return s, nil
}

func (s *source) close() {
	if s.checkpoint != nil {
		s.checkpoint.Close()
	}
}

// model declares the model, still without memory for its weights.
func (s *source) model(c *Config) (*bert.Model, error) {
	if c.MaxSeqLength > s.config.MaxPositions {
		return nil, fault.Errorf(fault.Usage, "--max_seq_length %d: expected at most %d, the tokens that the model has positions for", c.MaxSeqLength, s.config.MaxPositions)
	}
	config := s.config
	if s.checkpoint == nil {
		config.InitializerRange = c.InitStd
		if c.InitStd == 0 {
			config.InitializerRange = 1 / math.Sqrt(float64(config.HiddenSize))
		}
	}
	m, err := bert.Declare(config, bert.HeadMLM, 0)
	if err != nil {
		return nil, err
	}
	m.Config.Architectures = []string{m.Architecture()}
	return m, nil
}

// load allocates the model and fills it from the seed or from the checkpoint.
func (s *source) load(c *Config, m *bert.Model, text *corpus.Corpus) (note string, err error) {
	m.Store.Allocate()
	if s.checkpoint == nil {
		initialise(m, c, text.Shares())
		m.Config.InitializerRange = s.config.InitializerRange // what a new head is drawn with
		return "", nil
	}
	loaded, err := s.checkpoint.Load(m, c.Seed, true)
	if err != nil {
		return "", err
	}
	return train.LoadedNote(loaded), nil
}

// checkMemory forecasts what the run holds at most and refuses what the process
// may not use.
func (c *Config) checkMemory(m *bert.Model, workers int) (need train.Memory, limit int64, err error) {
	process := train.Resident() + textBytes
	return train.CheckMemory(c.Config, c.BatchSize, func(changed *train.Config) train.Memory {
		one := *c
		one.Config = changed
		return one.forecast(m, process, workers)
	})
}

// forecast computes what a run will hold, process in the beginning.
func (c *Config) forecast(m *bert.Model, process int64, workers int) train.Memory {
	const f = int64(tensor.FloatBytes)
	all, trained := m.Store.Len()
	need := train.Memory{Process: process, Weights: f * int64(all), Gradients: f * int64(trained), Moments: 2 * f * int64(trained)}
	tape, err := c.NewTape(par.Dry(workers))
	if err != nil {
		return need // the trainer tells of it
	}
	t := &trainer{cfg: c, model: m, tape: tape, drop: c.Rates(m)}
	largest := c.Longest(c.BatchSize, c.MLMProbability)
	t.forward(&largest, true, 1)
	tape.Backward()
	held := c.Longest(c.EvalBatchSize, corpus.HeldOutProbability)
	t.forward(&held, false, 1)
	arena, _ := tape.Bytes()
	need.Activations, need.LongestBatch, need.Longest, need.Dry = int64(arena), len(largest.IDs), c.MaxSeqLength, tape
	need.Buffers = int64(tape.Work()) + 3*f*int64(workers*c.MaxSeqLength*c.MaxSeqLength)
	return need
}

// checkDisk refuses a run that its disk cannot hold: one checkpoint more than are
// kept is there while it is written. folder is nil for a new run.
func (c *Config) checkDisk(m *bert.Model, steps int, folder *train.Folder) (train.Disk, error) {
	all, trained := m.Store.Len()
	d := c.DiskOf(m, steps, 0, 0)
	d.Checkpoints = int64(c.SaveTotalLimit+1) * int64(tensor.FloatBytes) * int64(all+2*trained)
	return d, c.CheckDisk(&d, c.SaveTotalLimit, folder)
}

// textBytes is about what two windows of text and the counts of a vocabulary
// take.
const textBytes = 100 << 20

// Longest is a batch of the longest sequences, with targets in that share.
func (c *Config) Longest(sequences int, probability float64) corpus.Batch {
	b := corpus.Batch{RowStarts: []int32{0}, Examples: sequences}
	targets := corpus.Targets(c.MaxSeqLength-2, probability)
	for i := range sequences {
		for j := range c.MaxSeqLength {
			b.IDs, b.Types = append(b.IDs, 0), append(b.Types, 0)
			if j < targets {
				b.At, b.Targets = append(b.At, int32(i*c.MaxSeqLength+j)), append(b.Targets, 0)
			}
		}
		b.RowStarts, b.ExampleIDs = append(b.RowStarts, int32(len(b.IDs))), append(b.ExampleIDs, uint32(i))
	}
	return b
}
