package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"pactune/internal/fault"
	"pactune/internal/files"
)

var flips = flag.Int("flips", 200, "flipped bits of TestFlippedBits")

// two saves two checkpoints and returns the files of the newer one.
func two(t *testing.T) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	save(t, files.OS, dir, 1)
	save(t, files.OS, dir, 2)
	for _, name := range []string{Model, Optimizer, State, "vocab.txt", completeName} {
		paths = append(paths, filepath.Join(dir, "checkpoint-2", name))
	}
	return dir, paths
}

// fallsBack fails unless the newer of two checkpoints is refused for path.
func fallsBack(t *testing.T, dir, path, what string) {
	t.Helper()
	f, damaged, err := Latest(files.OS, dir)
	if err != nil || f.Step != 1 || len(damaged) != 1 || fault.KindOf(damaged[0]) != fault.Model || !strings.HasPrefix(damaged[0].Error(), path+": ") {
		t.Fatalf("%s of %s: %v, %v, %v", what, path, f, damaged, err)
	}
	same(t, f)
}

func TestFlippedBits(t *testing.T) {
	dir, paths := two(t)
	r := rand.New(rand.NewSource(1))
	for i := range *flips {
		path := paths[i%len(paths)]
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bit := r.Intn(8 * len(text))
		flip := func() {
			text[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		flip()
		// A name or a size that COMPLETE has wrong is missed at its file.
		if f, damaged, err := Latest(files.OS, dir); err != nil || f.Step != 1 || len(damaged) != 1 ||
			!strings.HasPrefix(damaged[0].Error(), path+": ") && filepath.Base(path) != completeName {
			t.Fatalf("bit %d of %s: %v, %v, %v", bit, path, f, damaged, err)
		}
		flip()
	}
	f, damaged, err := Latest(files.OS, dir)
	if err != nil || damaged != nil || f.Step != 2 {
		t.Fatalf("the bits are back: %v, %v, %v", f, damaged, err)
	}
	same(t, f)
}

func TestDamagedFiles(t *testing.T) {
	dir, paths := two(t)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, damage := range map[string]func() error{
			"cut":       func() error { return os.WriteFile(path, text[:len(text)-1], 0o666) },
			"extended":  func() error { return os.WriteFile(path, append(bytes.Clone(text), 0), 0o666) },
			"emptied":   func() error { return os.Truncate(path, 0) },
			"removed":   func() error { return os.Remove(path) },
			"a folder":  func() error { os.Remove(path); return os.Mkdir(path, 0o777) },
			"elsewhere": func() error { os.Rename(path, dir+"/x"); return os.Symlink(dir+"/x", path) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			fallsBack(t, dir, path, what)
			os.Remove(path)
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Nothing reads a file that COMPLETE does not list.
	if err := os.WriteFile(filepath.Join(dir, "checkpoint-2", ".DS_Store"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if f, damaged, err := Latest(files.OS, dir); err != nil || damaged != nil || f.Step != 2 {
		t.Errorf("a further file: %v, %v, %v", f, damaged, err)
	}
	// With nothing to fall back to a run does not start anew by itself.
	os.Remove(filepath.Join(dir, "checkpoint-1", State))
	os.Remove(filepath.Join(dir, "checkpoint-2", completeName))
	f, damaged, err := Latest(files.OS, dir)
	if f != nil || len(damaged) != 2 || fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), "none of its 2 checkpoints is whole") ||
		!strings.Contains(err.Error(), "never finished") || !strings.Contains(err.Error(), "checkpoint-1/state.json: not found") {
		t.Errorf("all damaged: %v, %v, %v", f, damaged, err)
	}
}

// unreadable is a disk that does not give one file or folder, or only opens it.
type unreadable struct {
	files.FS
	path  string
	err   error
	opens bool
}

func (u unreadable) Open(name string) (fs.File, error) {
	f, err := u.FS.Open(name)
	if name != u.path {
		return f, err
	}
	if u.opens {
		return unreadableFile{f, u.err}, err
	}
	f.Close()
	return nil, &fs.PathError{Op: "open", Path: name, Err: u.err}
}

func (u unreadable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == u.path {
		return nil, &fs.PathError{Op: "open", Path: name, Err: u.err}
	}
	return u.FS.ReadDir(name)
}

type unreadableFile struct {
	fs.File
	err error
}

func (f unreadableFile) Read([]byte) (int, error) { return 0, f.err }

// What cannot be read now may be whole: nothing older is taken for it.
func TestUnreadableIsNotDamaged(t *testing.T) {
	dir, paths := two(t)
	for _, path := range append(paths, filepath.Join(dir, "checkpoint-2")) {
		for _, cause := range []error{syscall.EIO, syscall.EMFILE, syscall.ENOMEM, syscall.EACCES, syscall.ESTALE} {
			for _, opens := range []bool{false, true} {
				f, damaged, err := Latest(unreadable{files.OS, path, cause, opens}, dir)
				if f != nil || damaged != nil || Damaged(err) || fault.KindOf(err) != fault.Model || !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), path+": cannot be read: ") {
					t.Errorf("%s, opened %t: %v, %v, %v", path, opens, f, damaged, err)
				}
			}
		}
	}
	if _, err := Open(files.OS, filepath.Join(dir, "checkpoint-3")); !Damaged(err) || !strings.Contains(err.Error(), "checkpoint-3: not found") {
		t.Errorf("no folder: %v", err)
	}
}

// COMPLETE comes from anywhere: only the text that Save writes is taken.
func TestHostileComplete(t *testing.T) {
	dir, paths := two(t)
	path := paths[4]
	good, _ := os.ReadFile(path)
	replaced := func(old, new string) string { return strings.Replace(string(good), old, new, 1) }
	entry := "# 0 bytes\n" + strings.Repeat("0", 64) + "  "
	texts := []string{"", "\n", "{}", string(good) + "\n", string(good) + "#", replaced("\n", "\r\n"), strings.ToUpper(string(good)),
		replaced("step 2", "step 1"), replaced("step 2", "step 02"), replaced("step 2", "step +2"), replaced("step 2", "step -2"), replaced("step 2", "step 99999999999999999999"),
		replaced("checkpoint 1", "checkpoint 2"), replaced("# 6 bytes", "# 06 bytes"), replaced("# 6 bytes", "# -6 bytes"), replaced("# 6 bytes", "# 0x6 bytes"),
		replaced("  vocab.txt", " *vocab.txt"), string(good) + string(good[strings.LastIndex(string(good), "# "):]), replaced(State, "state.jsom"),
		strings.Repeat("#", maxComplete+1)}
	for _, name := range []string{"../x", "..", ".", "", "a/b", `z\b`, "/etc/passwd", "C:x", ".hidden", completeName, "zé", "z\x00", strings.Repeat("z", 101)} {
		texts = append(texts, string(good)+entry+name+"\n", replaced(State, name))
	}
	for i := range maxFiles {
		good = fmt.Appendf(good, "%sz%02d\n", entry, i)
	}
	for i, text := range append(texts, string(good)) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Logf("text %d: %.60q", i, text)
		fallsBack(t, dir, path, text)
	}
}

// rewrite gives a checkpoint another state, with the right sums.
func rewrite(t *testing.T, dir, state string) *Found {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, State), []byte(state), 0o666); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, completeName))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(state))
	text = regexp.MustCompile(`# \d+ bytes\n\w+  state.json`).ReplaceAll(text, fmt.Appendf(nil, "# %d bytes\n%s  state.json", len(state), hex.EncodeToString(sum[:])))
	if err := os.WriteFile(filepath.Join(dir, completeName), text, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := Open(files.OS, dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A state whose sums hold, but which is not what this run saves.
func TestHostileState(t *testing.T) {
	dir := save(t, files.OS, t.TempDir(), 2)
	good, _ := os.ReadFile(filepath.Join(dir, State))
	if err := rewrite(t, dir, string(good)).State(&runState{}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "[]", "{}", string(good) + "{}", string(good) + " ", strings.TrimSpace(string(good)),
		strings.Replace(string(good), `"Step"`, `"step"`, 1), strings.Replace(string(good), `{`, `{"Step": 1,`, 1), strings.Replace(string(good), `{`, `{"Other": 1,`, 1),
		strings.Replace(string(good), `"Step": 2`, `"Step": 2.0`, 1), strings.Replace(string(good), `"Step": 2`, `"Step": 1e400`, 1), strings.Replace(string(good), "loss", "\xff", 1),
		strings.Repeat("[", 1<<20), strings.Repeat(" ", maxState+1)} {
		err := rewrite(t, dir, text).State(&runState{})
		if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), filepath.Join(dir, State)) {
			t.Errorf("%.80q: %v", text, err)
		}
	}
}

// A checkpoint of another model changes no array.
func TestLoadRefuses(t *testing.T) {
	f, err := Open(files.OS, save(t, files.OS, t.TempDir(), 2))
	if err != nil {
		t.Fatal(err)
	}
	w, v := make([]float32, 6), make([]float64, 6)
	for says, arrays := range map[string][]Array{
		`"v" is not there; expected F32 [6]`:                 {Of("w", []int{2, 3}, w), Of("v", []int{6}, w)},
		`"w": found F32 [2 3], expected F32 [3 2]`:           {Of("w", []int{3, 2}, w)},
		`"w": found F32 [2 3], expected F64 [2 3]`:           {Of("w", []int{2, 3}, v)},
		`found the tensor "w", which this run does not have`: {},
	} {
		err := f.Load(Model, arrays)
		if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), filepath.Join(f.Path, Model)) || !strings.Contains(err.Error(), says) || w[5] != 0 {
			t.Errorf("%v, %v; want %s", err, w, says)
		}
	}
}

// What cannot be read back is not written.
func TestSaveRefuses(t *testing.T) {
	dir := t.TempDir()
	for says, c := range map[string]Content{
		"unsupported value: NaN": {State: map[string]float64{"a": math.NaN()}},
		`"../x"`:                 {Files: []File{{Name: "../x"}}},
		`"COMPLETE"`:             {Files: []File{{Name: completeName}}},
		`"state.json"`:           {Files: []File{{Name: State}}},
		"written twice":          {Model: []Array{Of("a", []int{1}, []float32{1}), Of("a", []int{1}, []float32{1})}},
		"expected at most":       {State: strings.Repeat("x", maxState)},
	} {
		_, err := Save(files.OS, dir, 1, c)
		if fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), says) || listing(t, dir) != "" {
			t.Errorf("%v; want %s; left %s", err, says, listing(t, dir))
		}
	}
}
