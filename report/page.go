package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"pactune/internal/fault"
	"pactune/plot"
)

// page is what page.html sets.
type page struct {
	Title, Lead string
	CSS         template.CSS
	Sections    []*section
	Notes       []string // of thinning
}

type section struct {
	ID, Title string
	Text      []string
	Blocks    []*block
}

// block is pictures and tables that belong together, below a title.
type block struct {
	Title, Text string
	Points      []string // a list of sentences
	Key         []plot.Key
	Small       bool // pictures
	Fold        bool // behind the title
	Beside      bool // tables stand beside pictures where there is room
	Cards       []*card
	Tables      []*table
	Code        []string
}

// card is a picture and the numbers behind it.
type card struct {
	picture picture
	SVG     template.HTML
	Numbers *table
}

// picture draws itself with about so many points for a curve.
type picture interface{ draw(points int) []byte }

type chart struct{ plot.Figure }

func (c *chart) draw(points int) []byte { return c.Inline(points * c.curves()) }

func (c *chart) curves() (n int) {
	for i := range c.Panels {
		n += len(c.Panels[i].Series)
	}
	return n
}

type strip struct{ plot.Strip }

func (s *strip) draw(int) []byte { return s.Inline() }

// table has a head, which may be empty, and rows whose first cell is a head too.
type table struct {
	Title  string
	Head   []string
	Rows   [][]cell
	Key    []cell // swatches of a heat map
	Left   bool   // text, which stands at the left
	Folded bool   // behind its title
	long   bool   // may be thinned, where it stands behind a picture
	all    [][]cell
}

type cell struct {
	Text  string
	Style template.CSS // of a heat map
	Bar   template.CSS // width of a bar
	Span  int          // columns, when more than one
}

//go:embed page.html
var markup string

//go:embed page.css
var sheet string

var layout = template.Must(template.New("page").Parse(markup))

// A page is below limit; pointsAtMost and rowsAtMost are those of a small one.
const (
	limit        = 3 << 20
	pointsAtMost = 160
	rowsAtMost   = 40
)

// render thins curves and tables, the same way for all, until the page is small
// enough.
func (p *page) render(ramps []int) ([]byte, error) {
	p.CSS = template.CSS(plot.Sheet(ramps...) + sheet)
	for points, rows := pointsAtMost, rowsAtMost; ; points, rows = points*2/3, rows*2/3 {
		p.Notes = []string{fmt.Sprintf("A curve is drawn with at most about %d points: of each slice of the axis the lowest and the highest, so that no spike is lost. A table of numbers has at most %d rows, evenly spaced, the first and the last among them.", points, rows)}
		for _, s := range p.Sections {
			for _, b := range s.Blocks {
				for _, c := range b.Cards {
					c.SVG = template.HTML(c.picture.draw(points)) // plot escapes its texts
					c.Numbers.thin(rows)
				}
			}
		}
		var out bytes.Buffer
		if err := layout.Execute(&out, p); err != nil {
			return nil, fault.Errorf(fault.Internal, "%w", err)
		}
		if out.Len() < limit {
			return out.Bytes(), nil
		}
		if rows < 3 {
			return nil, fault.Errorf(fault.Usage, "the page of these runs has %d bytes, expected at most %d; name fewer folders", out.Len(), limit)
		}
	}
}

// thin leaves no more than so many rows of a long table.
func (t *table) thin(rows int) {
	if t == nil || !t.long {
		return
	}
	if t.all == nil {
		t.all = t.Rows
	}
	t.Rows = nil
	for _, i := range spaced(len(t.all), rows) {
		t.Rows = append(t.Rows, t.all[i])
	}
}

// spaced are at most k of the numbers 0 … n−1, evenly spaced, both ends among them.
func spaced(n, k int) []int {
	k = max(k, 2)
	if n <= k {
		k = n
	}
	at := make([]int, k)
	for i := range at {
		at[i] = i
		if n > k {
			at[i] = (i*(n-1) + (k-1)/2) / (k - 1)
		}
	}
	return at
}

// cells makes plain ones.
func cells(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, s := range texts {
		row[i].Text = s
	}
	return row
}
