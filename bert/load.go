package bert

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pactune/autograd"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/plural"
	"pactune/internal/rng"
	"pactune/nn"
	"pactune/safetensors"
	"pactune/torchfile"
)

// Checkpoint is an opened model folder: config.json and the weights, which
// stay in their file until Load copies them.
type Checkpoint struct {
	Config Config
	// Path is the folder, for messages.
	Path string

	weights *safetensors.File
}

// Open opens a model folder in Hugging Face's format: config.json and
// model.safetensors, or its index and shards, or where there is neither,
// pytorch_model.bin. The weights are memory-mapped where the system can.
func Open(dir string) (*Checkpoint, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	c, err := openConfig(os.DirFS(dir), ".", dir)
	if err != nil {
		return nil, err
	}
	if c.weights, err = openWeights(dir); err != nil {
		return nil, err
	}
	return c.checked()
}

// openWeights opens the folder's safetensors, or where it has none, the files of
// torch.save.
func openWeights(dir string) (*safetensors.File, error) {
	if !safetensors.Found(dir) && torchfile.Found(dir) {
		return torchfile.OpenModel(dir)
	}
	return safetensors.OpenModel(dir)
}

// checkFolder refuses what is no folder, and files in it that opening would
// wait for, such as pipes.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Errorf(fault.Model, "%s: no such folder; expected one with config.json, model.safetensors and vocab.txt or tokenizer.json", dir)
	}
	if err != nil {
		return fault.Errorf(fault.Model, "%w", err)
	}
	if !info.IsDir() {
		return fault.Errorf(fault.Model, "%s: is a file; expected the folder with config.json, model.safetensors and vocab.txt or tokenizer.json", dir)
	}
	for _, name := range []string{"config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return fault.Errorf(fault.Model, "%s: is a folder, a pipe or a device; expected a file", path)
		}
	}
	return nil
}

// checked holds the encoder that config.json asks for against the weights,
// before anything of that size is allocated.
func (c *Checkpoint) checked() (*Checkpoint, error) {
	m := declare(c.Config, HeadNone, 0)
	if err := m.Store.Check(c.weights, c.weights.Name(), aliases, mayBeNew); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// OpenFS opens a model folder of a file system, reading the weights into
// memory.
func OpenFS(fsys fs.FS, dir string) (*Checkpoint, error) {
	c, err := openConfig(fsys, dir, dir)
	if err != nil {
		return nil, err
	}
	if c.weights, err = safetensors.OpenModelFS(fsys, dir); err != nil {
		return nil, err
	}
	return c.checked()
}

func openConfig(fsys fs.FS, dir, shown string) (*Checkpoint, error) {
	file := filepath.Join(shown, "config.json")
	name := "config.json"
	if dir != "." {
		name = dir + "/" + name
	}
	data, err := bounded.ReadFile(fsys, name, MaxConfig)
	if _, stat := fs.Stat(fsys, strings.TrimSuffix(name, "config.json")+"run.json"); err != nil && stat == nil {
		return nil, fault.Errorf(fault.Model, "%s: holds a run that has not ended, and no model yet; pactune resume %s goes on with it, and its checkpoints are models", shown, shown)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Errorf(fault.Model, "%s: no such file; a model folder holds config.json, model.safetensors and vocab.txt or tokenizer.json", file)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: cannot be read: %w; a model folder holds config.json, model.safetensors and vocab.txt or tokenizer.json", file, err)
	}
	c := &Checkpoint{Path: shown}
	c.Config, err = ParseConfig(data, file)
	return c, err
}

// Close unmaps the weights. Models that were loaded keep their own copy.
func (c *Checkpoint) Close() error { return c.weights.Close() }

// Head returns the head that the folder's model was trained with and the
// width of its classifier; HeadNone and 0 for a pretrained encoder.
func (c *Checkpoint) Head() (h Head, labels int) {
	t, ok := c.weights.Tensor("classifier.weight")
	switch {
	case !ok || len(t.Shape) != 2 || t.Shape[0] < 1:
		return HeadNone, 0
	case c.Config.Head == string(HeadCLS):
		return HeadCLS, t.Shape[0]
	}
	return HeadPooler, t.Shape[0]
}

// Fits tells whether a vocabulary of n entries is the model's: not larger than
// its table of word embeddings, and smaller by no more than padding of the
// table to a multiple of 128. The error is of kind Model.
func (c *Checkpoint) Fits(n int) error {
	switch v := c.Config.VocabSize; {
	case n > v:
		return fault.Errorf(fault.Model, "%s: the vocabulary has %d entries, but config.json has vocab_size %d: they do not belong together", c.Path, n, v)
	case n <= v-128:
		return fault.Errorf(fault.Model, "%s: the vocabulary has only %d entries, but config.json has vocab_size %d: they do not belong together (if they do, fill the vocabulary up with [unused1], [unused2], …)", c.Path, n, v)
	}
	return nil
}

// Labels returns the names of the classifier's labels. An id2label in
// config.json that is not of the classifier's width is an error of kind Model;
// without one there are no names, but for a single output.
func (c *Checkpoint) Labels() ([]string, error) {
	_, width := c.Head()
	names, err := c.Config.Labels()
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", c.Path, err)
	}
	if len(names) == 0 && width == 1 {
		return []string{"LABEL_0"}, nil
	}
	if len(names) != 0 && len(names) != width {
		return nil, fault.Errorf(fault.Model, "%s: id2label of config.json names %s, the classifier has %d: they do not belong together", c.Path, plural.Of(len(names), "label"), width)
	}
	if c.Config.ProblemType == "regression" && width != 1 {
		return nil, fault.Errorf(fault.Model, "%s: problem_type of config.json is \"regression\", but the classifier has %s; expected 1", c.Path, plural.Of(width, "output"))
	}
	return names, nil
}

// Load fills m from the checkpoint, with its classifier or its head of masked
// language modelling when keepHead says so. What of a head and a pooler it does
// not give is drawn from seed. The
// result says which parameters are new and which tensors nobody used.
func (c *Checkpoint) Load(m *Model, seed uint64, keepHead bool) (*nn.Loaded, error) {
	names := func(name string) []string {
		if IsHead(name) && !keepHead {
			return nil
		}
		return aliases(name)
	}
	loaded, err := m.Store.Load(c.weights, c.weights.Name(), names, mayBeNew)
	if err != nil {
		return nil, err
	}
	if err := c.checkTied(m, loaded); err != nil {
		return nil, err
	}
	for _, p := range loaded.New {
		m.Store.Initialise(p, seed, rng.StreamHead)
	}
	return loaded, nil
}

// Restore fills m from the checkpoint of a fine-tuned model, in which every
// tensor must stand: a pooler or a classifier drawn anew would answer anything.
func (c *Checkpoint) Restore(m *Model) error {
	loaded, err := m.Store.Load(c.weights, c.weights.Name(), aliases, func(string) bool { return false })
	if err != nil {
		return err
	}
	return c.checkTied(m, loaded)
}

// Lacks lists the parameters of m that the checkpoint does not hold.
func (c *Checkpoint) Lacks(m *Model) []string { return m.Store.Lacks(c.weights, aliases) }

// checkTied holds the decoder of masked language modelling, which a checkpoint
// may spell out, against what m reads in its place. Equal ones count as used.
func (c *Checkpoint) checkTied(m *Model, loaded *nn.Loaded) error {
	if m.mlm.bias == nil {
		return nil
	}
	for _, tie := range []struct {
		decoder string
		is      *autograd.Param
	}{{"cls.predictions.decoder.weight", m.word}, {"cls.predictions.decoder.bias", m.mlm.bias}} {
		i := slices.Index(loaded.Unused, tie.decoder)
		if i < 0 {
			continue
		}
		loaded.Unused = slices.Delete(loaded.Unused, i, i+1)
		decoder, _ := c.weights.Tensor(tie.decoder)
		for _, name := range aliases(tie.is.Name) {
			t, ok := c.weights.Tensor(name)
			if !ok {
				continue
			}
			equal, err := t.Equal(decoder)
			if err != nil {
				return err
			}
			if !equal {
				return fault.Errorf(fault.Model, "%s: tensor %s differs from %s; expected the same values, because this program has one table for both (tie_word_embeddings)", c.weights.Name(), tie.decoder, name)
			}
		}
	}
	return nil
}

// aliases are the names under which a checkpoint may hold a parameter: with
// and without the prefix of the task model, with the gamma and beta of
// checkpoints that came from TensorFlow, and the bias of the masked tokens as
// the decoder's.
func aliases(name string) []string {
	names := []string{name}
	if strings.Contains(name, "LayerNorm.") {
		old := strings.NewReplacer("LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta")
		names = append(names, old.Replace(name))
	}
	if name == "cls.predictions.bias" {
		names = append(names, "cls.predictions.decoder.bias")
	}
	for _, n := range names[:len(names):len(names)] {
		if short, ok := strings.CutPrefix(n, "bert."); ok {
			names = append(names, short)
		}
	}
	return names
}

func mayBeNew(name string) bool {
	return IsHead(name) || strings.HasPrefix(name, "bert.pooler.")
}

// Initialise draws every weight from seed: matrices from
// N(0, initializer_range²), biases 0, LayerNorms 1 and 0, PAC-tuning's head
// from U(±1/sqrt(H)).
func (m *Model) Initialise(seed uint64) {
	for _, p := range m.Store.Params {
		m.Store.Initialise(p, seed, rng.StreamInit)
	}
}

// Architecture is the class of transformers that reads the model.
func (m *Model) Architecture() string {
	switch {
	case m.mlm.bias != nil:
		return "BertForMaskedLM"
	case m.classifier.Weight == nil:
		return "BertModel"
	case m.Config.Head == string(HeadCLS):
		return "BertForTokenClassification"
	}
	return "BertForSequenceClassification"
}

// Tensors returns the weights as tensors to write. A model without a head
// takes the names of BertModel, which has no prefix.
func (m *Model) Tensors() []safetensors.Tensor {
	ts := m.Store.Tensors()
	if m.Architecture() == "BertModel" {
		for i := range ts {
			ts[i].Name = strings.TrimPrefix(ts[i].Name, "bert.")
		}
	}
	return ts
}
