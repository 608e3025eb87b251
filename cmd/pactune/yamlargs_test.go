package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// Options in YAML come first, those of the command line win; what is wrong is named with
// its line.
func TestOptionsInYAML(t *testing.T) {
	file := filepath.Join(t.TempDir(), "args.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# a comment\nlearning_rate: 1e-5\nmethod: cwgnc\ntext_column_names: [a, b]\ndata_file: rows.csv\n")
	got, err := withYAML([]string{"--seed", "3", file, "--method=adamw"})
	want := []string{"--learning_rate=1e-5", "--method=cwgnc", "--text_column_names=a,b", "rows.csv", "--seed", "3", "--method=adamw"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for text, says := range map[string]string{
		"seed: 1\nlearnin_rate: 1\n":    "line 2: unknown option --learnin_rate: did you mean --learning_rate",
		"seed: 1\nseed: 2\n":            "line 2",
		"method: {name: pac}\n":         "line 1: found a map",
		"\nmethod:\n":                   "line 2: found nothing",
		"- pac\n":                       "found a list",
		"method: [pac\n":                "args.yaml",
		"method: pac\nmax_steps: ten\n": "line 2: --max_steps",
	} {
		write(text)
		if _, err := withYAML([]string{file}); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if _, err := withYAML([]string{"none.yaml"}); fault.KindOf(err) != fault.Data {
		t.Errorf("a file that is not there: %v", err)
	}
}
