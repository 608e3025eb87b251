package fetch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"pactune/hub/fake"
)

// The cache is the one that huggingface_hub made of the same hub
// (testdata/generate/hub_cache.py).
func TestSameCacheAsHuggingFace(t *testing.T) {
	var recorded struct {
		Commit      string
		Files, Tree map[string]string
	}
	text, err := os.ReadFile("testdata/cache.json")
	if err == nil {
		err = json.Unmarshal(text, &recorded)
	}
	if err != nil {
		t.Fatal(err)
	}
	h, cache := fake.New(t, name, map[string][]byte{}), t.TempDir()
	for file, text := range recorded.Files {
		h.Files[file] = []byte(text)
	}
	h.Commit = recorded.Commit
	if _, err := source(t, h).get(cache, "main"); err != nil {
		t.Fatal(err)
	}
	found := tree(t, filepath.Join(cache, "models--owner--model"))
	for path, want := range recorded.Tree {
		if found[path] != want {
			t.Errorf("%s: found %.60q, expected %.60q", path, found[path], want)
		}
	}
	if len(found) != len(recorded.Tree) || len(found) < 8 {
		t.Errorf("found %d files and links, expected %d", len(found), len(recorded.Tree))
	}
}
