package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pactune/hub"
	"pactune/internal/bounded"
	"pactune/internal/fault"
	"pactune/internal/strictjson"
)

const (
	maxRedirects = 10
	maxWait      = time.Minute // for the list of files
	maxToken     = 1 << 16
	maxListing   = 32 << 20 // bytes of JSON; the largest models list some thousand files
)

// client is how requests go out, and how patient they are.
type client struct {
	http  *http.Client
	stall time.Duration // without a byte, after which a connection counts as lost
	pause time.Duration // before the first new try, doubled for each later one
	tries int           // in a row that bring nothing
}

// newClient follows HTTPS_PROXY and NO_PROXY; SSL_CERT_FILE names authorities.
func newClient() client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true // sizes and hashes are those of the files
	t.ResponseHeaderTimeout = 30 * time.Second
	t.DialContext = (&net.Dialer{Timeout: 15 * time.Second}).DialContext
	return client{
		http:  &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		stall: 30 * time.Second, pause: time.Second, tries: 6,
	}
}

// unreachable is the error of a host that does not answer, or not as it should.
type unreachable struct{ error }

func (u unreachable) Unwrap() error { return u.error }

func readToken() (string, error) {
	token, from := os.Getenv("HF_TOKEN"), "HF_TOKEN"
	if token == "" {
		from = os.Getenv("HF_TOKEN_PATH")
		if from == "" {
			from = filepath.Join(hub.Home(), "token")
		}
		text, err := bounded.ReadFile(nil, from, maxToken)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fault.Errorf(fault.Usage, "%w: the token of the hub cannot be read", err)
		}
		token = string(text)
	}
	token = strings.TrimSpace(token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fault.Errorf(fault.Usage, "%s: the token has characters that no token has", from)
	}
	return token, nil
}

// send makes a request and follows redirects, all of them or only those that
// name no host. The token goes to the hub alone.
func (s *Source) send(ctx context.Context, method string, at *url.URL, from int64, everywhere bool) (*http.Response, error) {
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("User-Agent", s.agent)
		if s.isHub(at) && s.token != "" {
			req.Header.Set("Authorization", "Bearer "+s.token)
		}
		if from > 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		}
		resp, err := s.client.http.Do(req)
		if err != nil {
			return nil, unreachable{fmt.Errorf("%s does not answer: %w (HTTPS_PROXY and SSL_CERT_FILE are followed)", at.Host, withoutAddress(err))}
		}
		if resp.StatusCode/100 != 3 {
			return resp, nil
		}
		to, err := url.Parse(resp.Header.Get("Location"))
		if err != nil || resp.Header.Get("Location") == "" {
			resp.Body.Close()
			return nil, unreachable{fmt.Errorf("%s answers %s without a place to go to", at.Host, resp.Status)}
		}
		next := at.ResolveReference(to)
		if next.Scheme != at.Scheme && next.Scheme != "https" {
			resp.Body.Close()
			return nil, fault.Errorf(fault.Model, "%s: leads from %s to %s, which nothing protects; expected https", short(at), at.Scheme, next.Scheme)
		}
		if to.Host != "" && !everywhere {
			return resp, nil
		}
		resp.Body.Close()
		at = next
	}
	return nil, unreachable{fmt.Errorf("%s leads to ever new addresses, %d in a row", short(at), maxRedirects)}
}

func (s *Source) isHub(at *url.URL) bool {
	return at.Scheme == s.endpoint.Scheme && at.Host == s.endpoint.Host
}

// withoutAddress is what is wrong without the address, which may hold a
// signature.
func withoutAddress(err error) error {
	var wrong *url.Error
	if errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}

// short is an address without what may be secret in it.
func short(at *url.URL) string { return at.Scheme + "://" + at.Host + at.Path }

// list asks for the commit of the revision and the names of its files.
func (d *download) list(ctx context.Context) ([]string, error) {
	at, err := url.Parse(d.endpoint.String() + "/api/models/" + d.ref.Name + "/revision/" + url.PathEscape(d.ref.Revision))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	resp, err := d.send(ctx, http.MethodGet, at, 0, true)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, d.refused(resp)
	}
	var listing struct { // the answer has many more members, of no use here
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
		} `json:"siblings"`
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxListing+1))
	if err != nil {
		return nil, unreachable{fmt.Errorf("%s broke off: %w", d.endpoint.Host, err)}
	}
	if len(text) > maxListing {
		return nil, noList(at, fmt.Errorf("found more than %d bytes", maxListing))
	}
	if err := strictjson.Unmarshal(text, &listing); err != nil {
		return nil, noList(at, err)
	}
	if !hub.IsCommit(listing.SHA) {
		return nil, noList(at, fmt.Errorf("found the commit %.60q", listing.SHA))
	}
	d.result.Commit = listing.SHA
	d.result.Folder = filepath.Join(d.dir, "snapshots", listing.SHA)
	var names []string
	for _, file := range listing.Siblings {
		names = append(names, file.Name)
	}
	return names, nil
}

func noList(at *url.URL, err error) error {
	return fault.Errorf(fault.Model, "%s: answers with no list of files; expected a hub (HF_ENDPOINT): %w", short(at), err)
}

// head asks for the hash, the size and the place of a file.
func (d *download) head(ctx context.Context, name string) (*entry, error) {
	at, err := url.Parse(hub.Ref{Name: d.ref.Name, Revision: d.result.Commit}.Address(d.endpoint, name))
	if err != nil {
		return nil, err
	}
	resp, err := d.send(ctx, http.MethodHead, at, 0, false)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	if resp.StatusCode >= 400 {
		return nil, d.refused(resp)
	}
	e := &entry{name: name, at: resp.Request.URL}
	if to := resp.Header.Get("Location"); to != "" {
		if e.at, err = e.at.Parse(to); err != nil {
			return nil, fault.Errorf(fault.Model, "%s: leads to no address", short(at))
		}
	}
	found := first(resp.Header, "X-Linked-Etag", "ETag")
	e.hash = strings.Trim(strings.TrimPrefix(found, "W/"), `"`)
	if !hash.MatchString(e.hash) {
		return nil, fault.Errorf(fault.Model, "%s: found the ETag %.80q, expected a SHA-256 or git's SHA-1: not a hub whose files can be checked (HF_ENDPOINT)", short(at), found)
	}
	if e.size, err = strconv.ParseInt(first(resp.Header, "X-Linked-Size", "Content-Length"), 10, 64); err != nil || e.size < 0 {
		return nil, fault.Errorf(fault.Model, "%s: the hub does not say how many bytes it has", short(at))
	}
	if c := resp.Header.Get("X-Repo-Commit"); c != d.result.Commit {
		return nil, fault.Errorf(fault.Model, "%s: found commit %.60q, expected %s", short(at), c, d.result.Commit)
	}
	return e, nil
}

// hash is what names a blob: nothing that could be a path.
var hash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func first(h http.Header, names ...string) string {
	for _, name := range names {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// refused says what an answer of the hub other than the file means.
func (d *download) refused(resp *http.Response) error {
	page := d.endpoint.String() + "/" + d.ref.Name
	says := ""
	if text := resp.Header.Get("X-Error-Message"); text != "" {
		says = fmt.Sprintf(" (the hub: %.200q)", text)
	}
	code := resp.Header.Get("X-Error-Code")
	status := resp.StatusCode
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		return unreachable{fmt.Errorf("%s answers %s%s", resp.Request.URL.Host, resp.Status, says)}
	case code == "GatedRepo":
		return fault.Errorf(fault.Usage, "%s: is given only to those who accepted its terms at %s; do so, and set HF_TOKEN to a token of that account%s", d.ref.Name, page, says)
	case code == "RevisionNotFound":
		return fault.Errorf(fault.Usage, "%s: has no revision %q; its branches and tags are at %s/tree/main%s", d.ref.Name, d.ref.Revision, page, says)
	case code == "EntryNotFound":
		return fault.Errorf(fault.Model, "%s: the hub lists the file but does not have it%s", short(resp.Request.URL), says)
	case status == http.StatusForbidden:
		return fault.Errorf(fault.Usage, "%s: is not for you: the hub answers %s; expected a token in HF_TOKEN that may read it%s", d.ref.Name, resp.Status, says)
	case (status == http.StatusUnauthorized || code == "RepoNotFound" || status == http.StatusNotFound) && d.token == "":
		return fault.Errorf(fault.Usage, "%s: no such model at %s, or a private one: check the name; for a private one set HF_TOKEN%s", d.ref.Name, d.endpoint, says)
	case status == http.StatusUnauthorized:
		return fault.Errorf(fault.Usage, "%s: the hub does not accept the token: check HF_TOKEN, and the name at %s%s", d.ref.Name, page, says)
	case code == "RepoNotFound" || status == http.StatusNotFound:
		return fault.Errorf(fault.Usage, "%s: no such model at %s, or a private one that the token may not read: check the name%s", d.ref.Name, d.endpoint, says)
	}
	return fault.Errorf(fault.Internal, "%s: the hub answers %s%s", short(resp.Request.URL), resp.Status, says)
}
