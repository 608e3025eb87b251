// Package plot draws the course of a run as SVG.
//
// It has two parts. The lower one is a writer of line charts:
//
//	Figure   title, a key, panels in a grid
//	Panel    axes, ticks, lines of reference, curves
//	Series   one curve; NaN is a gap
//
// A panel knows its data only as numbers: it finds its own range, and on a
// logarithmic axis it leaves out what is not positive. A picture is a few tens
// of kilobytes whatever the length of the run, because a curve is thinned to
// the lowest and the highest point of each slice of the axis, so that no spike
// is lost. Equal data give equal bytes. Colours can be told apart with any
// colour vision and follow the reader's light or dark setting; the picture
// scales with its place on the page and refers to nothing outside itself.
//
// The upper part reads the folder of a run (metrics.jsonl, components.jsonl,
// run.json, training_args.json) and knows which curves belong together:
//
//	run, err := plot.Read("runs/001-rte-cwgnc")
//	svg := plot.Curves(run).SVG()
//
// Curves shows loss, bound and metric, Components the gradient norm of every
// tensor, and Compare several runs over one another.
package plot

import (
	"bytes"
	"encoding/xml"
	"math"
	"strconv"
	"unicode/utf8"
)

// Figure is a grid of panels with a title and a key that holds for all of them.
type Figure struct {
	Title    string
	Subtitle string
	Columns  int // panels beside each other
	Key      []Key
	Panels   []Panel

	Width, Height float64 // of the picture and of a panel's plot; 0: 1,000, and what suits the columns
	From, To      float64 // range of x; both 0: found from the data
}

// Key is one entry of a key: how a line looks and what it stands for.
type Key struct {
	Name  string
	Style Style
}

// Panel is one chart.
type Panel struct {
	Title  string
	XLabel string
	Log    bool    // logarithmic y
	Lo, Hi float64 // range of y; both 0: found from the data
	Series []Series
	Lines  []Line // horizontal ones
	Marks  []Line // vertical ones
}

// Series is one curve through the points (X[i], Y[i]), X ascending. A NaN or
// infinite Y is a gap. A series with a name has an entry in its panel's key.
type Series struct {
	Name      string
	X, Y      []float64
	Low, High []float64 // a band from Low to High behind the curve; nil: none
	Style     Style
	Dots      bool // marks the points as well
}

// Line is a line of reference across a panel. The label of a horizontal one
// stands in the panel's key, that of a vertical one beside it.
type Line struct {
	At    float64
	Label string
}

// Sizes in the units of the viewBox.
const (
	fullWidth  = 1000.0
	edge       = 14.0 // around the figure
	gutter     = 12.0 // between panels
	leftOfPlot = 46.0 // tick labels
	panelTitle = 18.0
	keyRow     = 14.0
	keySwatch  = 16.0
	ticksBelow = 20.0
	axisTitle  = 14.0
	points     = 5000 // of a whole figure: under 100 kB
)

// SVG returns the picture as a file.
func (f *Figure) SVG() []byte { return f.draw(points, true) }

// Inline returns the picture of about n points in all as an element for a page
// that has Sheet's rules; the title is there only for readers that do not see.
func (f *Figure) Inline(n int) []byte { return f.draw(n, false) }

// draw makes the picture; alone it has its title, its rules and its background.
func (f *Figure) draw(points int, alone bool) []byte {
	d := &drawing{}
	columns := f.Columns
	if columns < 1 {
		columns = 1
	}
	width := f.Width
	if width == 0 {
		width = fullWidth
	}
	cell := (width - 2*edge - gutter*float64(columns-1)) / float64(columns)
	head := 2.0
	if alone {
		head = 28
	}
	if f.Subtitle != "" && alone {
		head += 16
	}
	key := layKeys(f.Key, width-2*edge)
	if key.rows > 0 {
		head += 8
	}
	body := head + keyRow*float64(key.rows)
	if alone {
		body += 12
	}
	height := f.Height
	if height == 0 {
		height = plotHeight(columns)
	}

	// The panels of a row have the same room for their keys.
	keys := make([]keyLayout, len(f.Panels))
	rows := make([]int, (len(f.Panels)+columns-1)/columns)
	curves := 0
	for i := range f.Panels {
		keys[i] = layKeys(f.Panels[i].key(), cell-leftOfPlot)
		rows[i/columns] = max(rows[i/columns], keys[i].rows)
		curves += len(f.Panels[i].Series)
	}
	budget := min(max(points/max(curves, 1), 12), 400)
	across := map[string]scale{} // by the label of the axis
	for i := range f.Panels {
		label := f.Panels[i].XLabel
		if _, known := across[label]; !known {
			across[label] = f.across(label)
		}
	}

	var inner drawing
	y := body
	for r, keyRows := range rows {
		top := y + panelTitle + keyRow*float64(keyRows)
		for c := 0; c < columns && r*columns+c < len(f.Panels); c++ {
			i := r*columns + c
			x := edge + float64(c)*(cell+gutter)
			inner.text("h", x+leftOfPlot, y+12, "start", fit(f.Panels[i].Title, (cell-leftOfPlot)/bolder))
			inner.keys(keys[i], x+leftOfPlot, y+panelTitle+9)
			inner.panel(&f.Panels[i], box{x + leftOfPlot, top, cell - leftOfPlot, height}, across[f.Panels[i].XLabel], budget)
			if f.Panels[i].XLabel != "" && i+columns >= len(f.Panels) {
				inner.text("l", x+leftOfPlot+(cell-leftOfPlot)/2, top+height+ticksBelow+axisTitle-4, "middle", f.Panels[i].XLabel)
			}
		}
		y = top + height + ticksBelow + axisTitle
	}

	d.open(width, y+6, f.Title, f.Subtitle)
	if alone {
		d.background(width, y+6, f.colors())
		d.text("h big", edge, 26, "start", f.Title)
	}
	if f.Subtitle != "" && alone {
		d.text("l", edge, 43, "start", f.Subtitle)
	}
	d.keys(key, edge, head+12)
	d.Write(inner.Bytes())
	d.WriteString("</svg>\n")
	return d.Bytes()
}

// across is the range of x of all panels whose axis has that label, so that in
// these equal places mean equal times. It starts at zero when the first point is
// near it.
func (f *Figure) across(label string) scale {
	x := newScale(false)
	if f.From < f.To {
		x.lo, x.hi = f.From, f.To
		return x
	}
	for i := range f.Panels {
		p := &f.Panels[i]
		if p.XLabel != label {
			continue
		}
		for j := range p.Series {
			for k, v := range p.Series[j].Y {
				if p.drawn(v) {
					x.include(p.Series[j].X[k])
				}
			}
		}
	}
	if x.lo > 0 && x.lo < 0.1*x.hi {
		x.lo = 0
	}
	x.fill()
	return x
}

// plotHeight of a panel goes with the width it has.
func plotHeight(columns int) float64 {
	switch columns {
	case 1, 2:
		return 200
	case 3:
		return 160
	}
	return 118
}

// key lists the named series and lines of a panel.
func (p *Panel) key() []Key {
	var keys []Key
	for i := range p.Series {
		if p.Series[i].Name != "" {
			keys = append(keys, Key{p.Series[i].Name, p.Series[i].Style})
		}
	}
	for _, l := range p.Lines {
		if l.Label != "" {
			keys = append(keys, Key{l.Label, Style{reference: true}})
		}
	}
	return keys
}

// keyLayout is where the entries of a key stand, in rows.
type keyLayout struct {
	keys []Key
	x    []float64
	row  []int
	rows int
}

func layKeys(keys []Key, room float64) keyLayout {
	k := keyLayout{keys: append([]Key{}, keys...), x: make([]float64, len(keys)), row: make([]int, len(keys))}
	x := 0.0
	for i := range keys {
		k.keys[i].Name = fit(keys[i].Name, room-keySwatch-4)
		w := keySwatch + 4 + textWidth(k.keys[i].Name) + 12
		if i == 0 {
			k.rows = 1
		} else if x+w-12 > room {
			x = 0
			k.rows++
		}
		k.x[i], k.row[i] = x, k.rows-1
		x += w
	}
	return k
}

// textWidth guesses: fonts differ, and these hold nearly all.
func textWidth(s string) float64 { return 6.3 * float64(utf8.RuneCountInString(s)) }

// bolder letters of a title are by so much wider.
const bolder = 1.15

// fit cuts a text that is wider than its room.
func fit(s string, room float64) string {
	if textWidth(s) <= room {
		return s
	}
	keep := max(int(room/textWidth("…"))-1, 0)
	return string([]rune(s)[:keep]) + "…"
}

// drawing is the text of the picture.
type drawing struct{ bytes.Buffer }

type box struct{ x, y, w, h float64 }

// num writes a coordinate with at most one decimal.
func (d *drawing) num(v float64) {
	v = math.Round(v*10) / 10
	if v == 0 {
		v = 0 // no minus
	}
	d.Write(strconv.AppendFloat(nil, v, 'f', -1, 64))
}

func (d *drawing) attr(name string, v float64) {
	d.WriteString(" " + name + `="`)
	d.num(v)
	d.WriteByte('"')
}

func (d *drawing) escape(s string) { xml.EscapeText(&d.Buffer, []byte(s)) }

func (d *drawing) open(w, h float64, title, description string) {
	d.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" class="pactune" role="img" viewBox="0 0 `)
	d.num(w)
	d.WriteByte(' ')
	d.num(h)
	d.WriteString("\">\n<title>")
	d.escape(title)
	d.WriteString("</title>\n")
	if description != "" {
		d.WriteString("<desc>")
		d.escape(description)
		d.WriteString("</desc>\n")
	}
}

func (d *drawing) background(w, h float64, colors []Color) {
	d.WriteString("<style>\n" + rules(colors) + "</style>\n")
	d.WriteString(`<rect class="bg"`)
	d.attr("width", w)
	d.attr("height", h)
	d.WriteString("/>\n")
}

func (d *drawing) text(class string, x, y float64, anchor, s string) {
	d.WriteString(`<text class="` + class + `"`)
	d.attr("x", x)
	d.attr("y", y)
	if anchor != "start" {
		d.WriteString(` text-anchor="` + anchor + `"`)
	}
	d.WriteByte('>')
	d.escape(s)
	d.WriteString("</text>\n")
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.WriteString(`<path class="` + class + `" d="M`)
	d.num(x1)
	d.WriteByte(' ')
	d.num(y1)
	d.WriteByte('L')
	d.num(x2)
	d.WriteByte(' ')
	d.num(y2)
	d.WriteString("\"/>\n")
}

func (d *drawing) keys(k keyLayout, x, y float64) {
	for i := range k.keys {
		left, base := x+k.x[i], y+keyRow*float64(k.row[i])
		d.line(k.keys[i].Style.Class(), left, base-3.5, left+keySwatch, base-3.5)
		d.text("l", left+keySwatch+4, base, "start", k.keys[i].Name)
	}
}
