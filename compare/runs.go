package compare

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"pactune/glue"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
	"pactune/train"
)

// Run is what the folder of a run says about its result.
type Run struct {
	Dir      string
	Task     string // "" for a user's own data
	Method   string
	Options  map[string]any // of train, by name
	Model    Model
	Seeds    Seeds
	Exit     string
	Data     []File
	Majority map[string]float64 // by metric
	Metrics  map[string]float64 // of the last evaluation, as "accuracy", "loss"
	Rows     float64            // of that evaluation
}

// Model is that from which a run started.
type Model struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // "" for the one in the binary
}

// Seeds are all that distinguishes the runs of a group. Runs of two groups with
// the same seeds are a pair.
type Seeds struct {
	Seed       uint64 `json:"seed"`
	DataSeed   uint64 `json:"data_seed"`
	SampleSeed uint64 `json:"sample_seed"`
}

// File is a data file of a run.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Use    string `json:"use"`
}

// Group is the runs of one method.
type Group struct {
	Name string // the folder as the user wrote it
	Runs []Run
}

// perplexity is the metric of a pretraining, whose key has no eval_, as that of
// transformers.
const perplexity = "perplexity"

// Diverged tells that the run ended without a final metric.
func (r *Run) Diverged() bool { return strings.HasPrefix(r.Exit, "diverged") }

// ReadGroup reads the run in a folder, or all runs below it in the order of their
// paths; the folder may be a symbolic link. An error of kind Data says that there are
// none, that one has not ended, or that two are of different methods, models or options,
// or have the same seeds.
func ReadGroup(dir string) (*Group, error) {
	g := &Group{Name: filepath.Clean(dir)}
	known := map[Seeds]string{}
	root := dir
	if i, err := os.Lstat(dir); err == nil && i.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // what it links to, which WalkDir would not follow
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return fault.Errorf(fault.Data, "%s: no such folder; expected one with runs: check the path", path)
		}
		if err != nil {
			return fault.Errorf(fault.Data, "%w", err)
		}
		if !d.IsDir() {
			return nil
		}
		if _, err := os.Stat(filepath.Join(path, "run.json")); err != nil {
			return nil
		}
		r, err := readRun(path)
		if err != nil {
			return err
		}
		if len(g.Runs) > 0 {
			if err := r.sameMethod(&g.Runs[0]); err != nil {
				return err
			}
		}
		if twin, ok := known[r.Seeds]; ok {
			return fault.Errorf(fault.Data, "%s: has the seed %d of %s; expected runs that differ in their seeds only: name the folder of one method", path, r.Seeds.Seed, twin)
		}
		known[r.Seeds] = path
		g.Runs = append(g.Runs, *r)
		return fs.SkipDir
	})
	if err == nil && len(g.Runs) == 0 {
		err = fault.Errorf(fault.Data, "%s: found no run; expected the folder of a run, as pactune train writes it, or one that holds such folders", dir)
	}
	return g, err
}

func readRun(dir string) (*Run, error) {
	var manifest struct {
		Config   map[string]any     `json:"config"`
		Model    Model              `json:"model"`
		Seeds    Seeds              `json:"seeds"`
		Exit     string             `json:"exit"`
		Data     []File             `json:"data"`
		Majority map[string]float64 `json:"majority"`
	}
	if err := readJSON(filepath.Join(dir, "run.json"), &manifest); err != nil {
		return nil, err
	}
	task, _ := manifest.Config["task_name"].(string)
	method, _ := manifest.Config["method"].(string)
	r := &Run{Dir: dir, Task: task, Method: method, Options: manifest.Config, Model: manifest.Model, Seeds: manifest.Seeds,
		Exit: manifest.Exit, Data: manifest.Data, Majority: manifest.Majority, Metrics: map[string]float64{}}
	if r.Diverged() {
		return r, nil
	}
	if r.Exit != "finished" {
		return nil, fault.Errorf(fault.Data, "%s: the run has not finished (%q in run.json); go on with pactune resume %s, or move it elsewhere", dir, r.Exit, dir)
	}
	var results map[string]any
	if err := readJSON(filepath.Join(dir, "all_results.json"), &results); err != nil {
		return nil, err
	}
	for key, v := range results {
		name, ok := strings.CutPrefix(key, "eval_")
		number, isNumber := v.(float64)
		if isNumber && (ok && !counts(name) || key == perplexity) {
			r.Metrics[name] = number
		}
	}
	r.Rows, _ = results["eval_samples"].(float64)
	return r, nil
}

// counts tells whether a number of an evaluation is that of its rows or of its
// time, which is no metric.
func counts(name string) bool {
	name = strings.TrimSuffix(name, "_mm")
	return name == "samples" || name == "runtime" || strings.HasSuffix(name, "_per_second")
}

func readJSON(path string, into any) error {
	text, err := bounded.ReadFile(nil, path, bounded.Settings)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Errorf(fault.Data, "%s: no such file; expected that of a finished run", path)
	}
	if err != nil {
		return fault.Errorf(fault.Data, "%w", err)
	}
	if err := strictjson.Unmarshal(text, into); err != nil {
		return fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	return nil
}

// value is the final metric of a run, false for one that diverged.
func (r *Run) value(metric string) (float64, bool, error) {
	v, ok := r.Metrics[metric]
	if !ok && !r.Diverged() {
		return 0, false, fault.Errorf(fault.Data, "%s: all_results.json has no eval_%s; %s", r.Dir, metric, r.choice())
	}
	return v, ok, nil
}

// choice says which metrics a run has.
func (r *Run) choice() string {
	var names []string
	for name := range r.Metrics {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "the run had no evaluation: expected one with --validation_file or a task"
	}
	sort.Strings(names)
	return "expected with --metric one of " + strings.Join(names, ", ")
}

// sameMethod refuses a run of another method, model or option than that of another
// run of its group. What a run.json does not name is not held against the other's.
func (r *Run) sameMethod(other *Run) error {
	differs := func(what string, a, b any) error {
		return fault.Errorf(fault.Data, "%s: its %s is %v, that of %s is %v; expected runs that differ in their seeds only: name the folder of one method", r.Dir, what, a, other.Dir, b)
	}
	if a, b := r.Method, other.Method; a != b && a != "" && b != "" {
		return differs("method", a, b)
	}
	if a, b := r.Model.name(), other.Model.name(); a != b && a != "" && b != "" {
		return differs("model", a, b)
	}
	var names []string
	for name := range r.Options {
		if train.Shapes(name) && name != "task_name" && !strings.HasSuffix(name, "seed") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		if a, b := r.Options[name], other.Options[name]; b != nil && !reflect.DeepEqual(a, b) {
			return differs("--"+name, a, b)
		}
	}
	return nil
}

// name is the SHA-256 of the model's weights, or what stands for them.
func (m Model) name() string {
	if m.SHA256 == "" {
		return m.Path
	}
	return "that with the SHA-256 " + m.SHA256
}

// same refuses a run whose numbers cannot be held against another's.
func (r *Run) same(other *Run) error {
	if r.Task != other.Task {
		return fault.Errorf(fault.Data, "%s: its task is %s, that of %s is %s; expected runs of one task", r.Dir, taskOf(r), other.Dir, taskOf(other))
	}
	if len(r.Data) != len(other.Data) {
		return fault.Errorf(fault.Data, "%s: read %d data files, %s %d; expected runs on the same data", r.Dir, len(r.Data), other.Dir, len(other.Data))
	}
	for i, f := range r.Data {
		if o := other.Data[i]; f.SHA256 != o.SHA256 || f.Use != o.Use {
			return fault.Errorf(fault.Data, "%s: its %s file %s has the SHA-256 %.12s…, the %s file %s of %s has %.12s…; expected runs on the same data", r.Dir, f.Use, f.Path, f.SHA256, o.Use, o.Path, other.Dir, o.SHA256)
		}
	}
	if a, b := r.Rows, other.Rows; a != b && !r.Diverged() && !other.Diverged() {
		return fault.Errorf(fault.Data, "%s: was evaluated on %v rows, %s on %v; expected the same rows", r.Dir, a, other.Dir, b)
	}
	return nil
}

func taskOf(r *Run) string {
	if r.Task == "" {
		return "none"
	}
	return r.Task
}

// metricOf is the metric that decides on a task: that of its failed-run rule, else
// its first, else accuracy or, for a regression, Pearson's.
func metricOf(r *Run) string {
	candidates := []string{glue.Accuracy, glue.Pearson}
	if t, err := glue.TaskByName(r.Task); err == nil {
		candidates = append([]string{t.Line.Metric}, t.Metrics...)
	}
	for _, name := range candidates {
		if _, ok := r.Metrics[name]; ok {
			return name
		}
	}
	return candidates[len(candidates)-1]
}

// lineOf is the level at which a run has failed: that of the task's rule, else what
// a constant answer reaches; NaN where neither is known.
func lineOf(r *Run, metric string) float64 {
	if t, err := glue.TaskByName(r.Task); err == nil && t.Line.Metric == metric {
		return t.Line.Value
	}
	if v, ok := r.Majority[metric]; ok {
		return v
	}
	return math.NaN()
}

// falls tells whether a smaller value of a metric is the better one.
func falls(metric string) bool {
	name := strings.TrimSuffix(metric, "_mm")
	return name == "loss" || name == perplexity || name == glue.MSE
}
