package submission

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/plural"
)

// header is the first line of every table.
const header = "index\tprediction"

// largest is more bytes than any table of the leaderboard has: QQP's 390,965
// rows are 4 MB.
const largest = 64 << 20

// Check tells what the leaderboard would refuse in the zip of size bytes that r
// reads: an error of kind Data that names each file that is wrong, else nil.
// A partial submission may lack tables.
func Check(name string, r io.ReaderAt, size int64, partial bool) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fault.Errorf(fault.Data, "%s: is not a zip, or is cut short: %w", name, err)
	}
	all := tables()
	var wrong []string
	seen := map[string]bool{}
	for _, f := range z.File {
		reason := checkEntry(all, f)
		if reason == "" && seen[f.Name] {
			reason = "is there twice"
		}
		seen[f.Name] = true
		if reason != "" {
			wrong = append(wrong, fmt.Sprintf("%.80q: %s", f.Name, reason))
		}
	}
	var lacking []string
	for _, t := range all {
		if !seen[t.file.Submit] {
			lacking = append(lacking, t.file.Submit)
		}
	}
	switch {
	case len(lacking) == len(all):
		wrong = append(wrong, "holds none of the leaderboard's files, such as "+lacking[0])
	case len(lacking) > 0 && !partial:
		wrong = append(wrong, "lacks "+strings.Join(lacking, ", ")+", and the leaderboard takes all or nothing (--partial: fewer all the same)")
	}
	if wrong == nil {
		return nil
	}
	return fault.Errorf(fault.Data, "%s: the leaderboard would refuse it: %s", name, strings.Join(wrong, "; "))
}

// checkEntry returns what is wrong with a file of the zip, "" where nothing is.
func checkEntry(all []table, f *zip.File) string {
	var names []string
	for _, t := range all {
		want := t.file.Submit
		switch base := f.Name[strings.LastIndexAny(f.Name, `/\`)+1:]; {
		case f.Name == want:
			return t.checkFile(f)
		case base == want:
			return "lies in a folder; expected " + want + " at the top of the zip"
		case strings.EqualFold(base, want):
			return "is an unknown name; did you mean " + want + "?"
		}
		names = append(names, want)
	}
	return "is an unknown name; the leaderboard takes " + strings.Join(names, ", ")
}

func (t table) checkFile(f *zip.File) string {
	switch {
	case f.Flags&1 != 0:
		return "is encrypted"
	case f.UncompressedSize64 > largest:
		return fmt.Sprintf("has %d bytes, more than any table of %d rows", f.UncompressedSize64, t.file.Rows)
	}
	r, err := f.Open()
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	return t.check(io.LimitReader(r, largest))
}

// check returns what is wrong with a table, "" where nothing is.
func (t table) check(r io.Reader) string {
	in := bufio.NewScanner(r)
	in.Split(lines)
	rows := -1 // the header is none
	for in.Scan() {
		if reason := t.checkLine(rows, in.Text()); reason != "" {
			return fmt.Sprintf("line %d: %s", rows+2, reason)
		}
		rows++
	}
	switch err := in.Err(); {
	case err == bufio.ErrTooLong:
		return fmt.Sprintf("line %d: has more than %d bytes", rows+2, bufio.MaxScanTokenSize)
	case err != nil:
		return "cannot be read: " + err.Error()
	case rows < 0:
		return "is empty"
	case rows != t.file.Rows:
		return fmt.Sprintf("has %s; the test file has %d (predictions of a part, as with --max_predict_samples, are not taken)", plural.Of(rows, "row"), t.file.Rows)
	}
	return ""
}

// lines splits at line feeds and, unlike bufio.ScanLines, keeps carriage
// returns.
func lines(data []byte, end bool) (advance int, token []byte, err error) {
	for i, c := range data {
		if c == '\n' {
			return i + 1, data[:i], nil
		}
	}
	if end && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// checkLine checks the header, which is row −1, or a row.
func (t table) checkLine(row int, line string) string {
	fields := strings.Split(line, "\t")
	switch {
	case strings.Contains(line, "\r"):
		return "holds a carriage return; lines end with a line feed alone"
	case strings.Contains(line, `"`):
		return "holds a quote; fields stand without any"
	case row < 0 && line != header:
		return fmt.Sprintf("found the header %.60q, expected %q", line, header)
	case row < 0:
		return ""
	case line == "":
		return "is blank"
	case len(fields) != 2:
		return fmt.Sprintf("found %s, expected an index and a prediction with a tab between", plural.Of(len(fields), "column"))
	case row >= t.file.Rows:
		return fmt.Sprintf("is a row too many: the test file has %d", t.file.Rows)
	case fields[0] != strconv.Itoa(row):
		return fmt.Sprintf("found the index %.20q, expected %d: rows count from 0 in order", fields[0], row)
	case !t.takes(fields[1]):
		return fmt.Sprintf("found the prediction %.40q, expected %s", fields[1], t.expected(false))
	}
	return ""
}

// decimal is a plain number, without sign, exponent or spaces.
var decimal = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// takes tells whether the leaderboard takes a prediction.
func (t table) takes(answer string) bool {
	if t.task.Labels == nil {
		v, err := strconv.ParseFloat(answer, 64)
		return err == nil && decimal.MatchString(answer) && v >= t.task.Min && v <= t.task.Max
	}
	for _, l := range t.task.Labels {
		if l.Text == answer {
			return true
		}
	}
	return false
}
