package checkpoint

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/files"
)

const (
	prefix       = "checkpoint-"
	stagingEnd   = ".partial" // of a folder that is being written
	removedEnd   = ".removed" // of a folder that is being removed
	completeName = "COMPLETE"

	maxComplete = 1 << 16 // bytes
	maxState    = 1 << 24
	maxFiles    = 64
)

// complete is the file COMPLETE, which sha256sum -c reads, too:
//
//	# pactune checkpoint 1, step 468
//	# 1024 bytes
//	9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  config.json
type complete struct {
	step  int
	files []entry // by name
}

type entry struct {
	name string
	files.Written
}

func (c *complete) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# pactune checkpoint 1, step %d\n", c.step)
	for _, f := range c.files {
		fmt.Fprintf(&b, "# %d bytes\n%s  %s\n", f.Size, f.SHA256, f.name)
	}
	return b.Bytes()
}

// parse reads COMPLETE. It takes what it can and then compares the text of that
// with what it was given, so that only one text is accepted for one meaning.
func parse(text []byte) (complete, error) {
	lines := strings.Split(string(text), "\n")
	c := complete{step: -1}
	if digits, ok := strings.CutPrefix(lines[0], "# pactune checkpoint 1, step "); ok {
		c.step = number(digits)
	}
	for i := 1; i+1 < len(lines); i += 2 {
		bytes, _ := strings.CutPrefix(lines[i], "# ")
		bytes, _ = strings.CutSuffix(bytes, " bytes")
		sum, name, _ := strings.Cut(lines[i+1], "  ")
		f := entry{name, files.Written{Size: int64(number(bytes)), SHA256: sum}}
		if len(c.files) == maxFiles || !plain(name) || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" ||
			len(c.files) > 0 && name <= c.files[len(c.files)-1].name {
			return c, fault.Errorf(fault.Model, "line %d: found %.100q, expected a SHA-256 and a plain name, rising from line to line", i+2, lines[i+1])
		}
		c.files = append(c.files, f)
	}
	if !bytes.Equal(c.text(), text) {
		return c, fault.Errorf(fault.Model, "found %.100q, expected %.100q", text, c.text())
	}
	for _, name := range []string{Model, Optimizer, State} {
		if _, ok := c.entry(name); !ok {
			return c, fault.Errorf(fault.Model, "%s is not in the list", name)
		}
	}
	return c, nil
}

func (c *complete) entry(name string) (entry, bool) {
	for _, f := range c.files {
		if f.name == name {
			return f, true
		}
	}
	return entry{}, false
}

// number is −1 for what is no number from 0 to the largest int.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)

// plain tells whether a name stands for a file in the folder, and for no other.
func plain(name string) bool { return plainName.MatchString(name) && name != completeName }

// stepOf is the step of a checkpoint's folder, false for any other name.
func stepOf(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	step := number(digits)
	return step, ok && step >= 0 && name == folder(step)
}
