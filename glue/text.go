package glue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"pactune/internal/fault"
)

// open opens path in fsys, or in the operating system's file system.
func open(fsys fs.FS, path string) (fs.File, error) {
	if fsys == nil {
		return os.Open(path)
	}
	return fsys.Open(path)
}

// exists tells whether a path can be opened.
func exists(fsys fs.FS, path string) bool {
	file, err := open(fsys, path)
	if err == nil {
		file.Close()
	}
	return err == nil
}

// join is the path join of fsys.
func join(fsys fs.FS, dir, name string) string {
	if fsys == nil {
		return filepath.Join(dir, name)
	}
	return strings.TrimPrefix(dir+"/"+name, "./")
}

// stdin is the path of the standard input.
const stdin = "-"

// readFile returns the content of a file, or of the standard input. What is
// missing or no regular file is an error of kind Data.
func readFile(fsys fs.FS, path string) (string, error) {
	if fsys == nil && path == stdin {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return "", fault.Errorf(fault.Data, "the standard input cannot be read: %w", err)
		}
		return string(text), nil
	}
	if what := irregular(fsys, path); what != "" {
		return "", fault.Errorf(fault.Data, "%s: is %s; expected a file", path, what)
	}
	f, err := open(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.Errorf(fault.Data, "%s: no such file; expected a data file there: check the path", path)
	}
	if err != nil {
		return "", fault.Errorf(fault.Data, "%s: cannot be opened: %w", path, err)
	}
	defer f.Close()
	var b strings.Builder
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		b.Grow(int(info.Size()))
	}
	if _, err := io.Copy(&b, f); err != nil {
		return "", fault.Errorf(fault.Data, "%s: cannot be read: %w", path, err)
	}
	return b.String(), nil
}

// irregular says what path is when it is there and no regular file, else "".
// Opening a pipe would wait for somebody to write into it.
func irregular(fsys fs.FS, path string) string {
	stat := os.Stat
	if fsys != nil {
		stat = func(name string) (fs.FileInfo, error) { return fs.Stat(fsys, name) }
	}
	info, err := stat(path)
	switch {
	case err != nil || info.Mode().IsRegular():
		return ""
	case info.IsDir():
		return "a folder"
	case info.Mode()&fs.ModeNamedPipe != 0:
		return "a pipe, and data are read more than once"
	}
	return "a device"
}

// Errors of a row that a look at the data counts.
var (
	ErrNotUTF8 = errors.New("which is not UTF-8")
	ErrEmpty   = errors.New("an empty text")
)

// checkText holds the rules that all text files share, and returns the text
// without its byte order mark. A bad byte ends it, or with report is told for
// each line that has one and replaced; bad are these lines.
func checkText(path, text string, report func(error)) (clean string, bad badLines, err error) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return "", nil, fault.Errorf(fault.Data, "%s: line 1: found the byte order mark of UTF-16, expected UTF-8; convert the file: iconv -f UTF-16 -t UTF-8", path)
	}
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.Trim(text, "\r\n") == "" {
		return "", nil, fault.Errorf(fault.Data, "%s: the file is empty; expected rows of text", path)
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		in := lines{rest: text}
		for {
			line, ok := in.next()
			if !ok {
				break
			}
			if err := BadByte(path, in.number, line); err != nil && report == nil {
				return "", nil, err
			} else if err != nil {
				report(err)
				bad = append(bad, in.number)
			}
		}
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	}
	if !strings.Contains(text, "\n") && strings.Count(text, "\r") > 1 {
		return "", nil, at(path, 1, "found %d carriage returns and no line feed; rows end with a line feed: tr '\\r' '\\n'", strings.Count(text, "\r"))
	}
	return text, bad, nil
}

// badLines are lines that were told to Options.Report, in order: no row of theirs
// is read.
type badLines []int

// before takes those before a line, and says whether there were any.
func (b *badLines) before(line int) (any bool) {
	for len(*b) > 0 && (*b)[0] < line {
		*b, any = (*b)[1:], true
	}
	return any
}

// BadByte is the error of a line that is not UTF-8 or holds a NUL, nil without
// one.
func BadByte(path string, number int, line string) error {
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRuneInString(line[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return at(path, number, "found the byte 0x%02x (byte %d of the line), %w; convert the file, for example from Latin-1: iconv -f ISO-8859-1 -t UTF-8", line[i], i+1, ErrNotUTF8)
		case r == 0:
			return at(path, number, "found a NUL byte (byte %d of the line), expected text; the file is damaged, or is UTF-16 without its mark", i+1)
		}
		i += n
	}
	return nil
}

// rowError is an error about one line of a file.
type rowError struct {
	error // of kind Data; its text names both
	path  string
	line  int
}

func (e *rowError) Unwrap() error { return e.error }

// rowOf tells the row of an error: no path and line 0 of one that is about none.
func rowOf(err error) rowError {
	var e *rowError
	if errors.As(err, &e) {
		return *e
	}
	return rowError{}
}

// at is an error of kind Data about one line of a file.
func at(path string, line int, format string, args ...any) error {
	return &rowError{fault.Errorf(fault.Data, "%s: %s %d: %w", path, unit(path), line, fmt.Errorf(format, args...)), path, line}
}

// unit is what the rows of a file are numbered by.
func unit(path string) string {
	if strings.EqualFold(filepath.Ext(path), ".parquet") {
		return "row"
	}
	return "line"
}

// noRows is the error of a file that leaves none of the rows that were read.
func noRows(path string, read int) error {
	if read > 0 {
		return fault.Errorf(fault.Data, "%s: none of its rows (%d) is left: all were refused or left out; expected at least one", path, read)
	}
	return fault.Errorf(fault.Data, "%s: no rows besides the header; expected at least one", path)
}

// lines walks over the lines of a text. A line ends with a line feed; one
// carriage return before it belongs to the end, any other to the line.
type lines struct {
	rest   string
	number int // of the line that next returned
}

func (l *lines) next() (line string, ok bool) {
	if l.rest == "" {
		return "", false
	}
	line, l.rest, _ = strings.Cut(l.rest, "\n")
	l.number++
	return strings.TrimSuffix(line, "\r"), true
}

// splitTabs appends the tab-separated fields of line to fields[:0]. Quotes
// mean nothing.
func splitTabs(fields []string, line string) []string {
	fields = fields[:0]
	for {
		field, rest, more := strings.Cut(line, "\t")
		fields = append(fields, field)
		if !more {
			return fields
		}
		line = rest
	}
}

// show quotes a found value for a message, cut to a length that fits in it.
func show(s string) string {
	const limit = 40
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + fmt.Sprintf("… (%d bytes)", len(s))
}

// showAll quotes a list of names; of a long one the first ten.
func showAll(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i == 10 {
			fmt.Fprintf(&b, ", … (%d in all)", len(names))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(show(n))
	}
	return b.String()
}

// showLines lists line numbers; of a long list the first ten.
func showLines(numbers []int) string {
	var b strings.Builder
	for i, n := range numbers {
		if i == 10 {
			return b.String() + ", …"
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}
