package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
)

// element is what a test needs of one element of a picture.
type element struct {
	name, class, text, d string
	x, y                 float64
}

// parse reads a picture as XML, with every rule of well-formedness.
func parse(t *testing.T, svg []byte) []element {
	t.Helper()
	var list []element
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			el := element{name: e.Name.Local}
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "class":
					el.class = a.Value
				case "d":
					el.d = a.Value
				case "x":
					el.x, _ = strconv.ParseFloat(a.Value, 64)
				case "y":
					el.y, _ = strconv.ParseFloat(a.Value, 64)
				}
			}
			list = append(list, el)
		case xml.CharData:
			if len(list) > 0 && list[len(list)-1].text == "" {
				list[len(list)-1].text = string(e)
			}
		}
	}
}

// curves are the paths of class s that are no swatch of a key, as runs of points.
func curves(t *testing.T, svg []byte) [][][2]float64 {
	t.Helper()
	var runs [][][2]float64
	for _, e := range parse(t, svg) {
		if e.name != "path" || !strings.HasPrefix(e.class, "s ") {
			continue
		}
		for _, m := range strings.Split(e.d, "M")[1:] {
			m = strings.TrimSuffix(m, "h0")
			f := strings.Fields(strings.ReplaceAll(m, "L", " "))
			var run [][2]float64
			for i := 0; i+1 < len(f); i += 2 {
				x, errX := strconv.ParseFloat(f[i], 64)
				y, errY := strconv.ParseFloat(f[i+1], 64)
				if errX != nil || errY != nil {
					t.Fatalf("bad path %q", e.d)
				}
				run = append(run, [2]float64{x, y})
			}
			runs = append(runs, run)
		}
	}
	return runs
}

func labels(t *testing.T, svg []byte) []string {
	var list []string
	for _, e := range parse(t, svg) {
		if e.name == "text" && e.class == "l" {
			list = append(list, e.text)
		}
	}
	return list
}

func sequence(n int, f func(x float64) float64) (x, y []float64) {
	for i := 0; i < n; i++ {
		x = append(x, float64(i))
		y = append(y, f(float64(i)))
	}
	return x, y
}

func TestAStraightLineStaysStraight(t *testing.T) {
	x, y := sequence(11, func(x float64) float64 { return 10 * x })
	f := &Figure{Title: "t", Panels: []Panel{{Lo: 0, Hi: 100, Series: []Series{{X: x, Y: y}}}}}
	svg := f.SVG()
	runs := curves(t, svg)
	if len(runs) != 1 || len(runs[0]) != 11 {
		t.Fatalf("found %v, want one run of 11 points", runs)
	}
	// The panel is 1000 − 2·14 − 46 wide and 200 high; coordinates have one decimal.
	for i, p := range runs[0] {
		wantX := edge + leftOfPlot + float64(i)/10*(fullWidth-2*edge-leftOfPlot)
		wantY := runs[0][0][1] - float64(i)/10*200
		if math.Abs(p[0]-wantX) > 0.051 || math.Abs(p[1]-wantY) > 0.11 {
			t.Errorf("point %d at %v, want (%v, %v)", i, p, wantX, wantY)
		}
	}
	want := "0 20 40 60 80 100 0 1 2 3 4 5 6 7 8 9 10"
	if got := strings.Join(labels(t, svg), " "); got != want {
		t.Errorf("tick labels %q, want %q", got, want)
	}
}

func TestPowersAreALineOnALogAxis(t *testing.T) {
	x, y := sequence(5, func(x float64) float64 { return math.Pow(10, x-2) })
	svg := (&Figure{Panels: []Panel{{Log: true, Lo: 0.01, Hi: 100, Series: []Series{{X: x, Y: y}}}}}).SVG()
	run := curves(t, svg)[0]
	for i, p := range run {
		if want := run[0][1] - 50*float64(i); math.Abs(p[1]-want) > 0.11 {
			t.Errorf("10^%d at height %v, want %v", i-2, p[1], want)
		}
	}
	if got := strings.Join(labels(t, svg)[:5], " "); got != "0.01 0.1 1 10 100" {
		t.Errorf("tick labels %q", got)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		log    bool
		n      int
		want   string
	}{
		{0, 1, false, 5, "0 0.2 0.4 0.6 0.8 1.0"},
		{0.49, 0.52, false, 3, "0.49 0.50 0.51 0.52"},
		{-1, 1, false, 4, "-1.0 -0.5 0 0.5 1.0"},
		{0, 2e-5, false, 4, "0 5·10⁻⁶ 10⁻⁵ 1.5·10⁻⁵ 2·10⁻⁵"},
		{0, 936, false, 4, "0 500"},
		{0, 3e7, false, 3, "0 10⁷ 2·10⁷ 3·10⁷"},
		{1e-9, 1e3, true, 4, "10⁻⁹ 10⁻⁶ 0.001 1 1000"},
		{0.3, 6, true, 4, "0.5 1 2 5"},
		{2.6e-4, 3.9e-4, true, 4, "3·10⁻⁴ 3.5·10⁻⁴"},
	} {
		s := scale{lo: c.lo, hi: c.hi, log: c.log, to: 1}
		var got []string
		for _, k := range s.ticks(c.n) {
			got = append(got, k.label)
			if !s.holds(k.at) && s.at(k.at) > 1e-9 && s.at(k.at) < 1-1e-9 {
				t.Errorf("[%v, %v]: tick at %v outside", c.lo, c.hi, k.at)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("[%v, %v] log %v: ticks %q, want %q", c.lo, c.hi, c.log, strings.Join(got, " "), c.want)
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	bad := `<script>alert("1")</script> & 'x' ]]>`
	f := &Figure{Title: bad, Subtitle: bad, Key: []Key{{Name: bad}}, Panels: []Panel{{Title: bad, XLabel: bad,
		Series: []Series{{Name: bad, X: []float64{1, 2}, Y: []float64{1, 2}}},
		Lines:  []Line{{At: 1, Label: bad}}, Marks: []Line{{At: 1, Label: bad}}}}}
	svg := f.SVG()
	if bytes.Contains(svg, []byte("<script")) {
		t.Fatal("text became markup")
	}
	found := 0
	for _, e := range parse(t, svg) {
		if e.text == bad {
			found++
		}
	}
	if found != 10 {
		t.Errorf("the text stands %d times, want 10: title, description, two headings, key, panel, axis, curve, line, mark", found)
	}
}

func TestControlCharactersDoNotBreakThePicture(t *testing.T) {
	parse(t, (&Figure{Title: "a\x00b\x1b\xff", Panels: []Panel{{}}}).SVG())
}

func TestGapsAndLonePoints(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	s := Series{X: []float64{0, 1, 2, 3, 4, 5, 6}, Y: []float64{1, 2, nan, 3, inf, 4, 5}}
	runs := curves(t, (&Figure{Panels: []Panel{{Series: []Series{s}}}}).SVG())
	var sizes []int
	for _, r := range runs {
		sizes = append(sizes, len(r))
	}
	if fmt.Sprint(sizes) != "[2 1 2]" {
		t.Errorf("runs of %v points, want [2 1 2]", sizes)
	}
}

func TestWhateverTheData(t *testing.T) {
	nan := math.NaN()
	for name, s := range map[string]Series{
		"none":         {},
		"one":          {X: []float64{3}, Y: []float64{7}},
		"one zero":     {X: []float64{0}, Y: []float64{0}},
		"all NaN":      {X: []float64{1, 2}, Y: []float64{nan, nan}},
		"constant":     {X: []float64{1, 2, 3}, Y: []float64{5, 5, 5}},
		"negative":     {X: []float64{1, 2}, Y: []float64{-3, -1}},
		"huge":         {X: []float64{1, 2}, Y: []float64{-math.MaxFloat64 / 4, math.MaxFloat64 / 4}},
		"tiny":         {X: []float64{1, 2}, Y: []float64{5e-324, 1e-300}},
		"far apart":    {X: []float64{1, 2}, Y: []float64{1e-300, 1e300}},
		"almost equal": {X: []float64{1, 2}, Y: []float64{1, 1 + 1e-15}},
	} {
		for _, log := range []bool{false, true} {
			svg := (&Figure{Title: name, Panels: []Panel{{Log: log, Series: []Series{s}, Lines: []Line{{At: 1}}}}}).SVG()
			for _, e := range parse(t, svg) {
				if strings.Contains(e.d, "NaN") || strings.Contains(e.d, "Inf") {
					t.Errorf("%s, log %v: path %q", name, log, e.d)
				}
			}
			if len(svg) > 20_000 {
				t.Errorf("%s, log %v: %d bytes", name, log, len(svg))
			}
		}
	}
}

func TestThinningKeepsSpikesAndEnds(t *testing.T) {
	x, y := sequence(100_000, func(x float64) float64 { return math.Sin(x / 5000) })
	y[31_415], y[27_182] = 9, -9
	f := &Figure{Panels: []Panel{{Lo: -10, Hi: 10, Series: []Series{{X: x, Y: y}}}}}
	svg := f.SVG()
	if len(svg) > 100_000 {
		t.Errorf("%d bytes, want at most 100,000", len(svg))
	}
	run := curves(t, svg)[0]
	low, high := run[0], run[0]
	for i, p := range run {
		if p[1] < high[1] {
			high = p
		}
		if p[1] > low[1] {
			low = p
		}
		if i > 0 && p[0] < run[i-1][0] {
			t.Fatalf("point %d goes back", i)
		}
	}
	left, wide := edge+leftOfPlot, fullWidth-2*edge-leftOfPlot
	for _, c := range []struct {
		p    [2]float64
		step float64
	}{{high, 31_415}, {low, 27_182}, {run[0], 0}, {run[len(run)-1], 99_999}} {
		if want := left + wide*c.step/99_999; math.Abs(c.p[0]-want) > 0.06 {
			t.Errorf("the point of step %v is at %v, want %v", c.step, c.p[0], want)
		}
	}
	if got := (high[1] - low[1]) / 200; math.Abs(got+0.9) > 0.001 { // 18 of 20 units
		t.Errorf("the spikes span %v of the height, want 0.9", -got)
	}
}

func TestColoursFollowTheReader(t *testing.T) {
	svg := string((&Figure{Key: []Key{{"a", Style{Color: Ramp(2, 12)}}}, Panels: []Panel{{Series: []Series{{Style: Style{Color: Hue(9)}}}}}}).SVG())
	light, dark, ok := strings.Cut(svg, "@media(prefers-color-scheme:dark)")
	if !ok {
		t.Fatal("no rules for a dark page")
	}
	for _, class := range []string{".r2-12{stroke:", ".c1{stroke:"} {
		if strings.Count(light, class) != 1 || strings.Count(dark, class) != 1 {
			t.Errorf("%s is not set once for each mode", class)
		}
	}
}

// A band goes along its lower edge and back along the upper one; on a logarithmic
// axis what is not positive lies at the bottom.
func TestBand(t *testing.T) {
	f := &Figure{From: 0, To: 2, Width: 400, Height: 100, Panels: []Panel{{Log: true, Lo: 0.1, Hi: 10,
		Series: []Series{{X: []float64{0, 1, 2}, Y: []float64{1, 1, 1}, Low: []float64{0, 0.1, 1}, High: []float64{10, 10, 1}}}}}}
	svg := f.Inline(100)
	if bytes.Contains(svg, []byte("<style>")) || bytes.Contains(svg, []byte(`class="bg"`)) {
		t.Error("a picture in a page has rules of its own")
	}
	left, right, top := edge+leftOfPlot, 400-edge, 0.0
	for _, e := range parse(t, svg) {
		if e.class != "band c0" {
			continue
		}
		var x, y float64
		fmt.Sscanf(strings.TrimPrefix(e.d, "M"), "%g %g", &x, &y)
		top = y - 100
		want := fmt.Sprintf("M%g %gL%g %gL%g %gL%g %gL%g %gL%g %gZ", left, top+100, (left+right)/2, top+100, right, top+50,
			right, top+50, (left+right)/2, top, left, top)
		if e.d != want {
			t.Errorf("band %s, want %s", e.d, want)
		}
		return
	}
	t.Error("no band")
}

func TestStrip(t *testing.T) {
	one := Strip{Width: 300, Rows: []StripRow{{Name: "one run", Values: []float64{0.7}, Mean: 0.7, Low: math.NaN(), High: math.NaN()}}}
	if svg := string(one.Inline()); strings.Contains(svg, "NaN") || strings.Count(svg, `class="s c0 bold"`) != 1 {
		t.Errorf("one value has no interval: %s", svg)
	}
	s := &Strip{Width: 400, Line: Line{At: 0.5, Label: "line"}, Rows: []StripRow{
		{Name: "a", Values: []float64{0.9, 0.5, 0.5, 0.5}, Mean: 0.6, Low: 0.5, High: 0.9},
		{Name: "none", Values: []float64{math.NaN()}, Mean: math.NaN(), Low: math.NaN(), High: math.NaN(), Color: Hue(1)}}}
	x := scale{lo: 0.5 - 0.04*0.4, hi: 0.9 + 0.04*0.4, from: edge, to: 400 - edge}
	dots, bars := "", 0
	for _, e := range parse(t, s.Inline()) {
		switch e.class {
		case "dot mark c0":
			dots = e.d
		case "s c0 bold":
			bars++
		case "s c1 bold":
			t.Error("an interval of nothing")
		}
	}
	// equal values stand over each other, the first in the middle
	var want drawing
	middle := 4 + keyRow + stripName + stripDots/2
	for _, p := range []point{{x.at(0.5), middle}, {x.at(0.5), middle - dotSize}, {x.at(0.5), middle + dotSize}, {x.at(0.9), middle}} {
		want.WriteByte('M')
		want.num(p.x)
		want.WriteByte(' ')
		want.num(p.y)
		want.WriteString("h0")
	}
	if dots != want.String() || bars != 4 {
		t.Errorf("dots %s, want %s; %d lines of the interval, want 4", dots, want.String(), bars)
	}
}

// White or black text contrasts with any cell by WCAG's 4.5 to 1.
func TestTextOnAHeatMapCanBeRead(t *testing.T) {
	luminance := func(hex string) float64 {
		var c [3]int
		fmt.Sscanf(hex, "#%02x%02x%02x", &c[0], &c[1], &c[2])
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := float64(c[i]) / 255
			if v <= 0.03928 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	for i := 0.0; i <= 200; i++ {
		cell, text := Heat(i / 200)
		a, b := luminance(cell), luminance(text)
		if ratio := (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05); ratio < 4.5 {
			t.Errorf("at %v: %s on %s has a contrast of %.2f", i/200, text, cell, ratio)
		}
	}
}

// A name from anywhere stays within its picture.
func TestLongNamesAreCut(t *testing.T) {
	long := strings.Repeat("w", 400)
	f := &Figure{Width: 300, Panels: []Panel{{Title: long, Series: []Series{{Name: long, X: []float64{1}, Y: []float64{1}}}}}}
	for _, svg := range [][]byte{f.Inline(10), (&Strip{Width: 300, Rows: []StripRow{{Name: long}}}).Inline()} {
		cut := 0
		for _, e := range parse(t, svg) {
			if strings.HasPrefix(e.text, "www") {
				cut++
				if !strings.HasSuffix(e.text, "…") || e.x+textWidth(e.text) > 300 {
					t.Errorf("%d letters at %v", len(e.text), e.x)
				}
			}
		}
		if cut == 0 {
			t.Error("the name is not there")
		}
	}
}
