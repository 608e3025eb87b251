package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
)

const commitA = "00112233445566778899aabbccddeeff00112233"

// write makes files of a model's folder in a cache.
func write(t *testing.T, cache string, files ...string) {
	t.Helper()
	for _, file := range files {
		name, text, _ := strings.Cut(file, "=")
		path := filepath.Join(cache, "models--owner--model", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFolder(t *testing.T) {
	t.Setenv("HF_ENDPOINT", "")
	at := "snapshots/" + commitA + "/"
	all := []string{"refs/main=" + commitA, at + "config.json", at + "model.safetensors", at + "vocab.txt"}
	index := at + `model.safetensors.index.json={"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}`
	for _, test := range []struct {
		what, revision string
		files          []string
		need           Need
		says           string // "" when it is found
	}{
		{"whole", "main", all, Model, ""},
		{"with a line's end", "main", append([]string{"refs/main=" + commitA + "\n"}, all[1:]...), Model, ""},
		{"by its commit", commitA, all[1:], Model, ""},
		{"by a branch with a slash", "refs/pr/1", append([]string{"refs/refs/pr/1=" + commitA}, all[1:]...), Model, ""},
		{"in parts", "main", []string{all[0], all[1], at + "tokenizer.json", index, at + "model-1.safetensors", at + "model-2.safetensors"}, Model, ""},
		{"pickled", "main", []string{all[0], all[1], all[3], at + "pytorch_model.bin"}, Model, ""},
		{"a tokeniser", "main", []string{all[0], all[3]}, Vocabulary, ""},
		{"nothing", "main", nil, Model, "the cache CACHE does not hold the model; fetch it with\n    pactune download owner/model --cache_dir CACHE\n"},
		{"no such revision", "v1", all, Model, "does not hold revision v1 of the model; fetch it with\n    pactune download owner/model --revision v1"},
		{"no snapshot", "main", all[:1], Model, "does not hold revision main"},
		{"a tokeniser for a model", "main", []string{all[0], all[3]}, Model, commitA + " of the cache lacks config.json, model.safetensors; fetch"},
		{"no vocabulary", "main", all[:3], Model, "lacks tokenizer.json or vocab.txt"},
		{"a part is missing", "main", []string{all[0], all[1], all[3], index, at + "model-1.safetensors"}, Model, "lacks model-2.safetensors"},
		{"a part elsewhere", "main", []string{all[0], all[1], all[3], at + `model.safetensors.index.json={"weight_map": {"a": "../x"}}`}, Model, "expected a plain name"},
		{"a reference that leads out", "main", append([]string{"refs/main=../../../../etc"}, all[1:]...), Model, "expected the 40 digits of a commit"},
	} {
		cache := t.TempDir()
		write(t, cache, test.files...)
		dir, err := Folder("owner/model", test.revision, cache, test.need)
		if test.says == "" {
			if want := filepath.Join(cache, "models--owner--model", "snapshots", commitA); dir != want || err != nil {
				t.Errorf("%s: found %s, %v; expected %s", test.what, dir, err, want)
			}
			continue
		}
		if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), strings.ReplaceAll(test.says, "CACHE", cache)) {
			t.Errorf("%s: %v", test.what, err)
		}
	}
}

// A link to a blob that is gone is no file.
func TestBlobIsGone(t *testing.T) {
	cache, at := t.TempDir(), "snapshots/"+commitA+"/"
	write(t, cache, "refs/main="+commitA, at+"config.json", at+"vocab.txt")
	if err := os.Symlink("../../blobs/none", filepath.Join(cache, "models--owner--model", at, "model.safetensors")); err != nil {
		t.Skip(err)
	}
	_, missing, err := Ref{"owner/model", "main"}.Find(cache, Model)
	if len(missing) != 1 || missing[0] != "model.safetensors" || err != nil {
		t.Errorf("lacks %q, %v", missing, err)
	}
}

// A folder wins over a name; what is neither is left to whoever opens it.
func TestFoldersFirst(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "no", "such", "folder"), "./none", "", "a\x00b", "../none", "a--b"} {
		if got, err := Folder(name, "main", dir, Model); got != name || err != nil {
			t.Errorf("%q: found %q, %v", name, got, err)
		}
	}
	if _, err := Folder("owner/model", "../x", dir, Model); fault.KindOf(err) != fault.Usage {
		t.Errorf("a revision that leads out: %v", err)
	}
}

// The message lists the files, their addresses and where to put them.
func TestByHand(t *testing.T) {
	t.Setenv("HF_ENDPOINT", "https://mirror.example/")
	text := Ref{"owner/model", "refs/pr/1"}.ByHand(Model)
	for _, part := range []string{"into a folder owner/model ", "https://mirror.example/owner/model/resolve/refs%2Fpr%2F1/config.json", "model.safetensors\n", "vocab.txt", "tokenizer.json"} {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
	if text := (Ref{"owner/model", "main"}).ByHand(Vocabulary); strings.Contains(text, "safetensors") {
		t.Errorf("a tokeniser has no weights:\n%s", text)
	}
}

func TestIsName(t *testing.T) {
	for _, good := range []string{"bert-base-uncased", "google-bert/bert-base-uncased", "123", "Foo-BAR_foo.bar123", "a/b", "_a/b_"} {
		if !IsName(good) {
			t.Errorf("%q is a name", good)
		}
	}
	for _, bad := range []string{"", "a/b/c", "a//b", "/a", "a/", ".a", "a.", "-a", "a-", "a--b", "a..b", "a.git", "a b", "a/../b", "..", "%2e%2e", "a\u2025b", "é", `a\b`, "a\x00", strings.Repeat("a", 97)} {
		if IsName(bad) {
			t.Errorf("%q is no name", bad)
		}
	}
}

// The places are those of huggingface_hub's constants.py and of transformers 4's
// utils/hub.py.
func TestCacheDir(t *testing.T) {
	for _, test := range []struct{ given, hubCache, home, xdg, want string }{
		{"", "", "", "", "/home/me/.cache/huggingface/hub"},
		{"", "", "", "/xdg", "/xdg/huggingface/hub"},
		{"", "", "/hf", "/xdg", "/hf/hub"},
		{"", "/hub", "/hf", "/xdg", "/hub"},
		{"/given", "/hub", "/hf", "/xdg", "/given"},
		{"", "~/hub", "", "", "/home/me/hub"},
		{"", "", "~", "", "/home/me/hub"},
		{"", "$HOME/x/${XDG_CACHE_HOME}", "", "y", "/home/me/x/y"},
		{"", "/a/$none_such/b", "", "", "/a/$none_such/b"},
		{"~me", "", "", "", "~me"},
	} {
		t.Setenv("HOME", "/home/me")
		t.Setenv("USERPROFILE", "/home/me")
		t.Setenv("HF_HUB_CACHE", test.hubCache)
		t.Setenv("TRANSFORMERS_CACHE", "")
		t.Setenv("HUGGINGFACE_HUB_CACHE", "")
		t.Setenv("HF_HOME", test.home)
		t.Setenv("XDG_CACHE_HOME", test.xdg)
		if got := CacheDir(test.given); got != filepath.FromSlash(test.want) {
			t.Errorf("%+v: found %s", test, got)
		}
	}
}

// Each is above those before.
func TestLegacyCacheDir(t *testing.T) {
	names := []string{"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE", "TRANSFORMERS_CACHE"}
	for _, name := range names {
		t.Setenv(name, "")
	}
	t.Setenv("HF_HOME", "/hf")
	for _, name := range names {
		t.Setenv(name, "/"+name)
		if got := CacheDir(""); got != filepath.FromSlash("/"+name) {
			t.Errorf("%s: found %s", name, got)
		}
	}
}

func TestOffline(t *testing.T) {
	for _, test := range []struct {
		hub, transformers string
		want              bool
	}{{"", "", false}, {"1", "", true}, {"true", "", true}, {"YES", "", true}, {"on", "", true}, {"0", "", false},
		{"", "1", true}, {"0", "1", false}, {"no", "", false}} {
		t.Setenv("HF_HUB_OFFLINE", test.hub)
		t.Setenv("TRANSFORMERS_OFFLINE", test.transformers)
		if Offline() != test.want {
			t.Errorf("%+v: found %v", test, Offline())
		}
	}
}

func TestEndpoint(t *testing.T) {
	for text, want := range map[string]string{"": "https://huggingface.co", "https://hf-mirror.com/": "https://hf-mirror.com", "https://intern/hub/": "https://intern/hub",
		"http://127.0.0.1:80": "http://127.0.0.1:80", "http://localhost": "http://localhost", "http://[::1]:8": "http://[::1]:8",
		"http://mirror": "", "ftp://mirror": "", "mirror": "", "https://": "", "https://me:secret@mirror": "", "http://127.evil.example": "", "https://a/?b": ""} {
		t.Setenv("HF_ENDPOINT", text)
		u, err := Endpoint()
		if want == "" {
			if fault.KindOf(err) != fault.Usage || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", text, err)
			}
		} else if err != nil || u.String() != want {
			t.Errorf("%q: found %v, %v", text, u, err)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, test := range []struct{ list, want string }{
		{"README.md config.json vocab.txt tf_model.h5 pytorch_model.bin model.safetensors", "config.json vocab.txt model.safetensors"},
		{"config.json vocab.txt tokenizer.json special_tokens_map.json tokenizer_config.json pytorch_model.bin", "config.json tokenizer.json vocab.txt tokenizer_config.json special_tokens_map.json pytorch_model.bin"},
		{"config.json vocab.txt model-1.safetensors model.safetensors.index.json pytorch_model.bin", "config.json vocab.txt model.safetensors.index.json"},
		{"config.json model.safetensors", "error no tokenizer.json or vocab.txt"},
		{"vocab.txt sub/config.json", "error no config.json and no model.safetensors or pytorch_model.bin"},
	} {
		names, err := Choose(strings.Fields(test.list))
		if why, bad := strings.CutPrefix(test.want, "error "); bad {
			if fault.KindOf(err) != fault.Model || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", test.list, err)
			}
		} else if got := strings.Join(names, " "); got != test.want || err != nil {
			t.Errorf("%s: found %s, %v", test.list, got, err)
		}
	}
}
