package plot

import (
	"math"
	"sort"
)

// Strip shows samples beneath each other on one axis: a dot for each value, below
// the dots the mean with an interval, and across all a line of reference.
type Strip struct {
	Title  string
	XLabel string
	Width  float64
	Rows   []StripRow
	Line   Line // At NaN: none
}

// StripRow is one sample; a Mean, or Low and High, that are NaN are not drawn.
type StripRow struct {
	Name            string
	Values          []float64
	Mean, Low, High float64
	Color           Color
}

const (
	stripName  = 17.0 // above the dots
	stripDots  = 38.0
	stripBar   = 14.0 // below them
	dotSize    = 7.0
	dotsAtMost = 2 // rows of dots above the middle one, and below it
)

// Inline returns the picture as an element for a page that has Sheet's rules.
func (s *Strip) Inline() []byte {
	var d, inner drawing
	x := newScale(false)
	for _, r := range s.Rows {
		for _, v := range append([]float64{r.Low, r.High}, r.Values...) {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				x.include(v)
			}
		}
	}
	if !math.IsNaN(s.Line.At) && x.near(s.Line.At) {
		x.include(s.Line.At)
	}
	margin := 0.04 * (x.hi - x.lo)
	x.lo, x.hi = x.lo-margin, x.hi+margin
	x.fill()
	x.from, x.to = edge, s.Width-edge

	row := stripName + stripDots + stripBar
	top := 4.0
	if s.Line.Label != "" {
		top += keyRow
	}
	bottom := top + row*float64(len(s.Rows)) + 4
	for _, t := range x.ticks(max(int((x.to-x.from)/70), 2)) {
		inner.line("grid", x.at(t.at), top, x.at(t.at), bottom)
		inner.text("l", x.at(t.at), bottom+15, "middle", t.label)
	}
	inner.line("axis", x.from, bottom, x.to, bottom)
	if x.holds(s.Line.At) {
		at := x.at(s.Line.At)
		inner.line("ref", at, top-4, at, bottom)
		anchor, shift := "start", 5.0
		if at > s.Width/2 {
			anchor, shift = "end", -5
		}
		inner.text("l halo", at+shift, 11, anchor, s.Line.Label)
	}
	for i, r := range s.Rows {
		inner.strip(&r, x, top+row*float64(i))
	}
	inner.text("l", s.Width/2, bottom+30, "middle", s.XLabel)

	d.open(s.Width, bottom+36, s.Title, "")
	d.Write(inner.Bytes())
	d.WriteString("</svg>\n")
	return d.Bytes()
}

// strip draws one sample below y.
func (d *drawing) strip(r *StripRow, x scale, y float64) {
	d.text("h halo", x.from, y+13, "start", fit(r.Name, (x.to-x.from)/bolder))
	middle := y + stripName + stripDots/2
	d.WriteString(`<path class="dot mark ` + r.Color.class() + `" d="`)
	for _, p := range swarm(r.Values, x) {
		d.WriteByte('M')
		d.num(p.x)
		d.WriteByte(' ')
		d.num(middle + dotSize*p.y)
		d.WriteString("h0")
	}
	d.WriteString("\"/>\n")
	if math.IsNaN(r.Mean) {
		return
	}
	low, mean, high, bar := x.at(r.Low), x.at(r.Mean), x.at(r.High), y+stripName+stripDots+4
	class := Style{Color: r.Color, Bold: true}.Class()
	if !math.IsNaN(r.Low) {
		d.line(class, low, bar, high, bar)
		for _, at := range []float64{low, high} {
			d.line(class, at, bar-3, at, bar+3)
		}
	}
	d.line(class, mean, bar-6, mean, bar+6)
}

// swarm places dots so that few lie over each other: along x by value, and off the
// middle, in whole numbers of dots, where a smaller value has taken the place.
func swarm(values []float64, x scale) []point {
	sorted := append([]float64{}, values...)
	sort.Float64s(sorted)
	var levels []float64
	for k := 0; k <= dotsAtMost; k++ {
		levels = append(levels, -float64(k), float64(k))
	}
	last := map[float64]float64{} // of a level, the x of its last dot
	var dots []point
	for _, v := range sorted {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		p := point{x: x.at(v)}
		for _, level := range levels[1:] {
			if before, taken := last[level]; !taken || p.x-before >= dotSize {
				p.y = level
				break
			}
		}
		last[p.y] = p.x
		dots = append(dots, p)
	}
	return dots
}
