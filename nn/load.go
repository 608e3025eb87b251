package nn

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/safetensors"
	"pactune/tensor"
)

// Source is a set of named tensors: a safetensors file or a sharded model.
type Source interface {
	Names() []string
	Tensor(name string) (safetensors.Tensor, bool)
}

// Loaded tells what a checkpoint gave and what it did not.
type Loaded struct {
	New    []*autograd.Param // not in the checkpoint: to be initialised
	Unused []string          // in the checkpoint, but not of this model
}

// Check compares the declared parameters with the tensors of src, before
// anything is allocated: names lists under which names a parameter may stand
// in the checkpoint, best first. A missing tensor is an error unless optional
// says that the parameter may be new; a tensor of another shape always is one.
// file names the source in errors, which are of kind Model.
func (s *Store) Check(src Source, file string, names func(string) []string, optional func(string) bool) error {
	for _, p := range s.Params {
		t, ok := find(src, names(p.Name))
		if !ok && !optional(p.Name) {
			return fault.Errorf(fault.Model, "%s: tensor %s %v is missing%s", file, p.Name, p.Shape, nearest(p.Name, src.Names()))
		}
		if ok && !sameShape(p.Shape, t.Shape) {
			return fault.Errorf(fault.Model, "%s: tensor %s has shape %v, config.json asks for %v: they do not belong together", file, t.Name, t.Shape, p.Shape)
		}
	}
	return nil
}

// Lacks lists the declared parameters that src does not hold; names as in Check.
func (s *Store) Lacks(src Source, names func(string) []string) (missing []string) {
	for _, p := range s.Params {
		if _, ok := find(src, names(p.Name)); !ok {
			missing = append(missing, p.Name)
		}
	}
	return missing
}

// Load copies the tensors of src into the parameters, under the rules of
// Check. A weight that is not finite is an error of kind Diverged: no loss
// could be a number.
func (s *Store) Load(src Source, file string, names func(string) []string, optional func(string) bool) (*Loaded, error) {
	if err := s.Check(src, file, names, optional); err != nil {
		return nil, err
	}
	used := map[string]bool{}
	out := &Loaded{}
	for _, p := range s.Params {
		t, ok := find(src, names(p.Name))
		if !ok {
			out.New = append(out.New, p)
			continue
		}
		used[t.Name] = true
		if err := copyTensor(p, t, file); err != nil {
			return nil, err
		}
	}
	for _, n := range src.Names() {
		if !used[n] {
			out.Unused = append(out.Unused, n)
		}
	}
	return out, nil
}

func find(src Source, names []string) (safetensors.Tensor, bool) {
	for _, n := range names {
		if t, ok := src.Tensor(n); ok {
			return t, true
		}
	}
	return safetensors.Tensor{}, false
}

func copyTensor(p *autograd.Param, t safetensors.Tensor, file string) error {
	var err error
	switch dst := any(p.Clean).(type) {
	case []float32:
		err = t.Float32s(dst)
	case []float64:
		err = t.Float64s(dst)
	}
	if err != nil {
		return err
	}
	if i := FirstNonFinite(p.Clean); i >= 0 {
		return fault.Errorf(fault.Diverged, "%s: tensor %s: element %d is %v; expected finite weights: the checkpoint is damaged, or its training diverged",
			file, t.Name, i, p.Clean[i])
	}
	return nil
}

// FirstNonFinite returns the place of the first NaN or infinity, −1 when all
// values are finite.
func FirstNonFinite(v []Float) int {
	if sum := tensor.SumSquares(v); !math.IsNaN(sum) && !math.IsInf(sum, 0) {
		return -1
	}
	for i, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return i
		}
	}
	return -1
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// nearest names up to three tensors with the same last parts, to show what
// the file calls them.
func nearest(name string, names []string) string {
	parts := strings.Split(name, ".")
	tail := strings.Join(parts[max(0, len(parts)-2):], ".")
	var like []string
	for _, n := range names {
		if strings.HasSuffix(n, tail) {
			like = append(like, n)
		}
	}
	if len(like) == 0 {
		return fmt.Sprintf("; the file holds %d other tensors", len(names))
	}
	sort.Strings(like)
	return "; the file holds " + strings.Join(like[:min(3, len(like))], ", ")
}

// Tensors returns the stored weights as tensors to write, in order.
func (s *Store) Tensors() []safetensors.Tensor {
	var out []safetensors.Tensor
	for _, p := range s.Params {
		switch v := any(p.Clean).(type) {
		case []float32:
			out = append(out, safetensors.FromFloat32s(p.Name, p.Shape, v))
		case []float64:
			narrow := make([]float32, len(v))
			for i, x := range v {
				narrow[i] = float32(x)
			}
			out = append(out, safetensors.FromFloat32s(p.Name, p.Shape, narrow))
		}
	}
	return out
}
