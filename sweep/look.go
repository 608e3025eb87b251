package sweep

import (
	"fmt"

	"pactune/internal/fault"
	"pactune/train"
)

// Work is what one process brings to a sweep.
type Work struct {
	Jobs    int                                // runs side by side, at most
	Threads int                                // of all runs together; 0: every physical core
	Args    []string                           // options of the machine, for every run
	Shard   Shard                              // which runs
	Builtin func(*train.Config) *train.Builtin // what the program has of a job
	Screen  *Screen
}

// Look reads data and model of every cell that has runs left for w, before anything
// starts, and returns what was found by cell. It lowers w.Jobs to what the memory
// holds. Errors are those that the first run would end with, and of kind Resources where
// a run does not fit or the disk cannot hold all results.
func (p *Plan) Look(w *Work) (map[string]*train.Outlook, error) {
	found := map[string]*train.Outlook{}
	var memory, limit, disk, passing, free int64
	left := 0
	for i := range p.Runs {
		r := &p.Runs[i]
		if !w.Shard.has(i) || p.ended(r) != "" {
			continue
		}
		left++
		o := found[r.Cell]
		if o == nil {
			var err error
			if o, err = p.lookAt(r, w); err != nil {
				return nil, fmt.Errorf("%s: %w", r.Folder, err)
			}
			found[r.Cell] = o
		}
		if o.Memory.Total() > memory {
			memory, limit = o.Memory.Total(), o.Limit
		}
		disk += o.Disk.Model + o.Disk.Logs + o.Disk.Kept
		passing = max(passing, o.Disk.Checkpoints-o.Disk.Kept)
		free = o.Disk.Free
	}
	w.Jobs = max(1, min(w.Jobs, left))
	if limit > 0 && int64(w.Jobs) > limit/memory {
		w.Screen.Note(fmt.Sprintf("a run takes up to %s of the %s of memory: %d side by side instead of %d", train.Size(memory), train.Size(limit), limit/memory, w.Jobs))
		w.Jobs = int(limit / memory)
	}
	disk += passing * int64(w.Jobs) // checkpoints of the runs under way
	if disk > free && free > 0 {
		return nil, fault.Errorf(fault.Resources, "%s: the runs that are left write %s, but only %s are free: make room, or name a folder on another disk with --output_dir", p.Dir, train.Size(disk), train.Size(free))
	}
	return found, nil
}

// lookAt looks at one run.
func (p *Plan) lookAt(r *Run, w *Work) (*train.Outlook, error) {
	c, err := p.config(r, w.Args)
	if err != nil {
		return nil, err
	}
	return train.LookAhead(c, w.Builtin(c))
}

// config holds the options of a run, with those of the machine. Its folder is an option,
// too: settling them puts back what was not given as one.
func (p *Plan) config(r *Run, machine []string) (*train.Config, error) {
	args := append(append([]string{}, r.Args...), machine...)
	return train.ParseArgs(append(args, "--output_dir="+p.path(r.Folder)))
}
