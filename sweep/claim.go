package sweep

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// claims are who works on which run, by the files of one folder on a file system that
// the workers share:
//
//	0007.2       the second claim of run 7, made by an atomic create: the name of a
//	             host, then a dot for every beat of the worker's heart
//	0007.2.end   the worker has left the run: with the message of a run that failed,
//	             empty for one that ended or was given back
//	0007.HOST.lock  held by the worker, as its system knows (files.TryLock)
//
// A run is free when its last claim has an end, or a dead worker: one of this host
// that has not the lock, or one of another host whose heart has not beaten for
// patience, by our clock. Who creates the next claim has the run, and a worker that
// was taken for dead finds it at its next beat and leaves. No claim is ever removed,
// so that nobody can remove one that he has not seen.
type claims struct {
	disk     files.FS
	dir      string
	host     string
	patience time.Duration
	now      func() time.Time

	last map[int]entry // the newest claim of every run that has one
	old  map[int]int   // of runs that had failed before this worker came: the number of the claim
	seen map[string]sighting
}

// entry is the newest claim of a run.
type entry struct {
	number int
	ended  bool
	failed bool
}

// sighting is the size that a claim had since a time.
type sighting struct {
	size  int64
	since time.Time
}

// beat is the time between beats, and patience how long they may be missing: a file
// system of the network may show a change a minute late.
const (
	beat     = 10 * time.Second
	patience = 2 * time.Minute
)

// openClaims reads the claims in a folder.
func openClaims(disk files.FS, dir string) (*claims, error) {
	c := &claims{disk: disk, dir: dir, host: thisHost(), patience: patience, now: time.Now, old: map[int]int{}, seen: map[string]sighting{}}
	if err := c.scan(); err != nil {
		return nil, err
	}
	for run, e := range c.last {
		if e.failed {
			c.old[run] = e.number
		}
	}
	return c, nil
}

// thisHost names the running system, without a dot: a host of the same name, or this
// one before it was started anew, is another.
func thisHost() string {
	name, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.Trim(strings.ReplaceAll(unsafe.ReplaceAllString(name+"-"+string(boot), "-"), ".", "-"), "-")
}

// scan looks for the newest claim of each run.
func (c *claims) scan() error {
	entries, err := c.disk.ReadDir(c.dir)
	if err != nil {
		return fault.Errorf(fault.Internal, "%s: cannot see who works on what: %w", c.dir, err)
	}
	c.last = map[int]entry{}
	for _, e := range entries { // by name: a claim comes before its end
		parts := strings.Split(e.Name(), ".")
		run, err1 := strconv.Atoi(parts[0])
		if err1 != nil || len(parts) < 2 {
			continue
		}
		number, err := strconv.Atoi(parts[1])
		switch {
		case err != nil || number < c.last[run].number:
		case len(parts) == 2:
			c.last[run] = entry{number: number}
		case parts[2] == "end":
			info, err := e.Info()
			c.last[run] = entry{number, true, err == nil && info.Size() > 0}
		}
	}
	return nil
}

// failed tells whether a run has failed since this worker came, by whomever.
func (c *claims) failed(run int) bool {
	e := c.last[run]
	return e.failed && c.old[run] != e.number
}

func (c *claims) name(run, number int) string {
	return filepath.Join(c.dir, fmt.Sprintf("%04d.%d", run, number))
}

// silent tells whether a claim has shown no life for too long.
func (c *claims) silent(name string) bool {
	size := int64(-1)
	if info, err := stat(c.disk, name); err == nil {
		size = info.Size()
	}
	s, ok := c.seen[name]
	if !ok || s.size != size {
		s = sighting{size, c.now()}
		c.seen[name] = s
	}
	return c.now().Sub(s.since) >= c.patience
}

func stat(disk files.FS, name string) (fs.FileInfo, error) {
	f, err := disk.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// claim is a run that is ours.
type claim struct {
	c    *claims
	run  int
	name string
	file files.File
	lock *files.FolderLock
}

// take claims a run, nil where it is somebody else's.
func (c *claims) take(run int) (*claim, error) {
	lock, _, err := files.TryLock(filepath.Join(c.dir, fmt.Sprintf("%04d.%s.lock", run, c.host)))
	if err != nil || lock == nil {
		return nil, err
	}
	taken, err := c.create(run, lock)
	if taken == nil {
		lock.Unlock()
	}
	return taken, err
}

// create makes the next claim of a run whose lock this process has.
func (c *claims) create(run int, lock *files.FolderLock) (*claim, error) {
	if err := c.scan(); err != nil {
		return nil, err
	}
	e := c.last[run]
	before := c.name(run, e.number)
	if e.number > 0 && !e.ended && c.hostOf(before) != c.host && !c.silent(before) {
		return nil, nil
	}
	name := c.name(run, e.number+1)
	f, err := c.disk.Create(name)
	if errors.Is(err, fs.ErrExist) {
		return nil, nil
	}
	if err == nil {
		if _, err = fmt.Fprintln(f, c.host); err == nil {
			err = f.Sync()
		}
	}
	if err != nil {
		return nil, files.Fault(name, 0, err)
	}
	return &claim{c, run, name, f, lock}, nil
}

// hostOf is the host of a claim, "" where that is not written yet.
func (c *claims) hostOf(name string) string {
	f, err := c.disk.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 1000))
	host, _, whole := strings.Cut(string(text), "\n")
	if !whole {
		return ""
	}
	return host
}

// beat shows that the worker lives, and tells whether the run is still its own. That
// a full disk does not take the dot, the run will tell.
func (m *claim) beat() bool {
	fmt.Fprint(m.file, ".")
	m.file.Sync()
	if err := m.c.scan(); err != nil {
		return true
	}
	return m.name == m.c.name(m.run, m.c.last[m.run].number)
}

// end leaves the run; message says how it failed, "" where it has not.
func (m *claim) end(message string) error {
	_, err := files.WriteFile(m.c.disk, m.name+".end", func(w io.Writer) error {
		_, err := io.WriteString(w, message)
		return err
	})
	m.file.Close()
	m.lock.Unlock()
	return err
}

// messageOf is why a run failed, "" if it has not.
func (c *claims) messageOf(run int) string {
	f, err := c.disk.Open(c.name(run, c.last[run].number) + ".end")
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 1<<16))
	return string(text)
}
