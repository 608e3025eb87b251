package train

import (
	"time"

	"pactune/glue"
	"pactune/internal/profile"
)

// Hooks are told of what happens in a run, in its goroutine. Each may be nil.
// What they are given belongs to the run: they copy what they keep.
type Hooks struct {
	OnNote func(text string)                  // a choice that was made
	OnWarn func(text string)                  // what may be wrong
	OnPlan func(*Plan)                        // once, before the first update
	OnWork func(what string, done, total int) // long work beside updates: "K table", "evaluation"
	OnStep func(*StepRecord, Timing)          // after each update; allocates nothing
	OnEval func(*EvalRecord)                  // after each evaluation
	OnSave func(folder string)                // when the run's folder is complete
	// OnProfile is told where the time went, with --profile: at the end, also
	// after an error.
	OnProfile func(*profile.Clock)
}

// working returns what tells OnWork of long work.
func (h *Hooks) working(what string) func(done, total int) {
	return func(done, total int) {
		if h.OnWork != nil {
			h.OnWork(what, done, total)
		}
	}
}

// EndProfile ends the last lap and calls OnProfile.
func (h *Hooks) EndProfile(c *profile.Clock) {
	c.Part(profile.Rest)
	if h.OnProfile != nil {
		h.OnProfile(c)
	}
}

// Plan is what a run is about to do.
type Plan struct {
	Model         string // its folder, or what it is
	Parameters    int
	Trainable     int
	Tensors       int // trainable ones
	Task          string
	Method        string
	Preset        string
	TrainRows     int
	EvalRows      int
	TrainTokens   int // of one epoch
	EvalTokens    int
	LabelNames    []string // nil for regression
	Majority      Majority
	MetricNames   []string // of an evaluation, the first is the one to watch
	Epochs        float64
	StepsPerEpoch int
	Steps         int
	Stage1Steps   int
	FreeGamma     bool // PAC-tuning's γ is not fixed
	Batch         int  // examples in an update
	Threads       int
	ISA           string
	Precision     string
	Kernel        string // of the matrix products: instruction set, precision and tile
	Memory        Memory // forecast of the most that the run holds
	MemoryLimit   int64  // bytes that the process may use, 0 when that is not known
	Disk          Disk   // forecast of what the run writes
	EvalEvery     int    // updates between evaluations, 0 for none but the last
	LogEvery      int    // updates between printed lines, 0 for none
	LogFirst      bool
}

// Majority is what a model reaches that always gives the commonest answer.
type Majority struct {
	Label string             // "" for regression: the mean of the targets
	Share float64            // of the evaluation rows, 0 for regression
	Value map[string]float64 // of each metric
}

// StepRecord is every term of one update. Loss, KL, K, γ and the mean posterior
// std are those at which its gradient was taken; the prior, NoiseMin and
// NoiseMax are what the update has left.
type StepRecord struct {
	Step         int     // updates done, this one included
	Epoch        float64 // epochs done, this update included
	Stage        int     // 1 or 2 with PAC-tuning, else 0
	Loss         float64 // mean over the examples of the update
	GradNorm     float64 // of the loss's gradient before clipping
	GradNormClip float64 // after clipping
	ClipRate     float64 // elements in clipped components / all elements
	LR, HeadLR   float64
	Spike        bool   // the loss stands far above those before (Spikes)
	Skipped      string // why the update was left out, "" for one that was made

	// PAC-tuning. In stage 2 the bound's terms are those at its end.
	KL, KLPerRow     float64 // KL and KL/m
	K, Gamma         float64
	LPAC             float64
	Total            float64 // Loss + LPAC in stage 1
	NoiseBody        float64 // root of the mean posterior variance of the pretrained part
	NoiseHead        float64
	PriorBody        float64 // root of the mean prior variance
	PriorHead        float64
	NoiseMin         float64 // smallest and largest posterior std
	NoiseMax         float64
	DistanceFromInit float64 // ‖w − w0‖
}

// Timing is what a record must not hold, because it differs between equal runs.
type Timing struct {
	Elapsed  time.Duration // of this update
	Examples int
	Tokens   int
}

// ComponentRecord is the state of one tensor's gradient at one update.
type ComponentRecord struct {
	Step                             int
	Tensor                           string
	Shape                            []int
	Elements                         int
	Clipped                          bool
	GradNorm, GradNormClip           float64 // before and after clipping
	WeightNorm                       float64
	Moved                            float64 // ‖w − w0‖ before the update, −1 where w0 is not kept
	GradMax, GradMin, GradMean       float64
	WeightMax, WeightMin, WeightMean float64
}

// Metric is one number of an evaluation under transformers' name.
type Metric struct {
	Name  string
	Value float64
}

// ClassScore is how one class fared.
type ClassScore struct {
	Label                 string
	Precision, Recall, F1 float64
	Support               int
}

// EvalRecord is one evaluation.
type EvalRecord struct {
	Step      int
	Epoch     float64
	Stage     int
	Suffix    string // "_mm" for MNLI's mismatched set, else ""
	Loss      float64
	Metrics   []Metric // the first is the one to watch
	Majority  Majority
	Classes   []ClassScore // nil for regression
	Confusion [][]int      // [true][predicted]
	Samples   int
	Tokens    int
	Elapsed   time.Duration
	Last      bool // the evaluation at the end of the run

	// Of the evaluation at the end of a run alone.
	Intervals   []glue.Interval   // of Metrics
	Calibration *glue.Calibration // nil but for single labels
}

// Metric returns the metric of that name, and whether there is one.
func (e *EvalRecord) Metric(name string) (float64, bool) {
	for _, m := range e.Metrics {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}

// Prediction is one line of eval_predictions.jsonl.
type Prediction struct {
	ID        int // row in the data set, from 0
	Line      int // line in the file, from 1
	Label     string
	Predicted string
	Scores    []float64 // probabilities in the order of the labels; the value for regression

	Probability float64 // of the predicted label; 0 but for single labels
	Loss        float64
}

// Result is what a finished run leaves.
type Result struct {
	Folder      string
	Steps       int
	Evals       []*EvalRecord // of the saved weights: one, two for MNLI, none when they were not evaluated
	Best        *EvalRecord
	TrainLoss   float64 // mean over all updates
	FLOs        float64 // of the updates, as transformers counts them (run.flos)
	Elapsed     time.Duration
	Predicting  time.Duration // of it, the answers to the test files
	Interrupted bool          // the context ended; the weights of the last update were saved
}
