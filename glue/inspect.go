package glue

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Inspection is what a look at the data finds before a training.
type Inspection struct {
	Problem string            `json:"problem_type"`
	Parts   []*PartInspection `json:"parts"`
	Notes   []string          `json:"notes"`
	Errors  []string          `json:"errors"` // of every row that is refused; any keeps a training from starting
}

// PartInspection is what is found in one file.
type PartInspection struct {
	Part       string       `json:"part"` // "train", "validation" or "test"
	Path       string       `json:"path"`
	Rows       int          `json:"rows"`
	Used       int          `json:"used"`    // rows that a training reads
	Refused    int          `json:"refused"` // rows with an error
	Labels     []LabelCount `json:"labels,omitempty"`
	Unlabelled int          `json:"unlabelled"`
	Scores     *Scores      `json:"scores,omitempty"`

	Tokens       TokenCounts `json:"tokens"`        // of a row, without a limit
	Truncated    int         `json:"truncated"`     // rows that are longer than the limit
	UnknownShare float64     `json:"unknown_share"` // of the tokens that are not special

	Empty      int    `json:"empty"`      // rows with an empty text
	NotUTF8    int    `json:"not_utf8"`   // lines
	Duplicates Places `json:"duplicates"` // rows that repeat an earlier one, label and all
	Conflicts  Places `json:"conflicts"`  // rows with the text of an earlier one and another label
	Leaks      Places `json:"leaks"`      // rows whose text is also in the training part
}

// LabelCount is a class and the rows that have it.
type LabelCount struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
}

// TokenCounts are percentiles of the tokens of a row (nearest rank), the longest
// row's, and those of all rows together.
type TokenCounts struct {
	P50 int `json:"p50"`
	P95 int `json:"p95"`
	P99 int `json:"p99"`
	Max int `json:"max"`
	All int `json:"all"`
}

// Scores describe the targets of a regression.
type Scores struct {
	Min  float64 `json:"min"`
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

// Places are rows, and the lines of the first ones, each with that of the row
// it is like.
type Places struct {
	Rows  int      `json:"rows"`
	Lines [][2]int `json:"lines"`
}

const shownPlaces = 5

func (p *Places) add(line, like int) {
	if p.Rows++; len(p.Lines) < shownPlaces {
		p.Lines = append(p.Lines, [2]int{line, like})
	}
}

// Present asks for the parts that are there: of a task those whose first file is,
// of own data those that are named.
func (o *Options) Present() error {
	o.Train, o.Eval, o.Test = true, o.ValidationFile != "", o.TestFile != ""
	if o.Task == "" {
		return nil
	}
	t, err := TaskByName(o.Task)
	if err != nil || o.DataDir == "" {
		return err
	}
	dir, err := t.dir(o.FS, o.DataDir)
	if err != nil {
		return err
	}
	there := func(s Split) bool {
		list := t.files(s)
		return len(list) > 0 && exists(o.FS, join(o.FS, dir, list[0].Name))
	}
	o.Train, o.Eval, o.Test = there(Train), there(Dev), there(Test)
	return nil
}

// Inspect looks at the parts that o asks for. unknown is the id of the token
// for unknown words, maxLen the number of tokens after which a text is cut.
// What keeps a file from being read at all is the error, and the last of Errors.
func Inspect(o Options, t Tokenizer, special func(id int32) bool, unknown int32, maxLen, workers int) (*Inspection, error) {
	in := &Inspection{Notes: []string{}, Errors: []string{}}
	var told []error
	o.Report = func(err error) { told = append(told, err) }
	d, err := Load(o)
	sortByLine(told)
	for _, err := range told {
		in.Errors = append(in.Errors, err.Error())
	}
	if err != nil {
		in.Errors = append(in.Errors, err.Error())
		if len(told) > 0 { // it may be these rows' absence
			err = fmt.Errorf("%w; rows refused before: %d, the first: %w", err, len(told), told[0])
		}
		return in, err
	}
	in.Problem = d.Problem.String()
	for _, c := range d.Choices {
		in.Notes = append(in.Notes, c.What+" ("+c.Option+")")
	}
	in.Notes = append(in.Notes, d.Notes()...)
	var train map[string]seen
	add := func(part string, ds *Dataset) {
		p := &PartInspection{Part: part + strings.TrimPrefix(ds.Suffix, "_"), Path: ds.Path, Rows: ds.Rows, Used: len(ds.Examples)}
		in.Parts = append(in.Parts, p)
		p.Refused = ds.Rows - len(ds.Examples) - ds.Skipped
		p.label(ds)
		p.tokens(Encode(ds, t, 0, workers), special, unknown, maxLen)
		for _, err := range told {
			if rowOf(err).path == ds.Path {
				p.Empty += count(errors.Is(err, ErrEmpty))
				p.NotUTF8 += count(errors.Is(err, ErrNotUTF8))
			}
		}
		texts := p.repeated(ds, train)
		if part == "train" {
			train = texts
		}
	}
	if d.Train != nil {
		add("train", d.Train)
	}
	for _, ds := range d.Eval {
		add("validation", ds)
	}
	for _, ds := range d.Test {
		add("test", ds)
	}
	return in, nil
}

// sortByLine puts errors of rows in the order of lines; that of the files stays.
func sortByLine(told []error) {
	files := map[string]int{}
	for i, err := range told {
		if path := rowOf(err).path; files[path] == 0 {
			files[path] = i + 1
		}
	}
	sort.SliceStable(told, func(i, j int) bool {
		a, b := rowOf(told[i]), rowOf(told[j])
		if a.path != b.path {
			return files[a.path] < files[b.path]
		}
		return a.line < b.line
	})
}

// label counts the targets.
func (p *PartInspection) label(d *Dataset) {
	if !d.Labelled {
		p.Unlabelled = len(d.Examples)
		return
	}
	for i, n := range d.ClassCounts() {
		p.Labels = append(p.Labels, LabelCount{d.LabelNames[i], n})
	}
	if d.Problem == Regression && len(d.Examples) > 0 {
		s := &Scores{Min: d.Examples[0].Score, Max: d.Examples[0].Score}
		sum := 0.0
		for _, e := range d.Examples {
			s.Min, s.Max = min(s.Min, e.Score), max(s.Max, e.Score)
			sum += e.Score
		}
		s.Mean = sum / float64(len(d.Examples))
		p.Scores = s
	}
}

// tokens measures lengths, what is cut, and the share of unknown words.
func (p *PartInspection) tokens(e *Encoded, special func(int32) bool, unknown int32, maxLen int) {
	l := e.Lengths()
	p.Tokens = TokenCounts{l.P50, l.P95, l.P99, l.Max, l.Tokens}
	for row := range e.Rows() {
		p.Truncated += count(maxLen > 0 && e.Len(row) > maxLen)
	}
	words, unknowns := 0, 0
	for _, id := range e.IDs {
		unknowns += count(id == unknown)
		words += count(id == unknown || !special(id))
	}
	p.UnknownShare = ratio(unknowns, words)
}

// seen is what an earlier row with the same text said.
type seen struct {
	line   int
	target string
}

// repeated finds rows that are alike, and those that are in the training part.
func (p *PartInspection) repeated(d *Dataset, train map[string]seen) map[string]seen {
	texts := make(map[string]seen, len(d.Examples))
	for _, e := range d.Examples {
		// White space is nothing to the tokeniser.
		key := strings.Join(strings.Fields(e.TextA), " ")
		if e.Pair {
			key += "\t" + strings.Join(strings.Fields(e.TextB), " ")
		}
		if key == "" || e.TextA == "" || e.Pair && e.TextB == "" {
			p.Empty++
		}
		target := fmt.Sprint(e.Label, e.Score, setText(e.Labels))
		if before, again := texts[key]; again && before.target == target {
			p.Duplicates.add(e.Line, before.line)
		} else if again {
			p.Conflicts.add(e.Line, before.line)
		} else {
			texts[key] = seen{e.Line, target}
		}
		if before, leak := train[key]; leak {
			p.Leaks.add(e.Line, before.line)
		}
	}
	return texts
}
