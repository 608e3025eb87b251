package fetch

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	gohash "hash"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// blob brings the bytes of a file, if they are not there. Another process that
// is at it, this program or huggingface_hub, is waited for.
func (d *download) blob(ctx context.Context, e *entry) error {
	if d.has(e) {
		return nil
	}
	path := d.blobPath(e)
	locks := filepath.Join(d.cache, ".locks", d.ref.Base())
	if err := errors.Join(files.MakeFolders(d.disk, filepath.Dir(path)), files.MakeFolders(d.disk, locks)); err != nil {
		return err
	}
	unlock, err := d.lock(ctx, filepath.Join(locks, e.hash+".lock"), e.name)
	if err != nil {
		return err
	}
	defer unlock()
	if d.has(e) {
		return nil
	}
	if err := d.complete(ctx, e, path+incomplete); err != nil {
		return err
	}
	if err := d.verify(e, path+incomplete); err != nil {
		return err
	}
	if err := d.disk.Rename(path+incomplete, path); err != nil {
		return files.Fault(path, e.size, err)
	}
	if err := d.disk.SyncDir(filepath.Dir(path)); err != nil {
		return files.Fault(path, e.size, err)
	}
	return nil
}

// has tells whether a file is there already, as a blob or, where there are no
// links, in the snapshot alone.
func (d *download) has(e *entry) bool {
	for _, path := range []string{d.blobPath(e), d.snapshotPath(e)} {
		if size, there := d.size(path); there && size == e.size {
			return true
		}
	}
	return false
}

// room is an error where the bytes that are yet to come are more than are free.
func (d *download) room(entries []*entry) error {
	need, seen := int64(0), map[string]bool{}
	for _, e := range entries {
		if seen[e.hash] || d.has(e) {
			continue
		}
		seen[e.hash] = true
		have, _ := d.size(d.blobPath(e) + incomplete)
		need += min(max(0, e.size-have), math.MaxInt64-need) // whatever the hub says
	}
	if free := d.free(files.Existing(d.dir)); free >= 0 && need > free {
		return fault.Errorf(fault.Resources, "%s: the cache %s needs %d bytes for its files, but only %d are free: make room, or name a folder on another disk with --cache_dir", d.ref.Name, d.cache, need, free)
	}
	return nil
}

// incomplete ends the name of a blob that has not come whole.
const incomplete = ".incomplete"

// lock waits for the lock of a blob, which huggingface_hub knows too.
func (d *download) lock(ctx context.Context, path, name string) (unlock func() error, err error) {
	for told := false; ; told = true {
		l, owner, err := files.TryLock(path)
		if err != nil {
			return nil, err
		}
		if l != nil {
			return l.Unlock, nil
		}
		if !told {
			d.note(fmt.Sprintf("%s: waiting for %s, which is fetching it", name, owner))
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// complete makes the file part hold all bytes of e, in as many tries as bring
// any.
func (d *download) complete(ctx context.Context, e *entry, part string) error {
	failed, pause := 0, d.client.pause
	for {
		before := e.came
		err := d.more(ctx, e, part)
		if err == nil || ctx.Err() != nil || !errors.As(err, new(unreachable)) {
			return err
		}
		if e.came > before {
			failed, pause = 0, d.client.pause
		}
		have, _ := d.size(part)
		if failed++; failed >= d.client.tries {
			return fmt.Errorf("%s, at %d of %d bytes: %w; what has come is kept, and a new call goes on from there", e.name, have, e.size, err)
		}
		d.note(fmt.Sprintf("%s, at %d of %d bytes: %v; trying again", e.name, have, e.size, err))
		if err := wait(ctx, pause); err != nil {
			return err
		}
		pause *= 2
		if again, err := d.head(ctx, e.name); err == nil && again.hash == e.hash {
			e.at = again.at // a signed address is good for a while only
		}
	}
}

// more asks for the bytes that part lacks, and appends those that come.
func (d *download) more(ctx context.Context, e *entry, part string) error {
	have, there := d.size(part)
	if there && have == e.size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := time.AfterFunc(d.client.stall, func() {
		cancel(unreachable{fmt.Errorf("no byte in %s", d.client.stall)})
	})
	defer alive.Stop()
	if have > e.size {
		have = 0 // of another file: the answer to no range cuts it
	}
	resp, err := d.send(ctx, http.MethodGet, e.at, have, true)
	if why := context.Cause(ctx); why != nil {
		err = why
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)):
	case resp.StatusCode == http.StatusOK:
		have = 0
		if there {
			if err := d.disk.Truncate(part, 0); err != nil {
				return files.Fault(part, e.size, err)
			}
		}
	case d.isHub(resp.Request.URL) && resp.StatusCode >= 400 && resp.StatusCode != http.StatusRequestedRangeNotSatisfiable:
		return d.refused(resp)
	default:
		return unreachable{fmt.Errorf("%s answers %s", resp.Request.URL.Host, resp.Status)}
	}
	return d.save(ctx, e, part, have, resp.Body, func() { alive.Reset(d.client.stall) })
}

// save appends a body to part, which holds so many bytes.
func (d *download) save(ctx context.Context, e *entry, part string, have int64, body io.Reader, alive func()) error {
	f, err := d.disk.Append(part)
	if err != nil {
		return files.Fault(part, e.size, err)
	}
	buf := make([]byte, 1<<17)
	for {
		n, lost := body.Read(buf)
		alive()
		if have+int64(n) > e.size {
			f.Close()
			d.disk.Remove(part)
			return fault.Errorf(fault.Model, "%s: more bytes come than the %d that the hub announced; nothing of them is kept", e.name, e.size)
		}
		if err := d.write(f, buf[:n]); err != nil {
			f.Close()
			return d.full(e, part, err)
		}
		if n > 0 {
			d.work(e, have, have+int64(n))
		}
		have, e.came = have+int64(n), e.came+int64(n)
		if lost == io.EOF && have == e.size {
			break
		}
		if lost != nil {
			if err := f.Close(); err != nil {
				return d.full(e, part, err)
			}
			if why := context.Cause(ctx); why != nil {
				lost = why
			}
			return unreachable{fmt.Errorf("the connection broke off: %w", lost)}
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return d.full(e, part, err)
	}
	return nil
}

func (d *download) write(f files.File, p []byte) error {
	n, err := f.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// full is the error of a write: what is on the disk stays for a later call.
func (d *download) full(e *entry, part string, err error) error {
	err = files.Fault(part, e.size, err)
	return fault.Errorf(fault.KindOf(err), "%w; what has come of %s is kept, and a new call goes on from there", err, e.name)
}

// verify compares a file that has come with its hash, and removes another.
func (d *download) verify(e *entry, part string) error {
	f, err := d.disk.Open(part)
	if err != nil {
		return files.Fault(part, e.size, err)
	}
	defer f.Close()
	h, name := gohash.Hash(sha256.New()), "SHA-256"
	if len(e.hash) == hex.EncodedLen(sha1.Size) {
		h, name = sha1.New(), "SHA-1 of git"
		fmt.Fprintf(h, "blob %d\x00", e.size)
	}
	if _, err := io.CopyBuffer(h, f, make([]byte, 1<<18)); err != nil {
		return fault.Errorf(fault.Internal, "%w", err)
	}
	if found := hex.EncodeToString(h.Sum(nil)); found != e.hash {
		f.Close()
		d.disk.Remove(part)
		return fault.Errorf(fault.Model, "%s: found %s %s, expected %s: the file was changed on its way; nothing of it is kept, try again", e.name, name, found, e.hash)
	}
	return nil
}

// size is that of a file, and whether there is one.
func (d *download) size(path string) (int64, bool) {
	f, err := d.disk.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
