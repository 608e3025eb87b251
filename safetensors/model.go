package safetensors

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
	maxParts   = 1024 // the largest public models have some 200
)

// partName is what the name of a part may be: never a path.
var partName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Found tells whether a model's folder has weights of this format.
func Found(dir string) bool {
	for _, name := range []string{singleFile, indexFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// OpenModel opens the weights of a model's folder: model.safetensors, or the
// parts that model.safetensors.index.json lists, as one File. A part's name
// must be a plain name, and a part that is a symbolic link must lead to a file
// in the folder, or in the blobs folder of Hugging Face's cache that the folder
// belongs to. Errors are of kind fault.Model.
func OpenModel(dir string) (*File, error) { return OpenParts(dir, singleFile, indexFile, Open) }

// OpenParts is OpenModel for another format: single and index are the names of
// its files, and open opens a file of it.
func OpenParts(dir, single, index string, open func(path string) (*File, error)) (*File, error) {
	return openModel(folder{
		single: single,
		index:  index,
		name:   func(base string) string { return filepath.Join(dir, base) },
		open:   func(base string) (*File, error) { return open(filepath.Join(dir, base)) },
		read:   func(base string) ([]byte, error) { return readIndex(nil, filepath.Join(dir, base)) },
		within: func(base string) error { return linkWithin(dir, base, index) },
	})
}

// OpenModelFS is OpenModel for a folder of fsys, whose files are read into memory.
func OpenModelFS(fsys fs.FS, dir string) (*File, error) {
	return openModel(folder{
		single: singleFile,
		index:  indexFile,
		name:   func(base string) string { return path.Join(dir, base) },
		open:   func(base string) (*File, error) { return OpenFS(fsys, path.Join(dir, base)) },
		read:   func(base string) ([]byte, error) { return readIndex(fsys, path.Join(dir, base)) },
		within: func(string) error { return nil },
	})
}

// folder is the access to a folder's files by their names.
type folder struct {
	single, index string // the names of the weights, or of their list
	name          func(base string) string
	open          func(base string) (*File, error)
	read          func(base string) ([]byte, error)
	within        func(base string) error // refuses links that lead out
}

func openModel(d folder) (*File, error) {
	f, err := d.open(d.single)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	data, err := d.read(d.index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Errorf(fault.Model, "%s: no weights found, expected %s or %s: %w", d.name("."), d.single, d.index, err)
	}
	if err != nil {
		return nil, err
	}
	x, err := parseIndex(d.name(d.index), data)
	if err != nil {
		return nil, err
	}
	merged := &File{name: x.name, index: make(map[string]int32, len(x.partOf))}
	for _, part := range x.parts {
		if err := merged.join(d, x, part); err != nil {
			merged.Close()
			return nil, err
		}
	}
	if err := merged.checkIndex(x); err != nil {
		merged.Close()
		return nil, err
	}
	return merged, nil
}

// join opens a part and adds its tensors, which must be those that the index
// says are there.
func (f *File) join(d folder, x *index, part string) error {
	if err := d.within(part); err != nil {
		return err
	}
	p, err := d.open(part)
	if err != nil {
		return err
	}
	f.parts = append(f.parts, p)
	if len(f.parts) == 1 {
		f.metadata = p.metadata
	}
	for _, name := range p.Names() {
		switch home := x.partOf[name]; home {
		case part:
		case "":
			return fault.Errorf(fault.Model, "%s: found the tensor %q, which %s does not name", p.name, name, d.index)
		default:
			return fault.Errorf(fault.Model, "%s: found the tensor %q, which %s puts in %q", p.name, name, d.index, home)
		}
		f.index[name] = int32(len(f.parts) - 1)
	}
	return nil
}

// checkIndex compares what the parts hold with what the index says.
func (f *File) checkIndex(x *index) error {
	for _, name := range x.names {
		if _, ok := f.index[name]; !ok {
			return fault.Errorf(fault.Model, "%s: weight_map puts the tensor %q in %q, which does not have it", x.name, name, x.partOf[name])
		}
	}
	total, known := int64(0), true
	for _, p := range f.parts {
		total += int64(len(p.body))
		known = known && len(p.tensors) == 0 // of other formats tools count tensors that share bytes in various ways
	}
	if known && x.totalSize >= 0 && x.totalSize != total {
		return fault.Errorf(fault.Model, "%s: metadata.total_size: found %d, but the tensors of the parts have %d bytes", x.name, x.totalSize, total)
	}
	return nil
}

// Parts lists the files, in the order of their names, that the text of
// model.safetensors.index.json puts tensors in. They are plain names.
func Parts(name string, text []byte) ([]string, error) {
	x, err := parseIndex(name, text)
	if err != nil {
		return nil, err
	}
	return x.parts, nil
}

// index is the content of model.safetensors.index.json, or another format's.
type index struct {
	name      string
	names     []string          // of the tensors, in the order of the file
	partOf    map[string]string // tensor to file
	parts     []string          // sorted
	totalSize int64             // −1: not stated
}

func readIndex(fsys fs.FS, name string) ([]byte, error) {
	data, err := bounded.ReadFile(fsys, name, MaxIndex)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%w", err)
	}
	return data, nil
}

func parseIndex(name string, data []byte) (*index, error) {
	if len(data) > MaxIndex {
		return nil, fault.Errorf(fault.Model, "%s: found %d bytes, expected at most %d", name, len(data), MaxIndex)
	}
	x := &index{name: name, partOf: make(map[string]string), totalSize: -1}
	s := strictjson.New(string(data), 0)
	seen := make(map[string]bool)
	s.Members(func(key string, at int) {
		if seen[key] {
			s.Fail(at, "found the key %q twice", key)
			return
		}
		seen[key] = true
		switch key {
		case "weight_map":
			x.readMap(s)
		case "metadata":
			x.readMetadata(s)
		default:
			s.Skip()
		}
	})
	s.End()
	if len(x.names) == 0 {
		s.Fail(0, "found no weight_map with tensors")
	}
	if len(x.parts) > maxParts {
		s.Fail(0, "found %d files in weight_map, expected at most %d", len(x.parts), maxParts)
	}
	sort.Strings(x.parts)
	return x, wrong(name, s.Err)
}

func (x *index) readMap(s *strictjson.Scanner) {
	parts := make(map[string]bool)
	s.Members(func(name string, at int) {
		if _, ok := x.partOf[name]; ok {
			s.Fail(at, "weight_map: found the tensor %q twice", name)
			return
		}
		part := s.Str()
		if s.Err == nil && (!partName.MatchString(part) || strings.Trim(part, ".") == "") {
			s.Fail(at, "weight_map: tensor %q: found the file %q, expected a plain name of letters, digits, dots, - and _", name, part)
			return
		}
		x.partOf[name] = part
		x.names = append(x.names, name)
		if !parts[part] {
			parts[part] = true
			x.parts = append(x.parts, part)
		}
	})
}

func (x *index) readMetadata(s *strictjson.Scanner) {
	s.Members(func(key string, at int) {
		if key != "total_size" {
			s.Skip()
			return
		}
		if x.totalSize >= 0 {
			s.Fail(at, "metadata: found the key %q twice", key)
			return
		}
		x.totalSize = s.Count()
	})
}

// linkWithin refuses a part that is a symbolic link out of the folder. In
// Hugging Face's cache the files of …/snapshots/<revision> are links to
// …/blobs, which is allowed.
func linkWithin(dir, base, index string) error {
	file := filepath.Join(dir, base)
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return fault.Errorf(fault.Model, "%s: %s names this part, which cannot be opened: %w", file, index, err)
	}
	home, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fault.Errorf(fault.Model, "%w", err)
	}
	if home, err = filepath.Abs(home); err != nil {
		return fault.Errorf(fault.Model, "%w", err)
	}
	if target, err = filepath.Abs(target); err != nil {
		return fault.Errorf(fault.Model, "%w", err)
	}
	parent := filepath.Dir(target)
	snapshots := filepath.Dir(home)
	blobs := filepath.Join(filepath.Dir(snapshots), "blobs")
	if info, err := os.Stat(target); err == nil && !info.Mode().IsRegular() {
		return fault.Errorf(fault.Model, "%s: found a %s, expected a file", file, info.Mode().Type())
	}
	if parent == home || filepath.Base(snapshots) == "snapshots" && parent == blobs {
		return nil
	}
	return fault.Errorf(fault.Model, "%s: found a link to %s, expected a file of the folder", file, target)
}
