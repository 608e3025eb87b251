package report

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"pactune/compare"
	"pactune/internal/plural"
)

// book is what all sections are made from.
type book struct {
	groups []*group
	result *compare.Report // nil: no run has an evaluation
	ramps  []int           // of the pictures' colours
}

// Page is the report about the groups of runs in dirs, judged by a metric, "" for
// that of the task. Errors are those of compare.ReadGroup, compare.New and
// plot.Read; one of kind Usage says that the page would be too large.
func Page(dirs []string, metric string) ([]byte, error) {
	groups, result, err := readGroups(dirs, metric)
	if err != nil {
		return nil, err
	}
	nameRuns(groups)
	b := &book{groups: groups, result: result}
	p := &page{Title: b.title(), Lead: b.lead()}
	noise, err := b.noiseBlocks()
	if err != nil {
		return nil, err
	}
	for _, s := range []*section{
		{ID: "result", Title: "Result", Blocks: b.resultBlocks()},
		{ID: "curves", Title: "Curves", Blocks: b.curveBlocks()},
		{ID: "pac", Title: "PAC-tuning", Blocks: append(b.boundBlocks(), noise...)},
		{ID: "norms", Title: "Gradients and clipping", Blocks: b.normBlocks()},
		{ID: "answers", Title: "Answers", Blocks: b.answerBlocks()},
		{ID: "setup", Title: "Data, options, commands", Blocks: b.setupBlocks()},
	} {
		s.Text = intro[s.ID]
		if len(s.Blocks) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	return p.render(b.ramps)
}

// intro says how to read a section.
var intro = map[string][]string{
	"curves": {"A thin line is a run, dashed where the run failed; the thick line is the median of the runs that have got so far, and the band holds 10 to 90 % of them. The training loss is a running mean over a fiftieth of a run."},
	"pac":    {"Stage 1 trains the noise with the weights by minimising the bound, loss + L_pac. Stage 2 keeps the noise and minimises the loss alone. Lines and bands are those of the curves above."},
	"norms":  {"L2 norms, medians over runs; norms of gradients are those before clipping. Panels of a quantity share their axis, but those that would show nothing on it; the gradient of a key's bias is rounding alone, because it changes no softmax."},
}

func (b *book) title() string {
	if b.result == nil {
		return "Report of " + plural.Of(len(b.groups), "method")
	}
	on := visible(b.result.Task)
	if on == "" {
		on = "own data"
		for _, f := range b.first().start.Data {
			if f.Use == "validation" {
				on = filepath.Base(f.Path)
			}
		}
	}
	return fmt.Sprintf("%s on %s", visible(b.result.Metric), on)
}

// first is the first run of those that are compared, or of all.
func (b *book) first() *run {
	for _, g := range b.groups {
		if g.described != nil {
			return g.runs[0]
		}
	}
	return b.groups[0].runs[0]
}

func (b *book) lead() string {
	runs, failed, names := 0, 0, []string{}
	for _, g := range b.groups {
		names = append(names, g.name)
		runs += len(g.runs)
		for _, r := range g.runs {
			if r.failed {
				failed++
			}
		}
	}
	lead := fmt.Sprintf("%s of %s (%s)", plural.Of(runs, "run"), plural.Of(len(b.groups), "method"), list(names))
	switch {
	case failed > 0:
		lead += fmt.Sprintf("; %d failed", failed)
	case b.result != nil:
		lead += "; none failed"
	}
	return lead + "."
}

// ramp notes that pictures have a colour for each of n layers.
func (b *book) ramp(n int) {
	i := sort.SearchInts(b.ramps, n)
	if i == len(b.ramps) || b.ramps[i] != n {
		b.ramps = append(b.ramps, n)
		sort.Ints(b.ramps)
	}
}

// of is a title with its group where there are several.
func (b *book) of(g *group, title string) string {
	if len(b.groups) == 1 {
		return title
	}
	return strings.TrimPrefix(g.name+": "+title, ": ")
}
