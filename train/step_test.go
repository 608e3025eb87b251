package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/autograd"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/internal/profile"
	"pactune/internal/rng"
	"pactune/tensor"
)

// someData is an encoded data set of n random token sequences of 3 to 20
// tokens and two classes.
func someData(n, vocab int) *glue.Encoded {
	key := rng.NewKey(11, 97, 0)
	e := &glue.Encoded{Data: &glue.Dataset{Path: "made.txt", Problem: glue.SingleLabel, LabelNames: []string{"no", "yes"}, Labelled: true}, Starts: []int{0}}
	for i := range n {
		length := 3 + key.Intn(uint64(i), 18)
		for j := range length {
			id := 5 + key.Intn(uint64(1000+100*i+j), vocab-5)
			if j == 0 {
				id = 2
			}
			e.IDs, e.Types = append(e.IDs, int32(id)), append(e.Types, int32(j%2))
		}
		e.Starts = append(e.Starts, len(e.IDs))
		e.Truncated = append(e.Truncated, false)
		e.Data.Examples = append(e.Data.Examples, glue.Example{ID: i, Line: i + 1, Label: i % 2})
	}
	return e
}

func someModel(t testing.TB, c *Config) *bert.Model {
	m, err := bert.New(bert.Config{
		ModelType: "bert", VocabSize: 50, HiddenSize: 32, Layers: 2, Heads: 2, Intermediate: 64, HiddenAct: "gelu",
		MaxPositions: 32, TypeVocab: 2, InitializerRange: 0.2, LayerNormEps: 1e-12,
	}, bert.Head(c.Head), 2)
	if err != nil {
		t.Fatal(err)
	}
	m.Initialise(3)
	if c.FreezeEmbeddings {
		m.Freeze(bert.IsEmbedding)
	}
	return m
}

// newTest makes a trainer from options ("name value …").
func newTest(t testing.TB, threads int, options string) *trainer {
	t.Helper()
	c := NewConfig()
	fields := strings.Fields("train_file made.txt model_name_or_path made per_device_train_batch_size 10 pac_k_samples 5 " + options)
	for i := 0; i < len(fields); i += 2 {
		if err := c.Set(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	data := someData(30, 50)
	if err := c.Resolve(Facts{TrainRows: data.Rows()}); err != nil {
		t.Fatal(err)
	}
	pool := par.New(threads)
	t.Cleanup(pool.Close)
	tr, err := newTrainer(c, someModel(t, c), data, pool)
	if err != nil {
		t.Fatal(err)
	}
	need := forecast(c, tr.model, data, nil, 0, threads)
	tr.forward.tape.Reserve(need.Dry, need.Longest)
	if tr.noise != nil {
		if err := tr.measureK(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func (t *trainer) mustStep(tb testing.TB, s int) {
	tb.Helper()
	if _, err := t.step(s); err != nil {
		tb.Fatal(err)
	}
}

func hashWeights(m *bert.Model) string {
	h := sha256.New()
	for _, p := range m.Store.Params {
		binary.Write(h, binary.LittleEndian, p.Clean)
	}
	return hex.EncodeToString(h.Sum(nil))
}

var methods = map[string]string{
	"pac":              "method pac num_train_epochs 7 pac_stage1_epochs 4",
	"pac, free gamma":  "method pac num_train_epochs 7 pac_stage1_epochs 4 pac_gamma_min 1 pac_gamma_max 10",
	"pac by tensor":    "method pac num_train_epochs 7 pac_stage1_epochs 4 pac_granularity tensor",
	"cwgnc, dropout":   "method cwgnc",
	"adamw, dropout":   "method adamw dropout 0.1",
	"pac+cwgnc, split": "method pac+cwgnc num_train_epochs 7 pac_stage1_epochs 4 gradient_accumulation_steps 3",

	"unfreeze":              "method unfreeze unfreeze_epochs 2",
	"unfreeze, checkpoints": "method unfreeze unfreeze_epochs 2 gradient_checkpointing true",

	"pac, checkpoints":              "method pac num_train_epochs 7 pac_stage1_epochs 4 gradient_checkpointing true",
	"cwgnc, dropout, checkpoints":   "method cwgnc gradient_checkpointing true",
	"adamw, dropout, checkpoints":   "method adamw dropout 0.1 gradient_checkpointing true",
	"pac+cwgnc, split, checkpoints": "method pac+cwgnc num_train_epochs 7 pac_stage1_epochs 4 gradient_accumulation_steps 3 gradient_checkpointing true",
}

// The same with operands in bfloat16, which the float64 build has not.
func init() {
	if !tensor.F64 {
		methods["adamw, bf16"] = "method adamw dropout 0.1 precision bf16"
		methods["pac, bf16"] = "method pac num_train_epochs 7 pac_stage1_epochs 4 precision bf16"
	}
}

// golden are the first digits of the SHA-256 of the weights after 4 updates:
// the same on amd64 with and without GOAMD64=v3, on arm64, with and without
// assembly. In bf16 too, as no partial sum of these runs is subnormal, except with
// BFMMLA and AMX, which add in other orders.
var golden = map[string]string{
	"pac by tensor":    "f6b303df6e0b8ea6",
	"cwgnc, dropout":   "1a44c734c6555f4d",
	"adamw, dropout":   "9619c3d6d2f4e601",
	"pac+cwgnc, split": "9abae2d337281789",
	"pac":              "a7f64d2679680ea9",
	"unfreeze":         "fa7a734a10aa407b",
	"pac, free gamma":  "290f20b7b0970a37",
	"adamw, bf16":      "fd6aa7f98a084a08",
	"pac, bf16":        "5c28a60dd8013315",

	"adamw, bf16, bfmmla": "7a9971cc31fc8316",
	"pac, bf16, bfmmla":   "f16ee327060628e7",
	"adamw, bf16, amx":    "8a8830e184a32852",
	"pac, bf16, amx":      "083099b95a4b43d4",
}

// sums names the hash of a method: its own, with BFMMLA's and AMX's sums another one.
func sums(name, options string) string {
	if isa := asm.Active(); strings.Contains(options, "precision bf16") && (isa == asm.BFMMLA || isa == asm.AMX) {
		return name + ", " + isa.String()
	}
	return name
}

// The weights after 20 updates are the same bits on any number of threads and
// on every instruction set whose sums are the same.
func TestSameBitsEverywhere(t *testing.T) {
	before := asm.Active()
	defer asm.Use(before)
	steps := 20
	if testing.Short() {
		steps = 4
	}
	for name, options := range methods {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{}                       // by the kind of sums
			name := strings.TrimSuffix(name, ", checkpoints") // which change no bit
			check := func(isa asm.ISA, threads int) {
				if err := asm.Use(isa); err != nil {
					t.Fatal(err)
				}
				tr, name := newTest(t, threads, options), sums(name, options)
				for s := range steps {
					tr.mustStep(t, s)
					if s == 3 && !tensor.F64 && hashWeights(tr.model)[:16] != golden[name] {
						t.Errorf("%v on %d threads: after 4 updates the weights are %.16s, recorded %s", isa, threads, hashWeights(tr.model), golden[name])
					}
				}
				got := hashWeights(tr.model)
				if want[name] == "" {
					want[name] = got
				}
				if got != want[name] {
					t.Errorf("%v on %d threads: weights %.16s, first %.16s", isa, threads, got, want[name])
				}
			}
			for _, threads := range []int{1, 2, 3, 8} {
				check(before, threads)
			}
			for _, isa := range asm.Available() {
				check(isa, 2)
			}
			for name, hash := range want {
				t.Logf("%s: weights after %d updates: %.16s", name, steps, hash)
			}
		})
	}
}

// Rounding the operands to 8 bits moves the gradient by about 2^-9 a product, and
// a gradient is some twenty products deep; it must move, and not by much more.
func TestBF16Gradients(t *testing.T) {
	if tensor.F64 {
		t.Skip("the float64 build has no bf16")
	}
	var grads [2][]*autograd.Param
	for i, precision := range []string{"f32", "bf16"} {
		tr := newTest(t, 2, "method adamw dropout 0 precision "+precision)
		if _, err := tr.gradients(0); err != nil {
			t.Fatal(err)
		}
		grads[i] = tr.model.Store.Trainable()
	}
	difference, norm := 0.0, 0.0
	for i, p := range grads[0] {
		for j, g := range p.Grad {
			d := float64(g - grads[1][i].Grad[j])
			difference, norm = difference+d*d, norm+float64(g)*float64(g)
		}
	}
	if e := math.Sqrt(difference / norm); !(e > 0x1p-12 && e < 20*0x1p-9) {
		t.Errorf("the gradient in bf16 is %v of its norm away from float32's", e)
	}
}

// A steady update, its log included, allocates nothing, with --profile too.
func TestSteadyStepAllocatesNothing(t *testing.T) {
	for name, options := range methods {
		t.Run(name, func(t *testing.T) {
			tr := newTest(t, 2, options+" output_dir "+t.TempDir()+"/run max_steps 1000")
			f, err := NewRun(tr.cfg, "made")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Discard()
			f.Start(&Plan{Steps: 1000, LogEvery: 10, StepsPerEpoch: tr.perEpoch})
			s := 0
			update := func() {
				timing, err := tr.step(s)
				if err != nil {
					t.Fatal(err)
				}
				f.Step(&tr.rec, timing)
				if err := f.Log.Err(); err != nil {
					t.Fatal(err)
				}
				tr.logComponents(f.Log)
				s++
			}
			for range 24 { // every micro-batch of an epoch, both stages, a record of components
				update()
			}
			for _, clock := range []*profile.Clock{nil, profile.Start()} {
				tr.profile(clock)
				if n := testing.AllocsPerRun(25, update); n != 0 {
					t.Errorf("%v allocations in an update, profile %v", n, clock != nil)
				}
			}
		})
	}
}

// Micro-batches add up to the whole batch: one draw of noise, one clip and one
// KL term per update, masks by example.
func TestAccumulationDoesNotChangeTheResult(t *testing.T) {
	// float32 sums in another order; Adam's first steps turn a rounding of a
	// gradient near 0 into up to 2·rate, so the gradients are compared.
	tol := 2e-5
	if tensor.F64 {
		tol = 1e-12
	}
	for _, method := range []string{"method adamw", "method pac", "method cwgnc"} {
		var first [][]tensor.Float
		for _, split := range []string{"30 gradient_accumulation_steps 1", "8 gradient_accumulation_steps 4", "7 gradient_accumulation_steps 5"} {
			tr := newTest(t, 2, method+" train_order file per_device_train_batch_size "+split)
			if _, err := tr.gradients(0); err != nil {
				t.Fatal(err)
			}
			var grads [][]tensor.Float
			for _, p := range tr.model.Store.Trainable() {
				grads = append(grads, p.Grad)
			}
			if first == nil {
				first = grads
			}
			for i := range grads {
				norm := math.Sqrt(tensor.SumSquares(first[i]))
				for j := range grads[i] {
					if d := math.Abs(float64(grads[i][j] - first[i][j])); !(d <= tol*(1+norm)) {
						t.Fatalf("%s, batch %s: %s[%d] is %v, in one batch %v", method, split,
							tr.model.Store.Trainable()[i].Name, j, grads[i][j], first[i][j])
					}
				}
			}
		}
	}
}

// NaN stops a run in the same update, the tensor named, the weights untouched.
func TestNaNIsFoundBeforeTheWeightsChange(t *testing.T) {
	nan := tensor.Float(math.NaN())
	for _, c := range []struct{ name, tensor string }{
		{"a weight", "bert.encoder.layer.1.output.dense.weight"},
		{"the head", "classifier.bias"},
	} {
		for _, method := range []string{"method adamw", "method pac num_train_epochs 7 pac_stage1_epochs 4"} {
			tr := newTest(t, 2, method)
			tr.mustStep(t, 0)
			tr.model.Store.Param(c.tensor).Clean[3%len(tr.model.Store.Param(c.tensor).Clean)] = nan
			before := hashWeights(tr.model)
			_, err := tr.step(1)
			if fault.KindOf(err) != fault.Diverged || !strings.Contains(fmt.Sprint(err), c.tensor) {
				t.Errorf("%s, %s: error %v, want one of kind Diverged that names %s", method, c.name, err, c.tensor)
			}
			if hashWeights(tr.model) != before {
				t.Errorf("%s, %s: the weights have changed", method, c.name)
			}
		}
	}
}
