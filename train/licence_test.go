package train

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pactune/internal/fault"
)

// A fine-tuned model carries the licence of the one it started from: in its
// card, and the texts as they were; what is fine-tuned from it in turn as well.
func TestLicenceIsCarriedOn(t *testing.T) {
	base := modelFolder(t, "", nil, nil)
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(base, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const licence, notice = "Attribution-ShareAlike\r\n", "from an encyclopedia\n"
	write("README.md", "---\nlanguage: en\nlicense: cc-by-sa-4.0 \n---\n# encoder\nlicense: mit\n")
	write("LICENSE", licence)
	write("NOTICE", notice)
	for range 2 {
		data, dir := writeText(t, "train.txt", "text\tlabel\na b\tx\nc d\ty\n"), filepath.Join(t.TempDir(), "run")
		c, err := ParseArgs([]string{"--method", "adamw", "--model_name_or_path", base, "--train_file", data, "--validation_file", data,
			"--max_seq_length", "8", "--max_steps", "1", "--output_dir", dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(context.Background(), c, nil, Hooks{}); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"LICENSE": licence, "NOTICE": notice} {
			if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
				t.Errorf("%s is %q, %v, want %q", name, got, err, want)
			}
		}
		card, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		front, _, _ := strings.Cut(strings.TrimPrefix(string(card), "---\n"), "\n---\n")
		if !strings.Contains(front, "\nlicense: \"cc-by-sa-4.0\"\n") {
			t.Errorf("the card begins with %q, want the licence cc-by-sa-4.0 in it", front)
		}
		sums, _ := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if !bytes.Contains(sums, []byte("  LICENSE\n")) {
			t.Errorf("SHA256SUMS lacks the licence:\n%s", sums)
		}
		base = dir
	}
}

func TestReadLicence(t *testing.T) {
	for card, want := range map[string]string{
		"":                                "",
		"# no front matter\nlicense: mit": "",
		"---\nlicense: mit\n---\n":        "mit",
		"---\r\nlicense: 'apache-2.0'\r\n---\r\n": "apache-2.0",
		"---\ntags:\n- x\n---\nlicense: mit\n":    "",
	} {
		l, err := ReadLicence(fstest.MapFS{"README.md": {Data: []byte(card)}})
		if err != nil || l.Name != want {
			t.Errorf("%q: licence %q, %v, want %q", card, l.Name, err, want)
		}
	}
	if l, err := ReadLicence(fstest.MapFS{}); err != nil || l.FrontMatter() != "" {
		t.Errorf("an empty folder: %q, %v", l.FrontMatter(), err)
	}
	_, err := ReadLicence(fstest.MapFS{"NOTICE": {Data: make([]byte, maxLicence+1)}})
	if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), "NOTICE") {
		t.Errorf("a huge NOTICE: %v", err)
	}
}
