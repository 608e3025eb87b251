package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pactune/hub"
	"pactune/hub/fake"
	"pactune/internal/fault"
	"pactune/internal/files"
)

const name = "owner/model"

// model is a model of a hub: small files and one that lies on the other host.
func model() map[string][]byte {
	return map[string][]byte{
		"config.json":           []byte("{}\n"),
		"vocab.txt":             []byte("[PAD]\n[UNK]\n"),
		"tokenizer_config.json": []byte("{\"do_lower_case\": true}\n"),
		"model.safetensors":     bytes.Repeat([]byte("weights and "), 100_000), // 1.2 MB
		"pytorch_model.bin":     bytes.Repeat([]byte("pickled"), 1000),
		"README.md":             []byte("# model\n"),
	}
}

var read = []string{"config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"}

// source is a client of h that does not wait between tries.
func source(t testing.TB, h *fake.Hub) *Source {
	t.Setenv("HF_ENDPOINT", h.URL)
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_TOKEN", "")
	s, err := FromEnvironment("test/1")
	if err != nil {
		t.Fatal(err)
	}
	s.client.pause = time.Millisecond
	s.disk = hasty{files.OS}
	return s
}

func (s *Source) get(cache, revision string) (*Result, error) {
	return s.Download(context.Background(), hub.Ref{Name: name, Revision: revision}, cache, Hooks{})
}

// fails tells what is wrong with an error: its kind, or what it does not say.
func fails(t *testing.T, err error, kind fault.Kind, says ...string) {
	t.Helper()
	if fault.KindOf(err) != kind {
		t.Errorf("kind %d, expected %d: %v", fault.KindOf(err), kind, err)
		return
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message lacks %q: %v", part, err)
		}
	}
}

// tree lists the files below a folder, with links as they are; no locks.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		short, _ := filepath.Rel(dir, path)
		if e.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			found[short] = "-> " + to
			return err
		}
		text, err := os.ReadFile(path)
		found[short] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// hasty is a file system that flushes nothing, which takes most of the time.
type hasty struct{ files.FS }

func (hasty) SyncDir(string) error { return nil }

func (h hasty) Create(name string) (files.File, error) { return unflushed(h.FS.Create(name)) }

func (h hasty) Append(name string) (files.File, error) { return unflushed(h.FS.Append(name)) }

func unflushed(f files.File, err error) (files.File, error) { return hastyFile{f}, err }

type hastyFile struct{ files.File }

func (hastyFile) Sync() error { return nil }

// whole tells whether a cache holds the model, and nothing else.
func whole(t *testing.T, h *fake.Hub, cache string, linked bool) {
	t.Helper()
	found := tree(t, filepath.Join(cache, "models--owner--model"))
	want := map[string]string{"refs/main": h.Commit}
	for _, file := range read {
		if linked {
			want["snapshots/"+h.Commit+"/"+file] = "-> ../../blobs/" + fake.Hash(h.Files[file])
			want["blobs/"+fake.Hash(h.Files[file])] = string(h.Files[file])
		} else {
			want["snapshots/"+h.Commit+"/"+file] = string(h.Files[file])
		}
	}
	for path, text := range want {
		if found[path] != text {
			t.Errorf("%s: found %.60q, expected %.60q", path, found[path], text)
		}
		delete(found, path)
	}
	for path := range found {
		t.Errorf("%s: should not be there", path)
	}
}

func TestDownload(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	s := source(t, h)
	var last []string
	r, err := s.Download(context.Background(), hub.Ref{Name: name, Revision: "main"}, cache, Hooks{
		Work: func(what string, done, total int) { last = append(last, fmt.Sprint(what, " ", done, "/", total)) }})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, h, cache, true)
	size := int64(0)
	for _, file := range read {
		size += int64(len(h.Files[file]))
	}
	if r.Came != size || r.Commit != h.Commit || r.Folder != filepath.Join(cache, "models--owner--model", "snapshots", h.Commit) {
		t.Errorf("%+v, expected %d bytes", r, size)
	}
	if last[len(last)-1] != "model.safetensors, kB 1200/1200" || last[0] != "config.json, kB 1/1" {
		t.Errorf("progress: %q", last)
	}
	h.Requests()

	// Again: the hub is asked what there is, nothing is fetched.
	if r, err = s.get(cache, "main"); err != nil || r.Came != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
	for _, q := range h.Requests() {
		if q.Method != http.MethodHead && !strings.HasPrefix(q.Path, "/api/models/") || "http://"+q.Host != h.URL {
			t.Errorf("again: %+v", q)
		}
	}
	// By its commit: nobody is asked.
	if r, err = s.get(cache, h.Commit); err != nil || r.Came != 0 || len(h.Requests()) != 0 {
		t.Errorf("by commit: %+v, %v", r, err)
	}
	// A revision with a slash; the same blobs.
	if r, err = s.get(cache, "refs/pr/1"); err != nil || r.Came != 0 {
		t.Errorf("refs/pr/1: %+v, %v", r, err)
	}
	if text, _ := os.ReadFile(filepath.Join(cache, "models--owner--model", "refs", "refs", "pr", "1")); string(text) != h.Commit {
		t.Errorf("refs/refs/pr/1: %q", text)
	}
}

// A new commit brings what changed, and main stands for it once it is whole.
func TestNewCommit(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	s := source(t, h)
	if _, err := s.get(cache, "main"); err != nil {
		t.Fatal(err)
	}
	before := h.Commit
	h.Commit = strings.Repeat("abcde", 8)
	h.Files["config.json"] = []byte("{\"new\": 1}\n")
	h.Files["vocab.txt"] = []byte("[PAD]\n[UNK]\n[CLS]\n")
	h.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/vocab.txt") && r.Method == http.MethodGet {
			fake.Refuse(w, http.StatusForbidden, "", "no")
			return true
		}
		return false
	}
	if _, err := s.get(cache, "main"); err == nil {
		t.Fatal("no error")
	}
	if dir, missing, err := (hub.Ref{Name: name, Revision: "main"}).Find(cache, hub.Model); filepath.Base(dir) != before || len(missing) > 0 || err != nil {
		t.Errorf("half way main is %s, lacks %q, %v", dir, missing, err)
	}
	h.Before = nil
	if r, err := s.get(cache, "main"); err != nil || r.Commit != h.Commit || r.Came != int64(len(h.Files["vocab.txt"])) {
		t.Errorf("%+v, %v", r, err)
	}
}

// The token goes to the hub, also over its own redirects, and to nobody else.
func TestToken(t *testing.T) {
	h := fake.New(t, name, model())
	h.Token = "hf_secret"
	s := source(t, h)
	s.token = "hf_secret"
	if _, err := s.get(t.TempDir(), "main"); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]int{}
	for _, q := range h.Requests() {
		hosts["http://"+q.Host]++
		if sent := q.Authorization == "Bearer hf_secret"; sent != ("http://"+q.Host == h.URL) || !sent && q.Authorization != "" {
			t.Errorf("%+v", q)
		}
		if q.Agent != "test/1" {
			t.Errorf("agent %q", q.Agent)
		}
	}
	if hosts[h.CDN] != 1 || hosts[h.URL] < 10 {
		t.Errorf("requests: %v", hosts)
	}
	s.token = "hf_wrong"
	_, err := s.get(t.TempDir(), "main")
	fails(t, err, fault.Usage, "does not accept the token", "HF_TOKEN")
	if strings.Contains(err.Error(), "hf_wrong") {
		t.Errorf("the token in a message: %v", err)
	}
}

func TestReadToken(t *testing.T) {
	home := t.TempDir()
	for _, test := range []struct{ env, path, file, want string }{
		{"hf_a\n", "", "hf_b", "hf_a"},
		{"", "", "hf_b\n", "hf_b"},
		{"", "", "", ""},
		{"", filepath.Join(home, "else"), "hf_b", "hf_c"},
		{"hf a", "", "", "error"},
		{"", "", "hf_\x01", "error"},
	} {
		t.Setenv("HF_HOME", home)
		t.Setenv("HF_TOKEN", test.env)
		t.Setenv("HF_TOKEN_PATH", test.path)
		if err := errors.Join(os.WriteFile(filepath.Join(home, "token"), []byte(test.file), 0o600), os.WriteFile(filepath.Join(home, "else"), []byte("hf_c"), 0o600)); err != nil {
			t.Fatal(err)
		}
		token, err := readToken()
		if err != nil {
			fails(t, err, fault.Usage)
			token = "error"
		}
		if token != test.want {
			t.Errorf("%+v: %q", test, token)
		}
	}
}

// Where links are impossible the snapshot has the files, and they come once.
func TestNoLinks(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	s := source(t, h)
	s.disk = noLinks{s.disk}
	for _, came := range []bool{true, false} {
		r, err := s.get(cache, "main")
		if err != nil || (r.Came > 0) != came {
			t.Fatalf("%+v, %v", r, err)
		}
		whole(t, h, cache, false)
	}
}

type noLinks struct{ files.FS }

func (noLinks) Symlink(_, name string) error {
	return &fs.PathError{Op: "symlink", Path: name, Err: errors.ErrUnsupported}
}

// Two downloads at once: each blob comes once.
func TestTwoAtOnce(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	waiting := make(chan string, 10)
	var first sync.Once
	h.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if "http://"+r.Host == h.CDN {
			first.Do(func() { // the weights come when the second has found the lock taken
				select {
				case text := <-waiting:
					if !strings.Contains(text, "waiting for process") {
						t.Errorf("note: %q", text)
					}
				case <-time.After(20 * time.Second):
					t.Error("no note of the second")
				}
			})
		}
		return false
	}
	s := source(t, h)
	var all sync.WaitGroup
	for range 2 {
		all.Add(1)
		go func() {
			defer all.Done()
			_, err := s.Download(context.Background(), hub.Ref{Name: name, Revision: "main"}, cache, Hooks{Note: func(text string) { waiting <- text }})
			if err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	whole(t, h, cache, true)
	got := map[string]int{}
	for _, q := range h.Requests() {
		if q.Method == http.MethodGet && !strings.HasPrefix(q.Path, "/api/models/") {
			got[q.Path]++
		}
	}
	for path, n := range got {
		if n > 1 && !strings.Contains(path, "/resolve/") && !strings.Contains(path, "/resolve-cache/") {
			t.Errorf("%s came %d times", path, n)
		}
	}
	if n := got["/"+fake.Hash(h.Files["model.safetensors"])]; n != 1 {
		t.Errorf("the weights came %d times", n)
	}
}

func TestOffline(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	s := source(t, h)
	s.offline = true
	_, err := s.get(cache, "main")
	fails(t, err, fault.Usage, "HF_HUB_OFFLINE", "does not hold the model", h.URL+"/owner/model/resolve/main/model.safetensors")
	s.offline = false
	if _, err = s.get(cache, "main"); err != nil {
		t.Fatal(err)
	}
	h.Requests()
	s.offline = true
	if r, err := s.get(cache, "main"); err != nil || r.Commit != h.Commit || len(h.Requests()) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A model in parts has an index, which names them.
func TestParts(t *testing.T) {
	part := bytes.Repeat([]byte("part"), 1000)
	index := []byte(`{"metadata": {}, "weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors"}}`)
	files := map[string][]byte{"config.json": []byte("{}"), "tokenizer.json": []byte("{}"), "model.safetensors.index.json": index,
		"model-1.safetensors": part, "model-2.safetensors": part[1:], "model-3.safetensors": part[2:]}
	h, cache := fake.New(t, name, files), t.TempDir()
	s := source(t, h)
	r, err := s.get(cache, "main")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, _ := os.ReadDir(r.Folder)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "config.json model-1.safetensors model-2.safetensors model.safetensors.index.json tokenizer.json" {
		t.Errorf("found %s", got)
	}
	for _, bad := range []string{`../evil`, `/etc/passwd`, `model-9.safetensors`, `..\\evil`} {
		h.Files["model.safetensors.index.json"] = []byte(`{"weight_map": {"a": "` + bad + `"}}`)
		h.Listed = []string{"../evil", "/etc/passwd"}
		cache := t.TempDir()
		_, err := s.get(cache, "main")
		fails(t, err, fault.Model, "model.safetensors.index.json")
		for path := range tree(t, cache) {
			if !strings.HasPrefix(path, "models--owner--model/blobs/") {
				t.Errorf("%s: %s is there", bad, path)
			}
		}
	}
}

func TestOnlyPickles(t *testing.T) {
	files := model()
	delete(files, "model.safetensors")
	h := fake.New(t, name, files)
	r, err := source(t, h).get(t.TempDir(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.Folder, "pytorch_model.bin")); err != nil {
		t.Error(err)
	}
}

// Over https nothing leads to an address without.
func TestNoDowngrade(t *testing.T) {
	plain := fake.New(t, name, model())
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	defer secure.Close()
	s := source(t, plain)
	s.endpoint, _ = url.Parse(secure.URL)
	s.client.http.Transport = secure.Client().Transport
	_, err := s.get(t.TempDir(), "main")
	fails(t, err, fault.Model, "expected https")
	if len(plain.Requests()) > 0 {
		t.Error("the plain address was asked")
	}
}
