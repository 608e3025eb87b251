package train

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/strictjson"
)

// earlier is a run that is gone on with, as its run.json tells.
type earlier struct {
	dir        string
	checkpoint string // to go on from, "" for the newest

	Program    string            `json:"program"`
	Exit       string            `json:"exit"`
	Steps      int               `json:"steps"`
	Cwd        string            `json:"cwd"`
	Config     map[string]any    `json:"config"`
	ConfigFrom map[string]string `json:"config_from"`
	Origin     *Origin           `json:"origin"`
}

// resumes finds the run that --resume names, nil for a new one.
func (c *Config) resumes() (*earlier, error) {
	switch c.Resume {
	case "never", "":
		return nil, nil
	case "auto":
		if c.OutputDir == "" {
			return nil, fault.Errorf(fault.Usage, "--resume auto looks for a run in --output_dir, which is missing")
		}
		if _, err := os.Stat(filepath.Join(c.OutputDir, manifestName)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return readEarlier(c.OutputDir)
	}
	e, err := readEarlier(c.Resume)
	if err == nil && c.set["output_dir"] && !sameFolder(c.OutputDir, e.dir) {
		err = fault.Errorf(fault.Usage, "--output_dir %s: a run that goes on stays in its folder, %s: leave the option out", c.OutputDir, e.dir)
	}
	return e, err
}

// earlier finds the run to go on with, nil for a new one, and unless that has ended
// takes its folder, before anything else is read: meanwhile another process would
// write there. What that did before is told by run.json as it is now.
func (r *run) earlier() (*earlier, error) {
	e, err := r.cfg.resumes()
	if err != nil || e == nil || e.ended() {
		return e, err
	}
	if r.folder, err = reopen(r.disk, e.dir); err != nil {
		return nil, err
	}
	return readEarlier(cmp.Or(e.checkpoint, e.dir))
}

func sameFolder(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// readEarlier reads the run of a folder or of one of its checkpoints.
func readEarlier(path string) (*earlier, error) {
	e := &earlier{dir: filepath.Clean(path)}
	if strings.HasPrefix(filepath.Base(e.dir), "checkpoint-") {
		e.checkpoint, e.dir = e.dir, filepath.Dir(e.dir)
	}
	name := filepath.Join(e.dir, manifestName)
	text, err := bounded.ReadFile(nil, name, bounded.Settings)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, fault.Errorf(fault.Usage, "%w: is not the run.json of a run", err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Errorf(fault.Usage, "%s: is not the folder of a run, whose run.json would be there", e.dir)
	}
	if err != nil {
		return nil, fault.Errorf(files.Kind(err), "%s: cannot be read: %w", name, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // seeds are larger than a float64 holds
	if err = strictjson.Check(text); err == nil {
		err = d.Decode(e)
	}
	if err != nil || e.Program != "pactune" {
		return nil, fault.Errorf(fault.Usage, "%s: is not the run.json of a run: %v", name, err)
	}
	if strings.HasPrefix(e.Exit, "diverged") {
		return nil, fault.Errorf(fault.Usage, "%s: the run diverged, and would again (%s); start another one", e.dir, e.Exit)
	}
	if !e.ended() && e.Origin == nil {
		return nil, fault.Errorf(fault.Usage, "%s: run.json does not say what the run started from; expected that of pactune train", e.dir)
	}
	return e, nil
}

// needs is an error about the files of a run; where they are those of a run that
// goes on, the user has not named them now.
func (e *earlier) needs(err error) error {
	if kind := fault.KindOf(err); e == nil || kind != fault.Data && kind != fault.Model {
		return err
	}
	where := "the folder where that was done"
	if e.Cwd != "" {
		where += ", " + e.Cwd
	}
	return fmt.Errorf("%w; the run in %s goes on with what it was started from: files by paths from %s, and the standard input if it was read", err, e.dir, where)
}

func (e *earlier) ended() bool { return e.Exit == "finished" }

// ReadRun returns the settings of the run in dir, or in one of its checkpoints,
// to go on with it. Of own count the options on which no result depends.
func ReadRun(dir string, own *Config) (*Config, error) {
	e, err := readEarlier(dir)
	if err != nil {
		return nil, err
	}
	given := map[string]any{}
	for name, value := range e.Config {
		if e.ConfigFrom[name] == "option" && name != "resume" && name != "output_dir" && !ofProcess(name) || name == "data_file" {
			given[name] = value
		}
	}
	c, path := NewConfig(), filepath.Join(e.dir, manifestName)
	if err := c.setAll(path, given); err != nil {
		return nil, err
	}
	for i := range listed {
		if o := &listed[i]; o.in&InResume != 0 && own.IsSet(o.Name) {
			if err := c.Set(o.Name, o.text(own)); err != nil {
				return nil, err
			}
		}
	}
	return c, c.Set("resume", dir)
}

// ofProcess tells whether an option says how one process shows or times a run.
func ofProcess(name string) bool {
	o, err := lookup(listed, name)
	return err == nil && o.in&InResume != 0 && name != "threads" && name != "max_memory"
}

// open makes the folder of a new run, or brings that of the run that is gone on
// with to where it goes on.
func (r *run) open(e *earlier) (err error) {
	if e == nil {
		if r.folder, err = newRun(r.disk, r.cfg, r.plan.Task); err != nil {
			return err
		}
	}
	r.finish.Result.Folder = r.folder.Path()
	r.folder.Start(r.plan)
	if r.cfg.ReportTo == "tensorboard" {
		r.folder.Log.ReportEvents()
	}
	if e == nil {
		return r.writeManifest("running")
	}
	return r.restore(e)
}

// writeManifest writes the run.json of a run that has not ended.
func (r *run) writeManifest(exit string) error {
	r.finish.Exit, r.finish.End = exit, time.Now()
	m := Manifest(&r.finish)
	m["origin"] = &r.origin
	return r.folder.WriteJSON(manifestName, 2, m)
}

// restore makes a run that is prepared what it was at the checkpoint to go on from,
// or at its start where it has none.
func (r *run) restore(e *earlier) error {
	found, err := r.folder.Newest(e.checkpoint, r.warn)
	if err != nil {
		return err
	}
	saved := &state{Origin: *e.Origin}
	if found != nil {
		*saved = state{}
		if err := found.State(saved); err != nil {
			return err
		}
	}
	if err := r.origin.Differs(&saved.Origin, r.plan.Model); err != nil {
		return err
	}
	r.warn(r.cfg.OtherProducts(saved.Origin.Products))
	saved.Origin = r.origin // its files may have moved, and the machine be another
	err = r.folder.Rewind(found, saved.Logs, func() error {
		if err := r.replay(saved.Logs); err != nil {
			return err
		}
		return r.load(found, saved)
	}, r.warn)
	if err != nil {
		return err
	}
	r.saved = saved.Step
	r.note(fmt.Sprintf("%s goes on after update %d", e.dir, saved.Step))
	return nil
}
