package train

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"pactune/bert"
	"pactune/glue"
	"pactune/hub"
	"pactune/internal/fault"
	"pactune/internal/plural"
	"pactune/nn"
	"pactune/tokenizer"
)

// OpenModel opens the checkpoint and the tokeniser that the settings name, or
// the builtin ones.
func OpenModel(c *Config, b *Builtin) (*bert.Checkpoint, *tokenizer.Tokenizer, error) {
	var checkpoint *bert.Checkpoint
	var err error
	var fsys fs.FS
	switch {
	case b != nil:
		fsys = b.Model
		checkpoint, err = bert.OpenFS(fsys, ".")
	case c.ModelNameOrPath == "":
		return nil, nil, fault.Errorf(fault.Usage, "no model: --model_name_or_path names a folder with config.json, model.safetensors and vocab.txt; `pactune download` fetches one, `pactune init` makes one with random weights")
	default:
		var dir string
		if dir, err = hub.Folder(c.ModelNameOrPath, c.ModelRevision, c.CacheDir, hub.Model); err == nil {
			fsys = os.DirFS(dir)
			checkpoint, err = bert.Open(dir)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	tok, err := openTokenizer(c, fsys, checkpoint.Path)
	if err != nil {
		checkpoint.Close()
		return nil, nil, err
	}
	if err := checkpoint.Fits(tok.VocabSize()); err != nil {
		checkpoint.Close()
		return nil, nil, err
	}
	return checkpoint, tok, nil
}

// folderOf is the folder of a checkpoint that OpenModel opened.
func folderOf(c *bert.Checkpoint, b *Builtin) fs.FS {
	if b != nil {
		return b.Model
	}
	return os.DirFS(c.Path)
}

// openTokenizer opens the tokeniser that the settings name, or the one in the
// model's folder, which path stands for in errors.
func openTokenizer(c *Config, model fs.FS, path string) (*tokenizer.Tokenizer, error) {
	name := c.TokenizerName
	if name == "" {
		tok, err := tokenizer.Load(model, ".")
		return tok, in(path, err)
	}
	name, err := hub.Folder(name, c.ModelRevision, c.CacheDir, hub.Vocabulary)
	if err != nil {
		return nil, fault.Errorf(fault.KindOf(err), "--tokenizer_name %w", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "--tokenizer_name %s: no such folder or file; expected a folder with tokenizer.json or vocab.txt, or a vocab.txt itself", name)
	}
	if info.IsDir() {
		tok, err := tokenizer.Load(os.DirFS(name), ".")
		return tok, in(name, err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "--tokenizer_name %s: %w", name, err)
	}
	defer f.Close()
	return tokenizer.FromVocab(f, name, tokenizer.Options{Lowercase: true})
}

// isFolder tells whether a path is a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// in puts the folder before the message of an error of kind Model.
func in(dir string, err error) error {
	if err == nil {
		return nil
	}
	return fault.Errorf(fault.Model, "%s: %s", dir, strings.TrimPrefix(err.Error(), ".: "))
}

// checkEncoded holds encoded examples against the tables of the model's
// embeddings: a tokeniser may use a token type that the model does not have.
func checkEncoded(e *glue.Encoded, c *bert.Config, model string) error {
	for row := range e.Data.Examples {
		for _, typ := range e.Types[e.Starts[row]:e.Starts[row+1]] {
			if int(typ) >= c.TypeVocab {
				return fault.Errorf(fault.Model, "%s: type_vocab_size of config.json is %d, but %s, line %d, has tokens of type %d: the model reads single texts, not pairs (--text_column_names)",
					model, c.TypeVocab, e.Data.Path, e.Data.Examples[row].Line, typ)
			}
		}
		if n := e.Len(row); n > c.MaxPositions {
			return fault.Errorf(fault.Model, "%s: max_position_embeddings of config.json is %d, but %s, line %d, has %d tokens at least: expected a model with more positions",
				model, c.MaxPositions, e.Data.Path, e.Data.Examples[row].Line, n)
		}
	}
	return nil
}

// newModel declares the model of a run, still without memory for its weights: the
// head that the method asks for, the labels of the data, and what is frozen.
func newModel(c *Config, checkpoint *bert.Checkpoint, d *glue.Data) (*bert.Model, error) {
	conf := checkpoint.Config
	conf.SetLabels(d.Problem.String(), d.LabelNames)
	conf.FinetuningTask = c.TaskName
	if c.MaxSeqLength > conf.MaxPositions && !c.set["max_seq_length"] {
		c.MaxSeqLength, c.from["max_seq_length"] = conf.MaxPositions, "model"
	}
	if c.MaxSeqLength > conf.MaxPositions {
		return nil, fault.Errorf(fault.Usage, "--max_seq_length %d: expected at most %d, the tokens that the model has positions for", c.MaxSeqLength, conf.MaxPositions)
	}
	c.settleIterations(conf.Layers)
	labels := max(1, len(d.LabelNames))
	if keep, width := keepsHead(c, checkpoint, labels); keep && width != labels {
		return nil, fault.Errorf(fault.Model, "%s: the model's classifier has %s, the data have %d; --ignore_mismatched_sizes replaces it by a new one",
			checkpoint.Path, plural.Of(width, "label"), labels)
	}
	m, err := bert.Declare(conf, bert.Head(c.Head), labels)
	if err != nil {
		return nil, err
	}
	switch {
	case c.FreezeEncoder:
		m.Freeze(func(name string) bool { return conf.LayerOf(name) < conf.Layers })
	case c.FreezeEmbeddings:
		m.Freeze(bert.IsEmbedding)
	}
	m.Config.Architectures = []string{m.Architecture()}
	return m, nil
}

// keepsHead tells whether a run goes on with the checkpoint's classifier, and
// how many labels that has.
func keepsHead(c *Config, checkpoint *bert.Checkpoint, labels int) (keep bool, width int) {
	had, width := checkpoint.Head()
	return had == bert.Head(c.Head) && !(c.IgnoreMismatchedSizes && width != labels), width
}

// loadModel allocates and reads the weights of a model that newModel declared.
func loadModel(c *Config, checkpoint *bert.Checkpoint, m *bert.Model, d *glue.Data) (*nn.Loaded, error) {
	labels := m.Labels()
	keep, _ := keepsHead(c, checkpoint, labels)
	m.Store.Allocate()
	loaded, err := checkpoint.Load(m, c.Seed, keep)
	if err != nil {
		return nil, err
	}
	if before, err := checkpoint.Labels(); keep && err == nil && len(before) == labels {
		orderLabels(m, before, d.LabelNames)
	}
	return loaded, nil
}

// LoadedNote is one calm line about what a checkpoint did not hold.
func LoadedNote(l *nn.Loaded) string {
	var parts []string
	if len(l.New) > 0 {
		names := make([]string, len(l.New))
		for i, p := range l.New {
			names[i] = p.Name
		}
		parts = append(parts, "new: "+strings.Join(names, ", "))
	}
	if len(l.Unused) > 0 {
		shown := l.Unused[:min(3, len(l.Unused))]
		more := ""
		if n := len(l.Unused) - len(shown); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		parts = append(parts, "unused: "+strings.Join(shown, ", ")+more)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + " (as expected when a pretrained encoder gets a new task)"
}
