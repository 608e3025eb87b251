package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"syscall"
)

// writeAtomically writes a file so that its name never stands for half of it:
// a temporary file beside it, flushed to disk, then renamed. It returns the
// SHA-256 of what was written. All files of a run folder that are not logs are
// written here.
func writeAtomically(path string, write func(io.Writer) error) (sum string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return "", diskFault(path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	hash := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<16)
	for _, do := range []func() error{
		func() error { return write(buffered) },
		buffered.Flush,
		func() error { return f.Chmod(0o644) },
		f.Sync,
		f.Close,
		func() error { return os.Rename(f.Name(), path) },
	} {
		if err := do(); err != nil {
			return "", diskFault(path, err)
		}
	}
	syncDir(filepath.Dir(path))
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// syncDir makes a rename last. Systems that cannot flush a folder refuse, and
// then there is nothing to be done.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// hashFile returns the SHA-256 of a file.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// marshal writes v as Python's json.dump(indent=…, sort_keys=True) does, with
// a final line feed. NaN and infinities in maps become null, named in the
// map's "nonfinite".
func marshal(v any, indent string) ([]byte, error) {
	var out bytesBuffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(finite(v))
	return out, err
}

type bytesBuffer []byte

func (b *bytesBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// finite copies maps and lists with every NaN and infinity replaced.
func finite(v any) any {
	switch v := v.(type) {
	case []map[string]any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = finite(v[i])
		}
		return list
	case []float64:
		list := make([]any, len(v))
		for i, x := range v {
			if list[i] = x; math.IsNaN(x) || math.IsInf(x, 0) {
				list[i] = nil
			}
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = finite(v[i])
		}
		return list
	case map[string]any:
		return finiteMap(v)
	}
	return v
}

func finiteMap(v map[string]any) map[string]any {
	out := make(map[string]any, len(v))
	var bad []string
	for key, value := range v {
		if x, ok := value.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			bad = append(bad, key+"="+nonfinite(x))
			out[key] = nil
			continue
		}
		out[key] = finite(value)
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		out["nonfinite"] = bad
	}
	return out
}
