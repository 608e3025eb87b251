package train

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/internal/fault"
	"pactune/tensor"
	"pactune/tokenizer"
)

// modelFolder writes a model that reads a, b, … as words, with a classifier
// when there are labels; change may alter it first.
func modelFolder(t *testing.T, problem string, labels []string, change func(*bert.Model)) string {
	t.Helper()
	tok, err := tokenizer.FromVocab(strings.NewReader("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n"), "vocab.txt", tokenizer.Options{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	config := bert.Config{
		ModelType: "bert", VocabSize: tok.VocabSize(), HiddenSize: 16, Layers: 1, Heads: 2, Intermediate: 16, HiddenAct: "gelu",
		HiddenDropout: 0.25, AttentionDropout: 0.125, MaxPositions: 8, TypeVocab: 2, InitializerRange: 0.5, LayerNormEps: 1e-12,
	}
	head := bert.HeadNone
	if len(labels) > 0 {
		head = bert.HeadPooler
		config.SetLabels(problem, labels)
		config.ProblemType = problem
	}
	m, err := bert.New(config, head, len(labels))
	if err != nil {
		t.Fatal(err)
	}
	m.Initialise(3)
	if change != nil {
		change(m)
	}
	dir := t.TempDir()
	err = WriteModel(func(name string, content func(io.Writer) error) error {
		f, err := os.Create(filepath.Join(dir, name))
		if err == nil {
			err = content(f)
			f.Close()
		}
		return err
	}, m, tok)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeText(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// settings makes a Config from options ("name value …").
func settings(t *testing.T, options string) *Config {
	t.Helper()
	c := NewConfig()
	fields := strings.Fields(options)
	for i := 0; i < len(fields); i += 2 {
		if err := c.Set(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// rteFolder is a dev set of RTE in which 3 of 4 pairs are not entailed.
func rteFolder(t *testing.T) string {
	t.Helper()
	text := "index\tsentence1\tsentence2\tlabel\n"
	for i, label := range []string{"not_entailment", "entailment", "not_entailment", "not_entailment"} {
		text += fmt.Sprintf("%d\ta b\tc\t%s\n", i, label)
	}
	return filepath.Dir(writeText(t, "dev.tsv", text))
}

// alwaysSecond answers with the second label.
func alwaysSecond(m *bert.Model) {
	clear(m.Store.Param("classifier.weight").Clean)
	copy(m.Store.Param("classifier.bias").Clean, []tensor.Float{0, 1})
}

// A label is its name: the order of a model's outputs is its own affair.
func TestEvaluateGoesByTheNamesOfLabels(t *testing.T) {
	data := rteFolder(t)
	for _, c := range []struct {
		labels string
		want   float64 // accuracy of always answering with the second
		note   string
	}{
		{"entailment not_entailment", 0.75, ""},
		{"not_entailment entailment", 0.25, ""},
		{"LABEL_0 LABEL_1", 0.75, `the model's labels ["LABEL_0" "LABEL_1"] are taken for ["entailment" "not_entailment"], in this order`},
		{"no names", 0.75, `the model's labels ["LABEL_0" "LABEL_1"] are taken for ["entailment" "not_entailment"], in this order`},
	} {
		notes := ""
		dir := modelFolder(t, "single_label_classification", strings.Fields(c.labels), func(m *bert.Model) {
			alwaysSecond(m)
			if c.labels == "no names" { // as transformers writes a config.json with two labels
				m.Config.ID2Label, m.Config.Label2ID = nil, nil
			}
		})
		records, err := Evaluate(context.Background(), settings(t, "task_name rte data_dir "+data+" model_name_or_path "+dir),
			Hooks{OnNote: func(text string) { notes += text + "\n" }})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := records[0].Metric("accuracy"); got != c.want {
			t.Errorf("%s: accuracy %v, want %v", c.labels, got, c.want)
		}
		if strings.Contains(notes, "in this order") != (c.note != "") || !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q, want %q", c.labels, notes, c.note)
		}
	}
}

// transformers takes one output without a problem_type for a regression.
func TestEvaluateOneOutput(t *testing.T) {
	dir := modelFolder(t, "", []string{"LABEL_0"}, nil)
	file := writeText(t, "dev.txt", "a\t1.5\nb\t2.5\nc\t0.5\n")
	records, err := Evaluate(context.Background(), settings(t, "validation_file "+file+" model_name_or_path "+dir), Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := records[0].Metric("mse"); !ok {
		t.Errorf("metrics %v, want those of a regression", records[0].Metrics)
	}
}

const twoClasses = "a\tno\nb\tyes\na b\tno\nb a\tyes\nc\tno\nd\tyes\n"

// quick are the options of a small run.
func quick(t *testing.T, model, data string) string {
	return "model_name_or_path " + model + " train_file " + data + " method adamw num_train_epochs 2 per_device_train_batch_size 2 output_dir " +
		filepath.Join(t.TempDir(), "run") + " "
}

func TestRunRefusesAnotherProblem(t *testing.T) {
	model := modelFolder(t, "", nil, nil)
	lists := writeText(t, "train.jsonl", strings.Repeat(`{"text": "a", "label": ["x"]}`+"\n"+`{"text": "b", "label": ["y"]}`+"\n", 4))
	for _, c := range []struct{ data, problem string }{
		{lists, "regression"},
		{lists, "single_label_classification"},
	} {
		_, err := Run(context.Background(), settings(t, quick(t, model, c.data)+"problem_type "+c.problem), nil, Hooks{})
		if fault.KindOf(err) != fault.Usage || !strings.Contains(fmt.Sprint(err), "--problem_type "+c.problem) {
			t.Errorf("%s: %v", c.problem, err)
		}
	}
}

// A model with few positions gets shorter texts unless the user says
// otherwise, and the dropout of its config.json.
func TestRunTakesTheModelsLimits(t *testing.T) {
	model := modelFolder(t, "", nil, nil)
	data := writeText(t, "train.txt", twoClasses+strings.Repeat("a ", 20)+"\tno\n"+strings.Repeat("b ", 20)+"\tyes\n")
	c := settings(t, quick(t, model, data))
	if _, err := Run(context.Background(), c, nil, Hooks{}); err != nil {
		t.Fatal(err)
	}
	if c.MaxSeqLength != 8 || c.From("max_seq_length") != "model" {
		t.Errorf("max_seq_length %d from %s, want the model's 8", c.MaxSeqLength, c.From("max_seq_length"))
	}
	// transformers cuts a text there when it is asked to truncate.
	if text, err := os.ReadFile(filepath.Join(model, "tokenizer_config.json")); err != nil || !strings.Contains(string(text), `"model_max_length": 8,`) {
		t.Errorf("tokenizer_config.json of a model with 8 positions: %v, %s", err, text)
	}
	if _, err := Run(context.Background(), settings(t, quick(t, model, data)+"max_seq_length 9"), nil, Hooks{}); fault.KindOf(err) != fault.Usage {
		t.Errorf("max_seq_length 9: %v", err)
	}
	for options, want := range map[string]bert.Dropout{
		"method adamw":             {Hidden: 0.3, Attention: 0.2, Classifier: 0.3},
		"method adamw dropout 0.1": {Hidden: 0.1, Attention: 0.1, Classifier: 0.1},
		"method adamw dropout 0":   {},
	} {
		c := settings(t, "train_file made.txt model_name_or_path made "+options)
		if err := c.Resolve(Facts{TrainRows: 30}); err != nil {
			t.Fatal(err)
		}
		m := someModel(t, c)
		m.Config.HiddenDropout, m.Config.AttentionDropout = 0.3, 0.2
		tr, err := newTrainer(c, m, someData(30, 50), nil)
		if err != nil {
			t.Fatal(err)
		}
		if tr.drop != want {
			t.Errorf("%s: dropout %+v, want %+v", options, tr.drop, want)
		}
	}
}

// MNLI's two sets have a file of predictions each.
func TestPredictionsOfTwoSets(t *testing.T) {
	f, err := NewFolder(&Config{OutputDir: filepath.Join(t.TempDir(), "run")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	for i, suffix := range []string{"", "_mm"} {
		if err := f.WritePredictions(suffix, []Prediction{{ID: i}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(f.Dir(), "eval_predictions"+suffix+".jsonl"))
		var p struct{ ID int }
		if err != nil || json.Unmarshal(text, &p) != nil || p.ID != i {
			t.Errorf("%q: %s %v", suffix, text, err)
		}
	}
}

// The size of the batches is a matter of speed alone.
func TestEvaluationBatchesDoNotMatter(t *testing.T) {
	tr := newTest(t, 2, "method adamw")
	var first float64
	for i, size := range []int{1, 7, 30} {
		ev, err := tr.forward.evaluate(context.Background(), tr.data, size, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = ev.record.Loss
		}
		if ev.record.Loss != first {
			t.Errorf("batches of %d: loss %v, one by one %v", size, ev.record.Loss, first)
		}
	}
}
