package checkpoint

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"

	"pactune/internal/fault"
	"pactune/safetensors"
)

// Array is a named array of a checkpoint, saved from and loaded into the same
// memory: one list serves Save and Load.
type Array struct {
	Name   string
	Shape  []int
	dtype  safetensors.DType
	tensor func() safetensors.Tensor
	load   func(safetensors.Tensor) error
}

// Of is the array data of a shape, whose product is len(data), or it panics.
// float32 is kept as F32, float64 as F64: every bit comes back.
func Of[T float32 | float64](name string, shape []int, data []T) Array {
	a := Array{Name: name, Shape: shape}
	switch data := any(data).(type) {
	case []float32:
		a.dtype = safetensors.F32
		a.tensor = func() safetensors.Tensor { return safetensors.FromFloat32s(name, shape, data) }
		a.load = func(t safetensors.Tensor) error { return t.Float32s(data) }
	case []float64:
		a.dtype = safetensors.F64
		a.tensor = func() safetensors.Tensor { return safetensors.FromFloat64s(name, shape, data) }
		a.load = func(t safetensors.Tensor) error { return t.Float64s(data) }
	}
	a.tensor() // checks the shape
	return a
}

// Load reads one of the files of arrays, Model or Optimizer, piece by piece into
// the arrays. The file must hold these arrays, of these types and shapes, and no
// other; if it does not, no array is changed, and the error is of kind fault.Model.
func (f *Found) Load(name string, arrays []Array) error { return f.load(name, arrays, true) }

// LoadSome reads some of the arrays of a file.
func (f *Found) LoadSome(name string, arrays []Array) error { return f.load(name, arrays, false) }

func (f *Found) load(name string, arrays []Array, all bool) error {
	path := filepath.Join(f.Path, name)
	file, err := f.fsys.Open(path)
	if err != nil {
		return unread(path, err)
	}
	tensors, err := safetensors.From(file, path)
	if err != nil {
		return err
	}
	defer tensors.Close()
	wanted := map[string]bool{}
	for _, a := range arrays {
		wanted[a.Name] = true
		t, ok := tensors.Tensor(a.Name)
		if !ok {
			return fault.Errorf(fault.Model, "%s: tensor %q is not there; expected %s %v: the checkpoint is of another model or method", path, a.Name, a.dtype, a.Shape)
		}
		if t.DType != a.dtype || !slices.Equal(t.Shape, a.Shape) {
			return fault.Errorf(fault.Model, "%s: tensor %q: found %s %v, expected %s %v: the checkpoint is of another model or method", path, a.Name, t.DType, t.Shape, a.dtype, a.Shape)
		}
	}
	for _, have := range tensors.Names() {
		if all && !wanted[have] {
			return fault.Errorf(fault.Model, "%s: found the tensor %q, which this run does not have: the checkpoint is of another model or method", path, have)
		}
	}
	for _, a := range arrays {
		t, _ := tensors.Tensor(a.Name)
		if err := a.load(t); err != nil {
			return err
		}
	}
	return nil
}

// State reads state.json into v, a pointer to a zero value of the type that was
// saved. A field too many, too few, twice or spelt another way is an error of
// kind fault.Model: the text must be to the byte what v would be saved as.
func (f *Found) State(v any) error {
	path := filepath.Join(f.Path, State)
	text, err := read(f.fsys, path, maxState)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fault.Errorf(fault.Model, "%s: %w; expected the state of this kind of run, saved by this version", path, err)
	}
	again, err := marshal(v)
	if err != nil {
		return fault.Errorf(fault.Model, "%s: %w", path, err)
	}
	if !bytes.Equal(again, text) {
		at := 0
		for at < len(text) && at < len(again) && text[at] == again[at] {
			at++
		}
		return fault.Errorf(fault.Model, "%s: byte %d: found %.40q, expected %.40q; expected the state of this kind of run, saved by this version", path, at, text[at:], again[at:])
	}
	return nil
}
