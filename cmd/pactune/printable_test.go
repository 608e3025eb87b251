package main

import (
	"errors"
	"testing"

	"pactune/train"
)

// Names in messages and in the model card come from files; they steer neither a
// terminal nor a browser.
func TestHostileNamesAreShownHarmless(t *testing.T) {
	err := errors.Join(errors.New("tensor \x1b]0;owned\x07\u202Ecod"), errors.New("label a\rb\u009bc"))
	if got, want := printable(err.Error()), "tensor ?]0;owned??cod\nlabel a?b?c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := train.Markdown("<script>`x`|[a](b)\n# \u202e\u009b\u2028"), "\\<script\\>\\`x\\`\\|\\[a\\](b) \\#    "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
