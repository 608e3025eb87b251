package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/plot"
)

// A page of many pictures and long tables is thinned until it is small enough, and
// its spikes stay.
func TestALargePageStaysSmall(t *testing.T) {
	var x, y []float64
	long := &table{Head: []string{"x"}, long: true}
	for i := 0; i < 300; i++ {
		x, y = append(x, float64(i)), append(y, math.Sin(float64(i)))
		long.Rows = append(long.Rows, cells(number(x[i]), number(y[i]), number(y[i]), number(y[i]), number(y[i])))
	}
	y[77] = 100
	p := &page{Sections: []*section{{Blocks: []*block{{}}}}}
	for i := 0; i < 120; i++ {
		var list []plot.Series
		for k := 0; k < 20; k++ {
			list = append(list, plot.Series{X: x, Y: y})
		}
		b := p.Sections[0].Blocks[0]
		b.Cards = append(b.Cards, &card{picture: single(plot.Panel{Lo: -1, Hi: 100, Series: list}), Numbers: long})
	}
	text, err := p.render(nil)
	if err != nil || len(text) >= limit || len(text) < limit/3 {
		t.Fatalf("%d bytes, %v; want below %d and no thinner than needed", len(text), err, limit)
	}
	page := parse(t, text)
	rows := len(page.figure("").all("tr"))
	if rows < 3 || rows > 1+rowsAtMost {
		t.Errorf("a table of %d rows", rows)
	}
	whole := curves(t, parse(t, p.Sections[0].Blocks[0].Cards[0].picture.draw(len(x))))[0]
	thin := curves(t, page)
	if len(whole) != len(x) || len(thin) != 120*20 {
		t.Fatalf("%d points of %d; %d curves", len(whole), len(x), len(thin))
	}
	for _, c := range thin {
		if len(c) >= len(x) || !slices.Contains(c, whole[77]) || whole[77][1] > whole[76][1]-50 {
			t.Fatalf("a curve of %d points has lost its spike %v", len(c), whole[77])
		}
	}
}

// curves are the points of every curve of one piece.
func curves(t *testing.T, e *element) (list [][][2]float64) {
	t.Helper()
	for _, path := range e.all("path") {
		if !strings.HasPrefix(path.attr["class"], "s ") {
			continue
		}
		var points [][2]float64
		f := strings.Fields(strings.NewReplacer("M", " ", "L", " ").Replace(path.attr["d"]))
		for i := 0; i+1 < len(f); i += 2 {
			x, errX := strconv.ParseFloat(f[i], 64)
			y, errY := strconv.ParseFloat(f[i+1], 64)
			if errX != nil || errY != nil {
				t.Fatalf("bad path %q", path.attr["d"])
			}
			points = append(points, [2]float64{x, y})
		}
		list = append(list, points)
	}
	return list
}

// Of what cannot be thinned enough there is no page.
func TestAPageTooLarge(t *testing.T) {
	p := &page{Sections: []*section{{Blocks: []*block{{Text: strings.Repeat("x", limit)}}}}}
	if text, err := p.render(nil); text != nil || fault.KindOf(err) != fault.Usage {
		t.Errorf("%d bytes, %v; want an error of kind Usage", len(text), err)
	}
}

func TestSpaced(t *testing.T) {
	for _, c := range []struct{ n, k, first, second, last, many int }{{3, 10, 0, 1, 2, 3}, {100, 4, 0, 33, 99, 4}, {2, 2, 0, 1, 1, 2}} {
		at := spaced(c.n, c.k)
		if len(at) != c.many || at[0] != c.first || at[1] != c.second || at[len(at)-1] != c.last {
			t.Errorf("%d of %d: %v", c.k, c.n, at)
		}
	}
	if at := spaced(1, 5); len(at) != 1 || at[0] != 0 {
		t.Errorf("one of one: %v", at)
	}
}
