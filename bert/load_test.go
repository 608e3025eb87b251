package bert

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
	"pactune/safetensors"
	"pactune/tensor"
)

// folder is a model folder in memory, its tensors and settings changed by
// change.
func folder(t *testing.T, m *Model, change func(tensors []safetensors.Tensor, config map[string]any) []safetensors.Tensor) fstest.MapFS {
	t.Helper()
	data, err := m.Config.JSON()
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	ts := m.Tensors()
	if change != nil {
		ts = change(ts, config)
	}
	if data, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	var weights bytes.Buffer
	if err := safetensors.Write(&weights, ts, nil); err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"config.json": {Data: data}, "model.safetensors": {Data: weights.Bytes()}}
}

func opened(t *testing.T, files fstest.MapFS) *Checkpoint {
	t.Helper()
	c, err := OpenFS(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// equal tells whether the weights of name went through float32 unchanged.
func equal(a, b *Model, name string) bool {
	x, y := a.Store.Param(name).Clean, b.Store.Param(name).Clean
	for i := range x {
		if float32(x[i]) != float32(y[i]) {
			return false
		}
	}
	return true
}

func renamed(old ...string) func([]safetensors.Tensor, map[string]any) []safetensors.Tensor {
	return func(ts []safetensors.Tensor, _ map[string]any) []safetensors.Tensor {
		for i := range ts {
			ts[i].Name = strings.NewReplacer(old...).Replace(ts[i].Name)
		}
		return ts
	}
}

func without(part string) func([]safetensors.Tensor, map[string]any) []safetensors.Tensor {
	return func(ts []safetensors.Tensor, _ map[string]any) (kept []safetensors.Tensor) {
		for _, t := range ts {
			if !strings.Contains(t.Name, part) {
				kept = append(kept, t)
			}
		}
		return kept
	}
}

// Checkpoints of every age and class hold the same weights under other names.
func TestNamesOfCheckpoints(t *testing.T) {
	m := randomModel(t, small, HeadPooler, 3)
	old := []string{"LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta"}
	for name, change := range map[string]func([]safetensors.Tensor, map[string]any) []safetensors.Tensor{
		"task model":              nil,
		"TensorFlow's":            renamed(old...),
		"BertModel":               renamed("bert.", ""),
		"BertModel, TensorFlow's": renamed(append([]string{"bert.", ""}, old...)...),
	} {
		got, err := New(small, HeadPooler, 3)
		if err != nil {
			t.Fatal(err)
		}
		c := opened(t, folder(t, m, change))
		loaded, err := c.Load(got, 1, true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(loaded.New)+len(loaded.Unused) > 0 {
			t.Errorf("%s: new %v, unused %v", name, loaded.New, loaded.Unused)
		}
		for _, p := range m.Store.Params {
			if !equal(m, got, p.Name) {
				t.Errorf("%s: %s differs", name, p.Name)
			}
		}
	}
}

// A new task takes the encoder; the classifier stays only when asked for, and
// a pooler that is missing is drawn from the seed.
func TestLoadForANewTask(t *testing.T) {
	m := randomModel(t, small, HeadPooler, 3)
	load := func(change func([]safetensors.Tensor, map[string]any) []safetensors.Tensor, head Head, labels int, seed uint64, keep bool) (*Model, string) {
		t.Helper()
		got, err := New(small, head, labels)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := opened(t, folder(t, m, change)).Load(got, seed, keep)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range loaded.New {
			names = append(names, p.Name)
		}
		return got, strings.Join(names, " ")
	}
	const classifier, pooler = "classifier.weight classifier.bias", "bert.pooler.dense.weight bert.pooler.dense.bias"
	if _, names := load(nil, HeadPooler, 3, 1, true); names != "" {
		t.Errorf("kept classifier: new %s", names)
	}
	a, names := load(nil, HeadPooler, 2, 1, false)
	if names != classifier {
		t.Errorf("new classifier: new %s", names)
	}
	b, _ := load(nil, HeadPooler, 2, 1, false)
	c, _ := load(nil, HeadPooler, 2, 2, false)
	if !equal(a, b, "classifier.weight") || equal(a, c, "classifier.weight") {
		t.Error("the new classifier is not a function of the seed")
	}
	if _, names := load(without("pooler"), HeadPooler, 2, 1, false); names != pooler+" "+classifier {
		t.Errorf("without a pooler: new %s", names)
	}
	d, names := load(nil, HeadCLS, 2, 1, false)
	if names != classifier || d.Store.Param("bert.pooler.dense.weight") != nil {
		t.Errorf("PAC-tuning's head: new %s", names)
	}
	// Weight and bias are drawn from U(±1/sqrt(H)) = U(±0.25).
	for _, v := range append(d.Store.Param("classifier.weight").Clean, d.Store.Param("classifier.bias").Clean...) {
		if v == 0 || v < -0.25 || v > 0.25 {
			t.Errorf("PAC-tuning's head has the weight %v", v)
		}
	}
}

// A fine-tuned model answers with its own weights or not at all.
func TestRestoreDrawsNothing(t *testing.T) {
	m := randomModel(t, small, HeadPooler, 3)
	for part, says := range map[string]string{
		"pooler.dense.weight": "tensor bert.pooler.dense.weight [16 16] is missing",
		"classifier.bias":     "tensor classifier.bias [3] is missing",
	} {
		got, _ := New(small, HeadPooler, 3)
		err := opened(t, folder(t, m, without(part))).Restore(got)
		if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), says) {
			t.Errorf("without %s: %v", part, err)
		}
	}
	got, _ := New(small, HeadPooler, 3)
	if err := opened(t, folder(t, m, nil)).Restore(got); err != nil || !equal(m, got, "classifier.bias") {
		t.Errorf("whole: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	m := randomModel(t, small, HeadPooler, 3)
	set := func(key string, value any) func([]safetensors.Tensor, map[string]any) []safetensors.Tensor {
		return func(ts []safetensors.Tensor, config map[string]any) []safetensors.Tensor {
			config[key] = value
			return ts
		}
	}
	for says, change := range map[string]func([]safetensors.Tensor, map[string]any) []safetensors.Tensor{
		"tensor bert.encoder.layer.1.output.dense.bias [16] is missing":                                         without("layer.1.output.dense.bias"),
		"tensor bert.encoder.layer.2.attention.self.query.weight [16 16] is missing":                            set("num_hidden_layers", 3),
		"tensor bert.embeddings.word_embeddings.weight has shape [23 16], config.json asks for [24 16]":         set("vocab_size", 24),
		"tensor bert.encoder.layer.0.intermediate.dense.weight has shape [24 16], config.json asks for [48 16]": set("intermediate_size", 48),
		"hidden_size 16 is not a multiple of num_attention_heads 3":                                             set("num_attention_heads", 3),
		"hidden_size is 2147483648, expected 1 to 16384":                                                        set("hidden_size", 1<<31),
		"num_hidden_layers is 0":                    set("num_hidden_layers", 0),
		`model_type is "roberta"`:                   set("model_type", "roberta"),
		`hidden_act is "mish"`:                      set("hidden_act", "mish"),
		`position_embedding_type is "relative_key"`: set("position_embedding_type", "relative_key"),
		`is_decoder is true`:                        set("is_decoder", true),
		`problem_type is "ranking"`:                 set("problem_type", "ranking"),
		"a dropout probability is 1":                set("classifier_dropout", 1),
		"layer_norm_eps 0":                          set("layer_norm_eps", 0),
		"vocab_size is a JSON string":               set("vocab_size", "many"),
	} {
		_, err := OpenFS(folder(t, m, change), ".")
		if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q", err, says)
		}
	}
}

// null stands for a setting that is not there, as transformers writes it.
func TestConfigOfTransformers(t *testing.T) {
	c, err := ParseConfig([]byte(`{"vocab_size": 23, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
		"intermediate_size": 24, "classifier_dropout": null, "problem_type": null, "id2label": null, "hidden_dropout_prob": 0.2,
		"attention_probs_dropout_prob": 0.3, "torch_dtype": "float16", "use_cache": true}`), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Rates(); d.Hidden != 0.2 || d.Attention != 0.3 || d.Classifier != 0.2 {
		t.Errorf("dropout %+v", d)
	}
	m, err := New(c, HeadPooler, 2)
	if err != nil {
		t.Fatal(err)
	}
	if m.Config.TorchDType != "float32" || m.Config.MaxPositions != 512 || m.Config.LayerNormEps != 1e-12 {
		t.Errorf("config %+v", m.Config)
	}
}

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		config string
		width  int
		want   string // or the error
	}{
		{`{"id2label": {"1": "b", "0": "a"}}`, 2, "a b"},
		{`{}`, 2, ""},
		{`{}`, 1, "LABEL_0"},
		{`{"id2label": {"0": "a", "2": "b"}}`, 2, `id2label has the id "2"`},
		{`{"id2label": {"0": "a", "01": "b"}}`, 2, `id2label has the id "01"`},
		{`{"id2label": {"0": "a", "1": "b"}}`, 3, "id2label of config.json names 2 labels, the classifier has 3"},
		{`{"problem_type": "regression", "id2label": {"0": "a", "1": "b"}}`, 2, "the classifier has 2 outputs; expected 1"},
	} {
		m := randomModel(t, small, HeadPooler, c.width)
		checkpoint := opened(t, folder(t, m, func(ts []safetensors.Tensor, config map[string]any) []safetensors.Tensor {
			if err := json.Unmarshal([]byte(c.config), &config); err != nil {
				t.Fatal(err)
			}
			return ts
		}))
		names, err := checkpoint.Labels()
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != c.want || err != nil && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s of width %d: %s, want %s", c.config, c.width, got, c.want)
		}
		if head, width := checkpoint.Head(); head != HeadPooler || width != c.width {
			t.Errorf("head %s of width %d, want pooler of %d", head, width, c.width)
		}
	}
}

func TestOrderLabels(t *testing.T) {
	m := randomModel(t, small, HeadCLS, 3)
	w, b := m.Store.Param("classifier.weight").Clean, m.Store.Param("classifier.bias").Clean
	copy(b, []tensor.Float{10, 11, 12})
	first := append([]tensor.Float(nil), w[:16]...)
	m.OrderLabels([]int{2, 0, 1})
	if b[0] != 12 || b[1] != 10 || b[2] != 11 {
		t.Errorf("biases %v, want 12 10 11", b)
	}
	for i, v := range first {
		if w[16+i] != v {
			t.Fatalf("row 1 of the weights is not what row 0 was")
		}
	}
}
