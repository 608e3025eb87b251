package fetch

import (
	"io"
	"path/filepath"

	"pactune/hub"
	"pactune/internal/files"
)

// publish gives the blobs their names in the snapshot, and then the revision
// its commit.
func (d *download) publish(entries []*entry) error {
	if err := files.MakeFolders(d.disk, d.result.Folder); err != nil {
		return err
	}
	for _, e := range entries {
		if err := d.link(e); err != nil {
			return err
		}
		d.result.Came += e.came
	}
	if err := d.disk.SyncDir(d.result.Folder); err != nil {
		return files.Fault(d.result.Folder, 0, err)
	}
	if hub.IsCommit(d.ref.Revision) {
		return nil
	}
	path := filepath.Join(d.dir, "refs", filepath.FromSlash(d.ref.Revision))
	if before, err := d.read(path); err == nil && string(before) == d.result.Commit {
		return nil
	}
	if err := files.MakeFolders(d.disk, filepath.Dir(path)); err != nil {
		return err
	}
	_, err := files.WriteFile(d.disk, path, func(w io.Writer) error {
		_, err := io.WriteString(w, d.result.Commit)
		return err
	})
	return err
}

// link makes a file of the snapshot a link to its blob, or a copy where links
// are impossible.
func (d *download) link(e *entry) error {
	path := d.snapshotPath(e)
	if size, there := d.size(path); there && size == e.size {
		return nil
	}
	d.disk.Remove(path) // a link that leads nowhere
	if d.disk.Symlink(filepath.Join("..", "..", "blobs", e.hash), path) == nil {
		return nil
	}
	blob, err := d.disk.Open(d.blobPath(e))
	if err != nil {
		return files.Fault(path, e.size, err)
	}
	defer blob.Close()
	if _, err := files.WriteFile(d.disk, path, func(w io.Writer) error { _, err := io.Copy(w, blob); return err }); err != nil {
		return err
	}
	if e.came > 0 {
		d.disk.Remove(d.blobPath(e)) // nobody else knows it yet, and it is as large again
	}
	return nil
}
