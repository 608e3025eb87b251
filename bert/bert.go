// Package bert is the BERT of Devlin et al. (NAACL 2019) for sequence
// classification and regression and for masked language modelling, with the
// names and the numbers of Hugging Face's BertForSequenceClassification and
// BertForMaskedLM.
//
// A Model is parameters and shapes; Logits or MaskedLogits runs it on a tape over
// packed sequences. The tape belongs to its caller, so that one Model serves any
// number of goroutines.
package bert

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"pactune/autograd"
	"pactune/internal/fault"
	"pactune/internal/rng"
	"pactune/nn"
	"pactune/tensor"
)

// Head is what stands on the encoder.
type Head string

const (
	// HeadNone is the encoder with its pooler and no classifier: what a
	// pretrained checkpoint holds.
	HeadNone Head = "none"
	// HeadPooler is tanh(W·[CLS] + b), dropout and a linear layer, as in
	// BertForSequenceClassification.
	HeadPooler Head = "pooler"
	// HeadCLS is a linear layer on the [CLS] vector, without a pooler, as the
	// PAC-tuning paper has it. transformers reads such a model as
	// BertForTokenClassification, whose logits of the first token these are.
	HeadCLS Head = "cls"
	// HeadMLM guesses masked tokens, as in BertForMaskedLM: dense, activation and
	// LayerNorm, then the word embeddings as a linear layer. There is no pooler.
	HeadMLM Head = "mlm"
)

// Model is a BERT with a head.
type Model struct {
	Config Config
	Store  *nn.Store

	act        tensor.Activation
	word       *autograd.Param
	position   *autograd.Param
	types      *autograd.Param
	norm       nn.LayerNorm
	layers     []layer
	pooler     nn.Linear
	classifier nn.Linear
	mlm        masked
}

// masked is the head of masked language modelling. Its decoder is the table of
// word embeddings with a bias of its own.
type masked struct {
	bias      *autograd.Param
	transform nn.Linear
	norm      nn.LayerNorm
}

type layer struct {
	query, key, value nn.Linear
	attention         nn.Linear
	attentionNorm     nn.LayerNorm
	intermediate      nn.Linear
	output            nn.Linear
	outputNorm        nn.LayerNorm
}

// New declares a model and lays out its memory; the weights are zero. labels is
// the width of the classifier (1 for regression).
func New(c Config, head Head, labels int) (*Model, error) {
	m, err := Declare(c, head, labels)
	if err == nil {
		m.Store.Allocate()
	}
	return m, err
}

// Declare is New without the memory: the model may run on a tape that computes
// nothing. Store.Allocate makes it whole.
func Declare(c Config, head Head, labels int) (*Model, error) {
	if err := c.check(); err != nil {
		return nil, fault.Errorf(fault.Model, "config.json: %w", err)
	}
	return declare(c, head, labels), nil
}

func declare(c Config, head Head, labels int) *Model {
	c.Head = ""
	if head == HeadCLS {
		c.Head = string(HeadCLS)
	}
	c.TorchDType = "float32" // of what Tensors writes, whatever c was read with
	m := &Model{Config: c, Store: nn.NewStore()}
	m.act, _ = c.activation()
	normal := nn.Normal(c.InitializerRange)
	h := c.HiddenSize

	b := m.Store.Scope("bert")
	e := b.Scope("embeddings")
	m.word = e.Param("word_embeddings.weight", normal, c.VocabSize, h)
	m.position = e.Param("position_embeddings.weight", normal, c.MaxPositions, h)
	m.types = e.Param("token_type_embeddings.weight", normal, c.TypeVocab, h)
	m.norm = nn.NewLayerNorm(e.Scope("LayerNorm"), h, c.LayerNormEps)
	for i := range c.Layers {
		s := b.Scope(fmt.Sprintf("encoder.layer.%d", i))
		m.layers = append(m.layers, layer{
			query:         nn.NewLinear(s.Scope("attention.self.query"), h, h, normal),
			key:           nn.NewLinear(s.Scope("attention.self.key"), h, h, normal),
			value:         nn.NewLinear(s.Scope("attention.self.value"), h, h, normal),
			attention:     nn.NewLinear(s.Scope("attention.output.dense"), h, h, normal),
			attentionNorm: nn.NewLayerNorm(s.Scope("attention.output.LayerNorm"), h, c.LayerNormEps),
			intermediate:  nn.NewLinear(s.Scope("intermediate.dense"), h, c.Intermediate, normal),
			output:        nn.NewLinear(s.Scope("output.dense"), c.Intermediate, h, normal),
			outputNorm:    nn.NewLayerNorm(s.Scope("output.LayerNorm"), h, c.LayerNormEps),
		})
	}
	if head == HeadNone || head == HeadPooler {
		m.pooler = nn.NewLinear(b.Scope("pooler.dense"), h, h, normal)
	}
	switch head {
	case HeadPooler:
		m.classifier = nn.NewLinear(m.Store.Scope("classifier"), h, labels, normal)
	case HeadCLS:
		bound := nn.Uniform(1 / math.Sqrt(float64(h)))
		s := m.Store.Scope("classifier")
		m.classifier = nn.Linear{Weight: s.Param("weight", bound, labels, h), Bias: s.Param("bias", bound, labels)}
	case HeadMLM:
		s := m.Store.Scope("cls.predictions")
		m.mlm = masked{
			bias:      s.Param("bias", nn.Constant(0), c.VocabSize),
			transform: nn.NewLinear(s.Scope("transform.dense"), h, h, normal),
			norm:      nn.NewLayerNorm(s.Scope("transform.LayerNorm"), h, c.LayerNormEps),
		}
	}
	return m
}

// IsHead tells whether a parameter belongs to the classifier, which is new
// when a pretrained model is fine-tuned, or to the head of masked language
// modelling.
func IsHead(name string) bool {
	return strings.HasPrefix(name, "classifier.") || strings.HasPrefix(name, "cls.predictions.")
}

// IsEmbedding tells whether a parameter belongs to the embeddings or their
// LayerNorm.
func IsEmbedding(name string) bool { return strings.HasPrefix(name, "bert.embeddings.") }

// LayerOf returns the encoder layer, from 0, of the parameter of that name. The
// embeddings count to the first layer; pooler and head are Layers, above the last.
func (c *Config) LayerOf(name string) int {
	if IsEmbedding(name) {
		return 0
	}
	if rest, ok := strings.CutPrefix(name, "bert.encoder.layer."); ok {
		number, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil {
			return n
		}
	}
	return c.Layers
}

// Freeze freezes every parameter whose name f accepts.
func (m *Model) Freeze(f func(name string) bool) {
	for _, p := range m.Store.Params {
		p.Frozen = f(p.Name)
	}
}

// Labels returns the width of the classifier.
func (m *Model) Labels() int { return m.classifier.Weight.Shape[0] }

// OrderLabels moves the outputs of the classifier: output i becomes what output
// order[i] was.
func (m *Model) OrderLabels(order []int) {
	for _, p := range []*autograd.Param{m.classifier.Weight, m.classifier.Bias} {
		old, n := append([]tensor.Float(nil), p.Clean...), p.Len()/p.Shape[0]
		for i, from := range order {
			copy(p.Clean[i*n:(i+1)*n], old[from*n:(from+1)*n])
		}
	}
}

// Dropout is the dropout of one training step: the rates of config.json, or
// their replacements, under a key folded from (seed, StreamDropout, step). The
// zero value is none.
type Dropout struct {
	Hidden, Attention, Classifier float64
	Key                           rng.Key
}

// Rates returns the dropout rates of the configuration, without a key.
func (c *Config) Rates() Dropout {
	return Dropout{Hidden: c.HiddenDropout, Attention: c.AttentionDropout, Classifier: c.classifierDropout()}
}

// The sites of dropout: two for the model, then three per layer.
const (
	siteEmbeddings = 0
	siteClassifier = 1
	siteLayers     = 2
)

func (d Dropout) at(rate float64, site int) autograd.Dropout {
	if rate == 0 {
		return autograd.Dropout{}
	}
	return autograd.Dropout{Rate: rate, Key: d.Key.Fold(uint32(site))}
}

// Logits runs the model on the sequences of t's last Reset. ids and typeIDs
// have one entry per token; the result is (B, Labels).
func (m *Model) Logits(t *autograd.Tape, ids, typeIDs []int32, d Dropout) *autograd.Var {
	cls := t.FirstTokens(m.encode(t, ids, typeIDs, d))
	if m.pooler.Weight != nil {
		cls = m.pooler.ForwardAct(t, cls, tensor.Tanh)
	}
	cls = t.Dropout(cls, d.at(d.Classifier, siteClassifier))
	return m.classifier.Forward(t, cls)
}

// MaskedLogits runs a model with HeadMLM on the sequences of t's last Reset and
// returns the logits of every token of the vocabulary at the masked places only:
// at (M) indexes rows of the batch, the result is (M, V).
// autograd.TokenCrossEntropy is its loss. ids and typeIDs as in Logits; the
// head has no dropout.
func (m *Model) MaskedLogits(t *autograd.Tape, ids, typeIDs, at []int32, d Dropout) *autograd.Var {
	x := t.Rows(m.encode(t, ids, typeIDs, d), at)
	t.ReleaseBefore(x)
	x = m.mlm.transform.ForwardAct(t, x, m.act)
	x = m.mlm.norm.AddForward(t, x, nil, autograd.Dropout{})
	return t.Linear(x, m.word, m.mlm.bias)
}

// encode returns the last hidden states (N, H).
func (m *Model) encode(t *autograd.Tape, ids, typeIDs []int32, d Dropout) *autograd.Var {
	x := t.Embed(m.word, m.position, m.types, ids, typeIDs)
	x = m.norm.AddForward(t, x, nil, autograd.Dropout{})
	x = t.Dropout(x, d.at(d.Hidden, siteEmbeddings))
	for i := range m.layers {
		t.Checkpoint(x) // and not after the last layer, whose values are read at once
		x = m.layer(t, i, x, d)
		t.ReleaseBefore(x)
	}
	return x
}

// layer is one post-norm encoder layer: x (N, H) → (N, H).
func (m *Model) layer(t *autograd.Tape, i int, x *autograd.Var, d Dropout) *autograd.Var {
	l, site := &m.layers[i], siteLayers+3*i
	headDim := m.Config.HiddenSize / m.Config.Heads
	a := t.Attention(l.query.Forward(t, x), l.key.Forward(t, x), l.value.Forward(t, x), autograd.Heads{
		Heads: m.Config.Heads, HeadDim: headDim, Scale: 1 / math.Sqrt(float64(headDim)),
		Dropout: d.at(d.Attention, site),
	})
	x = l.attentionNorm.AddForward(t, l.attention.Forward(t, a), x, d.at(d.Hidden, site+1))
	h := l.intermediate.ForwardAct(t, x, m.act)
	y := l.output.Forward(t, h)
	t.Recompute(h) // a quarter of the layer's values, for a hundredth of the time
	return l.outputNorm.AddForward(t, y, x, d.at(d.Hidden, site+2))
}
