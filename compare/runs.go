package compare

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// Run is what the folder of a run says about its result.
type Run struct {
	Dir      string
	Task     string // "" for a user's own data
	Seeds    Seeds
	Exit     string
	Data     []File
	Majority map[string]float64 // by metric
	Metrics  map[string]float64 // of the last evaluation, as "accuracy", "loss", "samples"
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
// paths. An error of kind Data says that there are none, that one has not ended,
// or that two have the same seeds.
func ReadGroup(dir string) (*Group, error) {
	g := &Group{Name: filepath.Clean(dir)}
	known := map[Seeds]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
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
		Config struct {
			Task string `json:"task_name"`
		} `json:"config"`
		Seeds    Seeds              `json:"seeds"`
		Exit     string             `json:"exit"`
		Data     []File             `json:"data"`
		Majority map[string]float64 `json:"majority"`
	}
	if err := readJSON(filepath.Join(dir, "run.json"), &manifest); err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Task: manifest.Config.Task, Seeds: manifest.Seeds, Exit: manifest.Exit, Data: manifest.Data,
		Majority: manifest.Majority, Metrics: map[string]float64{}}
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
		if name, ok := strings.CutPrefix(key, "eval_"); ok || key == perplexity {
			if number, ok := v.(float64); ok {
				r.Metrics[name] = number
			}
		}
	}
	return r, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
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

// values are the final metrics of the runs that have one, by their seeds, and in
// the order of the runs.
func (g *Group) values(metric string) (bySeed map[Seeds]float64, list []float64, err error) {
	bySeed = map[Seeds]float64{}
	for i := range g.Runs {
		r := &g.Runs[i]
		if r.Diverged() {
			continue
		}
		v, ok := r.Metrics[metric]
		if !ok {
			return nil, nil, fault.Errorf(fault.Data, "%s: all_results.json has no eval_%s; %s", r.Dir, metric, r.choice())
		}
		bySeed[r.Seeds], list = v, append(list, v)
	}
	return bySeed, list, nil
}

// choice says which metrics a run has.
func (r *Run) choice() string {
	var names []string
	for name := range r.Metrics {
		plain := strings.TrimSuffix(name, "_mm")
		if plain != "samples" && plain != "runtime" && !strings.HasSuffix(plain, "_per_second") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "the run had no evaluation: expected one with --validation_file or a task"
	}
	sort.Strings(names)
	return "expected with --metric one of " + strings.Join(names, ", ")
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
	if a, b := r.Metrics["samples"], other.Metrics["samples"]; a != b && !r.Diverged() && !other.Diverged() {
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
