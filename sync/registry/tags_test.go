package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestTagsOfManyPagesComeInTheRegistrysOrder(t *testing.T) {
	t.Parallel()
	var queries []string
	pages := [][]string{{"b", "a"}, {"d"}, {"c"}}
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		queries = append(queries, req.URL.RawQuery)
		page, _ := strconv.Atoi(req.URL.Query().Get("page"))
		if page+1 < len(pages) {
			w.Header().Set("Link", sprint(`</v2/a/tags/list?page=%d>; rel="next"`, page+1))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "a", "tags": pages[page]})
	})
	c, _ := newClient(t)
	tags, err := source(t, c, host+"/a", plainly).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a", "d", "c"}, tags)
	require.Len(t, queries, 3)
	require.Equal(t, "n=1000", queries[0])
}

func TestTagsThatCannotBeListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		link, body string
		kind       fault.Kind
		text       string
	}{
		"invalid tag":          {"", `{"tags":["1","a b"]}`, fault.Unsupported, `invalid tag "a b"`},
		"empty tag":            {"", `{"tags":[""]}`, fault.Unsupported, `invalid tag ""`},
		"digest for a tag":     {"", `{"tags":["sha256:00"]}`, fault.Unsupported, `invalid tag "sha256:00"`},
		"not JSON":             {"", `<html>`, fault.Unsupported, ""},
		"Link to itself":       {`</v2/a/tags/list>; rel="next"`, `{"tags":["1"]}`, fault.Unsupported, "repeat themselves"},
		"empty Link to itself": {`</v2/a/tags/list>; rel="next"`, `{"tags":[]}`, fault.Unsupported, "repeat themselves"},
		"Link elsewhere":       {`<http://elsewhere.example/v2/a/tags/list>`, `{"tags":["1"]}`, fault.Unsupported, "elsewhere.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Link", c.link)
				if c.link == "" {
					w.Header().Del("Link")
				}
				_, _ = io.WriteString(w, c.body)
			})
			client, _ := newClient(t)
			_, err := source(t, client, host+"/a", plainly).Tags(t.Context())
			requireFault(t, err, c.kind, "fetching tags list: ", c.text)
			require.LessOrEqual(t, asked, 2)
		})
	}
}

func TestTagsOfARepositoryThatIsNotThere(t *testing.T) {
	t.Parallel()
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":{"name":"none"}}]}`)
	})
	c, _ := newClient(t)
	_, err := source(t, c, host+"/none", plainly).Tags(t.Context())
	requireFault(t, err, fault.NotFound, "fetching tags list: repository name not known to registry")
}

// roundTripper answers without a network.
type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }

func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`</v2/a/tags/list?last=b>; rel="next"`, `<http://[::1>`, `<`, `>`, `<>`, `https://q.io/`, `<//elsewhere.example/>`, "<\x00>", `<?n=1>`,
	} {
		f.Add(seed)
	}
	c := NewClient(Options{Retries: -1})
	f.Fuzz(func(t *testing.T, link string) {
		r := source(t, c, "q.io/a", Access{})
		asked := 0
		r.primary.host.http.Transport = roundTripper(func(req *http.Request) *http.Response {
			require.Equal(t, "https://q.io", (&url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host}).String())
			asked++
			return &http.Response{
				StatusCode: http.StatusOK, Request: req, ContentLength: -1, Header: http.Header{"Link": {link}},
				Body: io.NopCloser(strings.NewReader(`{"tags":["1"]}`)),
			}
		})
		tags, err := r.Tags(t.Context())
		require.LessOrEqual(t, asked, 2)
		require.True(t, err != nil || len(tags) == 1)
	})
}
