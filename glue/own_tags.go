package glue

import (
	"io"
	"strings"
	"unicode"
)

// labelPrefix begins a label in a line of fastText.
const labelPrefix = "__label__"

// tagRows reads fastText's lines: words, of which those that begin with
// labelPrefix are labels. What they leave is the text.
type tagRows struct {
	path   string
	in     lines
	blanks []int
}

func newTagRows(path, content string) (*tagRows, error) {
	return &tagRows{path: path, in: lines{rest: content}}, nil
}

func (r *tagRows) columns() []string { return []string{"text", "label"} }
func (r *tagRows) notes() []string   { return blankNote(r.blanks) }

func (r *tagRows) next(row []cell) (int, error) {
	for {
		line, ok := r.in.next()
		if !ok {
			return 0, io.EOF
		}
		if line == "" {
			r.blanks = append(r.blanks, r.in.number)
			continue
		}
		row[0], row[1] = cutTags(line)
		return r.in.number, nil
	}
}

// cutTags divides a line into its text and its labels.
func cutTags(line string) (words, labels cell) {
	labels.kind = tags
	var kept strings.Builder
	for rest := line; rest != ""; {
		start := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsSpace(r) })
		if start < 0 {
			break
		}
		end := start + strings.IndexFunc(rest[start:]+" ", unicode.IsSpace)
		if name, is := strings.CutPrefix(rest[start:end], labelPrefix); is {
			labels.list = append(labels.list, name)
		} else {
			kept.WriteString(rest[:end])
		}
		rest = rest[end:]
	}
	return cell{kind: text, text: strings.TrimSpace(kept.String())}, labels
}
