package glue

import (
	"fmt"

	"pactune/internal/fault"
)

// Load reads the parts of a data set that o asks for. Errors are of kind
// Data (files and their content) or Usage (options).
func Load(o Options) (*Data, error) {
	read := loadOwn
	if o.Task != "" {
		read = loadTask
	}
	d, err := read(&o)
	if err != nil {
		return nil, err
	}
	return d, d.limit(&o)
}

func loadTask(o *Options) (*Data, error) {
	t, err := TaskByName(o.Task)
	if err != nil {
		return nil, err
	}
	for _, own := range []string{o.TrainFile, o.ValidationFile, o.TestFile} {
		if own != "" {
			return nil, fault.Errorf(fault.Usage, "--task_name %s reads the task's files in --data_dir: leave out the file %s, or --task_name", t.Name, show(own))
		}
	}
	if o.DataDir == "" {
		return nil, fault.Errorf(fault.Usage, "--task_name %s: no folder; --data_dir names the folder that holds %s, or %s itself", t.Name, t.Folder, t.Folder)
	}
	if o.Train {
		if err := t.trainable(); err != nil {
			return nil, err
		}
	}
	dir, err := t.dir(o.FS, o.DataDir)
	if err != nil {
		return nil, err
	}
	d := &Data{Task: t, Problem: t.Problem(), LabelNames: t.LabelNames()}
	parts := []struct {
		wanted bool
		split  Split
	}{{o.Train, Train}, {o.Eval, Dev}, {o.Test, Test}}
	for _, p := range parts {
		if !p.wanted {
			continue
		}
		sets, err := t.readSplit(o, dir, p.split)
		if err != nil {
			return nil, err
		}
		switch p.split {
		case Train:
			d.Train = sets[0]
		case Dev:
			d.Eval = sets
		case Test:
			d.Test = sets
		}
	}
	if o.Test {
		if err := d.beside(o); err != nil {
			return nil, err
		}
	}
	return d, d.twoClasses()
}

// trainable refuses a task without training files.
func (t *Task) trainable() error {
	if len(t.files(Train)) == 0 {
		return fault.Errorf(fault.Usage, "--task_name %s: has no training file; train with --task_name %s, which predicts it as well", t.Name, t.Beside)
	}
	return nil
}

// readSplit reads the files of a split. Those after the first may be missing:
// LM-BFF's sets of MNLI have the matched part alone.
func (t *Task) readSplit(o *Options, dir string, s Split) (sets []*Dataset, err error) {
	for _, f := range t.files(s) {
		if len(sets) > 0 && !exists(o.FS, join(o.FS, dir, f.Name)) {
			sets[0].lacks(f.Name, "no results for it")
			continue
		}
		ds, err := t.read(o.FS, dir, f, o.Report)
		if err != nil {
			return nil, err
		}
		sets = append(sets, ds)
	}
	return sets, nil
}

// lacks notes a file that could stand beside that of d.
func (d *Dataset) lacks(name, so string) {
	d.Notes = append(d.Notes, fmt.Sprintf("%s is not there: %s", name, so))
}

// beside adds the test files of a task that has no model of its own, where they
// are there: the diagnostic set to MNLI's.
func (d *Data) beside(o *Options) error {
	for i := range tasks {
		t := &tasks[i]
		if t.Beside != d.Task.Name {
			continue
		}
		dir, err := t.dir(o.FS, o.DataDir)
		if err != nil {
			d.Test[0].lacks(t.Files[0].Name, "no predictions for --task_name "+t.Name)
			continue
		}
		for _, f := range t.Files {
			ds, err := t.read(o.FS, dir, f, o.Report)
			if err != nil {
				return err
			}
			d.Test = append(d.Test, ds)
		}
	}
	return nil
}

// twoClasses refuses a training file in which every row has the same class.
func (d *Data) twoClasses() error {
	if d.Train == nil || d.Problem != SingleLabel {
		return nil
	}
	for _, e := range d.Train.Examples {
		if e.Label != d.Train.Examples[0].Label {
			return nil
		}
	}
	return fault.Errorf(fault.Data, "%s: found one class only, %s, in %s; expected at least two",
		d.Train.Path, show(d.LabelNames[d.Train.Examples[0].Label]), rowCount(len(d.Train.Examples)))
}

func loadOwn(o *Options) (*Data, error) {
	if err := o.checkOwn(); err != nil {
		return nil, err
	}
	d := &Data{}
	var columns part // settled by the first file that is read
	var t *target
	if !o.Train {
		t = newTarget(o.Problem, o.Labels)
		t.trained = true
	}
	read := func(path string, split Split) (*Dataset, error) {
		columns.split = split
		f, err := readOwn(o, path, columns)
		if err != nil {
			return nil, err
		}
		columns.texts, columns.label = f.texts, f.label
		if t == nil {
			if t, err = f.learnTarget(o); err != nil {
				return nil, err
			}
		}
		d.Choices = append(d.Choices, f.choices...)
		return f.apply(t, o)
	}
	var err error
	if o.Train {
		if d.Train, err = read(o.TrainFile, Train); err != nil {
			return nil, err
		}
	}
	if o.Eval && o.ValidationFile != "" {
		ds, err := read(o.ValidationFile, Dev)
		if err != nil {
			return nil, err
		}
		d.Eval = []*Dataset{ds}
	}
	if o.Test {
		ds, err := read(o.TestFile, Test)
		if err != nil {
			return nil, err
		}
		d.Test = []*Dataset{ds}
	}
	d.Problem, d.LabelNames = t.problem, t.names
	if o.Eval && o.ValidationFile == "" {
		return d, d.holdOut(o.SampleSeed)
	}
	return d, nil
}

// checkOwn refuses options that do not name the files that are wanted.
func (o *Options) checkOwn() error {
	streams := 0
	for _, path := range []string{o.TrainFile, o.ValidationFile, o.TestFile} {
		streams += count(path == stdin)
	}
	switch {
	case streams > 1:
		return fault.Errorf(fault.Usage, "%d files are -, the standard input, which can be read once", streams)
	case !o.Train && !o.Eval && !o.Test:
		return fault.Errorf(fault.Usage, "no part of the data is asked for")
	case o.Train && o.TrainFile == "":
		return fault.Errorf(fault.Usage, "no training data: give --train_file FILE, or --task_name NAME with --data_dir DIR")
	case o.Eval && o.ValidationFile == "" && !o.Train:
		return fault.Errorf(fault.Usage, "no data to evaluate: give --validation_file FILE, or --task_name NAME with --data_dir DIR")
	case o.Test && o.TestFile == "":
		return fault.Errorf(fault.Usage, "no data to predict: give --test_file FILE, or --task_name NAME with --data_dir DIR")
	case !o.Train && len(o.Labels) == 0:
		return fault.Errorf(fault.Usage, "the model names no labels; its config.json needs id2label")
	}
	return nil
}

// limit applies --train_size and the --max_…_samples, in this order.
func (d *Data) limit(o *Options) error {
	if d.Train != nil && o.TrainSize > 0 {
		if err := d.Train.sample(o.TrainSize, o.SampleSeed); err != nil {
			return err
		}
	}
	first := func(ds *Dataset, n int) {
		if ds != nil && n > 0 && n < len(ds.Examples) {
			ds.Examples = ds.Examples[:n]
		}
	}
	first(d.Train, o.MaxTrain)
	for _, ds := range d.Eval {
		first(ds, o.MaxEval)
	}
	for _, ds := range d.Test {
		first(ds, o.MaxTest)
	}
	if d.Train != nil && d.twoClasses() != nil {
		d.Train.Notes = append(d.Train.Notes, fmt.Sprintf("one class only is left: all rows that are used (%d) are of it", len(d.Train.Examples)))
	}
	return nil
}
