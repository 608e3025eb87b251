package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/files/faulty"
	"pactune/train"
)

// planOf is a plan of n seeds in a new folder.
func planOf(t *testing.T, n uint64) *Plan {
	t.Helper()
	var seeds []uint64
	for s := uint64(1); s <= n; s++ {
		seeds = append(seeds, s)
	}
	return planIn(t, filepath.Join(t.TempDir(), "out"), seeds...)
}

func planIn(t *testing.T, dir string, seeds ...uint64) *Plan {
	t.Helper()
	p, err := (&Grid{Dir: dir, Seeds: seeds}).Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// runs stands for the processes of runs: each leaves a result after a moment.
type runs struct {
	made  atomic.Int32
	takes time.Duration
	fails func(folder string) *outcome // of a run that ends without a result
}

func (f *runs) start(ctx context.Context, args []string) (outcome, error) {
	folder := ""
	for _, a := range args {
		if dir, ok := strings.CutPrefix(a, "--output_dir="); ok {
			folder = dir
		}
	}
	select {
	case <-ctx.Done():
		return outcome{}, nil
	case <-time.After(f.takes):
	}
	f.made.Add(1)
	if f.fails != nil {
		if o := f.fails(folder); o != nil {
			return *o, nil
		}
	}
	seed := strings.TrimPrefix(filepath.Base(folder), "seed")
	err := errors.Join(os.MkdirAll(folder, 0o777),
		os.WriteFile(filepath.Join(folder, "all_results.json"), []byte(`{"eval_accuracy": 0.`+seed+`, "eval_runtime": `+fmt.Sprint(time.Now().UnixNano())+`}`), 0o666),
		os.WriteFile(filepath.Join(folder, "run.json"), []byte(`{"exit": "finished", "steps": 7}`), 0o666))
	return outcome{}, err
}

// workerOf is a worker on a host of that name.
func workerOf(t *testing.T, p *Plan, f *runs, host string) *worker {
	t.Helper()
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	c, err := openClaims(p.disk, p.path(claimsName))
	if err != nil {
		t.Fatal(err)
	}
	c.host, c.patience = host, 300*time.Millisecond
	return &worker{p: p, w: &Work{Jobs: 2, Screen: &Screen{out: io.Discard, now: time.Now, spent: map[string]spent{}}}, found: map[string]*train.Outlook{"": {}},
		claims: c, start: f.start, poll: 2 * time.Millisecond, beat: 20 * time.Millisecond}
}

func (k *worker) workNow(t *testing.T) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return k.work(ctx)
}

const threeResults = `folder,seed,sample_seed,exit,steps,eval_accuracy
seed1,1,42,finished,7,0.1
seed2,2,42,finished,7,0.2
seed3,3,42,finished,7,0.3
`

func resultsOf(t *testing.T, p *Plan) string {
	t.Helper()
	text, err := os.ReadFile(p.path(resultsName))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// workAtOnce lets workers work side by side until all runs have ended.
func workAtOnce(t *testing.T, workers []*worker) {
	t.Helper()
	var all sync.WaitGroup
	for _, k := range workers {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := k.workNow(t); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
}

// Workers of one host and of others make every run once.
func TestWorkersShareRuns(t *testing.T) {
	p, f := planOf(t, 25), &runs{takes: 3 * time.Millisecond}
	var workers []*worker
	for _, host := range []string{"a", "a", "b", "c"} {
		workers = append(workers, workerOf(t, p, f, host))
	}
	workAtOnce(t, workers)
	if n := f.made.Load(); n != 25 {
		t.Errorf("%d runs were made, of 25", n)
	}
	if text := resultsOf(t, p); strings.Count(text, "finished,7") != 25 {
		t.Error(text)
	}
}

// A run that fails is told of and does not end the sweep; the next process tries it
// again. One that diverged has ended.
func TestFailedRuns(t *testing.T) {
	p := planOf(t, 3)
	f := &runs{fails: func(folder string) *outcome {
		return map[string]*outcome{"seed1": {6, "the loss is NaN"}, "seed2": {-1, "signal: killed"}}[filepath.Base(folder)]
	}}
	k := workerOf(t, p, f, "a")
	err := k.workNow(t)
	if fault.KindOf(err) != fault.Internal || !strings.HasPrefix(err.Error(), "1 of the 3 runs failed, which the same command tries again: seed2: signal: killed") {
		t.Error(err)
	}
	want := strings.NewReplacer("1,42,finished,7,0.1", "1,42,diverged,0,", "2,42,finished,7,0.2", "2,42,failed,,").Replace(threeResults)
	if text := resultsOf(t, p); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	if m := p.readManifest(&p.Runs[0]); m.Exit != "diverged: the loss is NaN" {
		t.Errorf("%+v", m)
	}
	g := &runs{}
	if err := workerOf(t, p, g, "a").workNow(t); err != nil || g.made.Load() != 1 {
		t.Errorf("%v, %d made", err, g.made.Load())
	}
	if text := resultsOf(t, p); text != strings.Replace(threeResults, "1,42,finished,7,0.1", "1,42,diverged,0,", 1) {
		t.Error(text)
	}
}

// The claim of a worker of this host that has no lock is followed at once, that of
// another host when it has been silent for long.
func TestDeadWorkers(t *testing.T) {
	p, f := planOf(t, 3), &runs{}
	k := workerOf(t, p, f, "a")
	leave := func(name, text string) {
		if err := os.WriteFile(p.path(claimsName, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	leave("0000.1", "a\n...")
	leave("0000.a.lock", "process 1 on a\n")
	leave("0001.1", "b\n")
	leave("0001.1.end", "")
	leave("0001.2", "b\n..")
	leave("0002.9", "") // made, and nothing written
	leave("0002.10", "b\n")
	began := time.Now()
	if err := k.workNow(t); err != nil || f.made.Load() != 3 {
		t.Fatalf("%v, %d made", err, f.made.Load())
	}
	if took := time.Since(began); took < k.claims.patience {
		t.Errorf("taken after %v, before the patience of %v was over", took, k.claims.patience)
	}
	if text := resultsOf(t, p); text != threeResults {
		t.Error(text)
	}
	for _, name := range []string{"0000.2.end", "0001.3.end", "0002.11.end"} {
		if _, err := os.Stat(p.path(claimsName, name)); err != nil {
			t.Error(err)
		}
	}
}

// A worker that lives is left in peace, and what it gives back is taken.
func TestLivingWorker(t *testing.T) {
	p, f := planOf(t, 1), &runs{}
	k := workerOf(t, p, f, "a")
	other := workerOf(t, p, f, "b")
	c, err := other.claims.take(0)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	given := make(chan bool)
	go func() {
		for range 30 { // twice the patience
			time.Sleep(20 * time.Millisecond)
			c.beat()
		}
		if n := f.made.Load(); n > 0 {
			t.Errorf("%d runs taken", n)
		}
		c.end("")
		close(given)
	}()
	if err := k.workNow(t); err != nil || f.made.Load() != 1 {
		t.Errorf("%v, %d made", err, f.made.Load())
	}
	<-given
}

// A worker that was taken for dead leaves the run to the other.
func TestLostRun(t *testing.T) {
	p, slow := planOf(t, 1), &runs{takes: time.Minute}
	k := workerOf(t, p, slow, "a")
	ended := make(chan error)
	go func() { ended <- k.workNow(t) }()
	for i := 0; ; i++ {
		if _, err := os.Stat(p.path(claimsName, "0000.1")); err == nil {
			break
		} else if i > 5000 {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if err := os.WriteFile(p.path(claimsName, "0000.2"), []byte("b\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	fast := &runs{}
	fast.start(context.Background(), []string{"--output_dir=" + p.path("seed1")})
	if err := <-ended; err != nil || slow.made.Load() != 0 {
		t.Errorf("%v, %d made", err, slow.made.Load())
	}
}

// When the context ends, the runs are given back, and nothing is written as a result.
func TestInterruptedWork(t *testing.T) {
	p, slow := planOf(t, 3), &runs{takes: time.Minute}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := workerOf(t, p, slow, "a").work(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, written := p.Results(); written {
		t.Error("results of runs that have not ended")
	}
	f := &runs{}
	if err := workerOf(t, p, f, "b").workNow(t); err != nil || resultsOf(t, p) != threeResults {
		t.Error(err)
	}
}

// Only its own part is made by a shard; the results come when all parts are there.
func TestShards(t *testing.T) {
	p := planOf(t, 3)
	for i := range 2 {
		f := &runs{}
		k := workerOf(t, p, f, "a")
		k.w.Shard = Shard{Index: i, Count: 2}
		err := k.workNow(t)
		if _, written := p.Results(); err != nil || int(f.made.Load()) != 2-i || written != (i == 1) {
			t.Errorf("shard %d: %v, %d made, results %v", i, err, f.made.Load(), written)
		}
	}
	if text := resultsOf(t, p); text != threeResults {
		t.Error(text)
	}
}

func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"1/1": {0, 1, 0}, "2/3": {1, 3, 0}} {
		if s, err := ParseShard(text); s != want || err != nil {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
	for _, text := range []string{"0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"} {
		if s, err := ParseShard(text); fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
	}
	for _, test := range []struct {
		id, min, index string
		begin          int
	}{{"", "", "", 0}, {"7", "5", "", 2}, {"3", "", "", 3}, {"", "", "4", 4}, {"x", "", "", 0}} {
		t.Setenv("SLURM_ARRAY_TASK_ID", test.id)
		t.Setenv("SLURM_ARRAY_TASK_MIN", test.min)
		t.Setenv("JOB_COMPLETION_INDEX", test.index)
		if s, err := ParseShard(""); s != (Shard{Begin: test.begin}) || err != nil {
			t.Errorf("%+v: %+v, %v", test, s, err)
		}
	}
}

// A disk that is full at any moment ends the sweep with a message of its kind; the
// same sweep then goes on and gives the same results.
func TestFullDisk(t *testing.T) {
	for at := 0; ; at++ {
		p, f := planOf(t, 1), &runs{}
		disk := &faulty.Failing{FS: files.OS, At: at, Err: syscall.ENOSPC}
		p.disk = disk
		err := p.Open()
		if err == nil {
			err = workerOf(t, p, f, "a").workNow(t)
		}
		if err == nil && disk.Failed == "" {
			if at < 15 {
				t.Errorf("only %d operations", at)
			}
			break
		}
		if _, written := p.Results(); err != nil && (fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), "no space left on the disk") || written && !strings.Contains(err.Error(), p.Dir)) {
			t.Errorf("operation %d, %s: %v, results %v", at, disk.Failed, err, written)
		}
		p.disk = files.OS
		if err := workerOf(t, p, &runs{}, "a").workNow(t); err != nil || resultsOf(t, p) != threeResults[:strings.Index(threeResults, "seed2")] {
			t.Errorf("operation %d, then: %v", at, err)
		}
	}
}

// A sweep is extended by a grid with more runs, in any order: those that have ended are
// kept, and the results are those of a sweep over that grid from the start. A worker that
// is still at the smaller grid does not harm it, and that grid is then refused.
func TestExtendedSweep(t *testing.T) {
	small := planOf(t, 2)
	if err := workerOf(t, small, &runs{}, "a").workNow(t); err != nil {
		t.Fatal(err)
	}
	slow := workerOf(t, planIn(t, small.Dir, 1, 2), &runs{}, "b")
	large, f := planIn(t, small.Dir, 1, 4, 2, 3), &runs{}
	if err := large.Open(); err != nil {
		t.Fatal(err)
	}
	if _, written := large.Results(); written {
		t.Error("the results of the smaller grid are still there")
	}
	if err := slow.workNow(t); err != nil {
		t.Error(err)
	}
	if _, written := large.Results(); written {
		t.Error("a worker at the smaller grid wrote results")
	}
	if err := workerOf(t, large, f, "a").workNow(t); err != nil || f.made.Load() != 2 {
		t.Errorf("%v, %d made", err, f.made.Load())
	}
	fresh := planIn(t, filepath.Join(t.TempDir(), "out"), 1, 4, 2, 3)
	if err := workerOf(t, fresh, &runs{}, "a").workNow(t); err != nil {
		t.Fatal(err)
	}
	if got, want := resultsOf(t, large), resultsOf(t, fresh); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	var numbers []int
	again := planIn(t, small.Dir, 1, 4, 2, 3)
	if err := again.Open(); err != nil {
		t.Fatal(err)
	}
	for _, r := range again.Runs {
		numbers = append(numbers, r.Number)
	}
	if !slices.Equal(numbers, []int{0, 2, 1, 3}) {
		t.Errorf("runs are numbered %d", numbers)
	}
	for _, other := range []*Plan{small, planIn(t, small.Dir, 1, 2, 3, 5)} {
		if err := other.Check(); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "found seed4, now without it") {
			t.Error(err)
		}
	}
	text, err := fresh.text()
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`\s*"number": \d,`).ReplaceAll(text, nil) // as of an earlier version
	if err := os.WriteFile(fresh.path(planName), text, 0o666); err != nil {
		t.Fatal(err)
	}
	if old, err := ReadPlan(fresh.Dir); err != nil || !fresh.same(old) || old.Runs[3].Number != 3 {
		t.Errorf("%+v, %v", old, err)
	}
	changed := planIn(t, small.Dir, 1, 4, 2, 3, 5)
	changed.Runs[2].Args = append(changed.Runs[2].Args, "--method=pac")
	if err := changed.Check(); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "found seed2, now seed2 with --method=pac") {
		t.Error(err)
	}
}

// Workers that extend a sweep while others are at work on it make every run once.
func TestExtendedAtWork(t *testing.T) {
	small, f := planOf(t, 8), &runs{takes: 3 * time.Millisecond}
	var seeds []uint64
	for s := uint64(16); s > 0; s-- {
		seeds = append(seeds, s)
	}
	workers := []*worker{workerOf(t, small, f, "a"), workerOf(t, small, f, "b"),
		workerOf(t, planIn(t, small.Dir, seeds...), f, "a"), workerOf(t, planIn(t, small.Dir, seeds...), f, "c")}
	workAtOnce(t, workers)
	if n := f.made.Load(); n != 16 {
		t.Errorf("%d runs were made, of 16", n)
	}
	if text := resultsOf(t, small); !strings.HasPrefix(text, "folder,seed,sample_seed,exit,steps,eval_accuracy\nseed16,16,") || strings.Count(text, "finished,7") != 16 {
		t.Error(text)
	}
}

// A run for which there is no room ends the sweep.
func TestRunWithoutRoom(t *testing.T) {
	p := planOf(t, 9)
	f := &runs{fails: func(string) *outcome { return &outcome{5, "seed1: no space left on the disk"} }}
	err := workerOf(t, p, f, "a").workNow(t)
	if fault.KindOf(err) != fault.Resources || f.made.Load() > 2 {
		t.Errorf("%v, %d made", err, f.made.Load())
	}
}

func TestTail(t *testing.T) {
	if got := new(tail).message(); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	for text, want := range map[string]string{
		"note\npactune: a.txt: no such file\n":                      "a.txt: no such file",
		"panic: x\ngoroutine 1\n":                                   "goroutine 1",
		"pactune: internal error, please report it: x\ngoroutine 1": "internal error, please report it: x",
	} {
		var s tail
		s.Write([]byte(strings.Repeat("x", 2*tailBytes) + "\n"))
		s.Write([]byte(text))
		if got := s.message(); got != want {
			t.Errorf("%q: %q", text, got)
		}
		if len(s.text) > tailBytes {
			t.Errorf("%d bytes kept", len(s.text))
		}
	}
}

// The runs of two shards, gathered, are those of one sweep.
func TestMerge(t *testing.T) {
	a, b := planOf(t, 3), planOf(t, 3)
	for i, p := range []*Plan{a, b} {
		k := workerOf(t, p, &runs{fails: func(folder string) *outcome {
			return map[string]*outcome{"seed2": {6, "the loss is NaN"}}[filepath.Base(folder)]
		}}, "a")
		k.w.Shard = Shard{Index: i, Count: 2}
		if err := k.workNow(t); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"model.safetensors", "noise.safetensors"} {
		if err := os.WriteFile(a.path("seed1", name), []byte("numbers"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "all")
	if _, err := Merge([]string{a.Dir}, out); fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), "1 of the 3 runs have not ended (seed2)") {
		t.Error(err)
	}
	p, err := Merge([]string{a.Dir, b.Dir}, out)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(threeResults, "2,42,finished,7,0.2", "2,42,diverged,0,", 1)
	if text := resultsOf(t, p); text != want || p.Dir != out {
		t.Errorf("%s\nin %s", text, p.Dir)
	}
	if there, _ := filepath.Glob(p.path("seed1", "*.safetensors")); len(there) != 1 || filepath.Base(there[0]) != "noise.safetensors" {
		t.Errorf("%q, want the noise, which the report shows, without the weights", there)
	}
	other := filepath.Join(t.TempDir(), "other")
	if _, err := Merge([]string{a.Dir, b.Dir, out}, other); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(p.path("seed1", "all_results.json"), []byte(`{"eval_accuracy": 0.9}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Merge([]string{a.Dir, b.Dir, out}, other+"2"); fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), "seed1: has other results than ") {
		t.Error(err)
	}
}
