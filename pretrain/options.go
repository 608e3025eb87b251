package pretrain

import (
	"bytes"
	"path/filepath"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/train"
)

// Config is the settings of a run: those of the table that pretraining shares
// with fine-tuning, and its own.
type Config struct {
	*train.Config
	ModelConfig    string  // config.json, or a shape such as 4x256
	Init           string  // of a new model: "neighbours" or "normal"
	InitStd        float64 // initializer_range of a new model; 0: 1/sqrt(width)
	Vocab          string  // folder or vocab.txt of the tokeniser
	TrainFiles     string  // text, plain or gzip, names separated by commas
	HeldOut        float64 // that part, in percent
	EvalTokens     int     // held-out tokens that an evaluation reads
	MLMProbability float64
	MaskShare      float64 // of the masked tokens
	RandomShare    float64
	WholeWord      bool
}

// method names the rows of the table of recipes that hold for pretraining.
const method = "pretrain"

// Options returns the options of the command that are not in the table of
// fine-tuning, bound to c.
func (c *Config) Options() []train.Option {
	return []train.Option{
		train.Flag("model_config", "shape of a new model: a config.json, or layers x width as in 4x256", &c.ModelConfig),
		train.Flag("init", "first weights of a new model; neighbours: some heads of the first layer look at the tokens beside theirs, and deeper layers add nothing yet; normal: all are drawn alike, as in BERT", &c.Init, "neighbours", "normal"),
		train.Flag("initializer_range", "standard deviation of the first weights; 0: 1/sqrt(width)", &c.InitStd),
		train.Flag("vocab", "folder or vocab.txt of the tokeniser; `pactune vocab` learns one", &c.Vocab),
		train.Flag("train_files", "text to read, plain or .gz, an empty line between paragraphs; several names with commas, or after the options", &c.TrainFiles),
		train.Flag("validation_split_percentage", "of the text, held out for the loss that evaluations report", &c.HeldOut),
		train.Flag("eval_tokens", "tokens of held-out text that an evaluation reads, about", &c.EvalTokens),
		train.Flag("mlm_probability", "share of the tokens that are masked and predicted", &c.MLMProbability),
		train.Flag("mask_replace_prob", "share of the predicted tokens that the model reads as [MASK]", &c.MaskShare),
		train.Flag("random_replace_prob", "share of the predicted tokens that it reads as a random token; the rest it reads as they are", &c.RandomShare),
		train.Flag("whole_word_mask", "mask all pieces of a word together", &c.WholeWord),
	}
}

// NewConfig returns the defaults.
func NewConfig() *Config {
	return &Config{Config: train.NewConfig(), HeldOut: 0.5, EvalTokens: 100_000, MLMProbability: 0.15, MaskShare: 0.8, RandomShare: 0.1, Init: "neighbours"}
}

// ParseArgs reads the arguments of `pactune pretrain`: options, and files of
// text.
func ParseArgs(args []string) (*Config, error) {
	c := NewConfig()
	var files []string
	var err error
	if c.Config, files, err = train.Parse(args, train.InPretrain, c.Options()...); err != nil {
		return nil, err
	}
	for _, f := range files {
		if c.TrainFiles != "" {
			c.TrainFiles += ","
		}
		c.TrainFiles += f
	}
	return c, c.settle()
}

func (c *Config) table() []train.Option { return train.Table(train.InPretrain, c.Options()...) }

// values is training_args.json.
func (c *Config) values() map[string]any { return train.ValuesOf(c.Config, c.table()) }

// IsRun tells whether dir is the folder of a run of pactune pretrain.
func IsRun(dir string) bool {
	text, err := bounded.ReadFile(nil, filepath.Join(dir, "training_args.json"), bounded.Settings)
	return err == nil && bytes.Contains(text, []byte(`"mlm_probability"`))
}

// readConfig reads the settings of the run in dir.
func readConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, "training_args.json")
	if !IsRun(dir) {
		return nil, fault.Errorf(fault.Usage, "%s: is not the folder of a run of pactune pretrain, whose training_args.json would be there", dir)
	}
	c := NewConfig()
	var err error
	if c.Config, err = train.ReadArgs(path, c.table()); err != nil {
		return nil, err
	}
	c.OutputDir = dir
	return c, c.settle()
}

// settle lets the recipe fill in what nobody set, and refuses what excludes
// each other.
func (c *Config) settle() error {
	c.Method = method
	c.Recipe(method)
	switch {
	case c.TrainFiles == "":
		return fault.Errorf(fault.Usage, "no text: --train_files names files of plain text or .gz, an empty line between paragraphs")
	case c.ModelNameOrPath == "" && c.ModelConfig == "":
		return fault.Errorf(fault.Usage, "no model: --model_config gives the shape of a new one, as in 4x256, or --model_name_or_path the folder of one to go on with")
	case c.ModelNameOrPath != "" && c.ModelConfig != "":
		return fault.Errorf(fault.Usage, "--model_config is for a new model, --model_name_or_path for one to go on with: give one of them")
	case c.ModelNameOrPath == "" && c.Vocab == "":
		return fault.Errorf(fault.Usage, "--vocab is missing: expected the folder or the vocab.txt of a tokeniser; `pactune vocab` learns one from text")
	case !(c.MLMProbability > 0 && c.MLMProbability < 1):
		return fault.Errorf(fault.Usage, "--mlm_probability %g: expected a number above 0 and below 1", c.MLMProbability)
	case !(c.HeldOut >= 0 && c.HeldOut <= 50):
		return fault.Errorf(fault.Usage, "--validation_split_percentage %g: expected a number from 0 to 50", c.HeldOut)
	}
	return nil
}
