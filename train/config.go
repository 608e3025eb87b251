package train

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"pactune/asm"
	"pactune/autograd"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/optim"
	"pactune/tensor"
)

// Config is every setting of a run under plain names. NewConfig fills in the
// defaults, Set takes what a user asked for, and Resolve, once the data are
// known, lets the method's recipe and the preset fill in what nobody set.
// The loop reads the fields only after Resolve.
type Config struct {
	// The model.
	ModelNameOrPath       string // folder of a checkpoint, or its name in the cache; "" is the encoder inside the binary
	ModelRevision         string
	CacheDir              string  // of Hugging Face's cache; "" is the usual one
	TokenizerName         string  // folder or vocab.txt; "" is the model's own
	IgnoreMismatchedSizes bool    // a classifier of another size in the checkpoint is replaced by a new one
	Head                  string  // "pooler": dense, tanh, dropout, linear; "cls": one linear layer on [CLS]
	Dropout               float64 // -1: the rates of the model's config.json
	FreezeEmbeddings      bool    // word, position and type embeddings and their LayerNorm
	FreezeEncoder         bool    // the embeddings and all layers

	// The data.
	DataFile        string // the file named without an option
	TaskName        string // a GLUE task; "" for a user's own files
	DataDir         string // folder of a GLUE task
	TrainFile       string
	ValidationFile  string
	TestFile        string
	TextColumnNames []string
	LabelColumnName string
	ProblemType     string // "auto" or a problem_type of transformers
	MaxSeqLength    int
	MaxTrainSamples int // the first n rows; 0 takes all
	MaxEvalSamples  int
	MaxTestSamples  int
	TrainSize       int // a random subset of n rows; 0 takes all
	SampleSeed      uint64
	ShuffleLabels   bool // a control: the training labels are permuted

	// The method.
	Method string // "adamw", "cwgnc", "pac", "pac+cwgnc" or "unfreeze" after Resolve; before it also "auto"
	Preset string // "", "paper", "authors" or "embedded"
	Compat string // "", "authors" or "hf"

	// Rates and the optimiser.
	LearningRate       float64
	HeadLearningRate   float64 // after Resolve never 0: LearningRate unless set
	NumTrainEpochs     float64 // with PAC both stages together
	MaxSteps           int     // −1 is off
	BatchSize          int     // examples in a micro-batch
	EvalBatchSize      int
	AccumulationSteps  int    // micro-batches in one update
	OnNaN              string // "stop" or "skip": what an update does whose numbers are not finite
	Checkpointing      bool   // layers are computed again in the backward pass
	WeightDecay        float64
	WeightDecayOn      string // "all" tensors or only "matrices": no bias, no LayerNorm
	AdamBeta1          float64
	AdamBeta2          float64
	AdamEpsilon        float64
	AdamForm           string // "torch" or "hf"
	AdamBiasCorrection bool
	LRSchedulerType    string // an optim.ScheduleKind
	LRSchedulerKwargs  map[string]float64
	WarmupSteps        float64 // a share of all updates when below 1
	WarmupRatio        float64
	MaxGradNorm        float64 // global clipping; 0 is off
	TrainOrder         string  // "shuffle" or "file"
	Seed               uint64
	DataSeed           uint64 // order of the examples; after Resolve Seed unless set

	// PAC-tuning.
	PACStage1Epochs      float64
	PACGamma             float64 // 0 when γ is free between the next two
	PACGammaMin          float64 // after Resolve both are set, equal when γ is fixed
	PACGammaMax          float64
	PACKSamples          int    // examples in the K table; 0 takes all
	PACKSearch           string // "closed" form or the "authors" search
	PACGranularity       string // "weight" or "tensor"
	PACNoiseInit         string // "mean": one number a part; "weight": the log-magnitude of each weight
	PACNoiseLearningRate float64

	// Component-wise clipping.
	ClipComponent     string  // "off", "tensor", "qkv" or "layer"
	ClipComponentNorm float64 // c

	// Gradual unfreezing.
	UnfreezeEpochs float64 // of an iteration, each of which trains one layer more

	// Evaluation and the log.
	DoEval           bool
	DoPredict        bool
	EvalStrategy     string // "no", "epoch" or "steps"; the end is evaluated in any case while DoEval
	EvalEpochs       int    // with "epoch": every so many epochs
	EvalSteps        float64
	LoggingStrategy  string  // "no", "epoch" or "steps"
	LoggingSteps     float64 // a share of all updates when below 1
	LoggingFirstStep bool
	ReportTo         string // "none" or "tensorboard": an event file
	ComponentSteps   int    // per-tensor statistics every so many updates; 0 is off

	// Checkpoints.
	SaveStrategy       string   // "time", "epoch", "steps", "best" or "no"
	SaveEvery          Interval // 0 is off
	SaveSteps          float64  // a share of all updates when below 1
	SaveTotalLimit     int      // the newest ones; the best is kept beside them
	LoadBestModelAtEnd bool
	MetricForBestModel string // "" is the first metric of the task
	Resume             string // "never", "auto", or a folder

	// The run.
	OutputDir   string // "" makes runs/NNN-task-method
	RunName     string
	Threads     int    // 0 is all physical cores that the process may use
	MaxMemory   Size   // 0 is what the process may use
	Precision   string // "f32" or "bf16"
	Color       string // "auto", "always" or "never"
	DisableTqdm bool   // plain lines on a terminal as well
	Quiet       bool
	JSON        bool // the summary on stdout as one JSON object
	Profile     bool // a table of where the time went
	CPUProfile  string
	MemProfile  string

	ignored []ignored         // options without effect that the user gave
	asked   string            // the method before Resolve
	set     map[string]bool   // options that the user gave
	from    map[string]string // where the value of every other option comes from, "" the default
}

// NewConfig returns the defaults of the option table.
func NewConfig() *Config {
	c := &Config{}
	c.reset()
	return c
}

// reset gives every option that the user has not set its default.
func (c *Config) reset() {
	if c.set == nil {
		c.set = map[string]bool{}
	}
	c.from = map[string]string{}
	for i := range options {
		if o := &options[i]; o.bind != nil && !c.set[o.Name] {
			c.apply(o, o.Default)
		}
	}
}

// apply sets an option to a value that the table or a recipe states.
func (c *Config) apply(o *Option, value string) {
	if err := o.assign(c, value); err != nil {
		panic("train: option table: " + err.Error())
	}
}

// Set gives an option, named as on the command line without its dashes, a
// value that no recipe and no preset overrides. An error is a fault.Usage that
// names the option, the value and what is allowed.
func (c *Config) Set(name, value string) error {
	o, err := lookup(options, name)
	if err != nil {
		return err
	}
	return c.setOption(o, value)
}

func (c *Config) setOption(o *Option, value string) error {
	if o.bind == nil {
		return o.special(c, value)
	}
	if err := o.assign(c, value); err != nil {
		return err
	}
	if c.set == nil {
		c.set = map[string]bool{}
	}
	c.set[o.Name] = true
	return nil
}

// IsSet tells whether the user gave the option.
func (c *Config) IsSet(name string) bool { return c.set[name] }

// From tells where an option's value comes from: "option", "preset paper",
// "recipe pac", … or "default".
func (c *Config) From(name string) string {
	if c.set[name] {
		return "option"
	}
	if f := c.from[name]; f != "" {
		return f
	}
	return "default"
}

// Values returns every option by name with its value: what training_args.json
// holds and `pactune train training_args.json` reads again.
func (c *Config) Values() map[string]any {
	values := ValuesOf(c, listed)
	if c.DataFile != "" {
		values["data_file"] = c.DataFile
	}
	return values
}

// ValuesOf returns the values of some options by name.
func ValuesOf(c *Config, options []Option) map[string]any {
	values := make(map[string]any, len(options)+1)
	for i := range options {
		if options[i].bind == nil {
			continue
		}
		values[options[i].Name] = reflect.ValueOf(options[i].bind(c)).Elem().Interface()
	}
	return values
}

// PAC tells whether the method trains noise.
func (c *Config) PAC() bool { return strings.HasPrefix(c.Method, "pac") }

// DrawsRows tells whether --sample_seed chooses anything: the subset of --train_size, or
// the rows held out of own data without --validation_file.
func (c *Config) DrawsRows() bool {
	own := c.DataFile != "" || c.TrainFile != ""
	return c.TrainSize > 0 || own && c.ValidationFile == "" && c.DoEval
}

// NewTape makes a tape as the options ask for: the precision of its products, and
// whether layers are computed again.
func (c *Config) NewTape(pool *par.Pool) (*autograd.Tape, error) {
	p, err := tensor.ParsePrecision(c.Precision)
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "--precision: %w", err)
	}
	tape := autograd.NewTape(pool)
	tape.SetPrecision(p)
	tape.Checkpointing = c.Checkpointing
	return tape, nil
}

// Kernel is the micro-kernel that computes the products.
func (c *Config) Kernel() asm.Kernel {
	if c.Precision == "bf16" {
		return asm.ActiveBF16Kernel()
	}
	return asm.ActiveKernel()
}

// Products names the sums that this machine makes of products where their bits depend
// on it, "" where they do not: "bfmmla" and "amx" add products of bfloat16 otherwise than
// "fma".
func (c *Config) Products() string {
	switch {
	case c.Precision != "bf16":
		return ""
	case c.Kernel().ISA == asm.BFMMLA:
		return "bfmmla"
	case c.Kernel().ISA == asm.AMX:
		return "amx"
	}
	return "fma"
}

// OtherProducts warns of a run that goes on where the products of bfloat16 have other
// bits than where it was saved; was is what Products gave there, "" for unknown.
func (c *Config) OtherProducts(was string) string {
	if is := c.Products(); is != was && was != "" {
		return fmt.Sprintf("precision bf16: the run was saved on a machine whose products are %s, here they are %s: it goes on, but not to the bit of a run on one machine", was, is)
	}
	return ""
}

// precisionNote tells a user whom bf16 gains nothing.
func precisionNote(c *Config) string {
	if k := c.Kernel(); c.Precision != "bf16" || k.Precision == asm.BF16 && k.ISA != asm.Reference {
		return ""
	}
	return fmt.Sprintf("precision bf16 without instructions for it (%v kernels): operands are rounded, which takes time, and multiplied as float32", asm.Active())
}

// Text is the value of an option as it would stand on the command line.
func (c *Config) Text(name string) string {
	o, err := lookup(options, name)
	if err != nil || o.bind == nil {
		panic("train: Text: there is no option " + name)
	}
	return o.text(c)
}

// Embedded tells whether this is the job inside the binary: no model and no
// data were named.
func (c *Config) Embedded() bool {
	return c.ModelNameOrPath == "" && c.DataFile == "" && c.TaskName == "" &&
		c.DataDir == "" && c.TrainFile == "" && c.ValidationFile == ""
}

// Warmup returns the number of warm-up updates of a run of total updates:
// warmup_steps when given (a share when below 1), else ceil(warmup_ratio·total).
func (c *Config) Warmup(total int) int {
	if c.WarmupSteps > 0 {
		return share(c.WarmupSteps, total)
	}
	return int(math.Ceil(c.WarmupRatio * float64(total)))
}

// Schedule returns the rates' course over total updates.
func (c *Config) Schedule(total int) (optim.Schedule, error) {
	return optim.NewSchedule(c.LRSchedulerType, c.Warmup(total), total, c.LearningRate, c.LRSchedulerKwargs)
}

// LogEvery returns after how many updates a line is logged, 0 for never.
func (c *Config) LogEvery(total, stepsPerEpoch int) int {
	switch c.LoggingStrategy {
	case "no":
		return 0
	case "epoch":
		return max(1, stepsPerEpoch)
	}
	return share(c.LoggingSteps, total)
}

// EvalEvery returns after how many updates the model is evaluated, 0 for only
// at the end. Epochs are counted from the first update, so a multiple of the
// updates of an epoch.
func (c *Config) EvalEvery(total, stepsPerEpoch int) int {
	switch {
	case !c.DoEval || c.EvalStrategy == "no":
		return 0
	case c.EvalStrategy == "epoch":
		return max(1, stepsPerEpoch*c.EvalEpochs)
	case c.EvalSteps == 0:
		return c.LogEvery(total, stepsPerEpoch)
	}
	return share(c.EvalSteps, total)
}

// SavesAt tells whether the strategy wants a checkpoint after an update; total is
// their number. The best evaluations and the clock are the run's to see.
func (c *Config) SavesAt(step, total, stepsPerEpoch int) bool {
	switch c.SaveStrategy {
	case "epoch":
		return step%max(1, stepsPerEpoch) == 0
	case "steps":
		return step%share(c.SaveSteps, total) == 0
	}
	return false
}

// saveSteps is the number of updates between checkpoints, as far as there is one.
func (c *Config) saveSteps(p *Plan) int {
	for step := 1; step < p.Steps; step++ {
		if c.SavesAt(step, p.Steps, p.StepsPerEpoch) {
			return step
		}
	}
	return p.Steps
}

// watched is the number of an evaluation by which the best is chosen, false where
// it has none.
func (c *Config) watched(e *EvalRecord) (name string, value float64, ok bool) {
	name = strings.TrimPrefix(c.MetricForBestModel, "eval_")
	switch {
	case name == "loss":
		value, ok = e.Loss, true
	case name != "":
		value, ok = e.Metric(name)
	case len(e.Metrics) > 0:
		name, value, ok = e.Metrics[0].Name, e.Metrics[0].Value, true
	}
	return name, value, ok && !math.IsNaN(value) && !math.IsInf(value, 0)
}

// better tells whether an evaluation is better than another, nil for none.
func (c *Config) better(e, than *EvalRecord) bool {
	if than == nil {
		return true
	}
	name, value, ok := c.watched(e)
	_, other, known := c.watched(than)
	switch {
	case !ok || !known:
		return ok
	case name == "loss", name == glue.MSE:
		return value < other
	}
	return value > other
}

// share reads transformers' "a number of steps, or a share when below 1".
func share(x float64, total int) int {
	if x < 1 {
		x = math.Ceil(x * float64(total))
	}
	return max(1, int(min(x, math.MaxInt32)))
}
