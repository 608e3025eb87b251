// Package checkpoint keeps what a run needs to go on after its process has
// ended, however it ended. It knows no models: a checkpoint is named arrays, a
// state that is JSON, and small files.
//
//	RUN/checkpoint-<step>/
//	    model.safetensors       so that from_pretrained reads the folder
//	    optimizer.safetensors
//	    state.json
//	    config.json, vocab.txt, …
//	    COMPLETE                SHA-256 and size of each file
//
// Save writes into a hidden folder, flushes every file, writes COMPLETE, flushes
// the folder and only then gives it its name: whatever happens in between, the
// checkpoints of before are as they were. Latest takes the newest checkpoint all
// of whose bytes are those that COMPLETE tells, and says what is wrong with the
// newer ones. So a run is
//
//	lock, err := files.Lock(run)
//	found, damaged, err := checkpoint.Latest(fsys, run) // nil: start at 0
//	err = found.State(&state)                           // as it was saved
//	err = found.Load(checkpoint.Model, arrays)          // into the same arrays
//	err = checkpoint.Rewind(fsys, run, found.Step)
//	log, err := checkpoint.OpenLog(fsys, path, state.Log)
//	for … {
//	    state.Log, err = log.Sync()
//	    _, err = checkpoint.Save(fsys, run, step, content)
//	    err = checkpoint.Limit(fsys, run, 1, best)
//	}
package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sort"

	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/safetensors"
)

// The files that every checkpoint has.
const (
	Model     = "model.safetensors"
	Optimizer = "optimizer.safetensors"
	State     = "state.json"
)

// Content is what a checkpoint holds.
type Content struct {
	Model     []Array
	Optimizer []Array
	State     any // becomes state.json: what State reads back must give the same JSON
	Files     []File
}

// File is one of the further files, under a plain name.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// Save writes the checkpoint of a step, a folder of runDir, which must be there
// and flushed to the disk, and returns its path. A checkpoint of that step that
// is there already is an error of kind fault.Internal. After an error there is
// no new checkpoint, and those of before are as they were; the error names the
// file and the bytes that it and the whole checkpoint need.
func Save(fsys files.FS, runDir string, step int, c Content) (string, error) {
	list, err := c.files()
	if err != nil {
		return "", err
	}
	final := filepath.Join(runDir, folder(step))
	there, err := Steps(fsys, runDir)
	if err != nil {
		return "", err
	}
	for _, s := range there {
		if s == step {
			return "", fault.Errorf(fault.Internal, "%s: is there already; a run that goes on from an earlier step rewinds its folder first", final)
		}
	}
	staging := filepath.Join(runDir, "."+folder(step)+stagingEnd)
	if err := stage(fsys, staging, step, list); err != nil {
		fsys.RemoveAll(staging)
		return "", whole(err, final, list)
	}
	if err := fsys.Rename(staging, final); err != nil {
		fsys.RemoveAll(staging)
		return "", whole(files.Fault(final, 0, err), final, list)
	}
	if err := fsys.SyncDir(runDir); err != nil { // its name may not last: take it back
		if fsys.Rename(final, staging) == nil {
			fsys.RemoveAll(staging)
		}
		return "", whole(files.Fault(final, 0, err), final, list)
	}
	return final, nil
}

// stage writes a checkpoint without its name, and flushes it.
func stage(fsys files.FS, dir string, step int, list []File) error {
	if err := fsys.RemoveAll(dir); err != nil { // of a save that was killed
		return files.Fault(dir, 0, err)
	}
	if err := fsys.Mkdir(dir); err != nil {
		return files.Fault(dir, 0, err)
	}
	done := complete{step: step}
	for _, f := range list {
		w, err := files.WriteNew(fsys, filepath.Join(dir, f.Name), f.Write)
		if err != nil {
			return err
		}
		if f.Name == State && w.Size > maxState {
			return fault.Errorf(fault.Internal, "%s: has %d bytes, expected at most %d", filepath.Join(dir, f.Name), w.Size, maxState)
		}
		done.files = append(done.files, entry{f.Name, w})
	}
	_, err := files.WriteNew(fsys, filepath.Join(dir, completeName), func(w io.Writer) error {
		_, err := w.Write(done.text())
		return err
	})
	if err != nil {
		return err
	}
	if err := fsys.SyncDir(dir); err != nil {
		return files.Fault(dir, 0, err)
	}
	return nil
}

// whole adds to the error of a save what the checkpoint needs. An error that is
// not the disk's comes again from measuring, and says all.
func whole(err error, final string, list []File) error {
	bytes := int64(0)
	for _, f := range list {
		w, other := files.Measure(f.Write)
		if other != nil {
			return err
		}
		bytes += w.Size
	}
	return fault.Errorf(fault.KindOf(err), "%s: not saved (it needs %d bytes; earlier checkpoints are as they were): %w", final, bytes, err)
}

// files lists the files by name, after checking the names.
func (c *Content) files() ([]File, error) {
	state, err := marshal(c.State)
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "%s: %w", State, err)
	}
	list := append([]File{
		{Model, write(c.Model)},
		{Optimizer, write(c.Optimizer)},
		{State, func(w io.Writer) error { _, err := w.Write(state); return err }},
	}, c.Files...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	for i, f := range list {
		if !plain(f.Name) || len(list) > maxFiles || i > 0 && list[i-1].Name == f.Name {
			return nil, fault.Errorf(fault.Internal, "checkpoint: the file %q of %d: expected at most %d plain names, each once", f.Name, len(list), maxFiles)
		}
	}
	return list, nil
}

// write writes arrays as the Python package writes PyTorch's.
func write(arrays []Array) func(io.Writer) error {
	return func(w io.Writer) error {
		tensors := make([]safetensors.Tensor, len(arrays))
		for i, a := range arrays {
			tensors[i] = a.tensor()
		}
		return safetensors.Write(w, tensors, map[string]string{"format": "pt"})
	}
}

// marshal is the one form of a state.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// Steps lists the checkpoints of runDir, whole or not, in rising order. A folder
// that is not there has none.
func Steps(fsys files.FS, runDir string) ([]int, error) {
	entries, err := fsys.ReadDir(runDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Errorf(fault.Internal, "%s: cannot look for checkpoints: %w", runDir, err)
	}
	var steps []int
	for _, e := range entries {
		if step, ok := stepOf(e.Name()); ok {
			steps = append(steps, step)
		}
	}
	sort.Ints(steps)
	return steps, nil
}

func folder(step int) string { return fmt.Sprintf("%s%d", prefix, step) }
