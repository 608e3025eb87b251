package train

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/profile"
)

// The profile of an update has a row for each of its parts, and changes no
// bit of it.
func TestProfileOfUpdates(t *testing.T) {
	plain, timed := newTest(t, 2, methods["pac+cwgnc, split"]), newTest(t, 2, methods["pac+cwgnc, split"])
	clock := profile.Start()
	timed.profile(clock)
	for s := range 3 { // three micro-batches each, all of stage 1
		plain.mustStep(t, s)
		timed.mustStep(t, s)
	}
	if hashWeights(plain.model) != hashWeights(timed.model) || plain.rec != timed.rec {
		t.Error("a profile changes the updates")
	}
	calls := map[string]int{}
	for _, r := range clock.Rows() {
		calls[strings.TrimSpace(r.Phase+" "+r.Name)] = r.Calls
	}
	for name, want := range map[string]int{
		// two layers: query, key, value, attention output, output, and the classifier
		"forward linear": 9 * (2*5 + 1), "backward linear": 9 * (2*5 + 1), "forward linear, activation": 9 * 2, "backward attention": 9 * 2,
		"forward embedding": 9, "forward loss": 9, "inference linear": 0,
		"zero gradients": 3, "noise: weights": 3, "gradient norms": 3, "noise: step": 3, "clipping": 3, "bound": 3, "AdamW": 3, "record": 3,
	} {
		if calls[name] != want {
			t.Errorf("%s: %d calls, want %d", name, calls[name], want)
		}
	}
}

// The files are there whatever happened, and nothing else is.
func TestProfiledWritesItsFiles(t *testing.T) {
	failed := errors.New("failed")
	for name, do := range map[string]func() error{
		"done":   func() error { return nil },
		"failed": func() error { return failed },
		"panic":  func() error { panic("bug") },
	} {
		dir := t.TempDir()
		c := NewConfig()
		c.CPUProfile, c.MemProfile = filepath.Join(dir, "cpu.prof"), filepath.Join(dir, "mem.prof")
		func() {
			defer func() {
				if bug := recover(); (bug != nil) != (name == "panic") {
					t.Errorf("%s: recovered %v", name, bug)
				}
			}()
			if err := Profiled(c, do); (err == failed) != (name == "failed") {
				t.Errorf("%s: %v", name, err)
			}
		}()
		for _, path := range []string{c.CPUProfile, c.MemProfile} {
			if data, err := os.ReadFile(path); err != nil || len(data) < 2 || data[0] != 0x1f || data[1] != 0x8b {
				t.Errorf("%s: %s is not a compressed profile: %v, %d bytes", name, path, err, len(data))
			}
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 2 {
			t.Errorf("%s: left %v", name, entries)
		}
	}
}

// A place that cannot be written to is found before any work is done.
func TestProfiledRefusesBadPlaces(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none", "x.prof")} {
		for _, option := range []string{"cpuprofile", "memprofile"} {
			c := NewConfig()
			if err := c.Set(option, path); err != nil {
				t.Fatal(err)
			}
			err := Profiled(c, func() error { t.Error("the work was done"); return nil })
			if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "--"+option+" "+path) {
				t.Errorf("--%s %s: %v", option, path, err)
			}
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}
