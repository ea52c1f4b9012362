package origin

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/spec"
)

const (
	examples  = "../../testdata/promotion/"
	aggregate = "0ef8b9a0a2ae3e1c6a2c26fd5d9f1d53"
	tripleo   = "163d4b3b4b211358512fa9ee7f49d9fec93c1a51" // the commit of tripleo-common
)

// server is a web server in the test's process: what it answers by path, with
// the name of an example or a text, or a status.
type server struct {
	*httptest.Server
	asked atomic.Int64
}

func serve(t *testing.T, answers map[string]any) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		where := r.URL.Path
		if r.URL.RawQuery != "" {
			where += "?" + r.URL.RawQuery
		}
		switch answer := answers[where].(type) {
		case nil:
			http.Error(w, "<html>not here</html>", http.StatusNotFound)
		case int:
			http.Error(w, "<html>sorry, base is broken</html>", answer)
		case http.HandlerFunc:
			answer(w, r)
		case string:
			_, _ = w.Write([]byte(strings.ReplaceAll(answer, "LOGS", s.URL)))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// example is the content of a file below testdata/promotion.
func example(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(examples + name)
	require.NoError(t, err)
	return string(content)
}

// find finds what a promotion file with some keys is about. SERVER in them is
// the server's address.
func find(t *testing.T, s *server, keys string) (Found, error) {
	t.Helper()
	if s != nil {
		keys = strings.ReplaceAll(keys, "SERVER", s.URL)
	}
	p, err := spec.LoadPromotion("p.yaml", strings.NewReader(
		"source: {registry: trunk.example.com}\ndestinations: [{registry: quay.example.com}]\nlabel: current-tripleo\n"+keys))
	require.NoError(t, err)
	return Find(t.Context(), p, over(t, transport.Options{Retries: 2, RetryDelay: time.Millisecond}))
}

// over is a getter that really asks.
func over(t *testing.T, o transport.Options) Getter {
	way := transport.New(o)
	t.Cleanup(way.Close)
	return Over(registry.NewClient(way, registry.Options{ReadOnly: true}))
}

// refused gives the error of what find must not find, which is one of input.
func refused(t *testing.T, s *server, keys string) string {
	t.Helper()
	found, err := find(t, s, keys)
	require.Error(t, err)
	require.Equal(t, Found{}, found)
	require.Equal(t, fault.InputSide, fault.SideOf(err))
	require.Equal(t, fault.Input, fault.KindOf(err), err)
	if s != nil {
		return strings.ReplaceAll(err.Error(), s.URL, "SERVER")
	}
	return err.Error()
}

func names(found Found) []string {
	var all []string
	for _, image := range found.Images {
		all = append(all, image.Name)
	}
	return all
}

// having are the images that are asked for a platform.
func having(found Found, platform string) []string {
	var all []string
	for _, image := range found.Images {
		for _, p := range image.Platforms {
			if spec.PlatformName(p.Platform) == platform {
				all = append(all, image.Name)
			}
		}
	}
	return all
}

const both = "platforms: {linux/amd64: _x86_64, linux/ppc64le: _ppc64le}\n"

func TestNamesThatAreGivenGetThePrefixAndThePlatforms(t *testing.T) {
	t.Parallel()
	found, err := find(t, nil, both+`
hash: any-tag.will_do
images:
  prefix: openstack-
  names: [nova-api, base, nova-consoleauth, ceph-daemon]
  exclude: [nova-consoleauth]
  lacking: {ppc64le: [ceph-daemon]}
`)
	require.NoError(t, err)
	require.Equal(t, "any-tag.will_do", found.Hash)
	require.Equal(t, []string{"openstack-base", "openstack-ceph-daemon", "openstack-nova-api"}, names(found))
	require.Equal(t, names(found), having(found, "linux/amd64"))
	require.Equal(t, []string{"openstack-base", "openstack-nova-api"}, having(found, "linux/ppc64le"))
}

func TestATextFileIsReadFromWhereverItIs(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{"/list.txt": "\xef\xbb\xbf" + strings.ReplaceAll(example(t, "containers.txt"), "\n", "\r\n")})
	absolute, err := filepath.Abs(examples + "containers.txt")
	require.NoError(t, err)
	for _, location := range []string{examples + "containers.txt", "file:" + examples + "containers.txt", "file://" + absolute, s.URL + "/list.txt"} {
		found, err := find(t, s, "hash: abc\nimages: {prefix: openstack-, file: \""+location+"\"}")
		require.NoError(t, err, location)
		require.Equal(t, []string{"openstack-base", "openstack-cron", "openstack-nova-api"}, names(found), location)
	}
}

func TestSeveralKindsOfImagesAreOneUnion(t *testing.T) {
	t.Parallel()
	found, err := find(t, nil, "hash: abc\nimages: {prefix: openstack-, names: [base, extra], file: "+examples+"containers.txt, tripleo: {url: "+
		examples+"tripleo_containers.yaml, release: master}}")
	require.NoError(t, err)
	require.Equal(t, []string{
		"openstack-aodh-api", "openstack-base", "openstack-cron", "openstack-extra", "openstack-neutron-server",
		"openstack-nova-api", "openstack-nova-consoleauth",
	}, names(found))
}

func TestAnImageThatLacksEveryPlatformIsAMistake(t *testing.T) {
	t.Parallel()
	require.Equal(t, `image "base" lacks every platform; exclude it, or ask for one that it has`,
		refused(t, nil, "platforms: {linux/amd64: _x86_64}\nhash: abc\nimages: {names: [base], lacking: {linux/amd64: [base]}}"))
}

func TestARenameHasToLeaveAName(t *testing.T) {
	t.Parallel()
	p, err := spec.LoadPromotion("p.yaml", strings.NewReader(
		"source: {registry: a.io}\ndestinations: [{registry: b.io, namespace: n, rename: {^openstack-: ''}}]\nhash: abc\nimages: {names: [openstack-base]}"))
	require.NoError(t, err)
	found, err := Find(t.Context(), p, nil)
	require.NoError(t, err)
	require.Equal(t, "n/base", p.Destinations[0].Repository(found.Images[0].Name))
	p.Images.Names = append(p.Images.Names, "openstack-")
	_, err = Find(t.Context(), p, nil)
	require.True(t, fault.Is(err, fault.Input))
	require.EqualError(t, err, `p.yaml:2:16: image "openstack-" is renamed: image "n/" begins or ends with a slash; "n" was meant`)
}

func TestAnEmptyListIsAnError(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{
		"/none.txt": "# nobody\n\n", "/none.yaml": "container_images: []\n", "/foreign.yaml": "container_images:\n- {imagename: quay.io/ceph/daemon:1, image_source: ceph}\n",
	})
	for keys, want := range map[string]string{
		"file: SERVER/none.txt":                                   "SERVER/none.txt: names no image",
		"tripleo: {url: SERVER/none.yaml}":                        "SERVER/none.yaml: not a tripleo containers file: it has no container_images",
		"tripleo: {url: SERVER/foreign.yaml}":                     `SERVER/foreign.yaml: none of its 1 images begins with "openstack-" and has the image_source tripleo or kolla`,
		"tripleo: {url: SERVER/foreign.yaml, release: queens}":    `SERVER/foreign.yaml: none of its 1 images begins with "centos-binary-"`,
		"names: [base], exclude: [base]":                          "there are no images to promote: all 1 are excluded",
		"names: [base], tripleo: {url: SERVER/none.yaml}":         "SERVER/none.yaml: not a tripleo containers file: it has no container_images",
		"prefix: openstack-, names: [], file: 'SERVER/none.txt?'": "SERVER/none.txt: names no image",
	} {
		require.Equal(t, want, refused(t, s, "hash: abc\nimages: {"+keys+"}"), keys)
	}
}

// R5 and Q6: an error of a server was a missing image, and its page was read as
// a log.
func TestAServerErrorIsNoList(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{"/500": 500, "/403": 403, "/401": 401, "/429": 429})
	for path, kind := range map[string]fault.Kind{
		"/404": fault.NotFound, "/500": fault.Network, "/403": fault.Denied, "/401": fault.Unauthorized, "/429": fault.RateLimited,
	} {
		for _, keys := range []string{
			"images: {file: SERVER%}", "images: {tripleo: {url: SERVER%}}", "images: {tripleo: {versions: SERVER%, base-url: SERVER}}",
		} {
			found, err := find(t, s, "hash: abc\n"+strings.ReplaceAll(keys, "%", path))
			require.Equal(t, kind, fault.KindOf(err), "%s: %v", keys, err)
			require.Equal(t, fault.InputSide, fault.SideOf(err))
			require.ErrorContains(t, err, s.URL+path)
			require.Equal(t, Found{}, found)
		}
	}
}

func TestAPageOfHTMLIsNoList(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{"/page": example(t, "error.html")})
	for _, keys := range []string{
		"file: SERVER/page", "tripleo: {url: SERVER/page}", "tripleo: {versions: SERVER/page, base-url: SERVER}",
		"tripleo: {url: " + examples + "tripleo_containers.yaml, exclude-file: SERVER/page}",
	} {
		require.Equal(t, "SERVER/page: a page of HTML, not what was asked for", refused(t, s, "hash: abc\nimages: {"+keys+"}"))
	}
}

func TestAServerThatIsBusyIsAskedAgain(t *testing.T) {
	t.Parallel()
	var times atomic.Int64
	s := serve(t, map[string]any{"/list.txt": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if time := times.Add(1); time < 3 {
			w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusTooManyRequests}[time-1])
			return
		}
		_, _ = w.Write([]byte("base\n"))
	})})
	found, err := find(t, s, "hash: abc\nimages: {file: SERVER/list.txt}")
	require.NoError(t, err)
	require.Equal(t, []string{"base"}, names(found))
	require.EqualValues(t, 3, s.asked.Load())
}

func TestMoreThanAListCanHaveIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.txt")
	long := strings.Repeat("# nothing\n", most/10+1)
	require.NoError(t, os.WriteFile(path, []byte(long), 0o600))
	require.Equal(t, path+" has more than 8 MB", refused(t, nil, "hash: abc\nimages: {file: "+path+"}"))
	s := serve(t, map[string]any{"/list.txt": long})
	_, err := find(t, s, "hash: abc\nimages: {file: SERVER/list.txt}")
	require.ErrorContains(t, err, "/list.txt")
}

func TestWhatIsNoNameIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{
		"/list.txt": "base\nnova api\n",
		"/containers.yaml": "container_images:\n- {imagename: quay.io/a/openstack-base:1, image_source: tripleo}\n" +
			"- {imagename: quay.io/a/openstack-Base:1, image_source: tripleo}\n",
		"/unnamed.yaml": "container_images:\n- {image_source: tripleo}\n",
		"/text.yaml":    "container_images:\n- base\n",
	})
	s.Config.Handler = withoutQuery(s.Config.Handler)
	for keys, want := range map[string]string{
		"file: 'SERVER/list.txt?token=swordfish'": `SERVER/list.txt:2: image "nova api" is not a path of `,
		"tripleo: {url: SERVER/containers.yaml}":  `SERVER/containers.yaml:3: image "Base" has upper-case letters; "base" was meant`,
		"tripleo: {url: SERVER/unnamed.yaml}":     `SERVER/unnamed.yaml:2: an entry of container_images has no imagename`,
		"tripleo: {url: SERVER/text.yaml}":        `SERVER/text.yaml:2: not an entry of container_images: `,
	} {
		got := refused(t, s, "hash: abc\nimages: {"+keys+"}")
		require.Truef(t, strings.HasPrefix(got, want), "%s\n%s", got, want)
		require.NotContains(t, got, "swordfish")
	}
}

func withoutQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = ""
		next.ServeHTTP(w, r)
	})
}

func TestAFileOfAnotherHostIsNotRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, "file://elsewhere/list.txt is a file of another host", refused(t, nil, "hash: abc\nimages: {file: \"file://elsewhere/list.txt\"}"))
	_, err := find(t, nil, "hash: abc\nimages: {file: nowhere.txt}")
	require.True(t, fault.Is(err, fault.NotFound))
	require.ErrorContains(t, err, "nowhere.txt")
}
