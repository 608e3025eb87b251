package glue

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"pactune/internal/fault"
)

// target is what the labels of a data set mean.
type target struct {
	problem Problem
	names   []string
	ids     map[string]int // class id by name
	trained bool           // from a model, not from training data
}

func newTarget(p Problem, names []string) *target {
	t := &target{problem: p, names: names, ids: make(map[string]int, len(names))}
	for i, n := range names {
		t.ids[n] = i
	}
	return t
}

// learnTarget finds problem and classes from the labels of a training file.
func (f *ownFile) learnTarget(o *Options) (*target, error) {
	if err := f.oneKind(o); err != nil {
		return nil, err
	}
	if err := f.oddLabels(o); err != nil {
		return nil, err
	}
	kind, several, numeric, decimal := none, false, true, false
	for i, c := range f.labels {
		if f.isRefused(i) {
			continue
		}
		kind = c.kind
		several = several || c.kind == tags && len(c.list) > 1
		numeric = numeric && c.list == nil && c.kind != boolean && isNumber(c.text)
		decimal = decimal || strings.ContainsAny(c.text, ".eE")
	}
	problem, why := SingleLabel, ""
	switch {
	case kind == list, kind == tags && several:
		problem, why = MultiLabel, "the labels are lists"
	case numeric && decimal:
		problem, why = Regression, "the labels are numbers with decimals"
	}
	if o.Asked != nil && kind != list {
		problem, why = *o.Asked, "asked for"
	}
	if problem == Regression {
		f.choices = append(f.choices, Choice{"problem: regression (" + why + ")", "--problem_type"})
		return newTarget(Regression, []string{f.label}), nil
	}
	return f.learnClasses(o, problem, why)
}

// oneKind refuses labels of several types, which text files cannot have.
func (f *ownFile) oneKind(o *Options) error {
	first := -1 // row of the first label that has one
	for i, c := range f.labels {
		var err error
		switch line := f.data.Examples[i].Line; {
		case c.kind == other:
			err = at(f.data.Path, line, "the label is %s; expected a string, a number, or a list of them", c.kind)
		case first < 0:
			first = i
		case c.kind != f.labels[first].kind:
			err = at(f.data.Path, line, "the label is %s, while %s %d has %s; expected one type in the whole file",
				c.kind, unit(f.data.Path), f.data.Examples[first].Line, f.labels[first].kind)
		}
		if err = f.refuse(o, i, err); err != nil {
			return err
		}
	}
	return nil
}

// oddLabels refuses labels that are no numbers where at least nine in ten are:
// slips, which would otherwise be classes and make classes of all scores.
func (f *ownFile) oddLabels(o *Options) error {
	if o.Asked != nil {
		return nil
	}
	all := 0
	var odd []int // examples
	for i, c := range f.labels {
		if f.isRefused(i) || c.kind == tags && len(c.list) == 0 {
			continue
		}
		if c.kind == list || len(c.list) > 1 {
			return nil // several classes a row
		}
		if all++; !isNumber(c.classes(SingleLabel)[0]) {
			odd = append(odd, i)
		}
	}
	if 10*len(odd) > all {
		return nil
	}
	for _, i := range odd {
		err := at(f.data.Path, f.data.Examples[i].Line, "the label %s is no number, while %d of %d are; correct it, or make every label a class with --problem_type single_label_classification",
			show(f.labels[i].classes(SingleLabel)[0]), all-len(odd), all)
		if err = f.refuse(o, i, err); err != nil {
			return err
		}
	}
	return nil
}

// refuse ends the reading with an error about an example, or tells it and
// leaves the example out.
func (f *ownFile) refuse(o *Options, i int, err error) error {
	if err == nil || o.Report == nil {
		return err
	}
	o.Report(err)
	if f.refused == nil {
		f.refused = make([]bool, len(f.labels))
	}
	f.refused[i] = true
	return nil
}

func (f *ownFile) isRefused(i int) bool { return f.refused != nil && f.refused[i] }

// classes are the names in a label: of a single-label problem it is one, of a
// multi-label problem a list, or a text with commas between.
func (c cell) classes(p Problem) []string {
	switch {
	case c.kind == list || c.kind == tags:
		return c.list
	case p == SingleLabel:
		return []string{c.text}
	}
	var names []string
	for _, name := range strings.Split(c.text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// learnClasses collects the class names: numbers in the order of numbers,
// anything else in the order of text.
func (f *ownFile) learnClasses(o *Options, p Problem, why string) (*target, error) {
	seen := map[string]bool{}
	var names []string
	for i, c := range f.labels {
		var err error
		line := f.data.Examples[i].Line
		switch {
		case f.isRefused(i):
			continue
		case p == SingleLabel && noLabel(c):
			err = at(f.data.Path, line, "the row has no label: −1 means none; number the classes from 0, or use names")
		case p == SingleLabel && len(c.classes(p)) != 1:
			err = f.oneClass(line, c)
		}
		if err != nil {
			if err = f.refuse(o, i, err); err != nil {
				return nil, err
			}
			continue
		}
		for _, name := range c.classes(p) {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	numeric := sortLabels(names)
	if len(names) == 0 && p == SingleLabel {
		return nil, noRows(f.data.Path, f.data.Rows)
	}
	if len(names) < 2 && p == SingleLabel {
		return nil, fault.Errorf(fault.Data, "%s: found one class only, %s, in %s; expected at least two", f.data.Path, showAll(names), rowCount(len(f.labels)))
	}
	if len(names) == 0 {
		return nil, fault.Errorf(fault.Data, "%s: no row has a label in its list; expected at least one class", f.data.Path)
	}
	order := "sorted as text"
	if numeric {
		order = "sorted as numbers"
	}
	kind := "one class per text"
	if p == MultiLabel {
		kind = "any number of classes per text (" + why + ")"
	}
	f.choices = append(f.choices, Choice{fmt.Sprintf("problem: %s; %d classes, %s: %s", kind, len(names), order, showAll(names)), "--problem_type"})
	return newTarget(p, names), nil
}

// oneClass is the error of a line of fastText that has not one label.
func (f *ownFile) oneClass(line int, c cell) error {
	if len(c.list) == 0 {
		return at(f.data.Path, line, "the row has no label: no word begins with %s; complete the row or remove it", labelPrefix)
	}
	return at(f.data.Path, line, "found %d labels, %s; expected one class (--problem_type multi_label_classification takes several)", len(c.list), showAll(c.list))
}

// sortLabels sorts names in place, as numbers where all are numbers.
func sortLabels(names []string) (numeric bool) {
	values := make(map[string]float64, len(names))
	for _, n := range names {
		v, err := strconv.ParseFloat(n, 64)
		if err != nil || math.IsNaN(v) {
			sort.Strings(names)
			return false
		}
		values[n] = v
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := values[names[i]], values[names[j]]
		return a < b || a == b && names[i] < names[j]
	})
	return true
}

// noLabel is true of a missing label, which data sets also write as −1.
func noLabel(c cell) bool { return c.kind == none || c.list == nil && c.text == "-1" }

// apply gives every example its target and returns the finished data set.
func (f *ownFile) apply(t *target, o *Options) (*Dataset, error) {
	d := &f.data
	d.Problem, d.LabelNames, d.Labelled = t.problem, t.names, true
	for i, c := range f.labels {
		e := &d.Examples[i]
		unlabelled := c.kind == none || t.problem == SingleLabel && noLabel(c) || c.kind == tags && c.list == nil
		if f.isRefused(i) {
			continue
		}
		if unlabelled && f.split == Test {
			d.Labelled = false
			continue
		}
		if err := f.refuse(o, i, f.applyTo(e, c, t)); err != nil {
			return nil, err
		}
	}
	if f.refused != nil {
		_, d.Examples = d.part(f.refused)
	}
	if !d.Labelled {
		d.Notes = append(d.Notes, "rows without a label: no metrics from this file")
	}
	return d, nil
}

// maxScore bounds the targets of a regression: beyond it their squares leave
// the range of float32, and every loss would be infinite.
const maxScore = 1e18

func (f *ownFile) applyTo(e *Example, c cell, t *target) error {
	if c.kind == list && t.problem != MultiLabel || c.kind == tags && t.problem == Regression || c.kind == other {
		return at(f.data.Path, e.Line, "the label is %s; expected %s", c.kind, t.expected())
	}
	if t.problem == Regression {
		v, err := strconv.ParseFloat(c.text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return at(f.data.Path, e.Line, "found the label %s, expected a finite number (--problem_type single_label_classification makes classes of the labels)", show(c.text))
		}
		if math.Abs(v) > maxScore {
			return at(f.data.Path, e.Line, "found the label %s, expected a number of at most %g in size: rescale the labels", show(c.text), maxScore)
		}
		e.Score = v
		return nil
	}
	names := c.classes(t.problem)
	if t.problem == SingleLabel && len(names) != 1 {
		return f.oneClass(e.Line, c)
	}
	if t.problem == MultiLabel {
		e.Labels = make([]bool, len(t.names))
	}
	for _, name := range names {
		id, ok := t.ids[name]
		if !ok {
			return f.unknown(e, name, t)
		}
		if t.problem == SingleLabel {
			e.Label = id
		} else {
			e.Labels[id] = true
		}
	}
	return nil
}

func (f *ownFile) unknown(e *Example, label string, t *target) error {
	if label == "-1" {
		return at(f.data.Path, e.Line, "found the label %s, which means none; expected one of %s; give the row its label, or remove it", show(label), showAll(t.names))
	}
	if t.trained {
		return at(f.data.Path, e.Line, "found the label %s, which the model has not learned; expected one of %s; correct the label", show(label), showAll(t.names))
	}
	return at(f.data.Path, e.Line, "found the label %s, which the training data lack; expected one of %s; correct the label, or add training rows that have it", show(label), showAll(t.names))
}

func (t *target) expected() string {
	switch t.problem {
	case Regression:
		return "a number"
	case MultiLabel:
		return "a list of classes"
	}
	return "one class"
}
