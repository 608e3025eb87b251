package train

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// Folder is the folder of one run while it is written. Until the run has a
// first result its files lie in a hidden folder beside the final one, so that
// a run that fails early leaves nothing behind: Publish gives it its name,
// Discard removes it.
type Folder struct {
	Log     *Log
	disk    files.FS
	path    string   // the name that the user sees
	dir     string   // where the files are now
	result  bool     // there is one: the folder stays
	made    []string // parents that had to be made, outermost first
	lock    string   // file that marks an empty folder of the user's as taken; "" without one
	sums    map[string]string
	history history
}

// NewFolder makes the folder of a run: cfg.OutputDir, or the next free
// runs/NNN-task-method. A folder that is not empty, or that is the model's own,
// is refused with a fault.Usage before anything is written.
func NewFolder(cfg *Config, task string) (*Folder, error) {
	f := &Folder{disk: files.OS, sums: map[string]string{}}
	var err error
	if cfg.OutputDir == "" {
		err = f.number("runs", slug(task)+"-"+slug(cfg.Method))
	} else {
		err = f.named(filepath.Clean(cfg.OutputDir), cfg.ModelNameOrPath)
	}
	if err != nil {
		f.removeMade()
		return nil, err
	}
	f.Log = newLog(f.disk, f.dir)
	return f, nil
}

// ReopenFolder opens the folder of a run that goes on, whose logs are cut to the
// lengths that a checkpoint speaks of.
func ReopenFolder(path string, logs map[string]int64) (*Folder, error) {
	f := &Folder{disk: files.OS, path: path, dir: path, result: true, sums: map[string]string{}, Log: newLog(files.OS, path)}
	f.disk.Remove(filepath.Join(path, lockName)) // of the process that was killed
	return f, f.Log.cut(logs)
}

// Retract removes what a run wrote that failed after Publish with nothing of use.
func (f *Folder) Retract() {
	f.result = false
	yours := f.lock != ""
	f.Discard()
	if !yours {
		f.disk.Remove(f.path)
		f.removeMade()
	}
}

// CheckOutput refuses an output folder that NewFolder would refuse, so that a
// user learns of it before the data and the model are read.
func CheckOutput(cfg *Config) error {
	if cfg.OutputDir == "" {
		return nil
	}
	_, err := checkNamed(filepath.Clean(cfg.OutputDir), cfg.ModelNameOrPath)
	return err
}

// Path is the folder's final name.
func (f *Folder) Path() string { return f.path }

// Dir is where the files are at the moment.
func (f *Folder) Dir() string { return f.dir }

func checkNamed(path, model string) (exists bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return false, fault.Errorf(fault.Usage, "--output_dir %s: is a link to a folder that does not exist; expected a new or an empty folder", path)
		}
		return false, nil
	}
	if err != nil {
		return false, fault.Errorf(fault.Usage, "--output_dir %s: %w", path, err)
	}
	if !info.IsDir() {
		return false, fault.Errorf(fault.Usage, "--output_dir %s: is a file, expected a new or an empty folder", path)
	}
	if m, err := os.Stat(model); model != "" && err == nil && os.SameFile(info, m) {
		return false, fault.Errorf(fault.Usage, "--output_dir %s: is the folder of the model; a run never writes into it, name another one", path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false, fault.Errorf(fault.Usage, "--output_dir %s: %w", path, err)
	}
	for _, e := range entries {
		if e.Name() == lockName {
			return false, taken(path, filepath.Join(path, lockName), "empty the folder")
		}
	}
	if len(entries) > 0 {
		return false, fault.Errorf(fault.Usage, "--output_dir %s: is not empty (%s); name a new folder, or leave the option out for runs/NNN-…",
			path, listed3(entries))
	}
	return true, nil
}

// lockName is the file that keeps a second run out of an existing folder.
const lockName = ".partial"

func taken(path, by, remedy string) error {
	return fault.Errorf(fault.Usage, "--output_dir %s: another run is writing there (%s); if none is running, it was killed: %s", path, by, remedy)
}

// listed3 names a few entries of a folder.
func listed3(entries []os.DirEntry) string {
	var names []string
	for i, e := range entries {
		if i == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, e.Name())
	}
	return strings.Join(names, ", ")
}

// named stages beside a folder that does not exist yet. An empty one is used
// as it is: it may be a mounted volume, which cannot be renamed.
func (f *Folder) named(path, model string) error {
	exists, err := checkNamed(path, model)
	if err != nil {
		return err
	}
	f.path = path
	if exists {
		f.dir = path
		return f.take(model)
	}
	parent, base := filepath.Split(path)
	if err := f.makeParents(filepath.Clean(parent)); err != nil {
		return err
	}
	f.dir = filepath.Join(parent, "."+base+".partial")
	err = f.disk.Mkdir(f.dir)
	if errors.Is(err, os.ErrExist) {
		return taken(path, f.dir, "remove that folder")
	}
	if err != nil {
		return fault.Errorf(fault.Usage, "--output_dir %s: cannot make the folder: %w", path, err)
	}
	return nil
}

// take marks an existing folder as this run's, and then makes sure that it is
// still empty: another run may have come first.
func (f *Folder) take(model string) error {
	lock := filepath.Join(f.path, lockName)
	file, err := f.disk.Create(lock)
	if errors.Is(err, os.ErrExist) {
		return taken(f.path, lock, "empty the folder")
	}
	if err != nil {
		return fault.Errorf(fault.Usage, "--output_dir %s: cannot write there: %w", f.path, err)
	}
	file.Close()
	f.lock = lock
	entries, err := os.ReadDir(f.path)
	if err == nil && len(entries) == 1 {
		return nil
	}
	f.unlock()
	if _, err := checkNamed(f.path, model); err != nil {
		return err
	}
	return taken(f.path, lock, "try again")
}

func (f *Folder) unlock() {
	if f.lock != "" {
		f.disk.Remove(f.lock)
		f.lock = ""
	}
}

var numbered = regexp.MustCompile(`^\.?(\d{3,})[-.]`)

// number finds the next free runs/NNN-name. Making the staging folder, whose
// name is the number alone, is what settles a race between two runs.
func (f *Folder) number(root, name string) error {
	if err := f.makeParents(root); err != nil {
		return err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return fault.Errorf(fault.Usage, "%s: %w; name a folder with --output_dir", root, err)
	}
	last := 0
	for _, e := range entries {
		if m := numbered.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.Atoi(m[1])
			last = max(last, n)
		}
	}
	for n := last + 1; ; n++ {
		f.path = filepath.Join(root, fmt.Sprintf("%03d-%s", n, name))
		f.dir = filepath.Join(root, fmt.Sprintf(".%03d.partial", n))
		err := f.disk.Mkdir(f.dir)
		if err == nil {
			return nil
		}
		if !errors.Is(err, os.ErrExist) {
			return fault.Errorf(fault.Usage, "%s: cannot make a folder: %w; name one with --output_dir", root, err)
		}
	}
}

// makeParents makes dir and remembers what it made.
func (f *Folder) makeParents(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, os.ErrNotExist) {
			break
		}
		missing = append([]string{d}, missing...)
	}
	for _, d := range missing {
		if err := f.disk.Mkdir(d); err != nil && !errors.Is(err, os.ErrExist) {
			return fault.Errorf(fault.Usage, "%s: cannot make the folder: %w; name another one with --output_dir", d, err)
		}
		f.made = append(f.made, d)
	}
	return nil
}

// removeMade removes the parents that were made and are still empty.
func (f *Folder) removeMade() {
	for i := len(f.made) - 1; i >= 0; i-- {
		f.disk.Remove(f.made[i])
	}
}

// slug keeps what is safe in a folder's name on every system.
func slug(s string) string {
	s = strings.TrimSuffix(filepath.Base(s), filepath.Ext(s))
	s = strings.Trim(regexp.MustCompile(`[^A-Za-z0-9_]+`).ReplaceAllString(s, "-"), "-")
	if len(s) > 40 {
		s = s[:40]
	}
	if s == "" {
		return "run"
	}
	return s
}

// Write writes one file of the folder, whole or not at all.
func (f *Folder) Write(name string, write func(io.Writer) error) error {
	w, err := files.WriteFile(f.disk, filepath.Join(f.dir, name), write)
	if err == nil {
		f.sums[name] = w.SHA256
	}
	return err
}

// WriteJSON writes v as Python's json.dump does, keys sorted.
func (f *Folder) WriteJSON(name string, indent int, v any) error {
	text, err := marshal(v, strings.Repeat(" ", indent))
	if err != nil {
		return fault.Errorf(fault.Internal, "%s: %w", name, err)
	}
	return f.Write(name, func(w io.Writer) error { _, err := w.Write(text); return err })
}

// Publish gives the folder its name, at the first result of the run.
func (f *Folder) Publish() error {
	if f.result {
		return nil
	}
	if err := f.Log.close(); err != nil {
		return err
	}
	f.result = true
	if f.dir == f.path {
		return nil
	}
	if err := f.disk.Rename(f.dir, f.path); err != nil {
		f.path = f.dir // the files stay where they are
		return fault.Errorf(fault.Internal, "cannot give the folder its name, the files so far are in %s: %w", f.dir, err)
	}
	f.dir, f.Log.dir = f.path, f.path
	if err := f.disk.SyncDir(filepath.Dir(f.path)); err != nil {
		return files.Fault(f.path, 0, err)
	}
	return nil
}

// Published tells whether the folder holds a result and has its name.
func (f *Folder) Published() bool { return f.result }

// Discard ends a run that failed: it closes the logs and, when there is no
// result yet, removes what the run wrote.
func (f *Folder) Discard() {
	f.Log.close()
	defer f.unlock()
	if f.result {
		return
	}
	if f.dir != f.path {
		f.disk.RemoveAll(f.dir)
		f.removeMade()
		return
	}
	entries, _ := os.ReadDir(f.dir) // the folder was the user's, and empty
	for _, e := range entries {
		f.disk.RemoveAll(filepath.Join(f.dir, e.Name()))
	}
}

// Seal closes the logs and writes SHA256SUMS, as sha256sum -c reads it.
func (f *Folder) Seal() error {
	if err := f.Log.close(); err != nil {
		return err
	}
	for _, log := range []*logFile{&f.Log.metrics, &f.Log.timings, &f.Log.components} {
		path := filepath.Join(f.dir, log.name)
		w, err := files.Hash(f.disk, path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return files.Fault(path, 0, err)
		}
		f.sums[log.name] = w.SHA256
	}
	names := make([]string, 0, len(f.sums))
	for name := range f.sums {
		names = append(names, name)
	}
	sort.Strings(names)
	_, err := files.WriteFile(f.disk, filepath.Join(f.dir, "SHA256SUMS"), func(w io.Writer) error {
		for _, name := range names {
			if _, err := fmt.Fprintf(w, "%s  %s\n", f.sums[name], name); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
