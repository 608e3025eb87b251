package sweep

import "testing"

// What a process says last is why it failed, but for warnings.
func TestMessageOfAProcess(t *testing.T) {
	for text, want := range map[string]string{
		"warning a spike\n":                                 "",
		"pactune: no space\nwarning late\n":                 "no space",
		"warning a spike\nfatal error: x\n":                 "fatal error: x",
		"pactune: signal: ending\npactune: it failed\nmore": "it failed",
	} {
		if got := (&tail{[]byte(text)}).message(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
