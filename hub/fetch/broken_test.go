package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pactune/hub"
	"pactune/hub/fake"
	"pactune/internal/fault"
	"pactune/internal/files"
	"pactune/internal/files/faulty"
)

// cut breaks the connection of a request for the weights after n bytes.
func cut(h *fake.Hub, n int, when func() bool) {
	h.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if "http://"+r.Host != h.CDN || !when() {
			return false
		}
		from := 0
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		data := h.Files["model.safetensors"]
		w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(data[from : from+n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// ranges lists the ranges that the host of large files was asked for.
func ranges(h *fake.Hub) (list []string) {
	for _, q := range h.Requests() {
		if "http://"+q.Host == h.CDN {
			list = append(list, q.Range)
		}
	}
	return list
}

// A connection that breaks goes on where it broke, by itself as long as
// anything comes.
func TestResumeAtOnce(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	breaks := 0
	cut(h, 100_000, func() bool { breaks++; return breaks <= 9 })
	s := source(t, h)
	s.client.tries = 3
	r, err := s.get(cache, "main")
	if err != nil {
		t.Fatal(err)
	}
	whole(t, h, cache, true)
	got := ranges(h)
	if len(got) != 10 || got[0] != "" || got[1] != "bytes=100000-" || got[9] != "bytes=900000-" {
		t.Errorf("ranges %q", got)
	}
	if r.Came < 1_200_000 || r.Came > 1_200_100 {
		t.Errorf("%d bytes came, expected each once", r.Came)
	}
}

// What came is kept, and a later call asks for the rest.
func TestResumeLater(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	cut(h, 100_000, func() bool { return true })
	s := source(t, h)
	s.client.tries = 1
	_, err := s.get(cache, "main")
	fails(t, err, fault.Internal, "model.safetensors, at 100000 of 1200000 bytes", "is kept", "resolve/main/config.json")
	part := filepath.Join(cache, "models--owner--model", "blobs", fake.Hash(h.Files["model.safetensors"])+".incomplete")
	if info, err := os.Stat(part); err != nil || info.Size() != 100_000 {
		t.Fatalf("%v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(cache, "models--owner--model", "refs")); err == nil {
		t.Error("there is a revision already")
	}
	h.Before = nil
	h.Requests()
	r, err := s.get(cache, "main")
	if err != nil || r.Came != 1_100_000 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := ranges(h); len(got) != 1 || got[0] != "bytes=100000-" {
		t.Errorf("ranges %q", got)
	}
	whole(t, h, cache, true)
}

// Parts that other programs left: whole, too long, of other bytes; and a host
// that knows no ranges.
func TestPartsOfOthers(t *testing.T) {
	data := model()["model.safetensors"]
	for _, test := range []struct {
		what string
		part []byte
		deaf bool // to ranges
		kind fault.Kind
	}{
		{"whole", data, false, 0},
		{"too long", append(append([]byte{}, data...), 'x'), false, 0},
		{"no ranges", data[:1000], true, 0},
		{"other bytes", []byte("something else"), false, fault.Model},
		{"empty", nil, false, 0},
	} {
		h, cache := fake.New(t, name, model()), t.TempDir()
		blob := filepath.Join(cache, "models--owner--model", "blobs", fake.Hash(data))
		if err := errors.Join(os.MkdirAll(filepath.Dir(blob), 0o777), os.WriteFile(blob+incomplete, test.part, 0o666)); err != nil {
			t.Fatal(err)
		}
		if test.deaf {
			h.Before = func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false }
		}
		s := source(t, h)
		_, err := s.get(cache, "main")
		if test.kind != 0 {
			fails(t, err, test.kind, "SHA-256", "expected "+fake.Hash(data))
			if _, err := os.Stat(blob + incomplete); err == nil {
				t.Errorf("%s: is kept", test.what)
			}
			_, err = s.get(cache, "main")
		}
		if err != nil {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		whole(t, h, cache, true)
	}
}

// Bytes that are not those of the hash, or more of them, are refused, and
// nothing of them stays.
func TestWrongBytes(t *testing.T) {
	for _, file := range []string{"model.safetensors", "vocab.txt"} {
		for _, more := range []bool{false, true} {
			h, cache := fake.New(t, name, model()), t.TempDir()
			data := append([]byte{}, h.Files[file]...)
			data[5] ^= 1
			if more {
				data = append(data, 'x')
			}
			h.Before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && (strings.HasSuffix(r.URL.Path, "resolve-cache/models/"+name+"/"+h.Commit+"/"+file) || r.URL.Path == "/"+fake.Hash(h.Files[file])) {
					w.Write(data)
					return true
				}
				return false
			}
			_, err := source(t, h).get(cache, "main")
			if more {
				fails(t, err, fault.Model, file, "more bytes", fmt.Sprint(len(data)-1))
			} else {
				fails(t, err, fault.Model, file, "expected "+fake.Hash(h.Files[file]), "nothing of it is kept")
			}
			for path := range tree(t, cache) {
				if !strings.HasPrefix(path, "models--owner--model/blobs/") || strings.Contains(path, fake.Hash(h.Files[file])) {
					t.Errorf("%s: %s is there", file, path)
				}
			}
		}
	}
}

// A host that falls silent counts as a broken connection.
func TestStall(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	stalls := 0
	h.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if "http://"+r.Host != h.CDN || stalls == 2 {
			return false
		}
		if stalls++; stalls == 1 { // before the answer; then within it
			<-r.Context().Done()
			return true
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(h.Files["model.safetensors"])))
		w.Write(h.Files["model.safetensors"][:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	s := source(t, h)
	s.client.stall = 50 * time.Millisecond
	var notes []string
	_, err := s.Download(context.Background(), hub.Ref{Name: name, Revision: "main"}, cache, Hooks{Note: func(text string) { notes = append(notes, text) }})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, h, cache, true)
	if len(notes) != 2 || !strings.Contains(notes[0], "at 0 of 1200000 bytes: no byte in 50ms") || !strings.Contains(notes[1], "at 1000 of 1200000") {
		t.Errorf("notes %q", notes)
	}
}

// A signal ends it; what has come stays.
func TestCancel(t *testing.T) {
	h, cache := fake.New(t, name, model()), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	h.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if "http://"+r.Host == h.CDN {
			w.Write(h.Files["model.safetensors"][:1000])
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	}
	if _, err := source(t, h).Download(ctx, hub.Ref{Name: name, Revision: "main"}, cache, Hooks{}); err != context.Canceled {
		t.Errorf("found %v", err)
	}
	part := filepath.Join(cache, "models--owner--model", "blobs", fake.Hash(h.Files["model.safetensors"])+incomplete)
	if info, err := os.Stat(part); err != nil || info.Size() != 1000 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		what          string
		status        int
		code, message string
		token         string
		kind          fault.Kind
		says          []string
	}{
		{"no such model, nobody known", 401, "", "Invalid username or password.", "", fault.Usage, []string{"no such model at", "or a private one", "HF_TOKEN"}},
		{"no such model", 404, "RepoNotFound", "Repository not found", "hf_a", fault.Usage, []string{"no such model at", "check the name"}},
		{"bad token", 401, "", "Invalid credentials in Authorization header", "hf_a", fault.Usage, []string{"does not accept the token"}},
		{"gated", 403, "GatedRepo", "Access to model is restricted", "hf_a", fault.Usage, []string{"accepted its terms at", "HF_TOKEN"}},
		{"gated, nobody known", 401, "GatedRepo", "Access to model is restricted", "", fault.Usage, []string{"accepted its terms at"}},
		{"forbidden", 403, "", "Forbidden", "hf_a", fault.Usage, []string{"403", "Forbidden"}},
		{"busy", 503, "", "", "", fault.Internal, []string{"503", "resolve/main/vocab.txt"}},
		{"too many", 429, "", "", "", fault.Internal, []string{"429"}},
		{"a teapot", 418, "", "", "", fault.Internal, []string{"418"}},
	} {
		h, cache := fake.New(t, name, model()), t.TempDir()
		h.Before = func(w http.ResponseWriter, r *http.Request) bool {
			fake.Refuse(w, test.status, test.code, test.message)
			return true
		}
		s := source(t, h)
		s.token = test.token
		_, err := s.get(cache, "main")
		fails(t, err, test.kind, append(test.says, name)...)
		if len(tree(t, cache)) > 0 {
			t.Errorf("%s: files %v", test.what, tree(t, cache))
		}
	}
	h := fake.New(t, name, model())
	s := source(t, h)
	_, err := s.get(t.TempDir(), "v2")
	fails(t, err, fault.Usage, `no revision "v2"`)
	_, err = s.Download(context.Background(), hub.Ref{Name: "owner/other", Revision: "main"}, t.TempDir(), Hooks{})
	fails(t, err, fault.Usage, "owner/other: no such model")
	delete(h.Files, "vocab.txt")
	_, err = s.get(t.TempDir(), "main")
	fails(t, err, fault.Model, "no tokenizer.json or vocab.txt")
}

func TestNoNetwork(t *testing.T) {
	h := fake.New(t, name, model())
	s := source(t, h)
	h.Before = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	_, err := s.get(t.TempDir(), "main")
	fails(t, err, fault.Internal, "does not answer", h.URL+"/owner/model/resolve/main/config.json", "folder owner/model")
}

// A name, a listing or a header never becomes a path that leads elsewhere.
func TestHostile(t *testing.T) {
	for _, bad := range []string{"a/../../b", "..", "%2e%2e/b", "a/%2e%2e", "a\u2025/b", "．．/b", strings.Repeat("a", 300), "a\x00b", "/etc", "a/b/c", `a\b`, "a--b", "-a", "a/", ""} {
		h, cache := fake.New(t, name, model()), t.TempDir()
		_, err := source(t, h).Download(context.Background(), hub.Ref{Name: bad, Revision: "main"}, cache, Hooks{})
		fails(t, err, fault.Usage, "is not the name of a model")
		if len(h.Requests()) > 0 || len(tree(t, cache)) > 0 {
			t.Errorf("%q was asked for", bad)
		}
	}
	for _, bad := range []string{"../x", "a/../b", "/main", "a//b", ".hidden", "a b", "", "a\x00", "refs/heads/.."} {
		_, err := source(t, fake.New(t, name, model())).get(t.TempDir(), bad)
		fails(t, err, fault.Usage, "--model_revision")
	}
	answers := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"commit": func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprint(w, `{"sha": "../../../../x", "siblings": [{"rfilename": "config.json"}]}`)
			return true
		},
		"twice": func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/api/models/") {
				return false
			}
			fmt.Fprintf(w, `{"sha": %q, "sha": %q, "siblings": [{"rfilename": "config.json"}, {"rfilename": "vocab.txt"}, {"rfilename": "model.safetensors"}]}`,
				strings.Repeat("0", 40), strings.Repeat("0123456789", 4))
			return true
		},
		"etag": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("ETag", `"../../../../x"`)
			}
			return r.Method == http.MethodHead
		},
		"other commit": func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("ETag", `"`+strings.Repeat("a", 40)+`"`)
				w.Header().Set("Content-Length", "3")
				w.Header().Set("X-Repo-Commit", "../x")
			}
			return r.Method == http.MethodHead
		},
		"not json": func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, "<html>"); return true },
		"scheme": func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
			return true
		},
	}
	for what, answer := range answers {
		h, cache := fake.New(t, name, model()), t.TempDir()
		h.Listed = []string{"../../evil", "/etc/passwd", "sub/model.safetensors"}
		h.Before = answer
		_, err := source(t, h).get(cache, "main")
		fails(t, err, fault.Model)
		if len(tree(t, cache)) > 0 {
			t.Errorf("%s: files %v", what, tree(t, cache))
		}
	}
	// Names that lead out are passed over; the rest is a model.
	h, cache := fake.New(t, name, model()), t.TempDir()
	h.Listed = []string{"../../evil", "/etc/passwd", "sub/model.safetensors"}
	if _, err := source(t, h).get(cache, "main"); err != nil {
		t.Error(err)
	}
	whole(t, h, cache, true)
}

// A redirect without an end.
func TestLoop(t *testing.T) {
	h := fake.New(t, name, model())
	h.Before = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return true
	}
	_, err := source(t, h).get(t.TempDir(), "main")
	fails(t, err, fault.Internal, "ever new addresses")
}

// A disk that is full, at whichever operation: the error says so, main stands
// for nothing half, and with room again the next call ends well.
func TestFullDisk(t *testing.T) {
	small := model()
	h := fake.New(t, name, map[string][]byte{"config.json": small["config.json"], "vocab.txt": small["vocab.txt"], "model.safetensors": small["model.safetensors"][:5000]})
	s := source(t, h)
	step := 1
	if testing.Short() {
		step = 7
	}
	for at := 0; ; at += step {
		cache := filepath.Join(t.TempDir(), "hub")
		disk := &faulty.Failing{FS: hasty{files.OS}, At: at, Err: syscall.ENOSPC}
		s.disk = disk
		_, err := s.get(cache, "main")
		s.disk = disk.FS
		if disk.Failed == "" {
			if err != nil || at < 20 {
				t.Fatalf("%d operations, then %v", at, err)
			}
			return
		}
		if err != nil {
			fails(t, err, fault.Resources, "no space left")
			if _, missing, _ := (hub.Ref{Name: name, Revision: "main"}).Find(cache, hub.Model); len(missing) == 0 && filepath.Base(disk.Failed) != "refs" {
				t.Fatalf("operation %d, %s: main stands for a model before all is written", at, disk.Failed)
			}
		}
		for path, text := range tree(t, filepath.Join(cache, "models--owner--model", "blobs")) {
			if !strings.HasSuffix(path, incomplete) && fake.Hash([]byte(text)) != path {
				t.Fatalf("operation %d: blob %s is not what its name says", at, path)
			}
		}
		if _, err := s.get(cache, "main"); err != nil {
			t.Fatalf("operation %d, then room: %v", at, err)
		}
		if _, missing, err := (hub.Ref{Name: name, Revision: "main"}).Find(cache, hub.Model); err != nil || len(missing) > 0 {
			t.Fatalf("operation %d, then room: lacks %q, %v", at, missing, err)
		}
	}
}

// What the disk cannot hold is not begun; what has come of it before is not needed again.
func TestNoRoom(t *testing.T) {
	h, cache := fake.New(t, name, model()), filepath.Join(t.TempDir(), "not", "yet")
	s := source(t, h)
	need := int64(0)
	for _, file := range read {
		need += int64(len(h.Files[file]))
	}
	s.free = func(dir string) int64 {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("asked for the disk of %s: %v", dir, err)
		}
		return need - 1
	}
	_, err := s.get(cache, "main")
	fails(t, err, fault.Resources, cache, fmt.Sprintf("needs %d bytes", need), fmt.Sprintf("only %d are free", need-1))
	if _, err := os.Stat(filepath.Dir(cache)); err == nil || len(ranges(h)) > 0 {
		t.Error("something was fetched")
	}
	part := filepath.Join(cache, "models--owner--model", "blobs", fake.Hash(h.Files["model.safetensors"])+incomplete)
	if err := errors.Join(os.MkdirAll(filepath.Dir(part), 0o777), os.WriteFile(part, []byte("w"), 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.get(cache, "main"); err != nil {
		t.Error(err)
	}
	whole(t, h, cache, true)
	h.Files["model.safetensors"] = h.Files["model.safetensors"][1:] // another, of which nothing is there
	h.Commit = strings.Repeat("1", 40)
	s.free = func(string) int64 { return int64(len(h.Files["model.safetensors"])) }
	if _, err := s.get(cache, "main"); err != nil {
		t.Errorf("only the weights are new: %v", err)
	}
}
