package optim

import (
	"fmt"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/tensor"
)

// Group is a set of parameters that share a learning rate and a weight decay.
type Group struct {
	Name            string
	Params          []*autograd.Param
	LR, WeightDecay float64
	// Frozen groups are left as they are: weights, moments and gradients.
	Frozen bool
	// Since is the number of the last update before the group's first: its bias
	// corrections count from there, as those of PyTorch do, which makes the state
	// of a parameter at its first gradient.
	Since int
}

// Adam holds the constants of Adam that all groups share. Form places eps and
// the decay: PyTorch's, or transformers' own AdamW of 2022.
type Adam struct {
	Form              tensor.AdamForm
	Beta1, Beta2, Eps float64
	BiasCorrection    bool
}

// DefaultAdam returns PyTorch's constants: betas 0.9 and 0.999, eps 1e-8.
func DefaultAdam() Adam {
	return Adam{Form: tensor.AdamTorch, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, BiasCorrection: true}
}

// Step returns the constants of update t (from 1) at one rate and decay.
func (a Adam) Step(lr, weightDecay float64, t int) tensor.AdamStep {
	return tensor.NewAdamStep(a.Form, lr, a.Beta1, a.Beta2, a.Eps, weightDecay, a.BiasCorrection, t)
}

// AdamW is Adam with decoupled weight decay over groups of parameters. Groups
// may be given other rates between steps.
type AdamW struct {
	Adam
	Groups []Group
	// KeepOld lets Step leave the weights of before the update in the gradients,
	// which have served: Undo puts them back.
	KeepOld bool

	pool   *par.Pool
	params []*autograd.Param
	group  []int // of each parameter
	offset []int // of each parameter in the slabs of moments
	m, v   []tensor.Float
	pieces []Piece
	steps  []tensor.AdamStep // of each group, of the update in progress
	frozen []bool            // of each group, in the last update
}

// NewAdamW returns an optimiser with zero moments: two floats per weight.
func NewAdamW(pool *par.Pool, groups []Group, adam Adam) *AdamW {
	a := &AdamW{Adam: adam, Groups: groups, pool: pool,
		steps: make([]tensor.AdamStep, len(groups)), frozen: make([]bool, len(groups))}
	n := 0
	for i, g := range groups {
		for _, p := range g.Params {
			a.params = append(a.params, p)
			a.group = append(a.group, i)
			a.offset = append(a.offset, n)
			n += len(p.Clean)
		}
	}
	mustTrain("NewAdamW", a.params)
	a.m, a.v = make([]tensor.Float, n), make([]tensor.Float, n)
	a.pieces = Cut(a.params)
	return a
}

// Step updates the clean weights of every group at the rate LR·scale from
// their gradients, but for those that are frozen. t counts the updates from 1.
func (a *AdamW) Step(t int, scale float64) {
	if t < 1 {
		panic(fmt.Sprintf("optim: AdamW.Step: update %d: updates count from 1", t))
	}
	for i := range a.Groups {
		g := &a.Groups[i]
		if a.frozen[i] = g.Frozen; !g.Frozen {
			a.steps[i] = a.Adam.Step(g.LR*scale, g.WeightDecay, t-g.Since)
		}
	}
	a.pool.Run(len(a.pieces), (*adamTask)(a))
}

// Undo puts back the weights of before the last Step, bit for bit. With
// KeepOld, and before anything else is written to the gradients. The moments
// stay.
func (a *AdamW) Undo() {
	for i, p := range a.params {
		if !a.frozen[a.group[i]] {
			copy(p.Clean, p.Grad)
		}
	}
}

// Params returns the parameters in the order of the groups.
func (a *AdamW) Params() []*autograd.Param { return a.params }

// Moments returns the first and second moment of parameter i: the state that
// a checkpoint keeps beside the number of the update.
func (a *AdamW) Moments(i int) (m, v []tensor.Float) {
	lo, hi := a.offset[i], a.offset[i]+len(a.params[i].Clean)
	return a.m[lo:hi:hi], a.v[lo:hi:hi]
}

type adamTask AdamW

func (a *adamTask) Piece(i int) {
	c := a.pieces[i]
	if a.frozen[a.group[c.Param]] {
		return
	}
	p, s := a.params[c.Param], &a.steps[a.group[c.Param]]
	at := a.offset[c.Param]
	if !a.KeepOld {
		tensor.AdamW(p.Clean[c.Lo:c.Hi], p.Grad[c.Lo:c.Hi], a.m[at+c.Lo:at+c.Hi], a.v[at+c.Lo:at+c.Hi], s)
		return
	}
	var old [1024]tensor.Float
	for lo := c.Lo; lo < c.Hi; lo += len(old) {
		hi := min(lo+len(old), c.Hi)
		w, g := p.Clean[lo:hi], p.Grad[lo:hi]
		copy(old[:], w)
		tensor.AdamW(w, g, a.m[at+lo:at+hi], a.v[at+lo:at+hi], s)
		copy(g, old[:])
	}
}
