package nn

import (
	"math"
	"strings"
	"testing"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/internal/rng"
	"pactune/safetensors"
	"pactune/tensor"
)

// tensors is a Source in memory.
type tensors []safetensors.Tensor

func (s tensors) Names() []string {
	var names []string
	for _, t := range s {
		names = append(names, t.Name)
	}
	return names
}

func (s tensors) Tensor(name string) (safetensors.Tensor, bool) {
	for _, t := range s {
		if t.Name == name {
			return t, true
		}
	}
	return safetensors.Tensor{}, false
}

func ramp(name string, from float32, shape ...int) safetensors.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = from + float32(i)
	}
	return safetensors.FromFloat32s(name, shape, v)
}

// declared returns a store with a layer and its norm.
func declared() *Store {
	s := NewStore()
	NewLinear(s.Scope("m").Scope("dense"), 3, 2, Normal(1))
	NewLayerNorm(s.Scope("m.norm"), 2, 1e-12)
	s.Allocate()
	return s
}

func all() tensors {
	return tensors{ramp("m.dense.weight", 1, 2, 3), ramp("m.dense.bias", 10, 2),
		ramp("m.norm.weight", 20, 2), ramp("m.norm.bias", 30, 2)}
}

func itself(name string) []string { return []string{name} }
func never(string) bool           { return false }

func TestLoad(t *testing.T) {
	s := declared()
	loaded, err := s.Load(append(all(), ramp("other", 0, 1)), "f", itself, never)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]tensor.Float{"m.dense.weight": 6, "m.dense.bias": 11, "m.norm.weight": 21, "m.norm.bias": 31} {
		v := s.Param(name).Clean
		if v[len(v)-1] != want {
			t.Errorf("%s ends in %v, want %v", name, v[len(v)-1], want)
		}
	}
	if len(loaded.New) != 0 || len(loaded.Unused) != 1 || loaded.Unused[0] != "other" {
		t.Errorf("loaded %+v, want nothing new and other unused", loaded)
	}
}

// The first of several names counts, and a parameter without any is new where
// that is allowed.
func TestLoadByOtherNames(t *testing.T) {
	s := declared()
	src := append(all()[:2], ramp("norm.gamma", 40, 2), ramp("m.norm.weight", 50, 2))
	names := func(name string) []string {
		if name == "m.norm.weight" {
			return []string{name, "norm.gamma"}
		}
		return itself(name)
	}
	loaded, err := s.Load(src, "f", names, func(name string) bool { return name == "m.norm.bias" })
	if err != nil {
		t.Fatal(err)
	}
	if v := s.Param("m.norm.weight").Clean[0]; v != 50 {
		t.Errorf("m.norm.weight begins with %v, want 50: its own name comes first", v)
	}
	if len(loaded.New) != 1 || loaded.New[0].Name != "m.norm.bias" || len(loaded.Unused) != 1 {
		t.Errorf("loaded %+v, want m.norm.bias new and norm.gamma unused", loaded)
	}
}

func TestLoadRefuses(t *testing.T) {
	nan := all()
	nan[0] = safetensors.FromFloat32s("m.dense.weight", []int{2, 3}, []float32{0, 0, 0, 0, float32(math.Inf(1)), 0})
	wrong := all()
	wrong[1] = ramp("m.dense.bias", 0, 3)
	turned := all()
	turned[0] = ramp("m.dense.weight", 0, 3, 2)
	for _, c := range []struct {
		src  tensors
		kind fault.Kind
		says string
	}{
		{all()[:3], fault.Model, "tensor m.norm.bias [2] is missing"},
		{append(all()[:3], ramp("x.norm.bias", 0, 2)), fault.Model, "the file holds x.norm.bias"},
		{wrong, fault.Model, "tensor m.dense.bias has shape [3], config.json asks for [2]"},
		{turned, fault.Model, "tensor m.dense.weight has shape [3 2], config.json asks for [2 3]"},
		{nan, fault.Diverged, "tensor m.dense.weight: element 4 is +Inf"},
	} {
		_, err := declared().Load(c.src, "f", itself, never)
		if err == nil || fault.KindOf(err) != c.kind || !strings.HasPrefix(err.Error(), "f: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v; want %q", c.src.Names(), err, c.says)
		}
	}
}

// What Tensors gives, Load reads.
func TestTensorsRoundTrip(t *testing.T) {
	s := declared()
	if _, err := s.Load(all(), "f", itself, never); err != nil {
		t.Fatal(err)
	}
	again := declared()
	if _, err := again.Load(tensors(s.Tensors()), "f", itself, never); err != nil {
		t.Fatal(err)
	}
	for i, p := range s.Params {
		for j, v := range p.Clean {
			if again.Params[i].Clean[j] != v {
				t.Errorf("%s[%d] is %v, want %v", p.Name, j, again.Params[i].Clean[j], v)
			}
		}
	}
}

// A tensor's first values are a function of seed, stream and name, whatever
// else the store holds.
func TestInitialise(t *testing.T) {
	one, two := NewStore(), NewStore()
	two.Scope("first").Param("w", Constant(3), 7)
	a := one.Scope("m").Param("w", Normal(0.02), 40, 50)
	b := two.Scope("m").Param("w", Normal(0.02), 40, 50)
	u := two.Scope("m").Param("u", Uniform(0.1), 2000)
	one.Allocate()
	two.Allocate()
	one.Initialise(a, 1, rng.StreamInit)
	two.Initialise(b, 1, rng.StreamInit)
	two.Initialise(u, 1, rng.StreamInit)
	for i := range a.Clean {
		if a.Clean[i] != b.Clean[i] {
			t.Fatalf("element %d is %v alone and %v in company", i, a.Clean[i], b.Clean[i])
		}
	}
	// 2,000 draws: the standard error of the std is 1.6 %, five of them 8 %.
	if std := math.Sqrt(tensor.SumSquares(a.Clean) / 2000); math.Abs(std-0.02) > 0.0016 {
		t.Errorf("std %v of N(0, 0.02²)", std)
	}
	if std := math.Sqrt(tensor.SumSquares(u.Clean) / 2000); math.Abs(std-0.1/math.Sqrt(3)) > 0.005 {
		t.Errorf("std %v of U(±0.1)", std)
	}
	for _, v := range u.Clean {
		if v < -0.1 || v > 0.1 {
			t.Fatalf("%v in U(±0.1)", v)
		}
	}
	two.Initialise(b, 2, rng.StreamInit)
	if a.Clean[0] == b.Clean[0] {
		t.Error("two seeds give the same values")
	}
}

func TestFrozenParamsHaveNoGradient(t *testing.T) {
	s := declared()
	s.Param("m.dense.weight").Frozen = true
	s.AllocateGrads()
	if s.Param("m.dense.weight").Grad != nil || len(s.Trainable()) != 3 {
		t.Error("a frozen parameter got a gradient")
	}
	if every, trained := s.Len(); every != 12 || trained != 6 {
		t.Errorf("%d weights, %d trained, want 12 and 6", every, trained)
	}
	s.Param("m.norm.bias").Grad[1] = 5
	s.ZeroGrad()
	if s.Param("m.norm.bias").Grad[1] != 0 {
		t.Error("ZeroGrad left a gradient")
	}
}

// A layer is y = x·Wᵀ + b.
func TestLinearForward(t *testing.T) {
	s := NewStore()
	l := NewLinear(s.Scope("l"), 2, 1, Constant(0))
	s.Allocate()
	copy(l.Weight.Clean, []Float{2, 3})
	l.Bias.Clean[0] = 1
	tape := autograd.NewTape(nil)
	tape.Reset(autograd.Sequences{RowStarts: []int32{0, 1}, ExampleIDs: []uint32{0}}, false)
	if y := l.Forward(tape, tape.Input(1, 2, []Float{5, 7})).Data[0]; y != 2*5+3*7+1 {
		t.Errorf("y = %v, want 32", y)
	}
	defer func() {
		if recover() == nil {
			t.Error("a second parameter of one name was accepted")
		}
	}()
	NewLinear(s.Scope("l"), 2, 1, Constant(0))
}
