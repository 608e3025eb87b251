// Package hub finds models by their names in Hugging Face's cache, the folder
// that transformers fills too. It reads; package hub/fetch writes there, and is
// the only one that knows a network.
//
//	Folder("org/name", "main", "", Model)
//	    "org/name"                                  if there is such a folder
//	    CACHE/models--org--name/snapshots/<commit>  else
//
// A revision is a branch, a tag or a commit. The cache of one model:
//
//	refs/<revision>             the commit that a branch or a tag stood for
//	snapshots/<commit>/<file>   a link to a blob; a copy where there are no links
//	blobs/<hash>                the bytes of a file, once for all revisions
//	blobs/<hash>.incomplete     what has come of one
//
// The hash is the SHA-256 of a large file and git's SHA-1 of a small one.
package hub

import (
	"cmp"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"pactune/internal/fault"
)

// Ref names a model on a hub.
type Ref struct {
	Name     string // "name" or "owner/name"
	Revision string // a branch, a tag or a commit
}

// Main is the revision of a model that nobody asked another of.
const Main = "main"

var (
	namePart = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)
	revision = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9_.+-]*(/[A-Za-z0-9_+-][A-Za-z0-9_.+-]*)*$`)
	commit   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// IsName tells whether a hub could have a model of that name.
func IsName(name string) bool {
	owner, model, two := strings.Cut(name, "/")
	return len(name) <= 96 && namePart.MatchString(owner) && (!two || namePart.MatchString(model)) &&
		!strings.Contains(name, "--") && !strings.Contains(name, "..") && !strings.HasSuffix(name, ".git")
}

// IsCommit tells whether a revision is a commit, which never changes.
func IsCommit(revision string) bool { return commit.MatchString(revision) }

// Check refuses what no hub can have, before it becomes a part of a path or an
// address; the error is of kind fault.Usage.
func (r Ref) Check() error {
	if !IsName(r.Name) {
		return fault.Errorf(fault.Usage, "%.100q: is not the name of a model; expected name or owner/name of letters, digits, dots, - and _, at most 96 characters", r.Name)
	}
	if !revision.MatchString(r.Revision) || strings.Contains(r.Revision, "..") || len(r.Revision) > 200 {
		return fault.Errorf(fault.Usage, "--model_revision %.100q: expected a branch, a tag or a commit", r.Revision)
	}
	return nil
}

// Storage is the folder of the model in a cache.
func (r Ref) Storage(cache string) string {
	return filepath.Join(cache, r.Base())
}

// Base is the name of that folder.
func (r Ref) Base() string {
	return "models--" + strings.ReplaceAll(r.Name, "/", "--")
}

// CacheDir is the folder of the cache: the given one, else that of TRANSFORMERS_CACHE,
// which transformers 4 puts above all, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME or
// XDG_CACHE_HOME, else ~/.cache/huggingface/hub.
func CacheDir(given string) string {
	return expand(cmp.Or(given, os.Getenv("TRANSFORMERS_CACHE"), os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE"),
		filepath.Join(Home(), "hub")))
}

// Home is Hugging Face's folder, where the token is too.
func Home() string {
	if home := os.Getenv("HF_HOME"); home != "" {
		return expand(home)
	}
	if cache := os.Getenv("XDG_CACHE_HOME"); cache != "" {
		return expand(filepath.Join(cache, "huggingface"))
	}
	return expand("~/.cache/huggingface")
}

// expand puts in the home folder and the variables of a path.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		if home, err := os.UserHomeDir(); err == nil {
			path = home + rest
		}
	}
	return filepath.Clean(os.Expand(path, func(name string) string {
		if value, ok := os.LookupEnv(name); ok {
			return value
		}
		return "$" + name
	}))
}

// Offline tells whether HF_HUB_OFFLINE, or else TRANSFORMERS_OFFLINE, forbids
// the network.
func Offline() bool {
	value := os.Getenv("HF_HUB_OFFLINE")
	if value == "" {
		value = os.Getenv("TRANSFORMERS_OFFLINE")
	}
	switch strings.ToUpper(value) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// Endpoint is the address of the hub: HF_ENDPOINT, or https://huggingface.co.
// Only https is taken, and http from this machine itself.
func Endpoint() (*url.URL, error) {
	text := os.Getenv("HF_ENDPOINT")
	if text == "" {
		text = "https://huggingface.co"
	}
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fault.Errorf(fault.Usage, "HF_ENDPOINT: expected the address of a hub such as https://huggingface.co, without a name or a password")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, fault.Errorf(fault.Usage, "HF_ENDPOINT: found %s, expected an address with https; http is only for a hub on this machine", u.Redacted())
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Address is where a hub has a file of the model.
func (r Ref) Address(endpoint *url.URL, file string) string {
	return endpoint.String() + "/" + r.Name + "/resolve/" + url.PathEscape(r.Revision) + "/" + file
}
