package train

import (
	"cmp"
	"io/fs"
	"path/filepath"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/pac"
	"pactune/tensor"
)

// Disk is what a run writes, in bytes, when there is most of it.
type Disk struct {
	Model       int64 // the folder's own weights, noise and vocabulary
	Logs        int64 // of updates, evaluations and predictions
	Checkpoints int64
	Kept        int64 // of Checkpoints, what stays of a run that makes them by epoch, updates or evaluation; by time nobody knows

	Free int64 // there for it, with what a run that goes on has written; −1 when that is not known
}

// Total is the sum of the parts.
func (d Disk) Total() int64 { return d.Model + d.Logs + d.Checkpoints }

// text is the forecast for a person.
func (d Disk) text() string {
	if d.Free < 0 {
		return Size(d.Total()).String()
	}
	return Size(d.Total()).of(Size(d.Free)) + " free"
}

// Bytes on disk, on the large side of what was seen: of a tensor's entry in a file
// of weights, of a token in the vocabulary's two files, of an update's lines with
// the terms of the bound and without them, of a tensor's line in components.jsonl,
// of an evaluated row in eval_predictions.jsonl, and for a label of it; of all other
// files together.
const (
	tensorEntry    = 160
	tokenEntry     = 48
	pacLine        = 900
	plainLine      = 400
	componentLine  = 500
	predictionLine = 100
	labelEntry     = 24
	otherFiles     = 64 << 10
)

// DiskOf forecasts what a run of that many updates writes beside checkpoints, its
// model in float32 whatever it computes with.
func (c *Config) DiskOf(m *bert.Model, steps, evalRows, labels int) Disk {
	all, trained := m.Store.Len()
	tensors := len(m.Store.Params)
	d := Disk{Model: 4*int64(all) + int64(tensorEntry*tensors) + int64(tokenEntry*m.Config.VocabSize) + otherFiles}
	line := plainLine
	if c.PAC() {
		line = pacLine
		if c.PACGranularity == string(pac.PerWeight) {
			d.Model += 4 * int64(trained)
		}
		d.Model += int64(tensorEntry * tensors)
	}
	d.Logs = int64(steps)*int64(line) + int64(evalRows)*int64(predictionLine+labelEntry*labels)
	if c.ReportTo == "tensorboard" {
		d.Logs += int64(steps) * int64(line)
	}
	if c.ComponentSteps > 0 {
		d.Logs += int64(1+steps/c.ComponentSteps) * int64(componentLine*tensors)
	}
	return d
}

// CheckDisk finds out how much is free where the run's folder will be, and refuses
// a run that would not fit, with an error of kind Resources. kept is how many
// checkpoints stay, 0 for a run that makes none of itself. folder is that of a run that goes
// on, nil for a new one: what lies in it already is part of the forecast.
func (c *Config) CheckDisk(d *Disk, kept int, folder *Folder) error {
	dir, held := cmp.Or(c.OutputDir, "runs"), int64(0)
	if folder != nil {
		dir, held = folder.Path(), folder.size()
	}
	dir = files.Existing(dir) // tells the disk
	if d.Free = files.Free(dir); d.Free < 0 {
		return nil
	}
	if d.Free += held; d.Total() <= d.Free {
		return nil
	}
	remedy := "make room, or name a folder on another disk with --output_dir"
	if kept > 1 {
		remedy += ", or keep fewer checkpoints with --save_total_limit"
	}
	return fault.Errorf(fault.Resources, "%s: the run writes %s (model %s, checkpoints %s, logs %s), but only %s are free: %s",
		dir, Size(d.Total()), Size(d.Model), Size(d.Checkpoints), Size(d.Logs), Size(d.Free), remedy)
}

// size is the bytes of the files in the folder, as far as they can be read.
func (f *Folder) size() (bytes int64) {
	filepath.WalkDir(f.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && e.Type().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// checkDisk forecasts what the run writes and refuses what its disk cannot hold.
func (r *run) checkDisk(m *bert.Model, train *glue.Encoded) error {
	rows := 0
	for _, e := range r.evals {
		rows += e.Rows()
	}
	order := r.cfg.order(train)
	steps, _ := r.cfg.Steps(order.Steps())
	r.need = r.cfg.DiskOf(m, steps, rows, len(r.data.LabelNames))
	kept := 0
	if r.cfg.SaveStrategy != "no" {
		kept = r.cfg.SaveTotalLimit
	}
	size := r.cfg.checkpointSize(m)
	r.need.Checkpoints = int64(min(r.cfg.checkpoints(), steps)) * size
	if kept > 0 && r.cfg.SaveStrategy != "time" {
		r.need.Kept = int64(min(kept, steps)) * size
	}
	return r.cfg.CheckDisk(&r.need, kept, r.folder)
}

// checkpoints is how many there are at once, at most: those that are kept, the best
// and the one that is being written; with none wanted, that of a signal.
func (c *Config) checkpoints() int {
	if c.SaveStrategy == "no" {
		return 1
	}
	return c.SaveTotalLimit + 2
}

// checkpointSize is weights, two moments and, with PAC-tuning, log-stds and theirs.
func (c *Config) checkpointSize(m *bert.Model) int64 {
	all, trained := m.Store.Len()
	elements := all + 2*trained
	if c.PAC() && c.PACGranularity == string(pac.PerWeight) {
		elements += 3 * trained
	}
	return int64(tensor.FloatBytes)*int64(elements) + int64(8*tensorEntry*len(m.Store.Params)) + int64(tokenEntry*m.Config.VocabSize) + otherFiles
}
