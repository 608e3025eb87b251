package sweep

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/train"
)

// poll is how often a worker that has room looks for runs that were given back.
const poll = 2 * time.Second

// worker is one process at work on a sweep. All but the processes of the runs, who
// tell done, happens in one goroutine.
type worker struct {
	p      *Plan
	w      *Work
	found  map[string]*train.Outlook // by cell
	claims *claims
	start  func(context.Context, []string) (outcome, error)
	poll   time.Duration
	beat   time.Duration

	state   []string // of each run: finished, diverged, failed, or "" for one to be made
	running map[int]*job
	done    chan *job
	stopped error // why no more runs are started
}

// job is a run at work here.
type job struct {
	*claim
	run     int // which, in the order of the plan
	began   time.Time
	cancel  context.CancelFunc
	outcome outcome
	err     error // it could not be started
	lost    bool  // the run is another worker's now
}

// Work makes every run that is left and is w's, and writes the results when all runs
// of the sweep have ended. When ctx ends the runs in progress are saved and its error is
// returned. A run that fails does not end the work: the error at the end, of kind
// Internal, tells of it. One for which there is no memory or disk does end it, once
// the others have ended.
func (p *Plan) Work(ctx context.Context, w *Work, found map[string]*train.Outlook) error {
	claims, err := openClaims(p.disk, p.path(claimsName))
	if err != nil {
		return err
	}
	k := &worker{p: p, w: w, found: found, claims: claims, start: start, poll: poll, beat: beat}
	return k.work(ctx)
}

func (k *worker) work(ctx context.Context) error {
	k.state, k.running, k.done = make([]string, len(k.p.Runs)), map[int]*job{}, make(chan *job)
	beats := time.NewTicker(k.beat)
	defer beats.Stop()
	over, ending := ctx.Done(), false
	for {
		if len(k.running) < k.w.Jobs && !ending && k.stopped == nil {
			k.stopped = k.fill(ctx)
		}
		k.w.Screen.show(k)
		if len(k.running) == 0 && (ending || k.stopped != nil || k.left() == 0) {
			break
		}
		select {
		case j := <-k.done:
			if err := k.settle(ctx, j); err != nil && k.stopped == nil {
				k.stopped = err
			}
		case <-over:
			over, ending = nil, true // the runs end by themselves
		case <-beats.C:
			for _, j := range k.running {
				if !j.beat() {
					j.lost = true
					j.cancel()
				}
			}
		case <-time.After(k.poll):
		}
	}
	if k.stopped != nil {
		return k.stopped
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return k.finish()
}

// left is how many of its runs have not ended, here or elsewhere.
func (k *worker) left() int {
	n := 0
	for i, s := range k.state {
		if k.w.Shard.has(i) && s == "" {
			n++
		}
	}
	return n
}

// look brings the states up to date: runs end elsewhere, too.
func (k *worker) look() error {
	if err := k.claims.scan(); err != nil {
		return err
	}
	for i := range k.p.Runs {
		if k.state[i] == finished || k.state[i] == diverged || k.running[i] != nil {
			continue
		}
		k.state[i] = k.p.ended(&k.p.Runs[i])
		if k.state[i] == "" && k.claims.failed(k.p.Runs[i].Number) {
			k.state[i] = failed
		}
	}
	return nil
}

// fill starts runs that are free, as many as there is room for.
func (k *worker) fill(ctx context.Context) error {
	if err := k.look(); err != nil {
		return err
	}
	for n := range k.state {
		i := (n + k.w.Shard.Begin) % len(k.state)
		if len(k.running) >= k.w.Jobs || ctx.Err() != nil {
			return nil
		}
		if !k.w.Shard.has(i) || k.state[i] != "" || k.running[i] != nil {
			continue
		}
		c, err := k.claims.take(k.p.Runs[i].Number)
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		if k.state[i] = k.p.ended(&k.p.Runs[i]); k.state[i] != "" { // since we looked
			if err := c.end(""); err != nil {
				return err
			}
			continue
		}
		k.begin(ctx, i, c)
	}
	return nil
}

// begin starts the i-th run.
func (k *worker) begin(ctx context.Context, i int, c *claim) {
	ctx, cancel := context.WithCancel(ctx)
	j := &job{claim: c, run: i, began: time.Now(), cancel: cancel}
	k.running[i] = j
	args := k.arguments(&k.p.Runs[i])
	folder := k.p.path(k.p.Runs[i].Folder)
	go func() {
		for files.LockedBy(folder) != "" && ctx.Err() == nil { // the process of a worker that died ends, too
			time.Sleep(k.poll / 10)
		}
		if ctx.Err() == nil {
			j.outcome, j.err = k.start(ctx, args)
		}
		k.done <- j
	}()
}

// arguments are those of the run's process.
func (k *worker) arguments(r *Run) []string {
	threads := max(1, train.Threads(k.w.Threads)/k.w.Jobs)
	args := append(append([]string{}, r.Args...), k.w.Args...)
	return append(args, "--output_dir="+k.p.path(r.Folder), "--resume=auto", "--quiet", "--threads="+strconv.Itoa(threads))
}

// settle is told that a run's process has ended. An error ends the work.
func (k *worker) settle(ctx context.Context, j *job) error {
	delete(k.running, j.run)
	defer j.cancel()
	r := &k.p.Runs[j.run]
	if j.err == nil && k.p.ended(r) == "" && j.outcome.code == int(fault.Diverged) {
		j.err = k.p.recordDiverged(r, j.outcome.message, k.found[r.Cell])
	}
	message := ""
	switch k.state[j.run] = k.p.ended(r); {
	case k.state[j.run] != "" || j.err != nil:
	case ctx.Err() != nil || j.lost: // it goes on, here later or elsewhere
	default:
		k.state[j.run], message = failed, j.outcome.message
	}
	k.w.Screen.ended(k, j)
	if err := j.end(message); err != nil {
		return err
	}
	if j.outcome.code == int(fault.Resources) && message != "" {
		return fault.Errorf(fault.Resources, "%s: %s; the runs that have ended are kept, the same command goes on", r.Folder, message)
	}
	return j.err
}

// finish writes the results, if all runs have ended, and tells of those that failed.
func (k *worker) finish() error {
	if err := k.look(); err != nil {
		return err
	}
	var first, left []string
	for i, s := range k.state {
		switch folder := k.p.Runs[i].Folder; s {
		case failed:
			first = append(first, folder+": "+k.claims.messageOf(k.p.Runs[i].Number))
		case "":
			left = append(left, folder)
		}
	}
	if len(left) > 0 { // of other shards
		k.w.Screen.Note(fmt.Sprintf("%d of the %d runs are left to other shards; pactune merge gathers the results", len(left), len(k.state)))
	} else if there, err := ReadPlan(k.p.Dir); err == nil && !k.p.same(there) {
		k.w.Screen.Note("the sweep has been extended meanwhile; its results come when the new runs have ended")
	} else if err := k.p.writeResults(k.state); err != nil {
		return err
	}
	if len(first) > 0 {
		return fault.Errorf(fault.Internal, "%d of the %d runs failed, which the same command tries again: %s", len(first), len(k.state), strings.Join(first[:min(3, len(first))], "; "))
	}
	return nil
}

// Results is the file of the results, and whether it is there.
func (p *Plan) Results() (name string, written bool) {
	name = p.path(resultsName)
	_, err := os.Stat(name)
	return name, err == nil
}

// cells are the names of the cells, in their order.
func (p *Plan) cells() []string {
	var cells []string
	for i, r := range p.Runs {
		if i == 0 || r.Cell != p.Runs[i-1].Cell {
			cells = append(cells, r.Cell)
		}
	}
	return cells
}
