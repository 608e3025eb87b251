package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pactune/internal/fault"
	"pactune/internal/plural"
)

// fail ends a run that cannot go on. A run that diverged after good updates
// keeps the last weights that gave a finite loss: those before an update after
// which no loss was finite.
func (r *run) fail(err error) error {
	if fault.KindOf(err) != fault.Diverged {
		return r.rescue(err)
	}
	res := r.finish.Result
	res.Steps -= r.t.skips.Row // the last update that was made
	if r.t.takeBack() {
		res.Steps--
	}
	exit := "diverged: " + err.Error()
	if (res.Steps > 0 || r.folder.Published()) && r.t.finite() == nil && !r.t.unproved {
		if saveErr := r.write(exit); saveErr != nil {
			r.folder.Keep()
			return fmt.Errorf("%w; the last good weights, those after update %d, cannot be saved: %w; the log is in %s", err, res.Steps, saveErr, r.folder.Path())
		}
		return fmt.Errorf("%w; the last good weights, those after update %d, are in %s", err, res.Steps, r.folder.Path())
	}
	if !r.folder.Published() {
		return fmt.Errorf("%w; no update gave usable weights, and nothing is saved", err)
	}
	if saveErr := r.writeManifest(exit); saveErr != nil {
		err = fmt.Errorf("%w; run.json does not say so: %w", err, saveErr)
	}
	return fmt.Errorf("%w; no good weights are left, the log is in %s", err, r.folder.Path())
}

// rescue ends a run that something other than its numbers has stopped, mostly a full
// disk: its updates go into a checkpoint where one can still be written, and its
// folder stays.
func (r *run) rescue(err error) error {
	made := r.finish.Result.Steps
	if made > 0 {
		r.folder.Keep()
	}
	if made > r.saved && made > r.tried {
		again := r.folder.Log.Retry()
		if again == nil {
			again = r.checkpoint()
		}
		if again != nil && r.saved < made {
			err = fmt.Errorf("%w; nor can a checkpoint be saved: %w", err, again)
		}
	}
	return Kept(err, r.folder.Path(), r.saved, made)
}

// Kept says what is left of a run that failed after updates that it made: the
// checkpoint of update saved, or none if that is 0.
func Kept(err error, folder string, saved, made int) error {
	if _, gone := os.Stat(folder); errors.Is(gone, fs.ErrNotExist) {
		kind := fault.KindOf(err)
		if kind == fault.Usage { // that nothing can be written there is no fault of the options
			kind = fault.Internal
		}
		return fault.Errorf(kind, "%w; the folder of the run, %s, is gone, and with it its work of %s: something else has removed it", err, folder, plural.Of(made, "update"))
	}
	if _, gone := os.Stat(filepath.Join(folder, fmt.Sprintf("checkpoint-%d", saved))); errors.Is(gone, fs.ErrNotExist) {
		saved = 0
	}
	switch {
	case made == 0:
		return err
	case saved == 0:
		return fmt.Errorf("%w; its work of %s cannot be saved and is lost; the log is in %s, and pactune resume %s starts again", err, plural.Of(made, "update"), folder, folder)
	case saved < made:
		err = fmt.Errorf("%w; %s after update %d cannot be saved, and will be made again", err, plural.Of(made-saved, "update"), saved)
	}
	return fmt.Errorf("%w; the checkpoint of update %d is in %s: pactune resume %s", err, saved, folder, folder)
}
