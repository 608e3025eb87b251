package plot

import (
	"fmt"
	"strconv"
	"strings"
)

// Style is how a curve looks.
type Style struct {
	Color Color
	Dash  bool
	Faint bool // behind another curve
	Bold  bool

	reference bool // a line of reference in a key
}

// Color is a place in a palette: one of eight hues that can be told apart with
// any colour vision (Okabe and Ito), or a step of a ramp from dark to light,
// for things that have an order.
type Color struct{ index, of int }

// Hue is the i-th colour for things without an order.
func Hue(i int) Color { return Color{index: i % len(hues)} }

// Ramp is step i of n of the ramp.
func Ramp(i, n int) Color { return Color{i, max(n, 1)} }

// hues for a light and a dark page.
var hues = [...][2]string{
	{"#0072b2", "#56b4e9"}, // blue
	{"#d55e00", "#f0803c"}, // vermilion
	{"#009e73", "#2cc295"}, // green
	{"#a8578a", "#dd9cc4"}, // purple
	{"#b8860b", "#e8b93a"}, // ochre
	{"#4a9fd4", "#8fc7ee"}, // sky
	{"#8c510a", "#c98d4e"}, // brown
	{"#555555", "#bbbbbb"}, // grey
}

// viridis, which is even in lightness.
var viridis = [...][3]float64{{68, 1, 84}, {71, 44, 122}, {59, 81, 139}, {44, 113, 142}, {33, 144, 141},
	{39, 173, 129}, {92, 200, 99}, {170, 220, 50}, {253, 231, 37}}

// ramp is the colour at t from 0 to 1 of the part of viridis that shows on the
// page: not the lightest on white, not the darkest on black.
func ramp(t float64, dark bool) string {
	lo, hi := 0.0, 0.82
	if dark {
		lo, hi = 0.3, 1
	}
	return viridisAt(lo + t*(hi-lo))
}

func viridisAt(t float64) string {
	at := t * float64(len(viridis)-1)
	i := min(int(at), len(viridis)-2)
	f := at - float64(i)
	var c [3]int
	for k := range c {
		c[k] = int(viridis[i][k] + f*(viridis[i+1][k]-viridis[i][k]) + 0.5)
	}
	return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
}

func (c Color) class() string {
	if c.of == 0 {
		return "c" + strconv.Itoa(c.index)
	}
	return "r" + strconv.Itoa(c.index) + "-" + strconv.Itoa(c.of)
}

func (c Color) rgb(dark bool) string {
	mode := 0
	if dark {
		mode = 1
	}
	if c.of == 0 {
		return hues[c.index][mode]
	}
	if c.of == 1 {
		return ramp(0.4, dark)
	}
	return ramp(float64(c.index)/float64(c.of-1), dark)
}

// Class names the rules of Sheet for the style.
func (s Style) Class() string {
	if s.reference {
		return "ref"
	}
	class := "s " + s.Color.class()
	if s.Dash {
		class += " dash"
	}
	if s.Faint {
		class += " faint"
	}
	if s.Bold {
		class += " bold"
	}
	return class
}

const sheet = `.pactune text{font:11px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
.pactune .h{font-weight:600;font-size:12px;fill:#1f2328}.pactune .big{font-size:16px}
.pactune .l{fill:#59636e}.pactune .halo{stroke:#fff;stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
.pactune path{fill:none;stroke-linecap:round;stroke-linejoin:round}
.pactune .s{stroke-width:1.5}.pactune .dot{stroke-width:4.5}
.pactune .dash{stroke-dasharray:5 4}.pactune .faint{stroke-width:1;stroke-opacity:.35}
.pactune .bg{fill:#fff}.pactune .grid{stroke:#e4e8ec}.pactune .axis{stroke:#8c959f}
.pactune .ref{stroke:#59636e;stroke-dasharray:2 3}
.pactune path.band{stroke:none;fill:currentColor;fill-opacity:.16}.pactune .bold{stroke-width:2.2}
.pactune .mark{stroke-width:6.5;stroke-opacity:.7}
`

const darkSheet = `.pactune .h{fill:#f0f3f6}.pactune .l{fill:#a8b1bb}.pactune .halo{stroke:#0d1117}
.pactune .bg{fill:#0d1117}.pactune .grid{stroke:#262c34}.pactune .axis{stroke:#6b747e}.pactune .ref{stroke:#a8b1bb}
`

// rules are those of both modes; colours are added as they are used.
func rules(colors []Color) string {
	return sheet + strokes(colors, false) + "\n@media(prefers-color-scheme:dark){\n" + darkSheet + strokes(colors, true) + "\n}\n"
}

func strokes(colors []Color, dark bool) string {
	var b strings.Builder
	for _, c := range colors {
		b.WriteString(".pactune ." + c.class() + "{stroke:" + c.rgb(dark) + ";color:" + c.rgb(dark) + "}")
	}
	return b.String()
}

// Sheet is the rules for a page with Inline's pictures: all hues, and ramps of so
// many steps. Paper is light.
func Sheet(ramps ...int) string {
	var colors []Color
	for i := range hues {
		colors = append(colors, Hue(i))
	}
	for _, n := range ramps {
		for i := 0; i < n; i++ {
			colors = append(colors, Ramp(i, n))
		}
	}
	return strings.Replace(rules(colors), "@media(", "@media screen and (", 1)
}

// Heat is the colour of a cell of a heat map for t from 0 to 1, and one for text
// on it, on any page.
func Heat(t float64) (cell, text string) {
	cell = viridisAt(t)
	if t < 0.45 { // where black and white contrast alike
		return cell, "#ffffff"
	}
	return cell, "#000000"
}

// colors lists what a figure uses, each once, in order of use.
func (f *Figure) colors() []Color {
	var list []Color
	seen := map[Color]bool{}
	add := func(c Color) {
		if !seen[c] {
			seen[c] = true
			list = append(list, c)
		}
	}
	for _, k := range f.Key {
		add(k.Style.Color)
	}
	for i := range f.Panels {
		for j := range f.Panels[i].Series {
			add(f.Panels[i].Series[j].Style.Color)
		}
	}
	return list
}
