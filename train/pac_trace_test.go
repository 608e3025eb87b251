package train

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/par"
	"pactune/safetensors"
	"pactune/tensor"
)

// The traces in testdata were recorded by testdata/generate/pac_trace.py, a
// second implementation of PAC-tuning in float64, in which PyTorch
// differentiates the objective and makes the updates.
type pacTraces struct {
	Config   json.RawMessage
	Seed     int
	Stage1   int
	Examples []struct {
		IDs, Types []int32
		Label      int
	}
	Cases []pacTrace
}

type pacTrace struct {
	Name    string
	Options string
	Shrink  float64 // the encoder's matrices are divided by it
	Sigma   []float64
	K       []float64
	Updates []struct {
		Loss, KL, X, K, Gamma, Total float64
		LPac                         float64 `json:"l_pac"`
	}
}

func readTraces(t *testing.T) pacTraces {
	t.Helper()
	var traces pacTraces
	data, err := os.ReadFile("testdata/pac_trace.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &traces); err != nil {
		t.Fatal(err)
	}
	return traces
}

// recorded reads every tensor of a file in float64.
func recorded(t *testing.T, name string) map[string][]float64 {
	t.Helper()
	f, err := safetensors.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tensors := map[string][]float64{}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		size := 1
		for _, n := range x.Shape {
			size *= n
		}
		tensors[name] = make([]float64, size)
		if err := x.Float64s(tensors[name]); err != nil {
			t.Fatal(err)
		}
	}
	return tensors
}

// newTraced makes the trainer of a case before its first update.
func newTraced(t *testing.T, traces pacTraces, c pacTrace) *trainer {
	t.Helper()
	weights := recorded(t, "pac_trace.safetensors")
	for name, w := range weights {
		if strings.HasPrefix(name, "bert.encoder.") && strings.HasSuffix(name, ".weight") && !strings.Contains(name, "LayerNorm") {
			for i := range w {
				w[i] /= c.Shrink
			}
		}
	}
	tr := traces.trainer(t, "method pac "+c.Options, weights)
	if err := tr.measureK(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	tr.stage1 = traces.Stage1
	return tr
}

// trainer makes a trainer of the recorded model and examples on two threads.
func (traces *pacTraces) trainer(t *testing.T, settings string, weights map[string][]float64) *trainer {
	t.Helper()
	data := &glue.Encoded{Data: &glue.Dataset{Path: "made.txt", Problem: glue.SingleLabel, LabelNames: []string{"no", "yes"}, Labelled: true}, Starts: []int{0}}
	for i, x := range traces.Examples {
		data.IDs, data.Types = append(data.IDs, x.IDs...), append(data.Types, x.Types...)
		data.Starts, data.Truncated = append(data.Starts, len(data.IDs)), append(data.Truncated, false)
		data.Data.Examples = append(data.Data.Examples, glue.Example{ID: i, Line: i + 1, Label: x.Label})
	}
	cfg := NewConfig()
	options := strings.Fields(fmt.Sprintf("train_file made.txt model_name_or_path made seed %d %s", traces.Seed, settings))
	for i := 0; i < len(options); i += 2 {
		if err := cfg.Set(options[i], options[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := cfg.Resolve(Facts{TrainRows: data.Rows()}); err != nil {
		t.Fatal(err)
	}
	shape, err := bert.ParseConfig(traces.Config, "pac_trace.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := bert.New(shape, bert.Head(cfg.Head), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Store.Params {
		w := weights[p.Name]
		if len(w) != len(p.Clean) {
			t.Fatalf("%s has %d recorded weights, want %d", p.Name, len(w), len(p.Clean))
		}
		for i, v := range w {
			p.Clean[i] = tensor.Float(v)
		}
	}
	if cfg.FreezeEmbeddings {
		m.Freeze(bert.IsEmbedding)
	}
	pool := par.New(2)
	t.Cleanup(pool.Close)
	tr, err := newTrainer(cfg, m, data, pool)
	if err != nil {
		t.Fatal(err)
	}
	tr.opt.KeepOld = false // dw is to be read after the update
	return tr
}

// tolerances of a build: the worst error of each quantity that is allowed, as
// near measures it. A quantity that is not named is not compared.
type tolerances map[string]float64

// tracer compares a trainer with a trace and keeps the worst error of every
// quantity.
type tracer struct {
	t       *testing.T
	tr      *trainer
	want    map[string][]float64
	allowed tolerances
	worst   map[string]float64
	moments map[string][]float64 // first moments of p and b before the update
}

// near requires |got − want| ≤ tolerance·scale.
func (c *tracer) near(quantity, where string, got, want, scale float64) {
	c.t.Helper()
	allowed, compared := c.allowed[quantity]
	if !compared {
		return
	}
	e := math.Abs(got-want) / scale
	if !(e <= c.worst[quantity]) {
		c.worst[quantity] = e
	}
	if !(e <= allowed) {
		c.t.Errorf("%s, %s: %.17g, recorded %.17g: off by %.3g of %.3g, allowed %.3g", quantity, where, got, want, e, scale, allowed)
	}
}

// sketch compares the norm, the projection on cos(1), cos(2), … and one element
// of x with what was recorded for tensor j in update s, relative to the norm
// and a floor.
func (c *tracer) sketch(quantity, name string, s, j int, x []float64, floor float64) {
	c.t.Helper()
	want := c.want[name][(s*len(c.tr.noise.Tensors)+j)*3:][:3]
	norm, projection := 0.0, 0.0
	for i, v := range x {
		norm += v * v
		projection += v * math.Cos(float64(i+1))
	}
	where := fmt.Sprintf("update %d, %s", s+1, c.tr.noise.Tensors[j].Name)
	scale := want[0] + floor
	c.near(quantity, where+", norm", math.Sqrt(norm), want[0], scale)
	c.near(quantity, where+", projection", projection, want[1], scale)
	c.near(quantity, where+", element", x[(7*s+3)%len(x)], want[2], scale)
}

func wide(x []tensor.Float) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// gradient recovers what an Adam step was fed from its first moment before and
// after: m ← 0.9·m + 0.1·g.
func (c *tracer) gradient(name string, moment []tensor.Float) []float64 {
	now := wide(moment)
	g := make([]float64, len(now))
	for i, m := range now {
		before := 0.0
		if old := c.moments[name]; old != nil {
			before = old[i]
		}
		g[i] = (m - 0.9*before) / 0.1
	}
	c.moments[name] = now
	return g
}

// follow makes the updates of a trace and compares all there is.
func (c *tracer) follow(traces pacTraces, trace pacTrace) {
	n, tr := c.tr.noise, c.tr
	for i, k := range trace.K {
		c.near("K table", fmt.Sprint("knot ", i), tr.table.K[i], k, k)
	}
	union := 10 + 3*float64(len(n.Tensors))
	for s, u := range trace.Updates {
		tr.mustStep(c.t, s)
		where := fmt.Sprint("update ", s+1)
		c.near("loss", where, tr.rec.Loss, u.Loss, u.Loss)
		c.near("total", where, tr.rec.Total, u.Total, u.Total)
		if s < traces.Stage1 {
			terms := tr.bound.Terms
			c.near("KL", where, terms.KL, u.KL, u.KL+union) // as it enters γ and L_pac
			c.near("x", where, terms.Prior, u.X, u.X)
			c.near("K", where, terms.K, u.K, u.K)
			c.near("gamma", where, terms.Gamma, u.Gamma, u.Gamma)
			c.near("L_pac", where, terms.LPac, u.LPac, u.LPac)
			c.noiseGradients(s, u.Gamma*float64(len(traces.Examples)))
		}
		c.states(s)
	}
}

// noiseGradients compares db and dp of update s, mg = mγ. Both are differences
// of terms of n_j/(mγ) and of 1/(mγ), which cancel as p and b meet.
func (c *tracer) noiseGradients(s int, mg float64) {
	n := c.tr.noise
	db := c.gradient("b", n.MB)
	for j, p := range n.Tensors {
		where, want := fmt.Sprintf("update %d, %s", s+1, p.Name), c.want["db"][s*len(db)+j]
		size := float64(len(p.W0))
		c.near("db", where, db[j], want, math.Abs(want)+size/mg)
		dp := c.gradient(p.Name, p.MP)
		if floor := math.Sqrt(size) / mg; len(dp) == 1 {
			c.sketch("dp", "dp", s, j, dp, size/mg)
		} else {
			c.sketch("dp", "dp", s, j, dp, floor)
		}
	}
}

// states compares the gradients of the weights and all states after update s.
func (c *tracer) states(s int) {
	n := c.tr.noise
	last := (s+1)*len(n.B)*3 == len(c.want["w"])
	for j, p := range n.Tensors {
		param, dw := c.tr.model.Store.Param(p.Name), "dw"
		if strings.HasSuffix(p.Name, "key.bias") {
			dw = "dw, key bias"
		} else if s == 0 {
			dw = "dw at first"
		}
		c.sketch(dw, "dw", s, j, wide(param.Grad), 1e-6)
		c.sketch("w", "w", s, j, wide(param.Clean), 0)
		c.sketch("p", "p", s, j, wide(p.P), 0)
		where, want := fmt.Sprintf("update %d, %s", s+1, p.Name), c.want["b"][s*len(n.B)+j]
		c.near("b", where, float64(n.B[j]), want, 1)
		if last {
			c.all("every w", p.Name, param.Clean, c.want["w."+p.Name])
			c.all("every p", p.Name, p.P, c.want["p."+p.Name])
		}
	}
}

// all compares every element, relative to it and to the root mean square.
func (c *tracer) all(quantity, name string, got []tensor.Float, want []float64) {
	c.t.Helper()
	sum := 0.0
	for _, v := range want {
		sum += v * v
	}
	rms := math.Sqrt(sum / float64(len(want)))
	for i, v := range want {
		c.near(quantity, fmt.Sprintf("%s[%d]", name, i), float64(got[i]), v, math.Abs(v)+rms)
	}
}

// quantities are what is compared. "dw at first" are the gradients of the first
// update without those of the keys' biases, which are "dw, key bias" throughout.
var quantities = []string{"K table", "loss", "KL", "x", "K", "gamma", "L_pac", "total", "dp", "db", "dw at first", "dw", "dw, key bias", "w", "p", "b", "every w", "every p"}

// allowedIn are the tolerances of a case in this build.
//
// In float64 all is equal to 1e-8. A key's bias has no gradient but rounding
// residues, because it changes no softmax; Adam makes of them a difference of
// 1e-12 in w, and the KL term e^{−2b}(w − w0)/(mγ) is 10⁵ times as large. In
// the flat case the same holds for b, which starts at a minimum where db = 0:
// Adam makes steps of 1e-7 of residues of 1e-15, from which b is compared
// absolutely, and what depends on b loosely.
//
// In float32 residues of 1e-10 are steps of a hundredth of the rate, so after
// the first update the gradients of the weights are not compared, and the rest
// as Adam magnifies rounding.
func allowedIn(name string) tolerances {
	allowed := tolerances{}
	for _, quantity := range quantities {
		allowed[quantity] = 1e-8
	}
	allowed["dw, key bias"] = 1e-6
	loosen := tolerances{}
	switch {
	case !tensor.F64:
		delete(allowed, "dw")
		delete(allowed, "dw, key bias")
		loosen = tolerances{"K table": 1e-6, "gamma": 1e-6, "loss": 1e-5, "dw at first": 1e-4, "total": 1e-3, "KL": 1e-3, "L_pac": 1e-3,
			"x": 1e-3, "K": 1e-3, "w": 5e-3, "every w": 5e-3, "p": 5e-3, "every p": 5e-3, "b": 0.02, "db": 0.1, "dp": 0.1}
	case name == "flat":
		loosen = tolerances{"loss": 1e-7, "total": 5e-6, "KL": 5e-6, "L_pac": 5e-6, "x": 1e-6, "b": 5e-6, "db": 1e-5, "dp": 1e-5,
			"dw": 1e-3, "dw, key bias": 1e-3, "p": 1e-5, "every p": 1e-5, "w": 1e-7, "every w": 1e-7}
	}
	maps.Copy(allowed, loosen)
	return allowed
}

// 30 updates over both stages have the K table, the loss, the terms of the
// bound, every gradient and every state of an implementation that was written
// from the paper and shares nothing with this one but the random numbers.
func TestPACTrace(t *testing.T) {
	before := asm.Active()
	defer asm.Use(before)
	traces := readTraces(t)
	for _, trace := range traces.Cases {
		for _, isa := range asm.Available() {
			t.Run(fmt.Sprintf("%s/%v", trace.Name, isa), func(t *testing.T) {
				if err := asm.Use(isa); err != nil {
					t.Fatal(err)
				}
				tr := newTraced(t, traces, trace)
				c := &tracer{t: t, tr: tr, want: recorded(t, "pac_trace_"+trace.Name+".safetensors"), allowed: allowedIn(trace.Name),
					worst: map[string]float64{}, moments: map[string][]float64{}}
				c.follow(traces, trace)
				for _, quantity := range quantities {
					if allowed, compared := c.allowed[quantity]; compared {
						t.Logf("%-12s worst %.2g, allowed %.2g", quantity, c.worst[quantity], allowed)
					}
				}
			})
		}
	}
}
