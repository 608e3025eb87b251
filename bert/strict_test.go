package bert

import (
	"strings"
	"testing"

	"pactune/internal/fault"
)

// A config.json that two programs would read in two ways is refused, with the
// place.
func TestConfigIsReadStrictly(t *testing.T) {
	const rest = `"vocab_size":8,"num_hidden_layers":1,"num_attention_heads":1,"intermediate_size":4}`
	if _, err := ParseConfig([]byte(`{"hidden_size":4,`+rest), "config.json"); err != nil {
		t.Fatal(err)
	}
	for start, want := range map[string]string{
		`{"hidden_size":4,"hidden_size":4,`:                  `config.json: not a model configuration: byte 17: found the key "hidden_size" twice`,
		`{"Hidden_Size":4,`:                                  `byte 1: found the key "Hidden_Size", expected "hidden_size"`,
		"{\"hidden_size\":4,\"id2label\":{\"0\":\"\xff\"},":  "byte 34: found the byte 0xff, expected UTF-8",
		`{"hidden_size":4,"id2label":{"0":"\ud800"},`:        "no character",
		`{"hidden_size":4,"x":` + strings.Repeat("[", 10000): "deeper than 128",
		`{"hidden_size":2147483648,`:                         "hidden_size is 2147483648, expected 1 to 16384",
		`{"hidden_size":4,"max_position_embeddings":1e9,`:    "max_position_embeddings",
		`{"hidden_size":4,"layer_norm_eps":NaN,`:             "expected a value",
		`{"hidden_size":4,"type_vocab_size":4294967296,`:     "type_vocab_size is 4294967296",
		`{"hidden_size":4,"hidden_dropout_prob":-1,`:         "dropout",
	} {
		_, err := ParseConfig([]byte(start+rest), "config.json")
		if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got the error %v, want one of kind Model that says %q", start, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	c := sized(1, 8, 2, 20)
	data, err := c.JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"hidden_size":4,"vocab_size":8,"num_hidden_layers":1,"num_attention_heads":1,"intermediate_size":4,"id2label":{"0":"a"}}`))
	f.Add([]byte(`{"hidden_size":4,"Hidden_Size":4}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data, "config.json")
		if err != nil {
			if fault.KindOf(err) != fault.Model {
				t.Fatalf("kind %d: %v", fault.KindOf(err), err)
			}
			return
		}
		if c.HiddenSize > 1<<14 || c.Layers > 1<<10 || c.VocabSize > 1<<22 || c.HiddenSize%c.Heads != 0 {
			t.Fatalf("accepted %+v", c)
		}
	})
}
