package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// setupBlocks say from what the runs came: data, model, options, commands, versions,
// and every run by itself.
func (b *book) setupBlocks() []*block {
	blocks := []*block{
		{Title: "Data", Tables: []*table{b.data()}},
		{Title: "Model and machine", Tables: []*table{b.origins()}},
	}
	if t := b.differences(); len(t.Rows) > 0 {
		blocks = append(blocks, &block{Title: "Options that differ", Text: "Seeds and the options of output and speed are left out.", Tables: []*table{t}})
	}
	commands := &block{Title: "Commands", Text: "The first run of each method; the others differ in seed and folder."}
	for _, g := range b.groups {
		commands.Code = append(commands.Code, command(g.runs[0].start.Argv))
	}
	blocks = append(blocks, commands, &block{Title: "Runs", Tables: []*table{b.allRuns()}})
	return blocks
}

// data lists the files of the first run; package compare has held those of the other
// runs that it compares against them.
func (b *book) data() *table {
	t := &table{Head: []string{"use", "file", "rows", "SHA-256"}, Left: true}
	for _, f := range b.first().start.Data {
		t.Rows = append(t.Rows, cells(f.Use, f.Path, fmt.Sprint(f.Rows), f.SHA256))
	}
	return t
}

func (b *book) origins() *table {
	t := &table{Head: []string{""}, Left: true}
	lines := []struct {
		name string
		of   func(*run) string
	}{
		{"model", func(r *run) string { return r.start.Model.Path }},
		{"its SHA-256", func(r *run) string { return r.start.Model.SHA256 }},
		{"weights", func(r *run) string { return count(r.start.Model.Parameters) }},
		{"trained", func(r *run) string { return count(r.start.Model.Trainable) }},
		{"pactune", func(r *run) string { return r.start.Build.Version }},
		{"built", func(r *run) string { return r.start.Build.Go + " for " + r.start.Build.Platform }},
		{"processor", func(r *run) string { return r.start.CPU }},
		{"kernels", func(r *run) string { return r.start.Core }},
		{"threads", func(r *run) string { return count(r.start.Pool) }},
		{"notes", func(r *run) string { return strings.Join(r.start.Notes, "\n") }},
	}
	for _, g := range b.groups {
		t.Head = append(t.Head, g.name)
	}
	for _, l := range lines {
		row := cells(l.name)
		for _, g := range b.groups {
			row = append(row, cell{Text: g.common(l.of)})
		}
		if row = merged(row); len(row) > 2 || row[1].Text != "" {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// merged is a row with one wide cell where all have the same text.
func merged(row []cell) []cell {
	for _, c := range row[2:] {
		if c.Text != row[1].Text {
			return row
		}
	}
	row[1].Span = len(row) - 1
	return row[:2]
}

// count is a number that every run has, "" where run.json lacks it.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// common is what all runs of a group have that have any, or all that they have.
func (g *group) common(of func(*run) string) string {
	var all []string
	seen := map[string]bool{"": true}
	for _, r := range g.runs {
		if text := of(r); !seen[text] {
			seen[text] = true
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// own are options that every run may have its own of.
var own = map[string]bool{"seed": true, "data_seed": true, "sample_seed": true, "output_dir": true, "threads": true, "quiet": true, "json": true,
	"disable_tqdm": true, "color": true, "run_name": true, "resume": true, "max_memory": true, "cpuprofile": true, "memprofile": true, "profile": true,
	"cache_dir": true, "report_to": true, "save_every": true, "save_steps": true, "save_strategy": true, "save_total_limit": true,
	"logging_steps": true, "logging_strategy": true, "logging_first_step": true}

// differences lists the options in which the groups, or the runs of one, differ.
func (b *book) differences() *table {
	t := &table{Head: []string{"option"}, Left: true}
	names := map[string]bool{}
	for _, g := range b.groups {
		t.Head = append(t.Head, g.name)
		for _, r := range g.runs {
			for name := range r.start.Of {
				names[name] = true
			}
		}
	}
	var sorted []string
	for name := range names {
		if !own[name] {
			sorted = append(sorted, name)
		}
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		row, differ := cells(visible(name)), false
		for _, g := range b.groups {
			text := g.common(func(r *run) string { return value(r.start.Of[name]) })
			row = append(row, cell{Text: text})
			differ = differ || text != row[1].Text || text != value(g.runs[0].start.Of[name])
		}
		if differ {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// value is an option as JSON writes it, without quotes; "–" where there is none.
func value(v any) string {
	if s, ok := v.(string); ok && s != "" {
		return visible(s)
	}
	if v == nil || v == "" {
		return "–"
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return visible(strings.TrimSpace(out.String()))
}

// command is argv as a shell reads it.
func command(argv []string) string {
	words := make([]string, len(argv))
	for i, w := range argv {
		if w == "" || strings.ContainsAny(w, " \t\"'`$&|;<>()*?[]#~=%!{}\\") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

// allRuns has a line for every run.
func (b *book) allRuns() *table {
	t := &table{Head: []string{"method", "seed", "folder", "end"}, Left: true, Folded: true, Title: "every run"}
	if b.result != nil {
		t.Head = append(t.Head, visible(b.result.Metric), "failed")
	}
	t.Head = append(t.Head, "updates", "time", "peak memory")
	for _, g := range b.groups {
		for _, r := range g.runs {
			row := cells(g.name, r.seed(), visible(r.Dir), visible(r.Exit))
			if b.result != nil {
				failed := ""
				if r.failed {
					failed = "failed"
				}
				row = append(row, cells(r.metric(b.result.Metric), failed)...)
			}
			row = append(row, cells(fmt.Sprint(r.start.Steps), r.took(), fmt.Sprintf("%.0f MiB", r.start.Peak/(1<<20)))...)
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// took is the time from start to end, "–" when run.json has none.
func (r *run) took() string {
	start, err := time.Parse(time.RFC3339, r.start.Start)
	if err != nil {
		return "–"
	}
	end, err := time.Parse(time.RFC3339, r.start.End)
	if err != nil {
		return "–"
	}
	return end.Sub(start).Round(time.Second).String()
}
