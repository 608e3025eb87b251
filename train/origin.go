package train

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"sort"
	"strings"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/fault"
)

// Origin is all that a run's result is a function of. A run that goes on must
// have the one with which it started.
type Origin struct {
	Options map[string]string `json:"options"`
	Data    []DataFile        `json:"data"`
	Rows    string            `json:"rows,omitempty"`       // SHA-256 of the tokens and labels
	Vocab   string            `json:"vocabulary,omitempty"` // of the tokeniser's files, of a pretraining
	Weights string            `json:"weights"`              // of the model before the first update
	Config  string            `json:"config"`               // of its config.json

	// Of what the machine was when the run was last saved: another one is warned of.
	Products string `json:"products,omitempty"`
}

func (r *run) describeOrigin() error {
	var err error
	if r.origin, err = OriginOf(r.cfg, listed, r.finish.Data, r.t.model); err != nil {
		return err
	}
	r.origin.Rows = hashRows(append([]*glue.Encoded{r.t.data}, r.evals...))
	return nil
}

// OriginOf is the origin of a run with the options of a table, before its first update.
func OriginOf(c *Config, table []Option, data []DataFile, m *bert.Model) (Origin, error) {
	config, err := m.Config.JSON()
	if err != nil {
		return Origin{}, err
	}
	sum := sha256.Sum256(config)
	return Origin{Options: shaping(c, table), Data: data, Weights: hashModel(m), Config: hex.EncodeToString(sum[:]), Products: c.Products()}, nil
}

// shaping are the options that a result may depend on, as text. The files that
// options name are known by what they hold.
func shaping(c *Config, table []Option) map[string]string {
	values := map[string]string{}
	for i := range table {
		if o := &table[i]; o.bind != nil && o.shapes() {
			values[o.Name] = o.text(c)
		}
	}
	return values
}

// Shapes tells whether a run's result may depend on the value of train's option of
// that name.
func Shapes(name string) bool {
	o, err := lookup(listed, name)
	return err == nil && o.bind != nil && o.shapes()
}

// shapes tells whether a result may depend on the value of the option.
func (o *Option) shapes() bool {
	switch o.Name {
	case "model_name_or_path", "model_revision", "cache_dir", "tokenizer_name",
		"data_dir", "train_file", "validation_file", "test_file", "output_dir", "train_files", "vocab", "model_config", "run_name", "report_to",
		"save_strategy", "save_every", "save_steps", "save_total_limit", "resume":
		return false
	}
	return o.in&InResume == 0
}

// Differs is an error that says how a run that goes on is not the one that
// started, was.
func (o *Origin) Differs(was *Origin, model string) error {
	var names, lines []string
	for name := range was.Options {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if now, then := o.Options[name], was.Options[name]; now != then {
			lines = append(lines, "--"+name+" is "+now+", was "+then)
		}
	}
	if len(lines) > 0 {
		return fault.Errorf(fault.Usage, "the run started with other options: %s; give those, or start another run in a new folder", strings.Join(lines, "; "))
	}
	for i, f := range o.Data {
		if i >= len(was.Data) || f.Use != was.Data[i].Use {
			return fault.Errorf(fault.Data, "%s: the run started without this %s file", f.Path, f.Use)
		}
		if then := was.Data[i]; f.SHA256 != then.SHA256 {
			return fault.Errorf(fault.Data, "%s: its SHA-256 is %s, expected %s: it has changed since the run started; put it back, or start another run in a new folder", f.Path, f.SHA256, then.SHA256)
		}
	}
	switch {
	case len(o.Data) != len(was.Data):
		return fault.Errorf(fault.Data, "%s: the run started with this %s file; expected it again", was.Data[len(o.Data)].Path, was.Data[len(o.Data)].Use)
	case len(o.Options) != len(was.Options):
		return fault.Errorf(fault.Usage, "the run was started by a version of pactune with other options: go on with that one")
	case o.Rows != was.Rows:
		return fault.Errorf(fault.Model, "%s: gives the rows other tokens than those that the run started with: its vocabulary has changed; put it back, or start another run in a new folder", model)
	case o.Vocab != was.Vocab:
		return fault.Errorf(fault.Model, "%s: its vocabulary is not the one that the run started with; put it back, or start another run in a new folder", model)
	case o.Weights != was.Weights || o.Config != was.Config:
		return fault.Errorf(fault.Model, "%s: the base model has changed since the run started (its weights or config.json); put it back, or start another run in a new folder", model)
	}
	return nil
}

// hashRows is the SHA-256 of the tokens and labels of sets of examples.
func hashRows(sets []*glue.Encoded) string {
	h := newNumbers()
	for _, e := range sets {
		for i := range e.Data.Examples {
			x := &e.Data.Examples[i]
			h.add(uint32(e.Len(i)))
			h.add(uint32(x.Label))
			h.add(uint32(math.Float64bits(x.Score)))
			h.add(uint32(math.Float64bits(x.Score) >> 32))
			for _, on := range x.Labels {
				h.add(map[bool]uint32{false: 0, true: 1}[on])
			}
			for j := e.Starts[i]; j < e.Starts[i+1]; j++ {
				h.add(uint32(e.IDs[j])<<8 | uint32(uint8(e.Types[j])))
			}
		}
	}
	return h.sum()
}

// hashModel is the SHA-256 of the weights of a model, as float32 in little-endian order.
func hashModel(m *bert.Model) string {
	h, b := sha256.New(), make([]byte, 1<<16)
	for _, p := range m.Store.Params {
		for w := p.Clean; len(w) > 0; {
			n := min(len(b)/4, len(w))
			for i, x := range w[:n] {
				binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(float32(x)))
			}
			h.Write(b[:4*n])
			w = w[n:]
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// numbers is the SHA-256 of 32-bit words in little-endian order.
type numbers struct {
	hash hash.Hash
	b    []byte
}

func newNumbers() *numbers { return &numbers{sha256.New(), make([]byte, 0, 1<<16)} }

func (n *numbers) add(w uint32) {
	if len(n.b) == cap(n.b) {
		n.hash.Write(n.b)
		n.b = n.b[:0]
	}
	n.b = binary.LittleEndian.AppendUint32(n.b, w)
}

func (n *numbers) sum() string {
	n.hash.Write(n.b)
	return hex.EncodeToString(n.hash.Sum(nil))
}
