package sweep

import (
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/train"
)

// Merge gathers the runs of shards of one sweep, each with a folder of its own, in the
// new folder out: of every run what its report and a comparison read, which is all but
// the model's weights. With out "" it writes the results of one folder anew. An error, of kind
// Data, tells of runs that have not ended, and of one that has two results.
func Merge(dirs []string, out string) (*Plan, error) {
	plans := make([]*Plan, len(dirs))
	for i, dir := range dirs {
		var err error
		if plans[i], err = ReadPlan(dir); err != nil {
			return nil, err
		}
		if !plans[i].same(plans[0]) {
			return nil, fault.Errorf(fault.Data, "%s: is a sweep over another grid than %s (%s); expected shards of one sweep", dir, dirs[0], planName)
		}
	}
	from, state, err := sources(plans)
	if err != nil {
		return nil, err
	}
	if out == "" {
		return plans[0], plans[0].writeResults(state)
	}
	return gather(plans[0], from, state, out)
}

// sources finds the folder in which each run has ended, and how.
func sources(plans []*Plan) (from []*Plan, state []string, err error) {
	runs := plans[0].Runs
	from, state = make([]*Plan, len(runs)), make([]string, len(runs))
	var missing []string
	for i := range runs {
		for _, p := range plans {
			switch ended := p.ended(&runs[i]); {
			case ended == "":
			case state[i] == "":
				from[i], state[i] = p, ended
			case ended != state[i] || ended == finished && !sameMetrics(from[i], p, &runs[i]):
				return nil, nil, fault.Errorf(fault.Data, "%s: has other results than %s; expected the same of equal runs: one was changed, or made from other data", p.path(runs[i].Folder), from[i].path(runs[i].Folder))
			}
		}
		if state[i] == "" {
			missing = append(missing, runs[i].Folder)
		}
	}
	if n := len(missing); n > 0 {
		return nil, nil, fault.Errorf(fault.Data, "%d of the %d runs have not ended (%s); pactune sweep goes on with them", n, len(runs), strings.Join(missing[:min(3, n)], ", "))
	}
	return from, state, nil
}

func sameMetrics(a, b *Plan, r *Run) bool {
	x, err1 := readMetrics(a.path(r.Folder, "all_results.json"))
	y, err2 := readMetrics(b.path(r.Folder, "all_results.json"))
	return err1 == nil && err2 == nil && maps.Equal(x, y)
}

// gather copies the runs into a folder that appears when it is whole.
func gather(p *Plan, from []*Plan, state []string, out string) (*Plan, error) {
	folder, err := train.NewFolder(&train.Config{OutputDir: out})
	if err != nil {
		return nil, err
	}
	defer folder.Discard()
	all := *p
	all.Dir = folder.Dir()
	text, err := p.text()
	if err == nil {
		err = all.write(planName, text)
	}
	for i := range p.Runs {
		if err == nil {
			err = all.copyRun(from[i], &p.Runs[i])
		}
	}
	if err == nil {
		err = all.writeResults(state)
	}
	if err == nil {
		err = folder.Publish()
	}
	all.Dir = folder.Path()
	return &all, err
}

// copyRun copies the files of a run's folder, but for the model's weights and checkpoints.
func (p *Plan) copyRun(from *Plan, r *Run) error {
	entries, err := os.ReadDir(from.path(r.Folder))
	if err != nil {
		return fault.Errorf(fault.Data, "%w", err)
	}
	if err := p.makeFolder(r.Folder); err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || files.Leftover(e.Name()) || e.Name() == weightsName {
			continue
		}
		if err := p.copyFile(from.path(r.Folder, e.Name()), p.path(r.Folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return fault.Errorf(fault.Data, "%w", err)
	}
	defer f.Close()
	_, err = files.WriteFile(p.disk, to, func(w io.Writer) error {
		if _, err := io.Copy(w, f); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return nil
	})
	return err
}
