package strictjson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

type inner struct {
	Name string `json:"name"`
}

// own reads itself, so that its members' names are its own affair.
type own struct{ text string }

func (o *own) UnmarshalJSON(data []byte) error { o.text = string(data); return nil }

type sample struct {
	Size   int               `json:"hidden_size"`
	Labels map[string]string `json:"id2label,omitempty"`
	List   []*inner          `json:"list"`
	Raw    json.RawMessage   `json:"raw"`
	Own    own               `json:"own"`
	Plain  string
	Hidden int `json:"-"`
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"key twice", `{"hidden_size":1,"hidden_size":2}`, `byte 17: found the key "hidden_size" twice`},
		{"twice, once escaped", `{"hidden_size":1,"hidden\u005fsize":2}`, `byte 17: found the key "hidden_size" twice`},
		{"other case", `{"Hidden_Size":1}`, `byte 1: found the key "Hidden_Size", expected "hidden_size"`},
		{"other letter", "{\"hidden_\u017fize\":1}", `byte 1: found the key "hidden_ſize", expected "hidden_size"`},
		{"both cases", `{"hidden_size":1,"HIDDEN_SIZE":2}`, "byte 17"},
		{"name without tag", `{"plain":""}`, `expected "Plain"`},
		{"other case in a list", `{"list":[{"name":"a"},{"Name":"b"}]}`, `byte 23: found the key "Name"`},
		{"twice in a map", `{"id2label":{"0":"a","0":"b"}}`, `byte 21: found the key "0" twice`},
		{"twice where nobody looks", `{"x":[{"y":1,"y":1}]}`, `byte 13: found the key "y" twice`},
		{"twice in raw text", `{"raw":{"y":1,"y":1}}`, `"y" twice`},
		{"invalid UTF-8", "{\"id2label\":{\"0\":\"\xff\"}}", "byte 18: found the byte 0xff, expected UTF-8"},
		{"half a pair", `{"id2label":{"0":"\ud800"}}`, "no character"},
		{"deep", strings.Repeat("[", 10000), "deeper than 128"},
		{"deep objects", strings.Repeat(`{"x":`, 10000), "deeper than 128"},
		{"two values", `{} {}`, `byte 3: found '{' behind the value`},
		{"byte order mark", "\ufeff{}", `expected a value`},
		{"NaN", `{"hidden_size":NaN}`, `expected a value`},
		{"nothing", ``, `found the end, expected a value`},
		{"cut", `{"hidden_size":1`, `found the end`},
	} {
		var v sample
		err := Unmarshal([]byte(c.text), &v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got the error %v, want one that says %q", c.name, err, c.want)
		}
		if !reflect.DeepEqual(v, sample{}) {
			t.Errorf("%s: the value changed", c.name)
		}
	}
}

func TestUnmarshalReadsAsEncodingJSON(t *testing.T) {
	for _, text := range []string{
		`{"hidden_size":3,"id2label":{"a":"x","A":"y"},"list":[{"name":"n"},null],"raw":{"Name":[1e3,-0.5]},"own":{"Z":1,"z":2},"Plain":"\ud83e\udd16é\"","unknown":{"A":true,"a":false},"Hidden":7}`,
		` {"list":[]} `, `null`,
	} {
		var got, want sample
		if err := Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	var v sample
	if err := Unmarshal([]byte(`{"hidden_size":"x"}`), &v); err == nil || !strings.Contains(err.Error(), "hidden_size") {
		t.Errorf("a text for a number: %v", err)
	}
}

// What passes the check is JSON to encoding/json as well.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5e-3,"\u00e9",true,false,null,{}]}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if Check(data) == nil && !json.Valid(data) {
			t.Fatalf("accepted %q", data)
		}
	})
}
