package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// network is how the registries of a work are reached.
type network struct {
	roundTrip time.Duration
	secure    bool   // over TLS, with bearer tokens
	rate      int64  // bytes a second that leave the source at most
	server    bool   // distribution and docker-registry instead of olareg
	inFlight  int    // requests under way at most
	bulk      bool   // lists of tags have their digests
	files     string // directory to serve, instead of a registry
}

// registry is a registry in a process of its own, behind a front.
type registry struct {
	addresses
	command *exec.Cmd
	stdin   io.Closer
}

func startRegistry(n network, server, certificate string) (*registry, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	args := []string{
		"registry", "-rtt", n.roundTrip.String(), "-rate", strconv.FormatInt(n.rate, 10),
		"-in-flight", strconv.Itoa(n.inFlight), "-server", server, "-files", n.files,
	}
	if n.secure {
		args = append(args, "-tokens", "-certificate", certificate)
	}
	if n.bulk {
		args = append(args, "-bulk")
	}
	r := &registry{command: exec.Command(self, args...)}
	r.command.Stderr = os.Stderr
	r.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is for the benchmark
	if r.stdin, err = r.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	stdout, err := r.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	if err := r.command.Start(); err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	if err := json.NewDecoder(stdout).Decode(&r.addresses); err != nil {
		r.close()
		return nil, fmt.Errorf("starting a registry: reading its addresses: %w", err)
	}
	return r, nil
}

func (r *registry) close() {
	_ = r.stdin.Close()
	_ = r.command.Wait()
}

// fill pushes images, below prefix.
func (r *registry) fill(ctx context.Context, prefix string, repositories []repository) error {
	return newFiller(r.Near, prefix).fill(ctx, repositories)
}

// digest is that of the manifest that a tag names.
func (r *registry) digest(ctx context.Context, repository, tag string) (string, error) {
	place := "http://" + r.Near + "/v2/" + repository + "/manifests/" + tag
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, place, nil)
	if err != nil {
		return "", fmt.Errorf("asking for a digest: %w", err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for a digest: %w", err)
	}
	defer answer.Body.Close()
	digest := answer.Header.Get("Docker-Content-Digest")
	if answer.StatusCode != http.StatusOK || digest == "" {
		return "", fmt.Errorf("asking for a digest: %s", answer.Status)
	}
	return digest, nil
}

func (r *registry) empty(ctx context.Context) error {
	return r.control(ctx, http.MethodPost, "empty", nil)
}

func (r *registry) reset(ctx context.Context) error {
	return r.control(ctx, http.MethodPost, "reset", nil)
}

func (r *registry) seen(ctx context.Context) (seen, error) {
	var s seen
	err := r.control(ctx, http.MethodGet, "counts", &s)
	return s, err
}

// control asks the registry's process something, and decodes its answer.
func (r *registry) control(ctx context.Context, method, what string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.Near+"/"+what, nil)
	if err != nil {
		return fmt.Errorf("asking a registry for %s: %w", what, err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking a registry for %s: %w", what, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(response.Body) // for the message only
		return fmt.Errorf("asking a registry for %s: %s: %s", what, response.Status, said)
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("asking a registry for %s: %w", what, err)
	}
	return nil
}
