// Package faulty has two file systems for tests: Disk loses its power, Failing
// fails. Whoever writes through files.FS can be driven with both:
//
//	disk := faulty.NewDisk()
//	disk.CutAfter(n)                // operations; then everything fails
//	err := work(disk)
//	left := disk.Survive(r.Intn)    // what a machine could find after it
package faulty

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"pactune/internal/files"
)

// ErrPower is the error of everything after the power went.
var ErrPower = errors.New("the power is gone")

// Disk is a file system in memory that knows what would be left of it: a file
// what Sync has flushed, a folder the names that SyncDir has, and of everything
// later any part, in any order, down to the sector. Only a rename is atomic, and
// only within its folder; others are refused. Not safe for concurrent use.
type Disk struct {
	root *node
	left int // operations until the power goes
}

// node is a file or a folder: what a program sees, what the disk has, and the
// changes in between.
type node struct {
	data, kept []byte
	writes     []write

	names, keptNames map[string]*node // of a folder; nil for a file
	links            []link
}

// write is a part of a file that is not yet on the disk: within one sector, or,
// with nil data, a cut.
type write struct {
	at   int
	data []byte
}

// link is a change of one folder: a name goes, or comes, or both at once.
type link struct {
	gone, name string
	node       *node
}

// sector is the bytes that a disk writes whole or not at all.
const sector = 512

// NewDisk is an empty disk, whose power stays.
func NewDisk() *Disk { return &Disk{root: newFolder(), left: math.MaxInt} }

func newFolder() *node {
	return &node{names: map[string]*node{}, keptNames: map[string]*node{}}
}

// CutAfter lets the power go after n more operations that write.
func (d *Disk) CutAfter(n int) { d.left = n }

// Survive is a disk with what a machine could find when its power comes back.
// choose(n) is a number from 0 to n−1, such as rand.Rand.Intn.
func (d *Disk) Survive(choose func(n int) int) *Disk {
	return &Disk{root: d.root.survive(choose), left: math.MaxInt}
}

func (n *node) survive(choose func(int) int) *node {
	if n.names == nil {
		return n.surviveFile(choose)
	}
	names := copied(n.keptNames)
	for _, l := range n.links {
		if choose(2) == 0 {
			l.apply(names)
		}
	}
	left := newFolder()
	for _, name := range sorted(names) {
		left.names[name] = names[name].survive(choose)
	}
	left.keptNames = copied(left.names)
	return left
}

// surviveFile keeps a sector, or its first bytes, or the room for it, or nothing.
func (n *node) surviveFile(choose func(int) int) *node {
	data := bytes.Clone(n.kept)
	for _, w := range n.writes {
		switch choose(5) {
		case 0:
		case 1:
			data = write{w.at, w.data[:choose(len(w.data)+1)]}.apply(data)
		case 2:
			data = write{w.at, make([]byte, len(w.data))}.apply(data)
		default:
			data = w.apply(data)
		}
	}
	return &node{data: data, kept: bytes.Clone(data)}
}

func (w write) apply(data []byte) []byte {
	if w.data == nil {
		return data[:min(w.at, len(data))]
	}
	if end := w.at + len(w.data); end > len(data) {
		data = append(data, make([]byte, end-len(data))...)
	}
	copy(data[w.at:], w.data)
	return data
}

func (l link) apply(names map[string]*node) {
	if l.gone != "" {
		delete(names, l.gone)
	}
	if l.node != nil {
		names[l.name] = l.node
	}
}

func copied(names map[string]*node) map[string]*node {
	c := make(map[string]*node, len(names))
	for name, n := range names {
		c[name] = n
	}
	return c
}

func sorted(names map[string]*node) []string {
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// find is a node by its path, and an error with it.
func (d *Disk) find(op, name string) (*node, error) {
	n := d.root
	for _, part := range strings.Split(filepath.ToSlash(filepath.Clean(name)), "/") {
		if part == "" || part == "." {
			continue
		}
		if n = n.names[part]; n == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return n, nil
}

// begin is the start of an operation that writes: the folder of name, its base,
// and what that names.
func (d *Disk) begin(op, name string) (folder *node, base string, n *node, err error) {
	if err := d.tick(op, name); err != nil {
		return nil, "", nil, err
	}
	folder, err = d.find(op, filepath.Dir(name))
	if err == nil && folder.names == nil {
		err = &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, "", nil, err
	}
	base = filepath.Base(name)
	return folder, base, folder.names[base], nil
}

func (d *Disk) tick(op, name string) error {
	if d.left == 0 {
		return &fs.PathError{Op: op, Path: name, Err: ErrPower}
	}
	d.left--
	return nil
}

func (n *node) change(l link) {
	l.apply(n.names)
	n.links = append(n.links, l)
}

// Create implements files.FS.
func (d *Disk) Create(name string) (files.File, error) {
	folder, base, n, err := d.begin("create", name)
	if err == nil && n != nil {
		err = &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if err != nil {
		return nil, err
	}
	n = &node{}
	folder.change(link{name: base, node: n})
	return &writer{d, name, n}, nil
}

// Append implements files.FS.
func (d *Disk) Append(name string) (files.File, error) {
	if n, err := d.find("append", name); err == nil && n.names == nil {
		return &writer{d, name, n}, nil
	}
	return d.Create(name)
}

// Truncate implements files.FS.
func (d *Disk) Truncate(name string, size int64) error {
	if err := d.tick("truncate", name); err != nil {
		return err
	}
	n, err := d.find("truncate", name)
	if err != nil {
		return err
	}
	w := write{at: int(size)}
	n.data, n.writes = w.apply(n.data), append(n.writes, w)
	return nil
}

// Rename implements files.FS.
func (d *Disk) Rename(from, to string) error {
	folder, base, n, err := d.begin("rename", from)
	if err != nil {
		return err
	}
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if filepath.Dir(from) != filepath.Dir(to) {
		return &fs.PathError{Op: "rename", Path: to, Err: syscall.EXDEV}
	}
	if old := folder.names[filepath.Base(to)]; old != nil && len(old.names) > 0 {
		return &fs.PathError{Op: "rename", Path: to, Err: syscall.ENOTEMPTY}
	}
	folder.change(link{gone: base, name: filepath.Base(to), node: n})
	return nil
}

// Remove implements files.FS.
func (d *Disk) Remove(name string) error {
	folder, base, n, err := d.begin("remove", name)
	switch {
	case err != nil:
		return err
	case n == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	case len(n.names) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	folder.change(link{gone: base})
	return nil
}

// RemoveAll implements files.FS, file by file.
func (d *Disk) RemoveAll(name string) error {
	n, err := d.find("remove", name)
	if err != nil {
		return d.tick("remove", name) // nothing there
	}
	for _, base := range sorted(n.names) {
		if err := d.RemoveAll(filepath.Join(name, base)); err != nil {
			return err
		}
	}
	return d.Remove(name)
}

// Symlink implements files.FS: like some disks, this one has no links.
func (d *Disk) Symlink(_, name string) error {
	return &fs.PathError{Op: "symlink", Path: name, Err: errors.ErrUnsupported}
}

// Mkdir implements files.FS.
func (d *Disk) Mkdir(name string) error {
	folder, base, n, err := d.begin("mkdir", name)
	if err == nil && n != nil {
		err = &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	if err == nil {
		folder.change(link{name: base, node: newFolder()})
	}
	return err
}

// SyncDir implements files.FS.
func (d *Disk) SyncDir(name string) error {
	if err := d.tick("sync", name); err != nil {
		return err
	}
	n, err := d.find("sync", name)
	if err != nil {
		return err
	}
	n.keptNames, n.links = copied(n.names), nil
	return nil
}

// writer is a file of a Disk that is open for writing.
type writer struct {
	disk *Disk
	name string
	node *node
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.disk.tick("write", w.name); err != nil {
		return 0, err
	}
	for rest := p; len(rest) > 0; {
		at := len(w.node.data)
		n := min(len(rest), sector-at%sector)
		w.node.writes = append(w.node.writes, write{at, bytes.Clone(rest[:n])})
		w.node.data = append(w.node.data, rest[:n]...)
		rest = rest[n:]
	}
	return len(p), nil
}

func (w *writer) Sync() error {
	if err := w.disk.tick("sync", w.name); err != nil {
		return err
	}
	w.node.kept, w.node.writes = bytes.Clone(w.node.data), nil
	return nil
}

func (w *writer) Close() error { return w.disk.tick("close", w.name) }

// Open implements files.FS.
func (d *Disk) Open(name string) (fs.File, error) {
	n, err := d.find("open", name)
	if err != nil {
		return nil, err
	}
	return &reader{bytes.NewReader(n.data), info{filepath.Base(name), n}}, nil
}

// ReadDir implements files.FS.
func (d *Disk) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := d.find("readdir", name)
	if err == nil && n.names == nil {
		err = &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	var entries []fs.DirEntry
	for _, base := range sorted(n.names) {
		entries = append(entries, fs.FileInfoToDirEntry(info{base, n.names[base]}))
	}
	return entries, nil
}

// reader is a file of a Disk that is open for reading.
type reader struct {
	io.Reader
	info info
}

func (r *reader) Stat() (fs.FileInfo, error) { return r.info, nil }
func (r *reader) Close() error               { return nil }

type info struct {
	name string
	node *node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(len(i.node.data)) }
func (i info) IsDir() bool        { return i.node.names != nil }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
