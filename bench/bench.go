// Package bench measures speed: `pactune bench` and `go test -bench . ./bench`
// time the same workloads. Every figure stands beside the peak that the
// processor reaches in the same run, because machines differ and are shared:
// only the ratio means something.
//
// A workload is one thing to time, with the number of its floating-point
// operations: 2 for each product and sum of its matrix products, as if nothing
// were computed twice, and nothing else. Models are shapes filled from a seed.
package bench

import (
	"context"
	"encoding/json"
	"math"
	"runtime"
	"sort"
	"time"

	"pactune/asm"
	"pactune/internal/fault"
	"pactune/internal/profile"
	"pactune/tensor"
	"pactune/train"
)

// Options say what to time. The comments name the command's options.
type Options struct {
	Threads int // --threads
	// Precision is --precision, of the matrix products.
	Precision tensor.Precision
	Seconds   float64 // --seconds: least time of the repetitions of a workload
	Steps     int     // --steps: repetitions of a training step

	Model          string // --model: what bert.Sized takes
	VocabSize      int    // --vocab_size: of a model to pretrain
	Batch, Seq     int    // --batch, --seq: texts, and tokens of a text; of predict 0: as long as sentences
	Profile        bool   // --profile: time a training step op by op
	Vocab          string // --vocab: vocab.txt for the texts of the files
	TrainFile      string // --train_file
	ValidationFile string // --validation_file
}

// kernel is the micro-kernel of the matrix products.
func (o *Options) kernel() asm.Kernel {
	if o.Precision == tensor.PrecisionBF16 {
		return asm.ActiveBF16Kernel()
	}
	return asm.ActiveKernel()
}

// workload is one thing to time.
type workload struct {
	Result         // the name and the sizes
	FLOPs  float64 // of one repetition

	answers int // sentences that a repetition answers; 0: it is no prediction

	steps int // so many repetitions, not as many as take some time; 0 for those
	once  bool
	setup func() (*job, error)
}

// job is a workload that has its memory.
type job struct {
	run  func() (seconds float64, err error) // one repetition
	done func()
}

// timed makes a repetition of what is timed as a whole.
func timed(do func() error) func() (seconds float64, err error) {
	return func() (float64, error) {
		start := time.Now()
		err := do()
		return time.Since(start).Seconds(), err
	}
}

// Result is what came of a workload: a JSON object.
type Result struct {
	Name       string  `json:"name"`
	CPU        string  `json:"cpu"`
	M          int     `json:"m,omitempty"`
	N          int     `json:"n,omitempty"`
	K          int     `json:"k,omitempty"`
	Model      string  `json:"model,omitempty"`
	Layers     int     `json:"layers,omitempty"`
	Batch      int     `json:"batch,omitempty"`
	Seq        int     `json:"seq,omitempty"` // tokens of a text, when all are of one length
	Precision  string  `json:"precision"`
	Threads    int     `json:"threads"`
	Kernel     string  `json:"kernel"`
	Tokens     int     `json:"tokens"` // of one repetition; 0 for a bare matrix product
	Repeats    int     `json:"repeats"`
	Seconds    Seconds `json:"seconds"`
	GFLOPS     float64 `json:"gflops"` // of the best repetition
	PeakGFLOPS known   `json:"peak_gflops"`
	Fraction   known   `json:"fraction"` // gflops / peak_gflops
	// Sentences are those that a prediction answers in a second, at its best.
	Sentences known  `json:"sentences_per_second,omitempty"`
	PeakRSS   int64  `json:"peak_rss_bytes"` // of the process so far
	Allocs    uint64 `json:"allocs"`         // of the repetition with the fewest; the runtime makes a few at times
	// Bookkeeping is what an update of PAC-tuning takes beside the same
	// forward and backward passes, as a share of it.
	Bookkeeping known `json:"bookkeeping_share,omitempty"`
	// Profile is where the time of the repetitions went, when it was asked for.
	Profile *profile.Clock `json:"profile,omitempty"`
}

// Seconds of one repetition.
type Seconds struct {
	Best   float64 `json:"best"`
	Median float64 `json:"median"`
}

// known is a number that JSON shows as null while it is 0, not measured.
type known float64

func (k known) MarshalJSON() ([]byte, error) {
	if k == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(float64(k))
}

// kinds are the groups of workloads; pac has a course of its own.
var kinds = map[string]func(o *Options) ([]*workload, error){
	"gemm": gemms, "attention": attentions, "step": steps, "pretrain": pretraining, "predict": predictions,
}

// Run times all workloads of a kind, gemm, attention, step, pretrain, pac or predict, and
// tells emit of each as it is done.
func Run(ctx context.Context, kind string, o Options, emit func(*Result) error) error {
	o.Threads = train.Threads(o.Threads)
	if kind == "pac" {
		return runPAC(ctx, &o, emit)
	}
	workloadsOf, ok := kinds[kind]
	if !ok {
		return fault.Errorf(fault.Usage, "there is no benchmark %q: there are gemm, attention, step, pretrain, pac and predict", kind)
	}
	workloads, err := workloadsOf(&o)
	if err != nil {
		return err
	}
	for _, w := range workloads {
		if err := w.measure(ctx, &o); err != nil {
			return err
		}
		if err := emit(&w.Result); err != nil {
			return err
		}
	}
	return nil
}

// measure repeats the workload: once for the buffers to grow, then steps times
// or until its time has passed.
func (w *workload) measure(ctx context.Context, o *Options) error {
	j, err := w.setup()
	if err != nil {
		return err
	}
	defer j.done()
	s := w.begin(o)
	if !w.once {
		if _, err := j.run(); err != nil {
			return err
		}
	}
	for !s.enough(w, o) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.repeat(j); err != nil {
			return err
		}
	}
	w.end(s)
	return nil
}

// samples are the repetitions of a workload.
type samples struct {
	kernel  asm.Kernel
	seconds []float64
	spent   time.Duration
	allocs  uint64
	peak    float64
	memory  runtime.MemStats
}

// begin states what is timed and measures the peak.
func (w *workload) begin(o *Options) *samples {
	w.CPU, w.Threads, w.Kernel, w.Precision = train.CPU(), o.Threads, asm.Active().String(), o.Precision.String()
	if tensor.F64 {
		w.Precision = "f64"
	}
	return &samples{kernel: o.kernel(), peak: Peak(o.kernel(), o.Threads), allocs: math.MaxUint64}
}

func (s *samples) enough(w *workload, o *Options) bool {
	switch {
	case w.once:
		return len(s.seconds) > 0
	case w.steps > 0:
		return len(s.seconds) >= w.steps
	}
	return s.spent.Seconds() >= o.Seconds && len(s.seconds) >= 3
}

// repeat makes one repetition and counts what it allocates.
func (s *samples) repeat(j *job) error {
	runtime.ReadMemStats(&s.memory)
	before, start := s.memory.Mallocs, time.Now()
	seconds, err := j.run()
	s.spent += time.Since(start)
	runtime.ReadMemStats(&s.memory)
	s.allocs = min(s.allocs, s.memory.Mallocs-before)
	s.seconds = append(s.seconds, seconds)
	return err
}

// end measures the peak again and fills in the result.
func (w *workload) end(s *samples) {
	s.peak = max(s.peak, Peak(s.kernel, w.Threads))
	sort.Float64s(s.seconds)
	n := len(s.seconds)
	w.Repeats = n
	w.Seconds = Seconds{Best: s.seconds[0], Median: (s.seconds[(n-1)/2] + s.seconds[n/2]) / 2}
	w.GFLOPS = w.FLOPs / w.Seconds.Best / 1e9
	w.Sentences = known(float64(w.answers) / w.Seconds.Best)
	w.PeakRSS = train.PeakRSS()
	w.Allocs = s.allocs
	if s.peak > 0 && !tensor.F64 {
		w.PeakGFLOPS, w.Fraction = known(s.peak), known(w.GFLOPS/s.peak)
	}
}

// unless returns a usage error about a size that no model has.
func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fault.Errorf(fault.Usage, format, args...)
}
