package report

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pactune/plot"
	"pactune/safetensors"
	"pactune/stats"
)

// noiseBlocks are heat maps of the noise that PAC-tuning learned, a block for each
// group that has any.
func (b *book) noiseBlocks() (blocks []*block, err error) {
	for _, g := range b.groups {
		m := newHeatMap()
		for _, r := range g.runs {
			if err := m.read(filepath.Join(r.Dir, "noise.safetensors")); err != nil {
				return nil, err
			}
		}
		if len(m.values) > 0 {
			blocks = append(blocks, m.block(b.of(g, "the learned noise")))
		}
	}
	return blocks, nil
}

// heatMap holds a number for every run at each place of the model.
type heatMap struct {
	values     map[place][]float64
	components []string // in the order of their first tensor, of layers
	others     []place  // outside layers
	layers     int
}

type place struct {
	layer     int
	component string
}

func newHeatMap() *heatMap { return &heatMap{values: map[place][]float64{}} }

// weightsAtMost of a tensor are read, evenly spaced: of so many the root of the
// mean variance is known to well below the two digits that are shown.
const weightsAtMost = 1 << 16

// read adds the noise of a run: of each tensor the root of the mean variance,
// sqrt(mean e^{2p}), p the log-stds in the file. A run without a file has none.
func (m *heatMap) read(path string) error {
	f, err := safetensors.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var p []float32
	for _, name := range f.Names() {
		t, _ := f.Tensor(name)
		n := t.Elements()
		if cap(p) < n {
			p = make([]float32, n)
		}
		p = p[:n]
		if err := t.Float32s(p); err != nil {
			return err
		}
		m.add(visible(name), deviation(p))
	}
	return nil
}

// deviation is sqrt(mean e^{2p}) of weightsAtMost of the p.
func deviation(p []float32) float64 {
	sum, at := 0.0, spaced(len(p), weightsAtMost)
	for _, i := range at {
		sum += math.Exp(2 * float64(p[i]))
	}
	return math.Sqrt(sum / float64(len(at)))
}

func (m *heatMap) add(tensor string, v float64) {
	var at place
	at.layer, at.component = plot.Place(tensor)
	if _, known := m.values[at]; !known {
		if at.layer < 0 {
			m.others = append(m.others, at)
		} else if m.layers = max(m.layers, at.layer+1); !slices.Contains(m.components, at.component) {
			m.components = append(m.components, at.component)
		}
	}
	m.values[at] = append(m.values[at], v)
}

// block sets the medians over runs, coloured by their logarithm.
func (m *heatMap) block(title string) *block {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range m.values {
		if x := stats.Median(v); x > 0 && !math.IsInf(x, 0) {
			lo, hi = math.Min(lo, x), math.Max(hi, x)
		}
	}
	shade := func(v float64) cell {
		t := 0.5
		if hi > lo {
			t = math.Log(v/lo) / math.Log(hi/lo)
		}
		return heat(short(v), t)
	}
	within := &table{Head: []string{"component"}}
	for n := 0; n < m.layers; n++ {
		within.Head = append(within.Head, fmt.Sprintf("layer %d", n))
	}
	for _, c := range ordered(m.components) {
		row := cells(c)
		for n := 0; n < m.layers; n++ {
			if v, ok := m.values[place{n, c}]; ok {
				row = append(row, shade(stats.Median(v)))
			} else {
				row = append(row, cell{Text: "–"})
			}
		}
		within.Rows = append(within.Rows, row)
	}
	others := &table{Head: []string{"outside the layers", "noise"}}
	for _, p := range m.others {
		others.Rows = append(others.Rows, append(cells(p.component), shade(stats.Median(m.values[p]))))
	}
	b := &block{Title: title, Text: "Root of the mean variance over the weights of a tensor, median over runs. Colours follow the logarithm:"}
	for _, t := range []*table{within, others} {
		if len(t.Rows) > 0 {
			b.Tables = append(b.Tables, t)
		}
	}
	for i := 0.0; i <= 4 && hi > lo; i++ {
		b.Tables[0].Key = append(b.Tables[0].Key, shade(lo*math.Pow(hi/lo, i/4)))
	}
	return b
}

// ordered puts components as panels stand.
func ordered(components []string) (list []string) {
	left := map[string]bool{}
	for _, c := range components {
		left[c] = true
	}
	for _, k := range plot.ComponentKey() {
		if left[k.Name] {
			list = append(list, k.Name)
			delete(left, k.Name)
		}
	}
	for _, c := range components {
		if left[c] {
			list = append(list, c)
		}
	}
	return list
}

// heat is a cell whose colour says t, 0 to 1.
func heat(text string, t float64) cell {
	if math.IsNaN(t) || math.IsInf(t, 0) {
		return cell{Text: text}
	}
	back, front := plot.Heat(math.Min(math.Max(t, 0), 1))
	return cell{Text: text, Style: template.CSS("background:" + back + ";color:" + front)}
}

// short is 3.2e-4.
func short(v float64) string {
	return strings.Replace(strconv.FormatFloat(v, 'e', 1, 64), "e-0", "e-", 1)
}
