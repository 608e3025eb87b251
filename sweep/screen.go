package sweep

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"time"

	"pactune/train"
)

// Screen shows a sweep to a person: on a terminal a table that is written over, with a
// row for each cell; elsewhere a line for each run that ends.
type Screen struct {
	out   io.Writer
	live  bool
	quiet bool
	now   func() time.Time

	rows  int              // of the table that stands there
	spent map[string]spent // by cell, of the runs that ended here
}

// spent is the time of some runs.
type spent struct {
	runs int
	time time.Duration
}

func (a spent) plus(b spent) spent  { return spent{a.runs + b.runs, a.time + b.time} }
func (a spent) mean() time.Duration { return a.time / time.Duration(max(1, a.runs)) }

// NewScreen returns a Screen on a file, usually os.Stderr.
func NewScreen(out *os.File, plain, quiet bool) *Screen {
	live := train.IsTerminal(out) && !plain
	return &Screen{out: out, live: live, quiet: quiet, now: time.Now, spent: map[string]spent{}}
}

// Note prints a choice or a warning.
func (s *Screen) Note(text string) {
	if !s.quiet {
		s.erase()
		fmt.Fprintln(s.out, "note    "+train.Clean(text))
	}
}

// ended tells of a run that ended here.
func (s *Screen) ended(k *worker, j *job) {
	r, how := k.p.Runs[j.run], k.state[j.run]
	took := s.now().Sub(j.began)
	if how != "" {
		s.spent[r.Cell] = s.spent[r.Cell].plus(spent{1, took})
	}
	line := ""
	switch how {
	case "":
		line = "saved, to go on"
	case failed:
		line = "failed: " + j.outcome.message
	default:
		line = fmt.Sprintf("%s in %s", how, train.Roughly(took))
	}
	if s.quiet && how != failed || s.live && how == finished {
		return
	}
	s.erase()
	fmt.Fprintf(s.out, "%-7s %s %s%s\n", fmt.Sprintf("%d/%d", k.count("").ended(), len(k.state)), train.Clean(r.Folder), line, s.remaining(k))
}

func (s *Screen) remaining(k *worker) string {
	if left := s.left(k, ""); left > 0 {
		return "; about " + train.Roughly(left) + " left"
	}
	return ""
}

// counts are the runs of a cell, or of all.
type counts struct{ runs, finished, running, diverged, failed int }

func (c counts) ended() int { return c.finished + c.diverged + c.failed }

// count counts the runs of a cell, "" for all.
func (k *worker) count(cell string) (c counts) {
	for i, state := range k.state {
		if cell != "" && k.p.Runs[i].Cell != cell {
			continue
		}
		c.runs++
		switch {
		case k.running[i] != nil:
			c.running++
		case state == finished:
			c.finished++
		case state == diverged:
			c.diverged++
		case state == failed:
			c.failed++
		}
	}
	return c
}

// left forecasts the time that this process needs for the runs of a cell that have
// not ended, "" for all; 0 while none has ended here.
func (s *Screen) left(k *worker, cell string) (d time.Duration) {
	runs, usual := 0, s.usual(k)
	for i, state := range k.state {
		r := k.p.Runs[i]
		if state != "" || !k.w.Shard.has(i) || cell != "" && r.Cell != cell {
			continue
		}
		runs++
		each := usual(r.Cell)
		if j := k.running[i]; j != nil {
			each -= min(s.now().Sub(j.began), each)
		}
		d += each
	}
	return d / time.Duration(max(1, min(runs, k.w.Jobs)))
}

// usual forecasts how long a run of a cell takes: the mean of those that ended here, of
// all cells where none of its own has. A run under way that is over it counts, too, with
// the time that it has taken: the forecast grows with it and does not stand still.
func (s *Screen) usual(k *worker) func(cell string) time.Duration {
	var ended spent
	for _, t := range s.spent {
		ended = ended.plus(t)
	}
	own, all := maps.Clone(s.spent), ended
	for i, j := range k.running {
		cell, took := k.p.Runs[i].Cell, spent{1, s.now().Sub(j.began)}
		if mean := cmp.Or(s.spent[cell].mean(), ended.mean()); mean > 0 && took.time > mean {
			own[cell], all = own[cell].plus(took), all.plus(took)
		}
	}
	return func(cell string) time.Duration { return cmp.Or(own[cell].mean(), all.mean()) }
}

const (
	mostRows = 20
	columns  = 79
)

// show writes the table anew.
func (s *Screen) show(k *worker) {
	if !s.live || s.quiet {
		return
	}
	lines := []string{fmt.Sprintf("%-36s %6s %6s %8s %8s  %s", "", "runs", "done", "running", "failed", "time left")}
	row := func(name, cell string) {
		c, left := k.count(cell), "-"
		if d := s.left(k, cell); d > 0 {
			left = train.Roughly(d)
		}
		lines = append(lines, fmt.Sprintf("%-36s %6d %6d %8d %8d  %s", shortened(train.Clean(name), 36), c.runs, c.finished, c.running, c.diverged+c.failed, left))
	}
	for _, cell := range k.p.cells() {
		if cell != "" && len(lines) <= mostRows {
			row(cell, cell)
		}
	}
	row("all", "")
	s.erase()
	for _, line := range lines {
		if len(line) > columns {
			line = line[:columns]
		}
		fmt.Fprintln(s.out, line)
	}
	s.rows = len(lines)
}

// shortened is a name in n letters: without its middle, because neighbours in a grid
// differ in their last setting.
func shortened(name string, n int) string {
	letters := []rune(name)
	if len(letters) <= n {
		return name
	}
	head := n / 3
	return string(letters[:head]) + "…" + string(letters[len(letters)-(n-head-1):])
}

// erase takes the table away.
func (s *Screen) erase() {
	if s.rows > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.rows)
		s.rows = 0
	}
}

// Summary tells how the sweep has ended, and what to do with it.
func (s *Screen) Summary(p *Plan) {
	if s.quiet {
		return
	}
	for _, cells := range p.comparable() {
		if len(cells) > 1 && len(cells) <= 8 {
			fmt.Fprintf(s.out, "judge them with: pactune compare %s\n", train.Clean(strings.Join(cells, " ")))
		}
	}
}

// comparable lists the folders of cells by task and data, which pactune compare takes
// together.
func (p *Plan) comparable() (groups [][]string) {
	of := map[[4]string]int{}
	for i, r := range p.Runs {
		if i > 0 && r.Cell == p.Runs[i-1].Cell {
			continue
		}
		c, err := train.ParseArgs(r.Args)
		if err != nil {
			return nil // of another version; nothing is lost but a hint
		}
		data := [4]string{c.TaskName, c.DataDir, c.TrainFile, c.ValidationFile}
		if _, ok := of[data]; !ok {
			of[data] = len(groups)
			groups = append(groups, nil)
		}
		groups[of[data]] = append(groups[of[data]], p.path(r.Cell))
	}
	return groups
}
