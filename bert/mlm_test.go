package bert

import (
	"strings"
	"testing"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/internal/par"
	"pactune/safetensors"
	"pactune/tensor"
)

const mlmHead = "cls.predictions.bias cls.predictions.transform.dense.weight cls.predictions.transform.dense.bias " +
	"cls.predictions.transform.LayerNorm.weight cls.predictions.transform.LayerNorm.bias"

// decoder spells out the tied tensors of a checkpoint and changes element at of
// the one named, if any; without says which other tensor is left out.
func decoder(changed string, at int, left string) func([]safetensors.Tensor, map[string]any) []safetensors.Tensor {
	return func(ts []safetensors.Tensor, _ map[string]any) (out []safetensors.Tensor) {
		for _, t := range ts {
			if t.Name != left {
				out = append(out, t)
			}
			for name, of := range map[string]string{"cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.bias": "cls.predictions.bias"} {
				if t.Name == of {
					v := make([]float32, t.Elements())
					if err := t.Float32s(v); err != nil {
						panic(err)
					}
					if name == changed {
						v[at]++
					}
					out = append(out, safetensors.FromFloat32s(name, t.Shape, v))
				}
			}
		}
		return out
	}
}

// The head comes back from every form of checkpoint; one without it, or with a
// part of it, gets what is missing drawn from the seed, and says so.
func TestMaskedCheckpoints(t *testing.T) {
	m := randomModel(t, small, HeadMLM, 0)
	if m.Architecture() != "BertForMaskedLM" || m.Store.Param("bert.pooler.dense.weight") != nil {
		t.Errorf("architecture %s, pooler %v", m.Architecture(), m.Store.Param("bert.pooler.dense.weight"))
	}
	old := []string{"LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta"}
	for name, c := range map[string]struct {
		from   *Model
		change func([]safetensors.Tensor, map[string]any) []safetensors.Tensor
		fresh  string
		unused string
	}{
		"tied":                    {m, nil, "", ""},
		"TensorFlow's":            {m, renamed(old...), "", ""},
		"with a decoder":          {m, decoder("", 0, ""), "", ""},
		"only the decoder's bias": {m, decoder("", 0, "cls.predictions.bias"), "", ""},
		"BertModel":               {randomModel(t, small, HeadNone, 0), nil, mlmHead, "pooler.dense.bias pooler.dense.weight"},
		"half a head":             {m, without("transform.dense"), "cls.predictions.transform.dense.weight cls.predictions.transform.dense.bias", ""},
	} {
		var first *Model
		for _, seed := range []uint64{1, 1, 2} {
			got, err := New(small, HeadMLM, 0)
			if err != nil {
				t.Fatal(err)
			}
			checkpoint := opened(t, folder(t, c.from, c.change))
			loaded, err := checkpoint.Load(got, seed, true)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var fresh []string
			for _, p := range loaded.New {
				fresh = append(fresh, p.Name)
			}
			if f, u := strings.Join(fresh, " "), strings.Join(loaded.Unused, " "); f != c.fresh || u != c.unused {
				t.Errorf("%s: new %q, unused %q; want %q, %q", name, f, u, c.fresh, c.unused)
			}
			if lacks := strings.Join(checkpoint.Lacks(got), " "); lacks != c.fresh {
				t.Errorf("%s: lacks %q, want %q", name, lacks, c.fresh)
			}
			for _, p := range got.Store.Params {
				if !strings.Contains(c.fresh, p.Name) && !equal(c.from, got, p.Name) {
					t.Errorf("%s: %s differs", name, p.Name)
				}
			}
			const drawn = "cls.predictions.transform.dense.weight"
			if first == nil {
				first = got
			} else if same := equal(first, got, drawn); same != (seed == 1 || c.fresh == "") {
				t.Errorf("%s: the new head is not a function of the seed", name)
			}
		}
	}
}

// Fine-tuning takes the encoder of a masked language model.
func TestFineTuneAMaskedModel(t *testing.T) {
	m := randomModel(t, small, HeadMLM, 0)
	checkpoint := opened(t, folder(t, m, nil))
	if head, width := checkpoint.Head(); head != HeadNone || width != 0 {
		t.Errorf("head %s of width %d, want none", head, width)
	}
	for head, want := range map[Head]string{
		HeadPooler: "bert.pooler.dense.weight bert.pooler.dense.bias classifier.weight classifier.bias",
		HeadCLS:    "classifier.weight classifier.bias",
	} {
		got, err := New(small, head, 2)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := checkpoint.Load(got, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		var fresh []string
		for _, p := range loaded.New {
			fresh = append(fresh, p.Name)
		}
		if f := strings.Join(fresh, " "); f != want || len(loaded.Unused) != 5 || !equal(m, got, "bert.encoder.layer.1.output.dense.weight") {
			t.Errorf("%s: new %q, unused %v; want %q and the head unused", head, f, loaded.Unused, want)
		}
	}
}

func TestMaskedCheckpointsRefused(t *testing.T) {
	m := randomModel(t, small, HeadMLM, 0)
	for says, change := range map[string]func([]safetensors.Tensor, map[string]any) []safetensors.Tensor{
		"cls.predictions.decoder.weight differs from bert.embeddings.word_embeddings.weight": decoder("cls.predictions.decoder.weight", 40, ""),
		"cls.predictions.decoder.bias differs from cls.predictions.bias":                     decoder("cls.predictions.decoder.bias", 22, ""),
		"tensor cls.predictions.transform.dense.bias [16] is missing":                        without("transform.dense.bias"),
	} {
		got, _ := New(small, HeadMLM, 0)
		checkpoint := opened(t, folder(t, m, change))
		if err := checkpoint.Restore(got); fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q", err, says)
		}
		_, err := checkpoint.Load(got, 1, true)
		if missing := strings.Contains(says, "missing"); missing != (err == nil) {
			t.Errorf("Load: %v; want %q", err, says)
		}
	}
}

// maskedStep is one pass of training: the losses, every gradient, and the peak of
// the memory.
func maskedStep(t *testing.T, tape *autograd.Tape, m *Model) (numbers []float64, peak int) {
	t.Helper()
	b, at, targets := someBatch(), []int32{1, 7, 9, 10}, []int32{5, 9, 22, 0}
	d := small.Rates()
	d.Hidden = 0.3
	m.Store.ZeroGrad()
	tape.Reset(b.seqs, true)
	l := tape.TokenCrossEntropy(m.MaskedLogits(tape, b.ids, b.types, at, d), targets, 0.25)
	tape.Backward()
	numbers = append(numbers, l.PerExample...)
	for _, p := range m.Store.Params {
		for _, g := range p.Grad {
			numbers = append(numbers, float64(g))
		}
	}
	_, peak = tape.Bytes()
	return numbers, peak
}

// A step is the same bits on any number of threads and with checkpointing, and
// a dry tape knows its memory.
func TestMaskedStep(t *testing.T) {
	m := randomModel(t, small, HeadMLM, 0)
	m.Store.AllocateGrads()
	var first []float64
	for _, threads := range []int{1, 2, 8} {
		for _, checkpointing := range []bool{false, true} {
			pool := par.New(threads)
			tape, dry := autograd.NewTape(pool), autograd.NewTape(par.Dry(threads))
			tape.Poison()
			tape.Checkpointing, dry.Checkpointing = checkpointing, checkpointing
			got, peak := maskedStep(t, tape, m)
			if first == nil {
				first = got
			}
			for i, v := range got {
				if v != first[i] {
					t.Fatalf("number %d is %v on %d threads, checkpointing %v; %v on one", i, v, threads, checkpointing, first[i])
				}
			}
			if _, forecast := maskedStep(t, dry, m); forecast != peak {
				t.Errorf("peak %d bytes, forecast %d", peak, forecast)
			}
			pool.Close()
		}
	}
}

// The gradient of the whole model in one random direction, word embeddings with
// both their uses; and no gradient where no token is masked.
func TestMaskedGradient(t *testing.T) {
	if !tensor.F64 {
		t.Skip("central differences need float64: run with -tags f64")
	}
	m := randomModel(t, small, HeadMLM, 0)
	m.Store.AllocateGrads()
	tape, b := autograd.NewTape(nil), someBatch()
	loss := func(record bool, at, targets []int32) float64 {
		tape.Reset(b.seqs, record)
		return tape.TokenCrossEntropy(m.MaskedLogits(tape, b.ids, b.types, at, Dropout{}), targets, 1).Sum
	}
	at, targets := []int32{1, 7, 9, 10}, []int32{5, 9, 22, 0}
	loss(true, at, targets)
	tape.Backward()
	var x, dx, u [][]tensor.Float
	for _, p := range m.Store.Params {
		v := make([]tensor.Float, p.Len())
		for j, w := range goldenUniform("direction/"+p.Name, len(v)) {
			v[j] = tensor.Float(w)
		}
		x, dx, u = append(x, p.Data), append(dx, p.Grad), append(u, v)
	}
	// 1e-6: truncation of h² = 1e-10 times the third derivative along a direction
	// of length 30.
	if e := autograd.DirectionalError(func() float64 { return loss(false, at, targets) }, x, dx, u, 1e-5); !(e < 1e-6) {
		t.Errorf("error %g", e)
	}
	m.Store.ZeroGrad()
	if l := loss(true, nil, nil); l != 0 {
		t.Errorf("loss %v of no tokens", l)
	}
	tape.Backward()
	for _, p := range m.Store.Params {
		for i, g := range p.Grad {
			if g != 0 {
				t.Fatalf("no token is masked, and %s[%d] has the gradient %v", p.Name, i, g)
			}
		}
	}
}
