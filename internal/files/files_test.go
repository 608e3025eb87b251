package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pactune/internal/fault"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := OS.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

// A file is there whole or not at all, and a full disk has its own kind.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	old, err := WriteFile(OS, path, text("old"))
	// printf old | sha256sum
	if want := (Written{3, "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4"}); err != nil || old != want {
		t.Fatalf("%v, %v, want %v", old, err, want)
	}
	if again, err := Hash(OS, path); err != nil || again != old {
		t.Errorf("%v, %v", again, err)
	}
	if measured, err := Measure(text("old")); err != nil || measured != old {
		t.Errorf("%v, %v", measured, err)
	}
	for cause, kind := range map[error]fault.Kind{syscall.ENOSPC: fault.Resources, syscall.EDQUOT: fault.Resources, syscall.EIO: fault.Internal, errors.New("broken"): fault.Internal,
		syscall.EACCES: fault.Usage, syscall.EROFS: fault.Usage, syscall.ENOTDIR: fault.Usage} {
		_, err := WriteFile(OS, path, func(w io.Writer) error { io.WriteString(w, "newer"); return cause })
		if fault.KindOf(err) != kind || !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), "its 5 bytes") {
			t.Errorf("%v: %v", cause, err)
		}
	}
	_, err = WriteFile(OS, filepath.Join(dir, "none", "x"), text("new"))
	if fault.KindOf(err) != fault.Usage || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "its 3 bytes") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := WriteNew(OS, path, text("new")); !errors.Is(err, os.ErrExist) {
		t.Errorf("there already: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" || names(t, dir) != "x" {
		t.Errorf("left %q in %s", got, names(t, dir))
	}
	// A name that a killed process left is passed over.
	if err := os.WriteFile(filepath.Join(dir, ".tmp-0-x"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteFile(OS, path, text("new")); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" || names(t, dir) != ".tmp-0-x x" {
		t.Errorf("left %q in %s", got, names(t, dir))
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	first, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	if _, err := Lock(dir); fault.KindOf(err) != fault.Usage || !strings.HasPrefix(err.Error(), dir+": process ") || !strings.Contains(err.Error(), " on "+host+" is writing there") {
		t.Errorf("a second lock: %v", err)
	}
	if by := LockedBy(dir); !strings.HasPrefix(by, "process ") || !strings.HasSuffix(by, " on "+host) {
		t.Errorf("locked by %q", by)
	}
	if err := first.Unlock(); err != nil || names(t, dir) != "" {
		t.Errorf("%v, left %s", err, names(t, dir))
	}
	// What a killed process leaves is a file, and no lock.
	if err := os.WriteFile(filepath.Join(dir, LockName), []byte("process 1 on a host with a much longer name\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if by := LockedBy(dir); by != "" {
		t.Errorf("locked by %q, which was killed", by)
	}
	// Nor is one a look that has the file for a moment.
	look, err := os.OpenFile(filepath.Join(dir, LockName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if held, err := lock(look); held || err != nil {
		t.Fatal(held, err)
	}
	time.AfterFunc(5*time.Millisecond, func() { look.Close() })
	again, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, LockName)); !strings.HasSuffix(string(got), " on "+host+"\n") {
		t.Errorf("the file says %q", got)
	}
	if err := again.Unlock(); err != nil {
		t.Error(err)
	}
	if _, err := Lock(filepath.Join(dir, "none")); fault.KindOf(err) != fault.Usage {
		t.Errorf("no folder: %v", err)
	}
}

// Folders are made with those above them; a file in their way is said.
func TestMakeFolders(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := MakeFolders(OS, filepath.Join(dir, "a", "b", "c")); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, filepath.Join(dir, "a", "b")); got != "c" {
		t.Errorf("made %q", got)
	}
	if _, err := WriteFile(OS, filepath.Join(dir, "file"), text("x")); err != nil {
		t.Fatal(err)
	}
	err := MakeFolders(OS, filepath.Join(dir, "file", "b", "c"))
	if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), filepath.Join(dir, "file")) {
		t.Errorf("below a file: %v", err)
	}
}
