package sweep

import (
	"regexp"
	"slices"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/strictyaml"
	"pactune/train"
)

// Grid is what a sweep was asked for: every point of every axis, times the samples,
// times the seeds.
type Grid struct {
	Dir         string   // output_dir
	Base        []string // arguments that every run has; a later one wins
	Axes        []Axis
	Seeds       []uint64
	SampleSeeds []uint64 // of the random training subset; none: train's own
}

// Axis is what varies: an option, or sets of options under a name.
type Axis struct {
	Name   string
	Points []Point
}

// Point is a value of an axis.
type Point struct {
	Label string
	Args  []string // --name=value
}

// ReadGrid reads a file such as
//
//	output_dir: out
//	seeds: paper30                       # 1..30, or [13, 21, 42]
//	sample_seeds: 1..5
//	options: {model_name_or_path: bert-base-uncased, data_dir: glue, train_size: 100}
//	grid:
//	  task_name: [rte, mrpc]             # an option and its values
//	  method:                            # a name, and sets of options by their labels
//	    adamw: {method: adamw}
//	    cwgnc: {method: cwgnc, clip_component_norm: 0.05}
//
// An error names the line.
func ReadGrid(path string) (*Grid, error) {
	file, err := strictyaml.Read(path)
	if err != nil {
		return nil, err
	}
	members, err := file.Members("output_dir", "seeds", "sample_seeds", "options", "grid")
	if err != nil {
		return nil, err
	}
	g := &Grid{}
	for _, m := range members {
		switch m.Name {
		case "output_dir":
			g.Dir, err = m.Value.Text()
		case "seeds":
			g.Seeds, err = readSeeds(m.Value)
		case "sample_seeds":
			g.SampleSeeds, err = readSeeds(m.Value)
		case "options":
			g.Base, err = readOptions(m.Value)
		case "grid":
			err = g.readAxes(m.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}

// readSeeds reads a list of seeds in either form.
func readSeeds(v *strictyaml.Value) ([]uint64, error) {
	texts, err := v.Texts()
	if err != nil {
		return nil, err
	}
	seeds, err := ParseSeeds(strings.Join(texts, ","))
	if err != nil {
		return nil, v.Errorf("%w", err)
	}
	return seeds, nil
}

// readOptions reads a map of options as arguments.
func readOptions(v *strictyaml.Value) ([]string, error) {
	members, err := v.Members()
	if err != nil {
		return nil, err
	}
	var args []string
	for _, m := range members {
		texts, err := m.Value.Texts() // a list is one of column names
		if err != nil {
			return nil, err
		}
		arg, err := argument(m.Name, strings.Join(texts, ","))
		if err != nil {
			return nil, m.Key.Errorf("%w", err)
		}
		args = append(args, arg)
	}
	return args, nil
}

func (g *Grid) readAxes(v *strictyaml.Value) error {
	members, err := v.Members()
	if err != nil {
		return err
	}
	for _, m := range members {
		axis := Axis{Name: m.Name}
		if m.Value.IsMap() {
			axis.Points, err = readSets(m.Value)
		} else {
			axis.Points, err = readValues(m)
		}
		if err == nil && len(axis.Points) == 0 {
			err = m.Value.Errorf("%s has no values; expected one or more", m.Name)
		}
		if err != nil {
			return err
		}
		g.Axes = append(g.Axes, axis)
	}
	return nil
}

// readSets reads an axis of sets of options by their labels.
func readSets(v *strictyaml.Value) ([]Point, error) {
	sets, err := v.Members()
	if err != nil {
		return nil, err
	}
	var points []Point
	for _, set := range sets {
		args, err := readOptions(set.Value)
		if err != nil {
			return nil, err
		}
		points = append(points, Point{set.Name, args})
	}
	return points, nil
}

// readValues reads an axis that is an option with a list of values.
func readValues(m strictyaml.Member) ([]Point, error) {
	list, err := m.Value.List()
	if err != nil {
		return nil, err
	}
	var points []Point
	for _, item := range list {
		text, err := item.Text()
		if err != nil {
			return nil, err
		}
		arg, err := argument(m.Name, text)
		if err != nil {
			return nil, item.Errorf("%w", err)
		}
		points = append(points, Point{text, []string{arg}})
	}
	return points, nil
}

// ParseAxes reads the axes of a command line: "method=adamw,cwgnc seed…", options
// with their values, separated by blanks.
func ParseAxes(text string) ([]Axis, error) {
	var axes []Axis
	for _, word := range strings.Fields(text) {
		name, values, found := strings.Cut(word, "=")
		if !found || values == "" {
			return nil, fault.Errorf(fault.Usage, "--grid %q: found %q; expected options with their values, as in --grid \"method=adamw,cwgnc learning_rate=1e-5,2e-5\"", text, word)
		}
		axis := Axis{Name: name}
		for _, value := range strings.Split(values, ",") {
			arg, err := argument(name, value)
			if err != nil {
				return nil, fault.Errorf(fault.Usage, "--grid: %w", err)
			}
			axis.Points = append(axis.Points, Point{value, []string{arg}})
		}
		axes = append(axes, axis)
	}
	return axes, nil
}

// argument is an option with a value that train takes, as --name=value with the name
// of the table.
func argument(name, value string) (string, error) {
	c := train.NewConfig()
	if err := c.Set(name, value); err != nil {
		return "", err
	}
	args := c.Given()
	if len(args) == 0 {
		return "", fault.Errorf(fault.Usage, "--%s %q: has no effect here; leave it out", name, value)
	}
	if why := refused(nameOf(args[0])); why != "" {
		return "", fault.Errorf(fault.Usage, "--%s: %s", nameOf(args[0]), why)
	}
	return args[0], nil
}

// nameOf is the option of an argument, "" for a file.
func nameOf(arg string) string {
	name, _, _ := strings.Cut(arg, "=")
	plain, isOption := strings.CutPrefix(name, "--")
	if !isOption {
		return ""
	}
	return plain
}

// refused tells why the runs of a sweep cannot be given an option, "" if they can.
func refused(name string) string {
	switch name {
	case "seed":
		return "the seeds of a sweep are named by seeds, as in 1..30"
	case "sample_seed":
		return "the samples of a sweep are named by sample_seeds, as in 1..5"
	case "output_dir":
		return "every run has its folder below the output_dir of the sweep"
	case "resume":
		return "a sweep always goes on with the runs that are in its folder"
	}
	if ofMachine(name) {
		return "no result depends on it; give it on the command line of pactune sweep"
	}
	if contains(train.Table(train.InResume), name) {
		return "it is for a single run"
	}
	return ""
}

// ofMachine tells whether an option belongs to the process that works on a sweep,
// not to the runs.
func ofMachine(name string) bool { return contains(train.Table(train.InSweep), name) }

func contains(options []train.Option, name string) bool {
	return slices.ContainsFunc(options, func(o train.Option) bool { return o.Name == name })
}

// Take adds what a command line says to a grid: its options are those of every run,
// above those of a file.
func (g *Grid) Take(c *train.Config) error {
	if c.DataFile == "-" || c.TrainFile == "-" || c.ValidationFile == "-" || c.TestFile == "-" {
		return fault.Errorf(fault.Usage, "the standard input can be read by one run only; expected files")
	}
	if c.OutputDir != "" {
		g.Dir = c.OutputDir
	}
	if c.IsSet("seed") {
		if len(g.Seeds) > 0 {
			return fault.Errorf(fault.Usage, "--seed: the seeds are named already; leave it out, or name all with --seeds")
		}
		g.Seeds = []uint64{c.Seed}
	}
	if c.IsSet("sample_seed") {
		if len(g.SampleSeeds) > 0 {
			return fault.Errorf(fault.Usage, "--sample_seed: the samples are named already; leave it out, or name all with --sample_seeds")
		}
		g.SampleSeeds = []uint64{c.SampleSeed}
	}
	for _, arg := range c.Given() {
		switch name := nameOf(arg); {
		case name == "output_dir", name == "seed", name == "sample_seed", ofMachine(name):
		case refused(name) != "":
			return fault.Errorf(fault.Usage, "--%s: %s", name, refused(name))
		default:
			g.Base = append(g.Base, arg)
		}
	}
	return nil
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9_.+=-]+`)

// part is what a point gives to the name of its cell: a value that speaks for itself,
// or with the option's name.
func (a *Axis) part(p Point) string {
	text := p.Label
	if len(p.Args) == 1 && nameOf(p.Args[0]) == a.Name && a.Name != "method" && a.Name != "task_name" {
		text = a.Name + "-" + p.Label
	}
	return strings.Trim(unsafe.ReplaceAllString(text, "-"), "-.")
}
