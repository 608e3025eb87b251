package report

import (
	"math"
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
