// Package nn holds the parameters of a model and the plain layers that are
// made of them.
//
// A model declares its parameters through scopes that carry the names of its
// checkpoint, in a fixed order:
//
//	store := nn.NewStore()
//	s := store.Scope("bert.encoder.layer.0.output")
//	dense := nn.NewLinear(s.Scope("dense"), 3072, 768, nn.Normal(0.02))
//
// then Allocate lays them out in one slab of values, Initialise or Load fills
// them, and AllocateGrads adds one slab of gradients for those that train. The
// order of declaration is the order of everything that walks over parameters:
// sums, optimiser states, files.
//
// A Store that serves predictions is never written and may be read by any
// number of goroutines.
package nn

import (
	"fmt"
	"hash/fnv"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/internal/rng"
	"pactune/tensor"
)

// Float is the element type of weights.
type Float = tensor.Float

// Store owns the parameters of one model.
type Store struct {
	Params []*autograd.Param

	inits  []Init
	byName map[string]*autograd.Param
	values []Float
	grads  []Float
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{byName: map[string]*autograd.Param{}} }

// Init fills a new tensor: dst is its values, key and row select its random
// numbers.
type Init func(dst []Float, key rng.Key, row uint32)

// Normal draws from N(0, std²).
func Normal(std float64) Init {
	return func(dst []Float, key rng.Key, row uint32) {
		tensor.Normals(dst, key, row, 0, false)
		tensor.Scale(dst, Float(std))
	}
}

// Uniform draws from U(−bound, bound).
func Uniform(bound float64) Init {
	return func(dst []Float, key rng.Key, row uint32) {
		for i := range dst {
			u := rng.Uniform(key.Uint32(row, uint64(i)))
			dst[i] = Float(float64(2*u-1) * bound)
		}
	}
}

// Constant fills with c.
func Constant(c Float) Init {
	return func(dst []Float, _ rng.Key, _ uint32) {
		for i := range dst {
			dst[i] = c
		}
	}
}

// Scope declares parameters under a common prefix of names.
type Scope struct {
	store  *Store
	prefix string
}

// Scope returns the scope of a name.
func (s *Store) Scope(name string) Scope { return Scope{s, name} }

// Scope returns the scope of a name inside s.
func (s Scope) Scope(name string) Scope { return Scope{s.store, s.join(name)} }

func (s Scope) join(name string) string {
	if s.prefix == "" {
		return name
	}
	return s.prefix + "." + name
}

// Param declares a parameter. It has no values before Allocate.
func (s Scope) Param(name string, init Init, shape ...int) *autograd.Param {
	p := &autograd.Param{Name: s.join(name), Shape: shape}
	if s.store.byName[p.Name] != nil {
		panic("nn: parameter declared twice: " + p.Name)
	}
	s.store.byName[p.Name] = p
	s.store.Params = append(s.store.Params, p)
	s.store.inits = append(s.store.inits, init)
	return p
}

// Param returns the parameter of a full name, nil when there is none.
func (s *Store) Param(name string) *autograd.Param { return s.byName[name] }

// Len returns the number of weights, and of those that train.
func (s *Store) Len() (all, trainable int) {
	for _, p := range s.Params {
		all += p.Len()
		if !p.Frozen {
			trainable += p.Len()
		}
	}
	return all, trainable
}

// Allocate lays out the values of all declared parameters in one slab, each at
// a multiple of 16 elements.
func (s *Store) Allocate() {
	s.values = slab(s.Params, func(p *autograd.Param, v []Float) { p.Clean, p.Data = v, v })
}

// AllocateGrads lays out the gradients of the parameters that are not frozen.
func (s *Store) AllocateGrads() {
	s.grads = slab(s.Trainable(), func(p *autograd.Param, v []Float) { p.Grad = v })
}

func slab(params []*autograd.Param, set func(*autograd.Param, []Float)) []Float {
	const align = 16
	total := 0
	for _, p := range params {
		total += (p.Len() + align - 1) / align * align
	}
	all, off := make([]Float, total), 0
	for _, p := range params {
		set(p, all[off:off+p.Len():off+p.Len()])
		off += (p.Len() + align - 1) / align * align
	}
	return all
}

// Initialise fills one parameter from its Init: a function of the seed, the
// stream and the parameter's name, whatever else the model holds.
func (s *Store) Initialise(p *autograd.Param, seed uint64, stream uint32) {
	for i, q := range s.Params {
		if q == p {
			h := fnv.New32a()
			h.Write([]byte(p.Name))
			s.inits[i](p.Clean, rng.NewKey(seed, stream, 0), h.Sum32())
			return
		}
	}
	panic(fmt.Sprintf("nn: Initialise: %s is not a parameter of this store", p.Name))
}

// ZeroGrad sets every gradient to zero.
func (s *Store) ZeroGrad() { clear(s.grads) }

// Finite returns an error of kind Diverged that names the first weight which is
// NaN or infinite.
func (s *Store) Finite() error {
	for _, p := range s.Params {
		if i := FirstNonFinite(p.Clean); i >= 0 {
			return fault.Errorf(fault.Diverged, "element %d of the tensor %s is %v", i, p.Name, p.Clean[i])
		}
	}
	return nil
}

// Trainable returns the parameters that are not frozen, in order.
func (s *Store) Trainable() []*autograd.Param {
	var out []*autograd.Param
	for _, p := range s.Params {
		if !p.Frozen {
			out = append(out, p)
		}
	}
	return out
}
