package train

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/pprof"

	"pactune/internal/fault"
	"pactune/internal/files"
)

// Profiled calls do and writes the files of --cpuprofile and --memprofile when
// it has ended, also with an error or a panic. Files that cannot be written
// there are a fault.Usage, found before do starts.
func Profiled(c *Config, do func() error) (err error) {
	for _, o := range [][2]string{{"cpuprofile", c.CPUProfile}, {"memprofile", c.MemProfile}} {
		if err := checkProfile(o[0], o[1]); err != nil {
			return err
		}
	}
	var cpu bytes.Buffer
	if c.CPUProfile != "" {
		if err := pprof.StartCPUProfile(&cpu); err != nil {
			return err
		}
	}
	defer func() {
		if c.CPUProfile != "" {
			pprof.StopCPUProfile()
			err = cmp.Or(err, writeProfile(c.CPUProfile, func(w io.Writer) error { _, err := cpu.WriteTo(w); return err }))
		}
		if c.MemProfile != "" {
			runtime.GC() // what is in use is known since the last collection
			err = cmp.Or(err, writeProfile(c.MemProfile, func(w io.Writer) error { return pprof.Lookup("allocs").WriteTo(w, 0) }))
		}
	}()
	return do()
}

func checkProfile(option, path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fault.Errorf(fault.Usage, "--%s %s: is a folder; expected the name of a file to write", option, path)
	}
	f, name, err := files.CreateTemp(files.OS, path)
	var why *fs.PathError
	if errors.As(err, &why) {
		err = why.Err // without the temporary name
	}
	if err != nil {
		return fault.Errorf(files.Kind(err), "--%s %s: no file can be written there: %w", option, path, err)
	}
	f.Close()
	return files.OS.Remove(name)
}

func writeProfile(path string, write func(io.Writer) error) error {
	_, err := files.WriteFile(files.OS, path, write)
	return err
}
