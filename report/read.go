package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pactune/compare"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
	"pactune/plot"
)

// group is the runs of one method.
type group struct {
	name  string
	style plot.Style
	runs  []*run

	described *compare.Described // nil where there is nothing to compare
}

// run is what its folder says.
type run struct {
	*compare.Run
	name    string // "seed 1", or "sample 2, seed 1" where the samples vary
	log     *plot.Run
	start   manifest
	eval    *evaluation // nil: it had none with classes
	answers []answer
	failed  bool
}

// manifest is run.json, as far as package compare does not read it.
type manifest struct {
	Argv  []string       `json:"argv"`
	Build build          `json:"build"`
	CPU   string         `json:"cpu"`
	Data  []dataFile     `json:"data"`
	End   string         `json:"end"`
	Start string         `json:"start"`
	Model model          `json:"model"`
	Notes []string       `json:"notes"`
	Peak  float64        `json:"peak_rss_bytes"`
	Steps int            `json:"steps"`
	Core  string         `json:"kernel"`
	Pool  int            `json:"threads"`
	Of    map[string]any `json:"config"`
}

type build struct {
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Version  string `json:"version"`
}

type dataFile struct {
	Path   string `json:"path"`
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"`
	Use    string `json:"use"`
}

type model struct {
	Path       string `json:"path"`
	Parameters int    `json:"parameters"`
	Trainable  int    `json:"trainable"`
	SHA256     string `json:"sha256"`
}

// evaluation is eval_report.json.
type evaluation struct {
	Classes []struct {
		Label string `json:"label"`
	} `json:"classes"`
	Confusion   [][]float64 `json:"confusion"`
	Calibration *struct {
		ECE  float64 `json:"ece"`
		Bins []bin   `json:"bins"`
	} `json:"calibration"`
}

type bin struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Rows       float64 `json:"rows"`
	Confidence float64 `json:"confidence"`
	Accuracy   float64 `json:"accuracy"`
}

// answer is a line of eval_predictions.jsonl.
type answer struct {
	ID         int       `json:"id"`
	Line       int       `json:"line"`
	Label      string    `json:"label"`
	Prediction string    `json:"prediction"`
	Loss       float64   `json:"loss"`
	Scores     []float64 `json:"scores"`
}

// readGroups reads the groups in dirs and compares those whose runs had an evaluation
// or diverged; where none had one, the comparison is nil.
func readGroups(dirs []string, metric string) ([]*group, *compare.Report, error) {
	var groups []*group
	var found []*compare.Group
	for _, dir := range dirs {
		g, err := compare.ReadGroup(dir)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, g)
	}
	name(found)
	var compared []*compare.Group
	evaluated := false
	for i, f := range found {
		g := &group{name: f.Name, style: plot.Style{Color: plot.Hue(i), Dash: i >= 8}}
		ended, measured := false, false // without diverging, with an evaluation
		for k := range f.Runs {
			r, err := readRun(&f.Runs[k])
			if err != nil {
				return nil, nil, err
			}
			ended, measured = ended || !r.Diverged(), measured || len(r.Metrics) > 0
			g.runs = append(g.runs, r)
		}
		evaluated = evaluated || measured
		if measured || !ended {
			compared = append(compared, f)
		}
		groups = append(groups, g)
	}
	if !evaluated {
		return groups, nil, nil
	}
	r, err := compare.New(compared, metric)
	if err != nil {
		return nil, nil, err
	}
	for i, k := 0, 0; i < len(groups); i++ {
		for _, run := range groups[i].runs {
			run.failed = r.Failed(run.Run)
		}
		if k < len(compared) && found[i] == compared[k] {
			groups[i].described = &r.Groups[k]
			k++
		}
	}
	return groups, r, nil
}

// name gives groups the part of their folders' names in which they differ.
func name(groups []*compare.Group) {
	parent := filepath.Dir(groups[0].Name)
	for _, g := range groups {
		for parent != "." && parent != filepath.Dir(parent) && !strings.HasPrefix(g.Name, parent+string(filepath.Separator)) {
			parent = filepath.Dir(parent)
		}
	}
	for _, g := range groups {
		if short, err := filepath.Rel(parent, g.Name); err == nil {
			g.Name = short
		}
		g.Name = visible(filepath.ToSlash(g.Name))
	}
}

// readRun reads what a page needs of a run, and makes its texts visible.
func readRun(found *compare.Run) (*run, error) {
	r := &run{Run: found, failed: found.Diverged()}
	var err error
	if r.log, err = plot.Read(found.Dir); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(found.Dir, "run.json"), &r.start); err != nil {
		return nil, err
	}
	var e evaluation
	switch err := readJSON(filepath.Join(found.Dir, "eval_report.json"), &e); {
	case err == nil:
		r.eval = &e
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if r.answers, err = readAnswers(filepath.Join(found.Dir, "eval_predictions.jsonl")); err != nil {
		return nil, err
	}
	r.show()
	return r, nil
}

// show makes every text of a run visible.
func (r *run) show() {
	for i := range r.log.Components {
		r.log.Components[i].Tensor = visible(r.log.Components[i].Tensor)
	}
	s := &r.start
	for _, texts := range [][]string{s.Argv, s.Notes} {
		for i := range texts {
			texts[i] = visible(texts[i])
		}
	}
	for i := range s.Data {
		f := &s.Data[i]
		f.Path, f.SHA256, f.Use = visible(f.Path), visible(f.SHA256), visible(f.Use)
	}
	for _, text := range []*string{&s.Build.Go, &s.Build.Platform, &s.Build.Version, &s.CPU, &s.End, &s.Start, &s.Model.Path, &s.Model.SHA256, &s.Core} {
		*text = visible(*text)
	}
	if r.eval != nil {
		for i := range r.eval.Classes {
			r.eval.Classes[i].Label = visible(r.eval.Classes[i].Label)
		}
	}
	for i := range r.answers {
		r.answers[i].Label, r.answers[i].Prediction = visible(r.answers[i].Label), visible(r.answers[i].Prediction)
	}
}

func readJSON(path string, into any) error {
	text, err := bounded.ReadFile(nil, path, bounded.Settings)
	if err == nil {
		err = strictjson.Unmarshal(text, into)
	}
	if err != nil {
		return fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	return nil
}

// readAnswers reads the predictions; a run without has none.
func readAnswers(path string) (answers []answer, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%w", err)
	}
	defer f.Close()
	in, lineOf := bufio.NewReader(f), map[int]int{} // by id
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return answers, nil
		}
		var a answer
		if err == nil || err == io.EOF {
			err = strictjson.Unmarshal(line, &a)
		}
		if err != nil {
			return nil, fault.Errorf(fault.Data, "%s: line %d: %w; expected a prediction as pactune train writes it", path, n, err)
		}
		if twin, ok := lineOf[a.ID]; ok {
			return nil, fault.Errorf(fault.Data, "%s: line %d: has the id %d of line %d; expected every id once, as pactune train writes it", path, n, a.ID, twin)
		}
		lineOf[a.ID] = n
		answers = append(answers, a)
	}
}

// nameRuns names the runs by their seeds, and by their samples where those vary.
func nameRuns(groups []*group) {
	samples := map[uint64]bool{}
	for _, g := range groups {
		for _, r := range g.runs {
			samples[r.Seeds.SampleSeed] = true
		}
	}
	for _, g := range groups {
		for _, r := range g.runs {
			r.name = fmt.Sprintf("seed %d", r.Seeds.Seed)
			if len(samples) > 1 {
				r.name = fmt.Sprintf("sample %d, %s", r.Seeds.SampleSeed, r.name)
			}
		}
	}
}

// seed is the name of a run in a column of seeds.
func (r *run) seed() string { return strings.TrimPrefix(r.name, "seed ") }
