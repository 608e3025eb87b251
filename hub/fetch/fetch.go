// Package fetch brings models from a hub into Hugging Face's cache. It is the
// only package that knows a network.
//
//	GET  /api/models/NAME/revision/REVISION   the commit and the names of the files
//	HEAD /NAME/resolve/COMMIT/FILE            hash, size and place of each that is read
//	GET  the place                            its bytes, which may lie on another host
//
// The order on the disk lets nothing stand for more than it is:
//
//	blobs/<hash>.incomplete   grows; a later call goes on where it ends
//	blobs/<hash>              its name once all has come and the hash is right
//	snapshots/<commit>/*      links, once there are all blobs
//	refs/<revision>           last
//
// The token goes to the hub and to no other host. Nothing is sent but the
// requests above, with the name of this program.
package fetch

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"

	"pactune/hub"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/safetensors"
)

// Hooks tell what goes on; either may be nil.
type Hooks struct {
	Note func(text string)
	Work func(what string, done, total int) // what ends with the unit
}

// Result is a model in the cache.
type Result struct {
	Folder string // its snapshot
	Commit string
	Came   int64 // bytes that this call has brought
}

// Source is a hub.
type Source struct {
	endpoint *url.URL
	token    string
	offline  bool
	agent    string
	client   client
	disk     files.FS
	free     func(dir string) int64 // files.Free
}

// FromEnvironment is the hub of HF_ENDPOINT, with the token of HF_TOKEN or of
// the file HF_TOKEN_PATH. Agent names the program to the hub.
func FromEnvironment(agent string) (*Source, error) {
	endpoint, err := hub.Endpoint()
	if err != nil {
		return nil, err
	}
	token, err := readToken()
	if err != nil {
		return nil, err
	}
	return &Source{endpoint: endpoint, token: token, offline: hub.Offline(), agent: agent, client: newClient(), disk: files.OS, free: files.Free}, nil
}

// Download brings the files of a model that are read into a cache. It goes on
// with what an earlier call left incomplete. Offline, or for a commit that is
// there already, it asks nobody. Errors are of kind fault.Usage for what the hub refuses,
// fault.Model for files that are not what it announced, fault.Resources for a
// disk that is full or too small for them, and fault.Internal for a network that fails.
func (s *Source) Download(ctx context.Context, ref hub.Ref, cache string, h Hooks) (*Result, error) {
	if err := ref.Check(); err != nil {
		return nil, err
	}
	if s.offline || hub.IsCommit(ref.Revision) {
		snapshot, missing, err := ref.Find(cache, hub.Model)
		if err != nil || len(missing) == 0 {
			return &Result{Folder: snapshot, Commit: filepath.Base(snapshot)}, err
		}
		if s.offline {
			return nil, fault.Errorf(fault.Usage, "%s: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the network, and %s\nWithout a network here, %s",
				ref.Name, ref.Absent(cache, snapshot, missing), ref.ByHand(hub.Model))
		}
	}
	d := &download{Source: s, ref: ref, dir: ref.Storage(cache), cache: cache, hooks: h}
	err := d.run(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.As(err, new(unreachable)) {
		return nil, fault.Errorf(fault.Internal, "%w\nWithout a network here, %s", err, ref.ByHand(hub.Model))
	}
	if err != nil {
		return nil, err
	}
	return &d.result, nil
}

// download is one call of Download.
type download struct {
	*Source
	ref    hub.Ref
	cache  string
	dir    string // of the model in the cache
	hooks  Hooks
	result Result
}

// entry is a file as the hub announces it.
type entry struct {
	name string
	hash string // of the file: SHA-256, or SHA-1 as git computes it
	size int64
	at   *url.URL // where its bytes are, for a while
	came int64
}

func (d *download) run(ctx context.Context) error {
	listed, err := d.list(ctx)
	if err != nil {
		return err
	}
	names, err := hub.Choose(listed)
	if err != nil {
		return fault.Errorf(fault.KindOf(err), "%s: %w", d.ref.Name, err)
	}
	entries, err := d.announced(ctx, names)
	if err != nil {
		return err
	}
	for i := 0; i < len(entries); i++ {
		e := entries[i]
		if err := d.blob(ctx, e); err != nil {
			return err
		}
		if e.name != hub.WeightsIndex {
			continue
		}
		parts, err := d.parts(ctx, e, listed)
		if err != nil {
			return err
		}
		entries = append(entries, parts...)
	}
	return d.publish(entries)
}

// announced asks the hub for what it has under each name, and refuses what the disk of
// the cache cannot hold.
func (d *download) announced(ctx context.Context, names []string) ([]*entry, error) {
	var entries []*entry
	for _, name := range names {
		e, err := d.head(ctx, name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, d.room(entries)
}

// parts are the files of weights that an index names.
func (d *download) parts(ctx context.Context, index *entry, listed []string) ([]*entry, error) {
	text, err := d.read(d.snapshotPath(index))
	if err != nil {
		text, err = d.read(d.blobPath(index))
	}
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, fault.Errorf(fault.Model, "%s: %w", d.ref.Name, err)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "%w", err)
	}
	names, err := safetensors.Parts(index.name, text)
	if err != nil {
		return nil, fault.Errorf(fault.Model, "%s: %w", d.ref.Name, err)
	}
	for _, name := range names {
		if !slices.Contains(listed, name) {
			return nil, fault.Errorf(fault.Model, "%s: %s names the file %s, which the hub does not have", d.ref.Name, index.name, name)
		}
	}
	return d.announced(ctx, names)
}

func (d *download) blobPath(e *entry) string { return filepath.Join(d.dir, "blobs", e.hash) }

func (d *download) snapshotPath(e *entry) string { return filepath.Join(d.result.Folder, e.name) }

func (d *download) read(path string) ([]byte, error) {
	return bounded.ReadFile(d.disk, path, safetensors.MaxIndex)
}

func (d *download) note(text string) {
	if d.hooks.Note != nil {
		d.hooks.Note(text)
	}
}

// work tells how far a file has come, when a whole unit more has.
func (d *download) work(e *entry, before, now int64) {
	unit, size := "kB", int64(1e3)
	if e.size >= 1e7 {
		unit, size = "MB", 1e6
	}
	done, all := (now+size-1)/size, (e.size+size-1)/size // the last unit is over when all is
	if now < e.size {
		done = now / size
	}
	if d.hooks.Work != nil && done > before/size {
		d.hooks.Work(e.name+", "+unit, int(done), int(all))
	}
}
