package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// program is a registry server as a process of its own, distribution or
// Debian's docker-registry, with its storage in a temporary directory.
type program struct {
	path string

	proxy     *httputil.ReverseProxy
	command   *exec.Cmd
	directory string
}

func (p *program) ServeHTTP(w http.ResponseWriter, req *http.Request) { p.proxy.ServeHTTP(w, req) }

// empty starts the server anew. No request may be under way.
func (p *program) empty(ctx context.Context) error {
	p.close()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	if p.directory, err = os.MkdirTemp("", "csync-bench-"); err != nil {
		return fmt.Errorf("making the storage: %w", err)
	}
	settings := filepath.Join(p.directory, "config.yml")
	if err := os.WriteFile(settings, fmt.Appendf(nil, serverSettings, p.directory, address), 0o600); err != nil {
		return fmt.Errorf("writing the server's settings: %w", err)
	}
	p.command = exec.Command(p.path, "serve", settings)
	p.command.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	p.command.Stdout, p.command.Stderr = &output, &output
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.path, err)
	}
	p.proxy = newProxy(address)
	if err := listening(ctx, address); err != nil {
		p.close()
		return fmt.Errorf("starting %s: %w: %s", p.path, err, output.String())
	}
	return nil
}

func (p *program) close() {
	if p.command != nil && p.command.Process != nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
	if p.directory != "" {
		_ = os.RemoveAll(p.directory)
	}
	p.command, p.directory = nil, ""
}

const serverSettings = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: %s, relativeurls: true}
`

// newProxy forwards with connections of its own, which it never runs out of.
func newProxy(address string) *httputil.ReverseProxy {
	upstream := &url.URL{Scheme: "http", Host: address}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 256, DisableCompression: true,
			ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
		},
		BufferPool: &buffers{sync.Pool{New: func() any { return new([256 << 10]byte) }}},
	}
}

type buffers struct{ sync.Pool }

func (b *buffers) Get() []byte  { return b.Pool.Get().(*[256 << 10]byte)[:] }
func (b *buffers) Put(p []byte) { b.Pool.Put((*[256 << 10]byte)(p)) }

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// listening waits until something accepts connections.
func listening(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}
