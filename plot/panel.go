package plot

import "math"

// panel draws axes, reference lines and curves into the box b, x over the range
// of across; each curve has at most about budget points.
func (d *drawing) panel(p *Panel, b box, across scale, budget int) {
	x, y := across, p.upright()
	x.from, x.to = b.x, b.x+b.w
	y.from, y.to = b.y+b.h, b.y
	for _, t := range y.ticks(max(int(b.h/38), 2)) {
		at := y.at(t.at)
		d.line("grid", b.x, at, b.x+b.w, at)
		d.text("l", b.x-6, at+3.5, "end", t.label)
	}
	for _, t := range x.ticks(max(int(b.w/60), 2)) {
		at := x.at(t.at)
		d.line("axis", at, b.y+b.h, at, b.y+b.h+4)
		d.text("l", at, b.y+b.h+15, "middle", t.label)
	}
	d.line("axis", b.x, b.y+b.h, b.x+b.w, b.y+b.h)
	for i := range p.Series {
		d.band(&p.Series[i], x, y, budget)
	}
	for i := range p.Series {
		d.series(&p.Series[i], x, y, budget)
	}
	for _, m := range p.Marks {
		if x.holds(m.At) {
			at := x.at(m.At)
			d.line("ref", at, b.y, at, b.y+b.h)
			d.text("l halo", at+4, b.y+9, "start", m.Label)
		}
	}
	for _, l := range p.Lines {
		if y.holds(l.At) {
			at := y.at(l.At)
			d.line("ref", b.x, at, b.x+b.w, at)
		}
	}
	if empty(p) {
		d.text("l", b.x+b.w/2, b.y+b.h/2, "middle", "no data")
	}
}

func empty(p *Panel) bool {
	for i := range p.Series {
		for _, v := range p.Series[i].Y {
			if p.drawn(v) {
				return false
			}
		}
	}
	return true
}

// drawn tells whether a value has a place on the panel's axis.
func (p *Panel) drawn(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!p.Log || v > 0)
}

// upright finds the range of y. A line of reference counts when it is not far
// from the data.
func (p *Panel) upright() scale {
	y := newScale(p.Log)
	for i := range p.Series {
		for _, values := range [][]float64{p.Series[i].Y, p.Series[i].Low, p.Series[i].High} {
			for _, v := range values {
				if p.drawn(v) {
					y.include(v)
				}
			}
		}
	}
	if p.Lo < p.Hi {
		y.lo, y.hi = p.Lo, p.Hi
		return y
	}
	for _, l := range p.Lines {
		if p.drawn(l.At) && y.near(l.At) {
			y.include(l.At)
		}
	}
	y.settle()
	y.fill()
	return y
}

// series draws one curve: a path, broken where there is no value. A point that
// stands alone is a dot.
func (d *drawing) series(s *Series, x, y scale, budget int) {
	runs := thin(s, x, y, budget)
	if len(runs) == 0 {
		return
	}
	d.WriteString(`<path class="` + s.Style.Class() + `" d="`)
	for _, run := range runs {
		d.WriteByte('M')
		for i, p := range run {
			if i == 1 {
				d.WriteByte('L')
			} else if i > 1 {
				d.WriteByte(' ')
			}
			d.num(p.x)
			d.WriteByte(' ')
			d.num(p.y)
		}
		if len(run) == 1 {
			d.WriteString("h0")
		}
	}
	d.WriteString("\"/>\n")
	d.dots(s, runs)
}

// band fills what lies between Low and High, in pieces where there is a gap.
func (d *drawing) band(s *Series, x, y scale, budget int) {
	if s.Low == nil {
		return
	}
	floor := append([]float64{}, s.Low...)
	for i, v := range floor {
		if y.log && v <= 0 {
			floor[i] = y.lo
		}
	}
	low := thin(&Series{X: s.X, Y: floor}, x, y, budget)
	high := thin(&Series{X: s.X, Y: s.High}, x, y, budget)
	d.WriteString(`<path class="band ` + s.Style.Color.class() + `" d="`)
	for i := 0; i < min(len(low), len(high)); i++ {
		for k, p := range low[i] {
			d.corner(k == 0, p)
		}
		for k := len(high[i]) - 1; k >= 0; k-- {
			d.corner(false, high[i][k])
		}
		d.WriteByte('Z')
	}
	d.WriteString("\"/>\n")
}

func (d *drawing) corner(first bool, p point) {
	command := byte('L')
	if first {
		command = 'M'
	}
	d.WriteByte(command)
	d.num(p.x)
	d.WriteByte(' ')
	d.num(p.y)
}

// dots marks points: all of them when the series asks for it, else only those
// with no neighbour, which a thin line of no length would hide.
func (d *drawing) dots(s *Series, runs [][]point) {
	open := false
	for _, run := range runs {
		if !s.Dots && len(run) > 1 {
			continue
		}
		for _, p := range run {
			if !open {
				d.WriteString(`<path class="dot ` + s.Style.Color.class() + `" d="`)
				open = true
			}
			d.WriteByte('M')
			d.num(p.x)
			d.WriteByte(' ')
			d.num(p.y)
			d.WriteString("h0")
		}
	}
	if open {
		d.WriteString("\"/>\n")
	}
}

// ShareRange gives panels one range of y, so that heights can be compared.
func ShareRange(panels []*Panel) {
	if len(panels) == 0 {
		return
	}
	all := Panel{Log: panels[0].Log, Lines: panels[0].Lines}
	for _, p := range panels {
		all.Series = append(all.Series, p.Series...)
	}
	if empty(&all) {
		return
	}
	y := all.upright()
	for _, p := range panels {
		p.Lo, p.Hi = y.lo, y.hi
	}
}
