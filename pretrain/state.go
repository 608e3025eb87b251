package pretrain

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"pactune/checkpoint"
	"pactune/corpus"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/train"
)

// state is state.json of a checkpoint: all that a run knows besides weights and
// moments. The zero value is the start.
type state struct {
	Step     int              `json:"step"`
	Tokens   int64            `json:"tokens"`
	Position corpus.Position  `json:"position"`
	Logs     map[string]int64 `json:"logs"` // length of each
	Skips    train.Skips      `json:"skips"`
	Spikes   train.Spikes     `json:"spikes"`
	Text     []textFile       `json:"text"`
	Products string           `json:"products,omitempty"` // of the machine (train.Config.Products)
	Saved    int              `json:"-"`                  // step of the newest checkpoint
}

// textFile is a file of text as the run found it.
type textFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

func (r *run) textFiles() []textFile {
	var list []textFile
	for _, f := range r.text.Files() {
		list = append(list, textFile{f.Path, f.SHA256})
	}
	return list
}

// save leaves a checkpoint of this moment and removes old ones.
func (r *run) save() error {
	if r.done.Step == r.done.Saved {
		return nil
	}
	logs, err := r.folder.Log.Flush()
	if err != nil {
		return err
	}
	r.done.Skips, r.done.Spikes = r.t.skips, r.t.spikes
	r.done.Logs, r.done.Position, r.done.Text, r.done.Products = logs, r.text.Position(), r.textFiles(), r.cfg.Products()
	config, err := r.t.model.Config.JSON()
	if err != nil {
		return err
	}
	dir := r.folder.Path()
	_, err = checkpoint.Save(files.OS, dir, r.done.Step, checkpoint.Content{
		Model: train.Weights(r.t.model.Store), Optimizer: train.Moments(r.t.opt), State: &r.done,
		Files: []checkpoint.File{{Name: "config.json", Write: func(w io.Writer) error { _, err := w.Write(config); return err }}},
	})
	if err != nil {
		return r.withCheckpoint(err)
	}
	r.done.Saved, r.saved = r.done.Step, time.Now()
	return checkpoint.Limit(files.OS, dir, r.cfg.SaveTotalLimit)
}

// Resume goes on with the run in dir from its newest whole checkpoint, or from
// its start where it has none. A run that has ended is left as it is: the result
// says so by Steps, and Loss is 0. Of own only settings count that no result
// depends on: threads, the memory's limit and the profile.
func Resume(ctx context.Context, dir string, own *train.Config, hooks train.Hooks) (*Result, error) {
	cfg, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	cfg.Threads, cfg.MaxMemory, cfg.Profile = own.Threads, own.MaxMemory, own.Profile
	r := &run{cfg: cfg, hooks: hooks}
	defer r.close()
	if !ended(dir) { // take the folder, and look again: another process may have ended it meanwhile
		if r.folder, err = train.ReopenFolder(dir); err != nil {
			return nil, err
		}
	}
	if ended(dir) {
		r.note(dir + ": this run has ended: nothing is left to do")
		return &Result{Folder: dir}, nil
	}
	return r.do(ctx, func() error { return r.restore(dir) })
}

// ended tells whether a run has ended: run.json is written last.
func ended(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "run.json"))
	return err == nil
}

// restore puts the state of the newest checkpoint into a run that is prepared.
func (r *run) restore(dir string) error {
	found, damaged, err := checkpoint.Latest(files.OS, dir)
	if err != nil {
		return err
	}
	for _, d := range damaged {
		r.note(fmt.Sprintf("a damaged checkpoint is passed over: %v", d))
	}
	step := -1
	if found != nil {
		step = found.Step
		if err := r.load(found); err != nil {
			return err
		}
	}
	if err := checkpoint.Rewind(files.OS, dir, step); err != nil {
		return err
	}
	if err := r.folder.Log.Cut(r.done.Logs); err != nil {
		return err
	}
	r.note(fmt.Sprintf("%s goes on after update %d", dir, r.done.Step))
	return nil
}

func (r *run) load(found *checkpoint.Found) error {
	if err := found.State(&r.done); err != nil {
		return err
	}
	for i, f := range r.textFiles() {
		if i >= len(r.done.Text) || r.done.Text[i].SHA256 != f.SHA256 {
			return fault.Errorf(fault.Data, "%s: the text is not the one that the run has read (its SHA-256 was another): put it back to go on", f.Path)
		}
	}
	if err := found.Load(checkpoint.Model, train.Weights(r.t.model.Store)); err != nil {
		return err
	}
	if err := found.Load(checkpoint.Optimizer, train.Moments(r.t.opt)); err != nil {
		return err
	}
	r.note(r.cfg.OtherProducts(r.done.Products))
	r.t.skips, r.t.spikes = r.done.Skips, r.done.Spikes
	r.done.Saved = r.done.Step
	return r.text.Seek(r.done.Position)
}
