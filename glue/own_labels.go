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
}

func newTarget(p Problem, names []string) *target {
	t := &target{p, names, make(map[string]int, len(names))}
	for i, n := range names {
		t.ids[n] = i
	}
	return t
}

// learnTarget finds problem and classes from the labels of a training file.
func (f *ownFile) learnTarget(o *Options) (*target, error) {
	if err := f.oneKind(); err != nil {
		return nil, err
	}
	if f.labels[0].kind == list {
		return f.learnClasses(MultiLabel)
	}
	numeric, decimal := true, false
	for _, c := range f.labels {
		numeric = numeric && c.kind != boolean && isNumber(c.text)
		decimal = decimal || strings.ContainsAny(c.text, ".eE")
	}
	regression, why := numeric && decimal, "the labels are numbers with decimals"
	if o.DoRegression != nil {
		regression, why = *o.DoRegression, "asked for"
	}
	if regression {
		f.choices = append(f.choices, Choice{"problem: regression (" + why + ")", "--do_regression false"})
		return newTarget(Regression, []string{f.label}), nil
	}
	return f.learnClasses(SingleLabel)
}

// oneKind refuses labels of several types, which only JSON can have.
func (f *ownFile) oneKind() error {
	for i, c := range f.labels {
		if c.kind == other {
			return at(f.data.Path, f.data.Examples[i].Line, "the label is an object; expected a string, a number, or a list of them")
		}
		if c.kind != f.labels[0].kind {
			return at(f.data.Path, f.data.Examples[i].Line, "the label is %s, while line %d has %s; expected one type in the whole file",
				c.kind, f.data.Examples[0].Line, f.labels[0].kind)
		}
	}
	return nil
}

// learnClasses collects the class names: numbers in the order of numbers,
// anything else in the order of text.
func (f *ownFile) learnClasses(p Problem) (*target, error) {
	seen := map[string]bool{}
	var names []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for i, c := range f.labels {
		if p == SingleLabel && noLabel(c) {
			return nil, at(f.data.Path, f.data.Examples[i].Line, "the row has no label: −1 means none; number the classes from 0, or use names")
		}
		if p == SingleLabel {
			add(c.text)
		}
		for _, member := range c.list {
			add(member)
		}
	}
	numeric := sortLabels(names)
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
	override := "--do_regression true"
	if p == MultiLabel {
		kind, override = "any number of classes per text (the labels are lists)", "--label_column_name"
	}
	f.choices = append(f.choices, Choice{fmt.Sprintf("problem: %s; %d classes, %s: %s", kind, len(names), order, showAll(names)), override})
	return newTarget(p, names), nil
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
func noLabel(c cell) bool { return c.kind == none || c.kind != list && c.text == "-1" }

// apply gives every example its target and returns the finished data set.
func (f *ownFile) apply(t *target) (*Dataset, error) {
	d := &f.data
	d.Problem, d.LabelNames, d.Labelled = t.problem, t.names, true
	for i, c := range f.labels {
		e := &d.Examples[i]
		if c.kind == none || t.problem == SingleLabel && noLabel(c) && f.split == Test {
			d.Labelled = false
			continue
		}
		if err := f.applyTo(e, c, t); err != nil {
			return nil, err
		}
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
	if (c.kind == list) != (t.problem == MultiLabel) || c.kind == other {
		return at(f.data.Path, e.Line, "the label is %s; expected %s", c.kind, t.expected())
	}
	switch t.problem {
	case Regression:
		v, err := strconv.ParseFloat(c.text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return at(f.data.Path, e.Line, "found the label %s, expected a finite number (--do_regression false makes classes of the labels)", show(c.text))
		}
		if math.Abs(v) > maxScore {
			return at(f.data.Path, e.Line, "found the label %s, expected a number of at most %g in size: rescale the labels", show(c.text), maxScore)
		}
		e.Score = v
	case SingleLabel:
		id, ok := t.ids[c.text]
		if !ok {
			return f.unknown(e, c.text, t)
		}
		e.Label = id
	case MultiLabel:
		e.Labels = make([]bool, len(t.names))
		for _, member := range c.list {
			id, ok := t.ids[member]
			if !ok {
				return f.unknown(e, member, t)
			}
			e.Labels[id] = true
		}
	}
	return nil
}

func (f *ownFile) unknown(e *Example, label string, t *target) error {
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
