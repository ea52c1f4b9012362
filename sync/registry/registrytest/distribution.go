package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// startTimeout is how long docker-registry may take until it listens; it needs
// some hundredths of a second on an idle machine.
const startTimeout = 30 * time.Second

// Distribution starts Debian's docker-registry, the reference implementation
// of CNCF Distribution, which refuses what registries may refuse: manifests
// without their blobs, indexes without their children. It is stopped with the
// test. [Basic] is the registry's own htpasswd check; TLS, tokens and counting
// are those of the front, through which everything goes. It has no
// referrers API, and a catalog of its own. Debian's is version 2; see [Version3].
func Distribution(t testing.TB, given ...Option) *Registry {
	t.Helper()
	o := newOptions(given)
	if o.directory == "" {
		o.directory = t.TempDir()
	}
	configuration := writeConfiguration(t, &o)
	binary, err := program(o)
	require.NoError(t, err)
	process, err := startProcess(binary, configuration)
	require.NoError(t, err)
	t.Cleanup(process.stop)

	r, err := newRegistry(o, process.proxy(), func() error { return nil })
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// writeConfiguration writes the process's files. It takes a basic check out of
// o, because the process makes it.
func writeConfiguration(t testing.TB, o *options) (path string) {
	t.Helper()
	directory := t.TempDir()
	text := fmt.Sprintf(`version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: %t}
  cache: {blobdescriptor: inmemory}
http: {addr: "127.0.0.1:0", secret: registrytest}
`, o.directory, !o.noDelete)
	if o.basic {
		o.auth = nil
		users := filepath.Join(directory, "htpasswd")
		hash, err := bcrypt.GenerateFromPassword([]byte(o.password), bcrypt.MinCost)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(users, fmt.Appendf(nil, "%s:%s\n", o.user, hash), 0o600))
		text += fmt.Sprintf("auth: {htpasswd: {realm: registrytest, path: %q}}\n", users)
	}
	path = filepath.Join(directory, "config.yml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// process is a running registry.
type process struct {
	command   *exec.Cmd
	address   string
	transport *http.Transport
	ended     chan struct{}
}

func startProcess(binary, configuration string) (*process, error) {
	output := &startOutput{address: make(chan string, 1)}
	p := &process{command: exec.Command(binary, "serve", configuration), ended: make(chan struct{})}
	p.command.Env = []string{} // REGISTRY_… would change the configuration
	p.command.Stdout, p.command.Stderr = output, output
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting docker-registry: %w", err)
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // killed in the end
	}()
	select {
	case p.address = <-output.address:
		p.transport = &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}
		return p, nil
	case <-p.ended:
	case <-time.After(startTimeout):
	}
	p.stop()
	return nil, fmt.Errorf("starting docker-registry: it does not listen: %s", output)
}

func (p *process) stop() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
}

// proxy hands requests to the process. The process believes to be the front,
// so that the absolute URLs in its answers lead clients there.
func (p *process) proxy() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: p.address})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: p.transport,
		ErrorLog:  stdlog.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return // the client is gone
			}
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
}

// startOutput waits for the line with the port that the system chose.
type startOutput struct {
	address chan string

	mu    sync.Mutex
	text  bytes.Buffer
	found bool
}

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

func (o *startOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.found {
		return len(p), nil
	}
	o.text.Write(p)
	if match := listening.FindSubmatch(o.text.Bytes()); match != nil {
		o.found = true
		o.address <- string(match[1])
	}
	return len(p), nil
}

func (o *startOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
