package pretrain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"pactune/bert"
	"pactune/checkpoint"
	"pactune/corpus"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/strictjson"
	"pactune/train"
)

// state is state.json of a checkpoint: all that a run knows besides weights and
// moments. The zero value is the start.
type state struct {
	Step     int             `json:"step"`
	Tokens   int64           `json:"tokens"`
	Position corpus.Position `json:"position"`
	Logs     train.Marks     `json:"logs"` // how far each goes
	Skips    train.Skips     `json:"skips"`
	Spikes   train.Spikes    `json:"spikes"`
	Origin   *train.Origin   `json:"origin,omitempty"`
	Saved    int             `json:"-"` // step of the newest checkpoint

	// Of a version that kept no Origin: the text and the products.
	Text     []textFile `json:"text,omitempty"`
	Products string     `json:"products,omitempty"`
}

// textFile is a file of text as such a version has it.
type textFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// originName is the file of a run's folder that says what the run started from.
const originName = "origin.json"

// describeOrigin finds what the result of a run that is prepared is a function of.
func (r *run) describeOrigin(m *bert.Model) (err error) {
	if r.origin, err = train.OriginOf(r.cfg.Config, r.cfg.table(), r.dataFiles(), m); err != nil {
		return err
	}
	sum := sha256.New()
	err = r.tok.WriteFiles(func(name string, data []byte) error {
		fmt.Fprintf(sum, "%s %d\n%s", name, len(data), data)
		return nil
	})
	r.origin.Vocab = hex.EncodeToString(sum.Sum(nil))
	return err
}

// started is the origin that a run had at its start, or that its checkpoint saved.
// What a version of before did not keep is as it is now.
func (r *run) started(found *checkpoint.Found, saved *state) (*train.Origin, error) {
	if saved.Origin != nil {
		return saved.Origin, nil
	}
	was := r.origin
	if found != nil {
		was.Data, was.Products = nil, saved.Products
		for _, f := range saved.Text {
			was.Data = append(was.Data, train.DataFile{Path: f.Path, SHA256: f.SHA256, Use: "train"})
		}
		return &was, nil
	}
	path := filepath.Join(r.folder.Path(), originName)
	text, err := bounded.ReadFile(nil, path, bounded.Settings)
	if errors.Is(err, fs.ErrNotExist) {
		return &was, nil
	}
	was = train.Origin{}
	if err == nil {
		err = strictjson.Unmarshal(text, &was)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w; expected what the run started from", path, err)
	}
	return &was, nil
}

// save leaves a checkpoint of this moment and removes old ones.
func (r *run) save() error {
	if r.done.Step == r.done.Saved {
		return nil
	}
	r.tried = r.done.Step
	logs, err := r.folder.Log.Flush()
	if err != nil {
		return err
	}
	r.done.Skips, r.done.Spikes = r.t.skips, r.t.spikes
	r.done.Logs, r.done.Position, r.done.Origin = logs, r.text.Position(), &r.origin
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
		return err
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
	return r.do(ctx, r.restore)
}

// ended tells whether a run has ended: run.json is written last.
func ended(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "run.json"))
	return err == nil
}

// restore puts the state of the newest checkpoint into a run that is prepared.
func (r *run) restore() error {
	found, err := r.folder.Newest("", r.warn)
	if err != nil {
		return err
	}
	saved := state{}
	if found != nil {
		if err := found.State(&saved); err != nil {
			return err
		}
	}
	was, err := r.started(found, &saved)
	if err != nil {
		return err
	}
	if err := r.origin.Differs(was, r.plan.Model); err != nil {
		return err
	}
	r.warn(r.cfg.OtherProducts(was.Products))
	if err := r.folder.Rewind(found, saved.Logs, func() error { return r.load(found, saved) }, r.warn); err != nil {
		return err
	}
	r.note(fmt.Sprintf("%s goes on after update %d", r.folder.Path(), r.done.Step))
	return nil
}

func (r *run) load(found *checkpoint.Found, saved state) error {
	if err := found.Load(checkpoint.Model, train.Weights(r.t.model.Store)); err != nil {
		return err
	}
	if err := found.Load(checkpoint.Optimizer, train.Moments(r.t.opt)); err != nil {
		return err
	}
	r.done = saved
	r.done.Text, r.done.Products, r.done.Saved = nil, "", saved.Step
	r.t.skips, r.t.spikes = saved.Skips, saved.Spikes
	return r.text.Seek(saved.Position)
}
