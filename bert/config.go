package bert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"pactune/internal/fault"
	"pactune/internal/strictjson"
	"pactune/tensor"
)

// MaxConfig is the most bytes that a config.json may have; the names of ten thousand
// labels, twice, fit well.
const MaxConfig = 4 << 20

// Config is the part of a Hugging Face config.json that shapes a BERT.
type Config struct {
	ModelType          string            `json:"model_type"`
	Architectures      []string          `json:"architectures,omitempty"`
	VocabSize          int               `json:"vocab_size"`
	HiddenSize         int               `json:"hidden_size"`
	Layers             int               `json:"num_hidden_layers"`
	Heads              int               `json:"num_attention_heads"`
	Intermediate       int               `json:"intermediate_size"`
	HiddenAct          string            `json:"hidden_act"`
	HiddenDropout      float64           `json:"hidden_dropout_prob"`
	AttentionDropout   float64           `json:"attention_probs_dropout_prob"`
	ClassifierDropout  *float64          `json:"classifier_dropout"`
	MaxPositions       int               `json:"max_position_embeddings"`
	TypeVocab          int               `json:"type_vocab_size"`
	InitializerRange   float64           `json:"initializer_range"`
	LayerNormEps       float64           `json:"layer_norm_eps"`
	PadToken           int               `json:"pad_token_id"`
	PositionType       string            `json:"position_embedding_type,omitempty"`
	IsDecoder          bool              `json:"is_decoder,omitempty"`
	ProblemType        string            `json:"problem_type,omitempty"`
	FinetuningTask     string            `json:"finetuning_task,omitempty"`
	ID2Label           map[string]string `json:"id2label,omitempty"`
	Label2ID           map[string]int    `json:"label2id,omitempty"`
	NumLabels          int               `json:"num_labels,omitempty"`
	Head               string            `json:"pactune_head,omitempty"`
	TorchDType         string            `json:"torch_dtype,omitempty"`
	TransformersFormat string            `json:"transformers_version,omitempty"`
}

// sizes are the shapes that have a name.
var sizes = map[string]struct{ layers, hidden, heads int }{
	"tiny":  {2, 128, 2},
	"mini":  {4, 256, 4},
	"small": {4, 512, 8},
	"base":  {12, 768, 12},
	"large": {24, 1024, 16},
}

// SizeNames lists the named shapes from small to large.
func SizeNames() []string {
	var names []string
	for n := range sizes {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := sizes[names[i]], sizes[names[j]]
		return a.layers*a.hidden < b.layers*b.hidden
	})
	return names
}

// Sized returns the configuration of a shape: tiny 2x128, mini 4x256, small
// 4x512, base 12x768, large 24x1024, or any other, layers x width. Heads are 64
// wide, or as many as stand behind a slash, as in 4x256/8.
func Sized(shape string, vocab int) (Config, error) {
	if s, ok := sizes[shape]; ok {
		return sized(s.layers, s.hidden, s.heads, vocab), nil
	}
	var layers, hidden, heads int
	if n, _ := fmt.Sscanf(shape, "%dx%d/%d", &layers, &hidden, &heads); n == 2 {
		heads = max(1, hidden/64)
	}
	if shape != fmt.Sprintf("%dx%d/%d", layers, hidden, heads) && shape != fmt.Sprintf("%dx%d", layers, hidden) {
		return Config{}, fault.Errorf(fault.Usage, "the shape %q is unknown: expected one of %s, or layers x width, as in 4x256, or 4x256/8 with the number of heads",
			shape, strings.Join(SizeNames(), ", "))
	}
	c := sized(layers, hidden, heads, vocab)
	if err := c.check(); err != nil {
		return Config{}, fault.Errorf(fault.Usage, "the shape %s: %w", shape, err)
	}
	return c, nil
}

func sized(layers, hidden, heads, vocab int) Config {
	return Config{
		ModelType: "bert", Architectures: []string{"BertModel"}, VocabSize: vocab,
		HiddenSize: hidden, Layers: layers, Heads: heads, Intermediate: 4 * hidden,
		HiddenAct: "gelu", HiddenDropout: 0.1, AttentionDropout: 0.1, MaxPositions: 512,
		TypeVocab: 2, InitializerRange: 0.02, LayerNormEps: 1e-12, PositionType: "absolute",
	}
}

// ParseConfig reads a config.json; file names it in errors.
func ParseConfig(data []byte, file string) (Config, error) {
	c := Config{
		HiddenAct: "gelu", HiddenDropout: 0.1, AttentionDropout: 0.1, MaxPositions: 512,
		TypeVocab: 2, InitializerRange: 0.02, LayerNormEps: 1e-12, ModelType: "bert",
	}
	err := strictjson.Unmarshal(data, &c)
	var bad *json.UnmarshalTypeError
	if errors.As(err, &bad) {
		return c, fault.Errorf(fault.Model, "%s: byte %d: %s is a JSON %s, expected %s", file, bad.Offset, key(bad.Field), bad.Value, inJSON(bad.Type))
	}
	if err != nil {
		return c, fault.Errorf(fault.Model, "%s: not a model configuration: %w", file, err)
	}
	if err := c.check(); err != nil {
		return c, fault.Errorf(fault.Model, "%s: %w", file, err)
	}
	return c, nil
}

// key names a member of config.json, "" being all of it.
func key(field string) string {
	if field == "" {
		return "the whole"
	}
	return field
}

// inJSON says how a Go type is written in JSON.
func inJSON(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// check bounds every size before anything is allocated.
func (c *Config) check() error {
	if c.ModelType != "bert" {
		return fmt.Errorf("model_type is %q; this program fine-tunes \"bert\"", c.ModelType)
	}
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"vocab_size", c.VocabSize, 1 << 22}, {"hidden_size", c.HiddenSize, 1 << 14},
		{"num_hidden_layers", c.Layers, 1 << 10}, {"num_attention_heads", c.Heads, 1 << 10},
		{"intermediate_size", c.Intermediate, 1 << 17}, {"max_position_embeddings", c.MaxPositions, 1 << 16},
		{"type_vocab_size", c.TypeVocab, 1 << 10},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("%s is %d, expected 1 to %d", f.name, f.value, f.max)
		}
	}
	if c.HiddenSize%c.Heads != 0 {
		return fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.HiddenSize, c.Heads)
	}
	if !(c.LayerNormEps > 0 && c.LayerNormEps < 1) || !(c.InitializerRange > 0 && !math.IsInf(c.InitializerRange, 0)) {
		return fmt.Errorf("layer_norm_eps %g or initializer_range %g is out of range", c.LayerNormEps, c.InitializerRange)
	}
	for _, p := range []float64{c.HiddenDropout, c.AttentionDropout, c.classifierDropout()} {
		if !(p >= 0 && p < 1) {
			return fmt.Errorf("a dropout probability is %g, expected 0 ≤ p < 1", p)
		}
	}
	if c.PositionType != "" && c.PositionType != "absolute" {
		return fmt.Errorf("position_embedding_type is %q; supported is \"absolute\"", c.PositionType)
	}
	switch c.ProblemType {
	case "", "regression", "single_label_classification", "multi_label_classification":
	default:
		return fmt.Errorf("problem_type is %q; there are single_label_classification, multi_label_classification and regression", c.ProblemType)
	}
	if c.IsDecoder {
		return fmt.Errorf("is_decoder is true: attention that sees only earlier tokens is not supported")
	}
	if _, err := c.activation(); err != nil {
		return err
	}
	return nil
}

func (c *Config) activation() (tensor.Activation, error) {
	switch c.HiddenAct {
	case "gelu":
		return tensor.GELU, nil
	case "gelu_new", "gelu_pytorch_tanh":
		return tensor.GELUTanh, nil
	case "relu":
		return tensor.ReLU, nil
	case "silu", "swish":
		return tensor.SiLU, nil
	}
	return 0, fmt.Errorf("hidden_act is %q; supported are gelu, gelu_new, gelu_pytorch_tanh, relu, silu", c.HiddenAct)
}

func (c *Config) classifierDropout() float64 {
	if c.ClassifierDropout != nil {
		return *c.ClassifierDropout
	}
	return c.HiddenDropout
}

// SetLabels writes the label names and the kind of problem ("regression",
// "single_label_classification" or "multi_label_classification") that
// transformers reads.
func (c *Config) SetLabels(problem string, names []string) {
	c.ProblemType, c.NumLabels = problem, len(names)
	c.ID2Label, c.Label2ID = map[string]string{}, map[string]int{}
	for i, n := range names {
		c.ID2Label[strconv.Itoa(i)] = n
		c.Label2ID[n] = i
	}
}

// Labels returns the label names in the order of their ids.
func (c *Config) Labels() ([]string, error) {
	names := make([]string, len(c.ID2Label))
	for id, name := range c.ID2Label {
		i, err := strconv.Atoi(id)
		if err != nil || i < 0 || i >= len(names) || strconv.Itoa(i) != id {
			return nil, fault.Errorf(fault.Model, "config.json: id2label has the id %q, expected 0 to %d", id, len(names)-1)
		}
		names[i] = name
	}
	return names, nil
}

// JSON is the config.json of the model.
func (c *Config) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	return append(data, '\n'), err
}
