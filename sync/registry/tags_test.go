package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func TestTagsOfManyPagesComeInTheRegistrysOrder(t *testing.T) {
	t.Parallel()
	var queries []string
	pages := [][]string{{"b", "a"}, {"d"}, {"c"}}
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		queries = append(queries, req.URL.RawQuery)
		page, _ := strconv.Atoi(req.URL.Query().Get("page"))
		if page+1 < len(pages) {
			w.Header().Set("Link", sprint(`</v2/a/tags/list?page=%d>; rel="next"`, page+1))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "a", "tags": pages[page]})
	})
	c := newClient(t)
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
			host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.Header().Set("Link", c.link)
				if c.link == "" {
					w.Header().Del("Link")
				}
				_, _ = io.WriteString(w, c.body)
			})
			client := newClient(t)
			_, err := source(t, client, host+"/a", plainly).Tags(t.Context())
			requireFault(t, err, c.kind, "fetching tags list: ", c.text)
			require.LessOrEqual(t, asked, 2)
		})
	}
}

func TestTagsOfARepositoryThatIsNotThere(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry","detail":{"name":"none"}}]}`)
	})
	c := newClient(t)
	_, err := source(t, c, host+"/none", plainly).Tags(t.Context())
	requireFault(t, err, fault.NotFound, "fetching tags list: repository name not known to registry")
}

func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`</v2/a/tags/list?last=b>; rel="next"`, `<http://[::1>`, `<`, `>`, `<>`, `https://q.io/`, `<//elsewhere.example/>`, "<\x00>", `<?n=1>`,
	} {
		f.Add(seed)
	}
	c := NewClient(transport.New(transport.Options{}), Options{})
	f.Fuzz(func(t *testing.T, link string) {
		e := source(t, c, "q.io/a", transport.Access{}).primary
		req, err := e.Request(t.Context(), http.MethodGet, "tags/list", nil)
		require.NoError(t, err)
		next, err := e.nextPage(&http.Response{Request: req, Header: http.Header{"Link": {link}}})
		if next != nil {
			require.NoError(t, err)
			require.Equal(t, "https://q.io", (&url.URL{Scheme: next.Scheme, User: next.User, Host: next.Host}).String())
		}
	})
}
