package train

import "pactune/autograd"

// Gradual unfreezing (Howard and Ruder, "Universal Language Model Fine-tuning for
// Text Classification", ACL 2018) as the case study of CWGNC's paper has it: of L
// layers, iteration k = 1, 2, … trains those with an index ≥ L−k, and pooler and
// head always. The embeddings come with layer 0. A layer is as it was read until its
// turn, and its Adam begins with it: moments of zero, bias corrections from 1.

// unfreezes tells whether the method trains layer after layer.
func (c *Config) unfreezes() bool { return c.Method == "unfreeze" }

// settleIterations gives a run that unfreezes layers layers an iteration for each,
// where nobody has said how long it is.
func (c *Config) settleIterations(layers int) {
	if c.unfreezes() && !c.set["num_train_epochs"] {
		c.NumTrainEpochs, c.from["num_train_epochs"] = c.UnfreezeEpochs*float64(layers), "unfreeze_epochs"
	}
}

// layers divides parameters by layer, from the lowest.
func (t *trainer) layers(params []*autograd.Param) [][]*autograd.Param {
	list := make([][]*autograd.Param, t.model.Config.Layers+1)
	for _, p := range params {
		n := t.model.Config.LayerOf(p.Name)
		list[n] = append(list[n], p)
	}
	return list
}

// lowest is the lowest layer that trains in update s, counted from 0.
func (t *trainer) lowest(s int) int {
	done := int(float64(s) / (t.cfg.UnfreezeEpochs * float64(t.perEpoch))) // iterations
	return max(0, t.model.Config.Layers-1-done)
}

// unfreeze makes exactly the layers train that do so in update s. What is frozen has
// no gradient, and no backward pass goes below the lowest that trains.
func (t *trainer) unfreeze(s int) {
	if !t.cfg.unfreezes() {
		return
	}
	lowest := t.lowest(s)
	for i := range t.opt.Groups {
		g := &t.opt.Groups[i]
		frozen := t.model.Config.LayerOf(g.Params[0].Name) < lowest
		if g.Frozen == frozen {
			continue
		}
		if g.Frozen = frozen; !frozen {
			g.Since = s - t.skips.Total
		}
		for _, p := range g.Params {
			p.Frozen = frozen
		}
	}
}
