package classify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"pactune/autograd"
	"pactune/bert"
	"pactune/internal/fault"
	"pactune/tensor"
	"pactune/tokenizer"
	"pactune/train"
)

const vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfilm\nfine\ndull\nvery\n##ly\n.\n"

// folder makes a fine-tuned model in memory.
func folder(t testing.TB, problem string, labels []string) (fstest.MapFS, *bert.Model, *tokenizer.Tokenizer) {
	t.Helper()
	tok, err := tokenizer.FromVocab(strings.NewReader(vocabulary), "vocab.txt", tokenizer.Options{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	config := bert.Config{
		ModelType: "bert", VocabSize: tok.VocabSize(), HiddenSize: 16, Layers: 2, Heads: 2, Intermediate: 32,
		HiddenAct: "gelu", MaxPositions: 16, TypeVocab: 2, InitializerRange: 0.5, LayerNormEps: 1e-12,
	}
	config.SetLabels(problem, labels)
	m, err := bert.New(config, bert.HeadPooler, len(labels))
	if err != nil {
		t.Fatal(err)
	}
	m.Initialise(4)
	files := fstest.MapFS{}
	err = train.WriteModel(func(name string, content func(io.Writer) error) error {
		var b bytes.Buffer
		err := content(&b)
		files[name] = &fstest.MapFile{Data: b.Bytes()}
		return err
	}, m, tok)
	if err != nil {
		t.Fatal(err)
	}
	return files, m, tok
}

func loaded(t testing.TB, files fstest.MapFS, o ...Option) *Classifier {
	t.Helper()
	c, err := LoadFS(files, ".", o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var texts = []string{"a fine film .", "a dull, dull film", "very", "", "a very very very very very very very very very very very very very very fine film"}

func TestPredict(t *testing.T) {
	files, m, tok := folder(t, "single_label_classification", []string{"bad", "so-so", "good"})
	c := loaded(t, files, WithThreads(2))
	results, err := c.Predict(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	tape := autograd.NewTape(nil)
	var e tokenizer.Encoding
	for i, r := range results {
		tok.Encode(&e, texts[i], "", false, 16)
		tape.Reset(autograd.Sequences{RowStarts: []int32{0, int32(len(e.IDs))}, ExampleIDs: []uint32{9}}, false)
		logits := m.Logits(tape, e.IDs, e.Types, bert.Dropout{}).Data
		sum, best := 0.0, 0
		for j, z := range logits {
			sum += math.Exp(float64(z))
			if z > logits[best] {
				best = j
			}
		}
		for j, z := range logits {
			// The weights went through float32; probabilities are of order one.
			if want := math.Exp(float64(z)) / sum; math.Abs(r.Scores[j]-want) > 1e-5 {
				t.Errorf("%q: probability of %s is %v, want %v", texts[i], c.Labels()[j], r.Scores[j], want)
			}
		}
		if r.Label != c.Labels()[best] || r.Score != r.Scores[best] || r.Truncated != (i == 4) {
			t.Errorf("%q: %+v, want label %s, truncated %v", texts[i], r, c.Labels()[best], i == 4)
		}
	}
}

// With operands in bfloat16 the scores move, but not far: 2^-8 is the spacing of
// bfloat16, the logits of this model are of order one. A text's answer does not
// depend on the texts beside it.
func TestPrecision(t *testing.T) {
	files, _, _ := folder(t, "single_label_classification", []string{"bad", "so-so", "good"})
	if _, err := LoadFS(files, ".", WithPrecision("fp16")); err == nil || !strings.Contains(err.Error(), "f32 or bf16") {
		t.Errorf("fp16: %v", err)
	}
	if tensor.F64 {
		if _, err := LoadFS(files, ".", WithPrecision("bf16")); err == nil || !strings.Contains(err.Error(), "float64") {
			t.Errorf("bf16 in float64: %v", err)
		}
		return
	}
	want, err := loaded(t, files).Predict(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	c, moved := loaded(t, files, WithPrecision("bf16"), WithThreads(3)), false
	got, err := c.Predict(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		alone, err := c.Predict(context.Background(), texts[i:i+1])
		if err != nil || !reflect.DeepEqual(alone[0], got[i]) {
			t.Errorf("%q: alone %v (%v), among others %v", texts[i], alone, err, got[i])
		}
		for j, p := range got[i].Scores {
			d := math.Abs(p - want[i].Scores[j])
			moved = moved || d > 0
			if !(d < 3*0x1p-8) {
				t.Errorf("%q: probability of %s is %v, in float32 %v", texts[i], c.Labels()[j], p, want[i].Scores[j])
			}
		}
	}
	if !moved {
		t.Error("no score differs from float32's")
	}
}

func TestPairsAreNotTexts(t *testing.T) {
	files, _, _ := folder(t, "single_label_classification", []string{"no", "yes"})
	c := loaded(t, files)
	pairs, err := c.PredictPairs(context.Background(), []Pair{{"a film", "fine"}, {"a film", ""}})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := c.Predict(context.Background(), []string{"a film fine", "a film"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range pairs {
		if pairs[i].Score == alone[i].Score {
			t.Errorf("pair %d has the score of a single text: %v", i, pairs[i].Score)
		}
	}
}

func TestOtherProblems(t *testing.T) {
	files, _, _ := folder(t, "multi_label_classification", []string{"x", "y"})
	r, err := loaded(t, files).Predict(context.Background(), texts[:1])
	if err != nil {
		t.Fatal(err)
	}
	if s := r[0].Scores[0] + r[0].Scores[1]; s == 1 {
		t.Error("the probabilities of a multi-label model add up to one")
	}
	// Every label that is likely is an answer, not only the likeliest.
	c := loaded(t, files)
	seen := map[int]bool{}
	for _, text := range []string{"a fine film", "dull", "very", "a a a", "film . .", "finely", "dull a dull"} {
		r, err := c.Predict(context.Background(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for i, p := range r[0].Scores {
			if p >= 0.5 {
				want = append(want, c.Labels()[i])
			}
		}
		if got := r[0].Labels; got == nil || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q: labels %v, want %v of %v", text, got, want, r[0].Scores)
		}
		seen[len(want)] = true
	}
	if len(seen) < 2 {
		t.Errorf("all texts have %v labels: the test shows nothing", seen)
	}
	files, _, _ = folder(t, "multi_label_classification", []string{"only"})
	if r, err = loaded(t, files).Predict(context.Background(), texts[:1]); err != nil {
		t.Fatal(err)
	}
	if p := r[0].Score; !(p > 0 && p < 1) || (p >= 0.5) != (r[0].Label == "only") || len(r[0].Labels) > 1 {
		t.Errorf("multi-label model of one label: %+v", r)
	}
	files, _, _ = folder(t, "regression", []string{"score"})
	if r, err = loaded(t, files).Predict(context.Background(), texts[:1]); err != nil {
		t.Fatal(err)
	}
	if r[0].Label != "" || len(r[0].Scores) != 1 || r[0].Score != r[0].Scores[0] {
		t.Errorf("regression: %+v", r[0])
	}
}

// Answers have the same bits alone, together, at once and on any number of
// threads.
func TestConcurrentUse(t *testing.T) {
	files, _, _ := folder(t, "single_label_classification", []string{"no", "yes"})
	alone := loaded(t, files)
	want := map[string]float64{}
	for _, text := range texts {
		r, err := alone.Predict(context.Background(), []string{text})
		if err != nil {
			t.Fatal(err)
		}
		want[text] = r[0].Score
	}
	c := loaded(t, files, WithThreads(3))
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 10 {
				ask := texts[(g+i)%len(texts):]
				results, err := c.Predict(context.Background(), ask)
				if err != nil {
					t.Error(err)
					return
				}
				for j, r := range results {
					if r.Score != want[ask[j]] {
						t.Errorf("%q: %v, alone %v", ask[j], r.Score, want[ask[j]])
					}
				}
			}
		}()
	}
	wait.Wait()
}

func TestErrors(t *testing.T) {
	files, _, _ := folder(t, "single_label_classification", []string{"no", "yes"})
	c := loaded(t, files)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Predict(ended, texts); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	c.Close()
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := c.Predict(context.Background(), texts); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	for _, c := range []*Classifier{nil, {}} { // what who passes over Load's error holds
		if _, err := c.Predict(context.Background(), texts); err == nil {
			t.Error("Predict of no model: no error")
		}
		if _, err := c.PredictPairs(context.Background(), []Pair{{"a", "b"}}); err == nil {
			t.Error("PredictPairs of no model: no error")
		}
	}
	for name, spoil := range map[string]func(fstest.MapFS){
		"config.json":       func(f fstest.MapFS) { delete(f, "config.json") },
		"model.safetensors": func(f fstest.MapFS) { f["model.safetensors"].Data = f["model.safetensors"].Data[:5000] },
		"vocabulary":        func(f fstest.MapFS) { delete(f, "tokenizer.json"); f["vocab.txt"].Data = []byte(vocabulary + "more\n") },
		"pooler.dense.weight [16 16] is missing": func(f fstest.MapFS) { // as in a model that classifies tokens
			f["model.safetensors"].Data = bytes.Replace(f["model.safetensors"].Data, []byte("pooler.dense.weight"), []byte("pooler.thick.weight"), 1)
		},
		"classifier": func(f fstest.MapFS) {
			f["model.safetensors"].Data = bytes.Replace(f["model.safetensors"].Data, []byte("classifier.weight"), []byte("clazzifier.weight"), 1)
		},
	} {
		files, _, _ := folder(t, "single_label_classification", []string{"no", "yes"})
		spoil(files)
		_, err := LoadFS(files, ".")
		if !errors.Is(err, ErrModel) || fault.KindOf(err) != fault.Model || !strings.Contains(fmt.Sprint(err), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(t.TempDir()); !errors.Is(err, ErrModel) {
		t.Errorf("empty folder: %v", err)
	}
}

func ExampleLoadFS() {
	files, _, _ := folder(&testing.T{}, "single_label_classification", []string{"no", "yes"})
	c, err := LoadFS(files, ".", WithThreads(2), WithMaxLength(16))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	results, err := c.Predict(context.Background(), []string{"a fine film"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(results[0].Label, len(results[0].Scores))
	// Output: yes 2
}
