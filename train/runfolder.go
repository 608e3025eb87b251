package train

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// Folder is a folder while it is written. NewFolder stages it: its files lie in
// a hidden folder beside the final one, which Publish gives its name. NewRun
// makes the folder of a run, under its name from the start, so that a run that
// is killed can go on; while it lasts no other process may write there. A folder
// without a result is removed by Discard.
type Folder struct {
	Log     *Log
	disk    files.FS
	path    string            // the name that the user sees
	dir     string            // where the files are now
	result  bool              // there is one: the folder stays
	made    []string          // folders that had to be made, outermost first
	lock    *files.FolderLock // nil while the folder is staged
	sums    map[string]string
	history history
}

// NewFolder stages a folder: cfg.OutputDir. One that is not empty, or that is
// the model's own, is refused with a fault.Usage before anything is written.
func NewFolder(cfg *Config) (*Folder, error) {
	f := &Folder{disk: files.OS, sums: map[string]string{}}
	return f.opened(f.stage(filepath.Clean(cfg.OutputDir), cfg.ModelNameOrPath))
}

// NewRun makes the folder of a run: cfg.OutputDir, or the next free
// runs/NNN-task-method. It refuses what NewFolder refuses.
func NewRun(cfg *Config, task string) (*Folder, error) { return newRun(files.OS, cfg, task) }

func newRun(disk files.FS, cfg *Config, task string) (*Folder, error) {
	f := &Folder{disk: disk, sums: map[string]string{}}
	if cfg.OutputDir == "" {
		return f.opened(f.number("runs", slug(task)+"-"+slug(cfg.Method)))
	}
	return f.opened(f.named(filepath.Clean(cfg.OutputDir), cfg.ModelNameOrPath))
}

// opened is the folder after err, with its log or without any trace.
func (f *Folder) opened(err error) (*Folder, error) {
	f.Log = newLog(f.disk, f.dir)
	if err != nil {
		f.unlock()
		f.removeMade()
		return nil, err
	}
	return f, nil
}

// Retract removes a folder after all, with all that is in it.
func (f *Folder) Retract() {
	f.result = false
	f.Discard()
}

// Keep lets the folder of a run stay that has no result, for what its log tells.
func (f *Folder) Keep() { f.result = true }

// CheckOutput refuses an output folder that NewRun would refuse, so that a user
// learns of it before the data and the model are read.
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
	if entries = content(entries); len(entries) == 0 {
		return true, nil
	}
	if by := files.LockedBy(path); by != "" {
		return false, taken(path, by)
	}
	for _, e := range entries {
		if e.Name() == manifestName {
			return false, fault.Errorf(fault.Usage, "--output_dir %s: holds a run; pactune resume %s goes on with it, or name a new folder", path, path)
		}
	}
	return false, fault.Errorf(fault.Usage, "--output_dir %s: is not empty (%s); name a new folder, or leave the option out for runs/NNN-…",
		path, listed3(entries))
}

// content leaves out what a process that was killed at its start may leave: a
// folder with nothing else is empty.
func content(entries []os.DirEntry) []os.DirEntry {
	return slices.DeleteFunc(entries, func(e os.DirEntry) bool { return files.Leftover(e.Name()) })
}

func taken(path, by string) error {
	return fault.Errorf(fault.Usage, "--output_dir %s: %s is writing there; wait for it, end it, or name another folder", path, by)
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

// named makes a folder or takes an empty one, and locks it. While a run makes one it
// holds a file beside it: another run might lock the folder first, and would leave it
// behind as one that it has not made.
func (f *Folder) named(path, model string) error {
	exists, err := checkNamed(path, model)
	if err != nil {
		return err
	}
	making := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+files.LockName)
	if exists {
		if by := files.HeldBy(making); by != "" {
			return taken(path, by)
		}
		return f.take(path, model)
	}
	if err := f.makeFolders(filepath.Dir(path)); err != nil {
		return err
	}
	lock, by, err := files.TryLock(making)
	if err != nil {
		return fault.Errorf(fault.KindOf(err), "--output_dir %s: cannot make the folder: %w; name another one", path, err)
	}
	if lock == nil {
		return taken(path, by)
	}
	defer lock.Unlock()
	if err := f.makeFolders(path); err != nil {
		return err
	}
	return f.take(path, model)
}

// stage stages beside a folder that does not exist yet. An empty one is used as
// it is: it may be a mounted volume, which cannot be renamed.
func (f *Folder) stage(path, model string) error {
	exists, err := checkNamed(path, model)
	if err != nil {
		return err
	}
	if exists {
		return f.take(path, model)
	}
	parent, base := filepath.Split(path)
	if err := f.makeFolders(filepath.Clean(parent)); err != nil {
		return err
	}
	f.path, f.dir = path, filepath.Join(parent, "."+base+".partial")
	err = f.disk.Mkdir(f.dir)
	if errors.Is(err, os.ErrExist) {
		return fault.Errorf(fault.Usage, "--output_dir %s: another process is writing there (%s); if none is running, it was killed: remove that folder", path, f.dir)
	}
	if err != nil {
		return fault.Errorf(files.Kind(err), "--output_dir %s: cannot make the folder: %w", path, err)
	}
	return nil
}

// take locks a folder, and then makes sure that it is empty: another run may have
// come first.
func (f *Folder) take(path, model string) error {
	f.path, f.dir = path, path
	var err error
	if f.lock, err = files.Lock(path); err != nil {
		return fmt.Errorf("--output_dir %w", err)
	}
	entries, err := os.ReadDir(path)
	if err == nil && len(content(entries)) > 0 {
		f.unlock() // for the message
		if _, err = checkNamed(path, model); err == nil {
			err = taken(path, "another process")
		}
		return err
	}
	if err == nil {
		err = f.disk.SyncDir(filepath.Dir(path)) // its name
	}
	if err != nil {
		return files.Fault(path, 0, err)
	}
	return nil
}

func (f *Folder) unlock() {
	if f.lock != nil {
		f.lock.Unlock()
		f.lock = nil
	}
}

var numbered = regexp.MustCompile(`^\.?(\d{3,})[-.]`)

// number makes the next free runs/NNN-name. Making a folder whose name is the
// number alone is what settles a race between two runs: who has it looks once
// more whether the number is free.
func (f *Folder) number(root, name string) error {
	if err := f.makeFolders(root); err != nil {
		return err
	}
	for n := 1; ; n++ {
		last, err := lastNumber(root)
		if err != nil {
			return err
		}
		n = max(n, last+1)
		reserved := filepath.Join(root, fmt.Sprintf(".%03d.partial", n))
		err = f.disk.Mkdir(reserved)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return fault.Errorf(files.Kind(err), "%s: cannot make a folder: %w; name one with --output_dir", root, err)
		}
		path := filepath.Join(root, fmt.Sprintf("%03d-%s", n, name))
		if taken, _ := filepath.Glob(filepath.Join(root, fmt.Sprintf("%03d-*", n))); len(taken) > 0 {
			f.disk.Remove(reserved)
			continue
		}
		if err := f.disk.Rename(reserved, path); err != nil {
			f.disk.Remove(reserved)
			return fault.Errorf(files.Kind(err), "%s: cannot make the folder: %w; name one with --output_dir", path, err)
		}
		f.made = append(f.made, path)
		return f.take(path, "")
	}
}

// lastNumber is the highest number of a run in root, 0 where there is none.
func lastNumber(root string) (last int, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return 0, fault.Errorf(fault.Usage, "%s: %w; name a folder with --output_dir", root, err)
	}
	for _, e := range entries {
		if m := numbered.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.Atoi(m[1])
			last = max(last, n)
		}
	}
	return last, nil
}

// makeFolders makes dir and what is missing above it, and remembers what it made.
func (f *Folder) makeFolders(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, os.ErrNotExist) {
			break
		}
		missing = append([]string{d}, missing...)
	}
	for _, d := range missing {
		if err := f.disk.Mkdir(d); err != nil && !errors.Is(err, os.ErrExist) {
			return fault.Errorf(files.Kind(err), "%s: cannot make the folder: %w; name another one with --output_dir", d, err)
		}
		f.made = append(f.made, d)
	}
	return nil
}

// removeMade removes the folders that were made and are still empty.
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

// Publish says that the folder holds a result, and gives a staged one its name.
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

// Discard ends the writing: it closes the logs and gives the folder free. One that
// has no result yet is removed; of one that was there before, what was written.
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
	entries, _ := os.ReadDir(f.dir)
	for _, e := range entries {
		if e.Name() != files.LockName {
			f.disk.RemoveAll(filepath.Join(f.dir, e.Name()))
		}
	}
	f.unlock()
	f.removeMade()
}

// Seal ends a result: it closes the logs and writes SHA256SUMS, as sha256sum -c
// reads it, and then run.json, whose sum is there already. run.json comes last of
// all, because it says that the rest is there.
func (f *Folder) Seal(manifest map[string]any) error {
	if err := f.Log.close(); err != nil {
		return err
	}
	for _, log := range f.Log.all() {
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
	text, err := marshal(manifest, "  ")
	if err != nil {
		return fault.Errorf(fault.Internal, "%s: %w", manifestName, err)
	}
	sum := sha256.Sum256(text)
	f.sums[manifestName] = hex.EncodeToString(sum[:])
	if _, err := files.WriteFile(f.disk, filepath.Join(f.dir, sumsName), f.writeSums); err != nil {
		return err
	}
	return f.Write(manifestName, func(w io.Writer) error { _, err := w.Write(text); return err })
}

// sumsName is the file of a folder with the sums of all others.
const sumsName = "SHA256SUMS"

func (f *Folder) writeSums(w io.Writer) error {
	names := make([]string, 0, len(f.sums))
	for name := range f.sums {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, err := fmt.Fprintf(w, "%s  %s\n", f.sums[name], name); err != nil {
			return err
		}
	}
	return nil
}
