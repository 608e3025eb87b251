// Package fake is a hub for tests: two servers on this machine that answer as
// huggingface.co and the host of its large files do, and note what they were
// asked. A test breaks them through Before.
package fake

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Large is the size from which on a file lies on the other host.
const Large = 1000

// Hub is a hub with one model.
type Hub struct {
	URL, CDN string // of the hub and of the host of large files
	Name     string
	Commit   string // what the revision main stands for
	Files    map[string][]byte
	Listed   []string // names in the listing that are no files
	Token    string   // without which nothing is given; "" gives to all

	// Before may answer a request to either server in its place.
	Before func(w http.ResponseWriter, r *http.Request) (done bool)

	mu   sync.Mutex
	seen []Request
}

// Request is one that a server got.
type Request struct{ Host, Method, Path, Range, Authorization, Agent string }

// New starts a hub, which ends with the test.
func New(t testing.TB, name string, files map[string][]byte) *Hub {
	h := &Hub{Name: name, Commit: strings.Repeat("0123456789", 4), Files: files}
	start := func(answer http.HandlerFunc) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.mu.Lock()
			h.seen = append(h.seen, Request{r.Host, r.Method, r.URL.Path, r.Header.Get("Range"), r.Header.Get("Authorization"), r.UserAgent()})
			h.mu.Unlock()
			if h.Before == nil || !h.Before(w, r) {
				answer(w, r)
			}
		}))
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL
	}
	h.URL, h.CDN = start(h.hub), start(h.cdn)
	return h
}

// Requests are those since the last call.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

// Hash is what names a file: SHA-256 of a large one, else git's SHA-1.
func Hash(data []byte) string {
	if len(data) >= Large {
		return fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return fmt.Sprintf("%x", sha1.Sum(append([]byte(fmt.Sprintf("blob %d\x00", len(data))), data...)))
}

func (h *Hub) hub(w http.ResponseWriter, r *http.Request) {
	if h.Token != "" && r.Header.Get("Authorization") != "Bearer "+h.Token {
		Refuse(w, http.StatusUnauthorized, "", "Invalid username or password.")
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/models/"+h.Name+"/revision/"); ok {
		h.listing(w, rest)
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/"+h.Name+"/resolve/"); ok {
		revision, file, _ := strings.Cut(rest, "/")
		h.resolve(w, r, revision, file)
		return
	}
	if file, ok := strings.CutPrefix(r.URL.Path, "/api/resolve-cache/models/"+h.Name+"/"+h.Commit+"/"); ok {
		w.Header().Set("X-Repo-Commit", h.Commit)
		w.Header().Set("ETag", `"`+Hash(h.Files[file])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.Files[file]))
		return
	}
	Refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
}

func (h *Hub) listing(w http.ResponseWriter, revision string) {
	if revision != "main" && revision != h.Commit && revision != "refs/pr/1" {
		Refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
		return
	}
	type sibling struct {
		RFilename string `json:"rfilename"`
	}
	var siblings []sibling
	for name := range h.Files {
		siblings = append(siblings, sibling{name})
	}
	for _, name := range h.Listed {
		siblings = append(siblings, sibling{name})
	}
	json.NewEncoder(w).Encode(map[string]any{"id": h.Name, "sha": h.Commit, "siblings": siblings})
}

func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, revision, file string) {
	data, ok := h.Files[file]
	switch {
	case revision != "main" && revision != h.Commit:
		Refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
	case !ok:
		Refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
	case len(data) >= Large:
		w.Header().Set("X-Repo-Commit", h.Commit)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
		w.Header().Set("X-Linked-ETag", `"`+Hash(data)+`"`)
		http.Redirect(w, r, h.CDN+"/"+Hash(data)+"?Signature=secret", http.StatusFound)
	default:
		http.Redirect(w, r, "/api/resolve-cache/models/"+h.Name+"/"+h.Commit+"/"+file, http.StatusTemporaryRedirect)
	}
}

func (h *Hub) cdn(w http.ResponseWriter, r *http.Request) {
	for _, data := range h.Files {
		if r.URL.Path == "/"+Hash(data) && r.URL.Query().Get("Signature") == "secret" {
			w.Header().Set("ETag", `"another"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
			return
		}
	}
	w.WriteHeader(http.StatusForbidden)
}

// Refuse answers as the hub does.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(status)
}
