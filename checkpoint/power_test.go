package checkpoint

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"syscall"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/files/faulty"
)

var schedules = flag.Int("schedules", 100, "power cuts of TestPowerLoss")

// Whatever a disk drops or reorders when its power goes, the newest checkpoint
// that is accepted is one that was saved, to the bit, and not older than the last
// whose Save returned; its log is there; and nothing looks damaged.
func TestPowerLoss(t *testing.T) {
	for seed := range *schedules {
		if err := powerLoss(int64(seed), func(d *faulty.Disk) files.FS { return d }); err != nil {
			t.Fatalf("schedule %d: %v", seed, err)
		}
	}
}

// The schedules find each call that flushes: without it they fail.
func TestPowerLossFindsWhatIsNotFlushed(t *testing.T) {
	for name, lazy := range map[string]lazy{
		"the bytes of files":       {file: func(string) bool { return true }},
		"the bytes of COMPLETE":    {file: func(name string) bool { return strings.HasSuffix(name, completeName) }},
		"the bytes of the log":     {file: func(name string) bool { return name == logName }},
		"the names in the staging": {dir: func(name string) bool { return name != runName }},
		"the names in the run":     {dir: func(name string) bool { return name == runName }},
	} {
		var err error
		seed := 0
		for ; seed < 300 && err == nil; seed++ {
			err = powerLoss(int64(seed), func(d *faulty.Disk) files.FS { lazy.FS = d; return &lazy })
		}
		if err == nil {
			t.Errorf("nothing failed without flushing %s", name)
		}
		t.Logf("%s: schedule %d: %.300v", name, seed-1, err)
	}
}

const (
	runName = "run"
	logName = "run/log"
)

// powerLoss lets a run live, and lose its power, up to three times.
func powerLoss(seed int64, wrap func(*faulty.Disk) files.FS) error {
	r := rand.New(rand.NewSource(seed))
	disk := faulty.NewDisk()
	if err := errors.Join(disk.Mkdir(runName), disk.SyncDir(".")); err != nil {
		return err
	}
	saved := -1
	for lives := 1 + r.Intn(3); lives > 0; lives-- {
		disk.CutAfter(r.Intn(150))
		var err error
		if saved, err = live(wrap(disk), saved, 1+r.Intn(3)); !errors.Is(err, faulty.ErrPower) {
			return fmt.Errorf("stopped by %v", err)
		}
		disk = disk.Survive(r.Intn)
		if err := survived(disk, saved); err != nil {
			return err
		}
	}
	return nil
}

// live goes on with a run until something fails, and returns the last step that
// was saved.
func live(fsys files.FS, saved, keep int) (int, error) {
	f, _, err := Latest(fsys, runName)
	if err != nil {
		return saved, err
	}
	was := &run{}
	if f != nil {
		if was, err = load(f); err != nil {
			return saved, err
		}
		saved = f.Step
	}
	if err := Rewind(fsys, runName, saved); err != nil {
		return saved, err
	}
	log, err := OpenLog(fsys, logName, was.state.Log)
	if err != nil {
		return saved, err
	}
	for step := saved + 1; ; step++ {
		if step > 0 {
			if _, err := io.WriteString(log, line); err != nil {
				return saved, err
			}
		}
		if _, err := log.Sync(); err != nil {
			return saved, err
		}
		if _, err := Save(fsys, runName, step, at(step).content()); err != nil {
			return saved, err
		}
		saved = step
		if err := Limit(fsys, runName, keep, 1); err != nil {
			return saved, err
		}
	}
}

// survived looks at a disk whose power has come back.
func survived(disk *faulty.Disk, saved int) error {
	steps, err := Steps(disk, runName)
	if err != nil {
		return err
	}
	newest := -1
	for _, step := range steps {
		f, err := Open(disk, runName+"/"+folder(step))
		if err != nil {
			return err
		}
		got, err := load(f)
		if err == nil {
			err = got.differs(step)
		}
		if err != nil {
			return err
		}
		if err := CheckLog(disk, logName, got.state.Log); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		newest = step
	}
	if newest < saved {
		return fmt.Errorf("step %d was saved, found %v", saved, steps)
	}
	return nil
}

// lazy does not flush some files or folders.
type lazy struct {
	files.FS
	file, dir func(name string) bool
}

func (l *lazy) Create(name string) (files.File, error) { return l.open(name, l.FS.Create) }
func (l *lazy) Append(name string) (files.File, error) { return l.open(name, l.FS.Append) }

func (l *lazy) open(name string, open func(string) (files.File, error)) (files.File, error) {
	f, err := open(name)
	if err == nil && l.file != nil && l.file(name) {
		return unflushed{f}, nil
	}
	return f, err
}

func (l *lazy) SyncDir(name string) error {
	if l.dir != nil && l.dir(name) {
		return nil
	}
	return l.FS.SyncDir(name)
}

type unflushed struct{ files.File }

func (unflushed) Sync() error { return nil }

// Every operation of a save fails once: the checkpoint of before stays, the error
// names the file and the bytes, and when the disk works again so does Save.
func TestEveryWriteFails(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO, io.ErrShortWrite} {
		failed := 0
		for op := 0; ; op++ {
			disk := faulty.NewDisk()
			disk.Mkdir(runName)
			save(t, disk, runName, 1)
			failing := &faulty.Failing{FS: disk, At: op, Err: cause}
			if cause == io.ErrShortWrite {
				failing.Err = nil // the disk does not say it
			}
			_, err := Save(failing, runName, 2, at(2).content())
			if failing.Ops <= op {
				break
			}
			if failing.Failed == "" { // only writes can be short
				continue
			}
			failed++
			refused(t, op, err, cause, failing.Failed, "run/checkpoint-2: not saved (it needs 2888 bytes")
			f, damaged, err := Latest(disk, runName)
			if err != nil || damaged != nil || f.Step != 1 {
				t.Fatalf("operation %d: %v, %v, %v", op, f, damaged, err)
			}
			same(t, f)
			save(t, disk, runName, 2)
		}
		// Of 4 files and COMPLETE each is created, written, flushed and closed; the staging
		// folder is emptied, made, flushed and renamed, the run's flushed.
		if want := map[error]int{syscall.ENOSPC: 25, syscall.EIO: 25, io.ErrShortWrite: 5}[cause]; failed != want {
			t.Errorf("%v: %d operations failed, want %d", cause, failed, want)
		}
	}
}

func refused(t *testing.T, op int, err, cause error, says ...string) {
	t.Helper()
	kind := fault.Internal
	if cause == syscall.ENOSPC {
		kind = fault.Resources
	}
	if !errors.Is(err, cause) || fault.KindOf(err) != kind {
		t.Errorf("operation %d: %v of kind %d, want %v of kind %d", op, err, fault.KindOf(err), cause, kind)
		return
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("operation %d: %v; want %q in it", op, err, want)
		}
	}
}

// A log that could not be written takes no further line.
func TestLogFails(t *testing.T) {
	for op, says := range map[int]string{0: "log: no space", 1: "log: no space", 2: "for its 18 bytes", 4: "for its 36 bytes"} {
		disk := faulty.NewDisk()
		disk.Mkdir(runName)
		l, err := OpenLog(&faulty.Failing{FS: disk, At: op, Err: syscall.ENOSPC}, logName, Mark{})
		if op < 2 {
			if fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), says) {
				t.Errorf("operation %d: %v", op, err)
			}
			continue
		}
		io.WriteString(l, line)
		io.WriteString(l, line)
		_, err = l.Sync()
		if fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), says) {
			t.Errorf("operation %d: %v", op, err)
		}
		if _, again := io.WriteString(l, line); again != err {
			t.Errorf("operation %d: went on: %v", op, again)
		}
		if text, _ := read(disk, logName, 1<<20); op == 2 && string(text) != line[:9] {
			t.Errorf("operation %d left %q", op, text)
		}
	}
}
