package plot

import (
	"fmt"
	"math"
	"strings"
)

// panelOf orders the kinds of tensors of a BERT as they are read, four panels
// a row: weights over their biases, and the whole over the layers.
var panelOf = []struct{ title, kind string }{
	{"query", "attention.self.query.weight"},
	{"key", "attention.self.key.weight"},
	{"value", "attention.self.value.weight"},
	{"attention output", "attention.output.dense.weight"},
	{"query, bias", "attention.self.query.bias"},
	{"key, bias", "attention.self.key.bias"},
	{"value, bias", "attention.self.value.bias"},
	{"attention output, bias", "attention.output.dense.bias"},
	{"intermediate", "intermediate.dense.weight"},
	{"output", "output.dense.weight"},
	{"LayerNorm of attention", "attention.output.LayerNorm.weight"},
	{"LayerNorm of output", "output.LayerNorm.weight"},
	{"intermediate, bias", "intermediate.dense.bias"},
	{"output, bias", "output.dense.bias"},
	{"LayerNorm of attention, bias", "attention.output.LayerNorm.bias"},
	{"LayerNorm of output, bias", "output.LayerNorm.bias"},
	{"embeddings", "embeddings"},
	{"pooler", "pooler"},
	{"classifier", "classifier"},
}

// Components shows the norm of the loss's gradient of every tensor before
// clipping, a line for each layer, and the clip rate. The panels share their
// range, so that heights can be compared; a panel that lies wholly outside it
// has its own.
func Components(r *Run) *Figure {
	f := &Figure{Title: r.title() + ": gradient norm by component", Columns: 4}
	f.Key = LayerKey(r.Layers())
	f.Panels = append(r.ByComponent("grad_norm"), r.clipPanel())
	for i := range f.Panels {
		f.Panels[i].XLabel = "update"
	}
	r.markStages(f.Panels)
	f.Subtitle = "L2 norm before clipping, logarithmic"
	if r.Threshold > 0 {
		f.Subtitle += fmt.Sprintf("; the dotted line is the threshold %v", r.Threshold)
		if r.Grouping != "tensor" {
			f.Subtitle += " (of a whole " + r.Grouping + ")"
		}
	}
	return f
}

// Layers is the number of layers that have components.
func (r *Run) Layers() int {
	layers := 0
	for _, c := range r.Components {
		n, _ := layerOf(c.Tensor)
		layers = max(layers, n+1)
	}
	return layers
}

// LayerKey is the key of ByComponent's lines.
func LayerKey(layers int) (key []Key) {
	for n := 0; n < layers; n++ {
		key = append(key, Key{fmt.Sprintf("layer %d", n), Style{Color: Ramp(n, layers)}})
	}
	return key
}

// ByComponent has a panel for each kind of tensor, of a column of its records over
// the updates, with a line for each layer.
func (r *Run) ByComponent(column string) (panels []Panel) {
	layers := r.Layers()
	for _, k := range r.kinds() {
		if p := r.componentPanel(k.title, k.kind, column, layers); len(p.Series) > 0 {
			panels = append(panels, p)
		}
	}
	Share(each(panels))
	return panels
}

func each(panels []Panel) (list []*Panel) {
	for i := range panels {
		list = append(list, &panels[i])
	}
	return list
}

// ByLayer is ByComponent the other way: a panel for each layer, with a line for
// each kind of tensor; its key is ComponentKey.
func (r *Run) ByLayer(column string) []Panel {
	panels := make([]Panel, r.Layers())
	for n := range panels {
		panels[n] = Panel{Title: fmt.Sprintf("layer %d", n), Log: true}
	}
	for _, c := range r.Components {
		layer, kind := layerOf(c.Tensor)
		if layer < 0 {
			continue
		}
		s := Series{X: c.Table.Column("step"), Y: c.Table.Column(column), Style: kindStyle(kind)}
		panels[layer].Series = append(panels[layer].Series, s)
	}
	Share(each(panels))
	return panels
}

// ComponentKey is the key of ByLayer's lines.
func ComponentKey() (key []Key) {
	for _, k := range panelOf {
		if strings.Contains(k.kind, ".") {
			key = append(key, Key{k.title, kindStyle(k.kind)})
		}
	}
	return key
}

// kindStyle gives a weight a hue, and its bias the same one, dashed. What BERT has
// not is grey.
func kindStyle(kind string) Style {
	weights := 0
	for _, k := range panelOf {
		if strings.HasSuffix(k.kind, ".weight") {
			if strings.TrimSuffix(k.kind, "weight") == strings.TrimSuffix(strings.TrimSuffix(kind, "weight"), "bias") {
				return Style{Color: Hue(weights), Dash: strings.HasSuffix(kind, ".bias")}
			}
			weights++
		}
	}
	return Style{Color: Hue(len(hues) - 1)}
}

// Place tells where a tensor stands: its layer, -1 outside them, and what the
// panels call it.
func Place(tensor string) (layer int, component string) {
	layer, rest := layerOf(tensor)
	for _, k := range panelOf {
		if k.kind == rest {
			return layer, k.title
		}
	}
	return layer, rest
}

// kinds are the panels of a run: those of BERT, then what it has besides.
func (r *Run) kinds() []struct{ title, kind string } {
	list := append([]struct{ title, kind string }{}, panelOf...)
	for _, c := range r.Components {
		known := false
		for _, k := range list {
			known = known || isKind(c.Tensor, k.kind)
		}
		if _, rest := layerOf(c.Tensor); !known {
			list = append(list, struct{ title, kind string }{rest, rest})
		}
	}
	return list
}

// isKind: within layers a kind is a tensor, outside them a module.
func isKind(tensor, kind string) bool {
	layer, rest := layerOf(tensor)
	return rest == kind || layer < 0 && strings.HasPrefix(rest, kind+".")
}

func (r *Run) componentPanel(title, kind, column string, layers int) Panel {
	p := Panel{Title: title, Log: true}
	if r.Threshold > 0 && column == "grad_norm" {
		p.Lines = []Line{{At: r.Threshold}}
	}
	for _, c := range r.Components {
		if !isKind(c.Tensor, kind) {
			continue
		}
		s := Series{X: c.Table.Column("step"), Y: c.Table.Column(column)}
		layer, rest := layerOf(c.Tensor)
		if layer >= 0 {
			s.Style.Color = Ramp(layer, layers)
		} else {
			s.Style.Color = Hue(len(p.Series))
			s.Name = shortName(rest, kind)
		}
		p.Series = append(p.Series, s)
	}
	return p
}

// shortName leaves out what the panel's title and the reader know.
func shortName(tensor, kind string) string {
	s := strings.TrimPrefix(tensor, kind+".")
	for _, r := range [][2]string{{"_embeddings.weight", ""}, {"LayerNorm.weight", "norm"}, {"LayerNorm.bias", "norm bias"},
		{"dense.", ""}, {"token_type", "type"}} {
		s = strings.Replace(s, r[0], r[1], 1)
	}
	return s
}

// Share gives panels of norms one range, but those that would show nothing in it.
func Share(panels []*Panel) {
	s := newScale(true)
	for i := range panels {
		// a key's bias does not change a softmax: its gradient is rounding
		if panels[i].Title == "key, bias" {
			continue
		}
		for _, c := range panels[i].Series {
			for _, v := range c.Y {
				if v > 0 && !math.IsInf(v, 0) {
					s.include(v)
				}
			}
		}
		for _, l := range panels[i].Lines {
			s.include(l.At)
		}
	}
	if s.lo > s.hi {
		return
	}
	s.settle()
	for i := range panels {
		if within(panels[i], s) {
			panels[i].Lo, panels[i].Hi = s.lo, s.hi
		}
	}
}

func within(p *Panel, s scale) bool {
	for _, c := range p.Series {
		for _, v := range c.Y {
			if s.holds(v) {
				return true
			}
		}
	}
	return false
}
