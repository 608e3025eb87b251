package train

import (
	"encoding/json"
	"testing"
)

// JSON that is made safe to print has the same values, and nothing that steers.
func TestCleanJSON(t *testing.T) {
	const text = "a\x1b\x7f\u009b\u202e\u200f é漢😀\n"
	plain, err := json.Marshal(map[string]string{text: text})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	got := CleanJSON(plain)
	if err := json.Unmarshal(got, &back); err != nil || back[text] != text {
		t.Errorf("%s: %q, %v", got, back, err)
	}
	if Clean(string(got)) != string(got) {
		t.Errorf("%q steers a terminal", got)
	}
}
