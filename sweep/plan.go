package sweep

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/strictjson"
	"pactune/train"
)

// Plan is every run of a sweep, in one order.
type Plan struct {
	Dir  string   `json:"-"`
	Axes []string `json:"axes"`
	Runs []Run    `json:"runs"`

	disk files.FS
}

// Run is one run.
type Run struct {
	Number     int      `json:"number"` // of its claims, which it keeps when the sweep is extended
	Folder     string   `json:"folder"` // below the sweep's, with slashes
	Cell       string   `json:"cell"`   // the folder of its seeds
	Labels     []string `json:"labels"` // its point of each axis
	Seed       uint64   `json:"seed"`
	SampleSeed uint64   `json:"sample_seed"`
	Args       []string `json:"arguments"` // of pactune train
}

// maxPlan is the most bytes that sweep.json may have: those of ten thousand runs with
// twelve thousand bytes of options each.
const maxPlan = 128 << 20

// The files of a sweep.
const (
	planName    = "sweep.json"
	claimsName  = ".sweep"
	resultsName = "results.csv"
	weightsName = "model.safetensors" // of a run, or of the model it starts from
)

// Plan lists the runs of a grid: the last axis varies fastest, then the samples, then
// the seeds. An error is of kind Usage: a value that train would refuse, an option that
// is set twice, two cells of one name.
func (g *Grid) Plan() (*Plan, error) {
	if g.Dir == "" {
		return nil, fault.Errorf(fault.Usage, "the sweep has no folder: name one with --output_dir, so that the same command goes on with it")
	}
	if err := g.checkNames(); err != nil {
		return nil, err
	}
	p := &Plan{Dir: filepath.Clean(g.Dir), Axes: []string{}, disk: files.OS}
	for _, a := range g.Axes {
		p.Axes = append(p.Axes, a.Name)
	}
	seeds := g.Seeds
	if len(seeds) == 0 {
		seeds = []uint64{train.NewConfig().Seed}
	}
	known := map[string]string{}
	for i := range g.cells() {
		r, name := g.cell(i)
		if twin, ok := known[name]; ok {
			return nil, fault.Errorf(fault.Usage, "the points %s and %s of the grid have the same folder, %q: name them as label: {option: value}", twin, strings.Join(r.Labels, ", "), name)
		}
		known[name] = strings.Join(r.Labels, ", ")
		if err := p.addCell(r, name, seeds, g.SampleSeeds); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// cells is their number, the product of the axes.
func (g *Grid) cells() int {
	n := 1
	for _, a := range g.Axes {
		n *= len(a.Points)
	}
	return n
}

// cell is the i-th, without its seeds, and the name of its folder; of axes that have
// one point only, the name says nothing.
func (g *Grid) cell(i int) (r Run, name string) {
	r.Args = slices.Clone(g.Base)
	r.Labels = make([]string, len(g.Axes))
	points := make([]Point, len(g.Axes))
	for k := len(g.Axes) - 1; k >= 0; k-- {
		n := len(g.Axes[k].Points)
		points[k] = g.Axes[k].Points[i%n]
		i /= n
	}
	var parts []string
	for k, a := range g.Axes {
		r.Labels[k] = points[k].Label
		r.Args = append(r.Args, points[k].Args...)
		if part := a.part(points[k]); len(a.Points) > 1 && part != "" {
			parts = append(parts, part)
		}
	}
	return r, strings.Join(parts, "-")
}

// addCell adds the runs of a cell.
func (p *Plan) addCell(cell Run, name string, seeds, samples []uint64) error {
	config, err := train.ParseArgs(cell.Args)
	if err != nil {
		return err
	}
	several := len(samples) > 1
	if several && !config.DrawsRows() {
		return fault.Errorf(fault.Usage, "%s: sample_seeds: found %d, but without train_size they all train and are evaluated on the same rows; give train_size, or leave sample_seeds out", cmp.Or(name, "the sweep"), len(samples))
	}
	if len(samples) == 0 {
		samples = []uint64{config.SampleSeed}
	}
	for _, sample := range samples {
		folder := name
		if several {
			folder = path.Join(name, fmt.Sprint("sample", sample))
		}
		for _, seed := range seeds {
			r := cell
			r.Number, r.Cell, r.Folder, r.Seed, r.SampleSeed = len(p.Runs), name, path.Join(folder, fmt.Sprint("seed", seed)), seed, sample
			r.Args = append(slices.Clone(cell.Args), "--seed="+strconv.FormatUint(seed, 10))
			if sample != config.SampleSeed {
				r.Args = append(r.Args, "--sample_seed="+strconv.FormatUint(sample, 10))
			}
			p.Runs = append(p.Runs, r)
		}
	}
	return nil
}

// checkNames refuses an option that two axes set, or an axis and the command line.
func (g *Grid) checkNames() error {
	setBy := map[string]string{}
	for _, arg := range g.Base {
		setBy[nameOf(arg)] = "the options of every run"
	}
	for _, a := range g.Axes {
		mine := "the axis " + a.Name
		for _, point := range a.Points {
			for _, arg := range point.Args {
				name := nameOf(arg)
				if by, ok := setBy[name]; ok && by != mine {
					return fault.Errorf(fault.Usage, "%s is set by %s and by %s of the grid; expected one place", name, by, mine)
				}
				setBy[name] = mine
			}
		}
	}
	return nil
}

// text is sweep.json.
func (p *Plan) text() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Program string `json:"program"`
		*Plan
	}{"pactune", p})
	return b.Bytes(), err
}

// path is a file of the sweep's folder.
func (p *Plan) path(names ...string) string {
	return filepath.Join(p.Dir, filepath.FromSlash(path.Join(names...)))
}

// Check refuses a folder in which the sweep cannot be: one that holds something else,
// or a sweep with other runs than this one has.
func (p *Plan) Check() error {
	there, err := ReadPlan(p.Dir)
	switch {
	case err == nil:
		return p.join(there)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Errorf(fault.Usage, "--output_dir %s: %w", p.Dir, err)
	}
	for _, e := range entries {
		if e.Name() != claimsName && !files.Leftover(e.Name()) {
			return fault.Errorf(fault.Usage, "--output_dir %s: is not empty (%s) and holds no sweep; name a new folder, or that of a sweep to go on with it", p.Dir, e.Name())
		}
	}
	return nil
}

// Open makes the folder of the sweep, finds it as it was, or adds the runs that are new
// to those of the sweep that is there. The results of that are removed; those of all runs
// come when all have ended.
func (p *Plan) Open() error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := p.makeFolder(claimsName); err != nil {
		return fmt.Errorf("--output_dir %w", err)
	}
	text, err := p.text()
	if err != nil {
		return fault.Errorf(fault.Internal, "%s: %w", planName, err)
	}
	if there, err := os.ReadFile(p.path(planName)); err == nil && bytes.Equal(there, text) {
		return nil
	}
	if err := p.write(planName, text); err != nil {
		return err
	}
	if err := p.disk.Remove(p.path(resultsName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return files.Fault(p.path(resultsName), 0, err)
	}
	there, err := ReadPlan(p.Dir) // another process may have come at the same time
	if err != nil {
		return err
	}
	return p.join(there)
}

// makeFolder makes a folder in that of the sweep, after those above it.
func (p *Plan) makeFolder(name string) error {
	var missing []string
	for dir := p.path(name); dir != files.Existing(dir); dir = filepath.Dir(dir) {
		missing = append(missing, dir)
	}
	slices.Reverse(missing)
	for _, dir := range missing {
		if err := p.disk.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) { // by another worker
			return files.Fault(dir, 0, err)
		}
	}
	return nil
}

func (p *Plan) write(name string, text []byte) error {
	_, err := files.WriteFile(p.disk, p.path(name), func(w io.Writer) error { _, err := w.Write(text); return err })
	return err
}

// ReadPlan reads the sweep of a folder. errors.Is finds fs.ErrNotExist where there is
// none.
func ReadPlan(dir string) (*Plan, error) {
	name := filepath.Join(dir, planName)
	text, err := bounded.ReadFile(nil, name, maxPlan)
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: is not the folder of a sweep, whose %s would be there: %w", dir, planName, err)
	}
	p := struct {
		Program string `json:"program"`
		Plan
	}{}
	if err := strictjson.Unmarshal(text, &p); err != nil || p.Program != "pactune" {
		return nil, fault.Errorf(fault.Data, "%s: is not the %s of a sweep: %v", name, planName, err)
	}
	numbered := slices.ContainsFunc(p.Runs, func(r Run) bool { return r.Number > 0 })
	for i, r := range p.Runs {
		if !numbered { // by an earlier version
			p.Runs[i].Number = i
		}
		if !fs.ValidPath(r.Folder) || !fs.ValidPath(path.Join(r.Cell, "x")) || len(r.Labels) != len(p.Axes) {
			return nil, fault.Errorf(fault.Data, "%s: is not the %s of a sweep: found the run %q", name, planName, r.Folder)
		}
	}
	p.Dir, p.disk = filepath.Clean(dir), files.OS
	return &p.Plan, nil
}

// join gives the runs of the sweep that is there their numbers and the others those after
// them. It refuses a grid that has not every run of it; the error says which is the first.
func (p *Plan) join(there *Plan) error {
	added := map[string]*Run{}
	for i := range p.Runs {
		added[p.Runs[i].Folder] = &p.Runs[i]
	}
	next := 0
	for i := range there.Runs {
		old := &there.Runs[i]
		r := added[old.Folder]
		if r == nil || !slices.Equal(r.Args, old.Args) {
			found, now := old.Folder, "without it"
			if r != nil {
				found, now = old.unlike(r), r.unlike(old)
			}
			return fault.Errorf(fault.Usage, "--output_dir %s: holds a sweep over another grid: found %s, now %s; give a grid with every run of %s, or name a new folder", p.Dir, found, now, planName)
		}
		r.Number = old.Number
		next = max(next, r.Number+1)
		delete(added, r.Folder)
	}
	for i := range p.Runs {
		if r := &p.Runs[i]; added[r.Folder] != nil {
			r.Number, next = next, next+1
		}
	}
	return nil
}

// same tells whether two plans have the same runs in the same order.
func (p *Plan) same(other *Plan) bool {
	return slices.EqualFunc(p.Runs, other.Runs, func(a, b Run) bool { return a.Folder == b.Folder && slices.Equal(a.Args, b.Args) })
}

// unlike names a run, with the arguments that another has not.
func (r *Run) unlike(other *Run) string {
	own := slices.DeleteFunc(slices.Clone(r.Args), func(s string) bool { return slices.Contains(other.Args, s) })
	if len(own) == 0 {
		return r.Folder
	}
	return r.Folder + " with " + strings.Join(own, " ")
}
