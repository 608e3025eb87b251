package plot

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

// Run is what the folder of a run says about its course. A run that has not
// ended has no settings yet: what is not known is empty.
type Run struct {
	Name       string // the folder's
	Method     string
	Task       string
	Threshold  float64 // of component-wise clipping, 0 when it is off
	Grouping   string  // what is clipped on its own: tensor, qkv, layer
	Majority   map[string]float64
	Train      *Table // a row per update
	Timings    *Table // likewise, of the updates: seconds, tokens
	Evals      []Eval // one, or two for MNLI
	Components []Component

	place map[string]int // of a tensor in Components
}

// Eval holds the evaluations on one set of examples.
type Eval struct {
	Set    string // "eval", "eval_mm"
	Metric string // the one to watch
	Table  *Table
}

// Component is the history of one tensor's gradient.
type Component struct {
	Tensor string
	Table  *Table
}

// Table holds numbers by column; a row without a column's value has NaN there.
type Table struct {
	rows    int
	columns map[string][]float64
}

// NewTable makes a table of columns of one length.
func NewTable(columns map[string][]float64) *Table {
	t := &Table{columns: columns}
	for _, c := range columns {
		t.rows = len(c)
	}
	return t
}

// Column returns a value for each row.
func (t *Table) Column(name string) []float64 {
	c := t.columns[name]
	for len(c) < t.rows {
		c = append(c, math.NaN())
	}
	return c
}

// Has tells whether a column has a finite value.
func (t *Table) Has(name string) bool {
	for _, v := range t.columns[name] {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}

func (t *Table) add(row []field) {
	if t.columns == nil {
		t.columns = map[string][]float64{}
	}
	for _, f := range row {
		if f.text != "" {
			continue
		}
		c := t.columns[f.name]
		for len(c) < t.rows {
			c = append(c, math.NaN())
		}
		if len(c) == t.rows { // a name twice in a line: the first holds
			t.columns[f.name] = append(c, f.number)
		}
	}
	t.rows++
}

// Read reads the folder of a run. An error of kind Data says that it is none,
// or which line of it is broken; a torn last line, of a run that was cut off
// or still writes, is left out. The log of a run that has made no update is empty.
func Read(dir string) (*Run, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Errorf(fault.Data, "%s: %w", dir, err)
	}
	r := &Run{Name: filepath.Base(abs), Train: &Table{}, Timings: &Table{}, place: map[string]int{}}
	switch err := readLines(filepath.Join(dir, "metrics.jsonl"), r.metrics); {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		if _, err := os.Stat(filepath.Join(dir, "run.json")); err != nil {
			return nil, fault.Errorf(fault.Data, "%s: found no metrics.jsonl; expected the folder of a run, as pactune train writes it", dir)
		}
	case err != nil:
		return nil, err
	}
	for _, f := range []struct {
		name string
		take func([]field)
	}{{"components.jsonl", r.component}, {"timings.jsonl", r.timing}} {
		if err := readLines(filepath.Join(dir, f.name), f.take); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return r, r.settings(dir)
}

func (r *Run) metrics(row []field) {
	split := textOf(row, "split")
	if split == "train" {
		r.Train.add(row)
		return
	}
	for i := range r.Evals {
		if r.Evals[i].Set == split {
			r.Evals[i].Table.add(row)
			return
		}
	}
	e := Eval{Set: split, Table: &Table{}}
	for i := range row { // the metrics stand between the loss and the counts
		if row[i].name == "loss" && i+1 < len(row) && row[i+1].name != "samples" {
			e.Metric = row[i+1].name
		}
	}
	e.Table.add(row)
	r.Evals = append(r.Evals, e)
}

func (r *Run) timing(row []field) {
	if textOf(row, "split") == "" { // an update; an evaluation has one
		r.Timings.add(row)
	}
}

func (r *Run) component(row []field) {
	name := textOf(row, "tensor")
	i, known := r.place[name]
	if !known {
		i = len(r.Components)
		r.place[name] = i
		r.Components = append(r.Components, Component{name, &Table{}})
	}
	r.Components[i].Table.add(row)
}

// settings reads what the files at the end of a run say; all may be missing.
func (r *Run) settings(dir string) error {
	var args struct {
		Method string  `json:"method"`
		Task   string  `json:"task_name"`
		Clip   string  `json:"clip_component"`
		Norm   float64 `json:"clip_component_norm"`
	}
	var manifest struct {
		Majority map[string]float64 `json:"majority"`
	}
	for _, f := range []struct {
		name string
		into any
	}{{"training_args.json", &args}, {"run.json", &manifest}} {
		path := filepath.Join(dir, f.name)
		text, err := bounded.ReadFile(nil, path, bounded.Settings)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = strictjson.Unmarshal(text, f.into)
		}
		if err != nil {
			return fault.Errorf(fault.Data, "%s: %w", path, err)
		}
	}
	r.Method, r.Task, r.Majority = args.Method, args.Task, manifest.Majority
	if args.Clip != "" && args.Clip != "off" {
		r.Grouping, r.Threshold = args.Clip, args.Norm
	}
	return nil
}

func textOf(row []field, name string) string {
	for _, f := range row {
		if f.name == name {
			return f.text
		}
	}
	return ""
}

// layerOf splits a tensor's name: "bert.encoder.layer.3.output.dense.bias" is
// "output.dense.bias" of layer 3; layer -1 means in no layer.
func layerOf(tensor string) (layer int, rest string) {
	_, after, found := strings.Cut(tensor, ".layer.")
	if !found {
		return -1, strings.TrimPrefix(tensor, "bert.")
	}
	digits, rest, found := strings.Cut(after, ".")
	if !found || digits == "" {
		return -1, tensor
	}
	for _, c := range digits {
		if c < '0' || c > '9' || len(digits) > 4 {
			return -1, tensor
		}
		layer = 10*layer + int(c-'0')
	}
	return layer, rest
}
