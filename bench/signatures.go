package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// signatures is a lookaside server, containers-registries.d(5), with a simple
// signature of every second image of a source.
type signatures struct {
	server    *registry // of files
	directory string
	key       string            // file of the public key
	paths     map[string]string // of the files below directory, by the image's reference
}

// openSignatures signs images of the source and starts the server.
func (b *bench) openSignatures(ctx context.Context, source *registry, w work) (*signatures, error) {
	s, err := newSignatures(ctx, b.scratch, source, w.repositories)
	if err != nil {
		return s, err
	}
	n := w.network
	n.files, n.rate = s.directory, 0
	s.server, err = startRegistry(n, "", b.certificate)
	return s, err
}

// newSignatures signs with a key that is made for it, below the directory scratch.
func newSignatures(ctx context.Context, scratch string, source *registry, repositories []repository) (s *signatures, err error) {
	top, err := os.MkdirTemp(scratch, "signed-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	g, err := newGPG(ctx, filepath.Join(top, "gpg"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	public, err := g.run(ctx, nil, "--export")
	if err != nil {
		return nil, err
	}
	s = &signatures{directory: filepath.Join(top, "files"), key: filepath.Join(top, "key.gpg"), paths: map[string]string{}}
	if err := os.WriteFile(s.key, public, 0o600); err != nil {
		return nil, fmt.Errorf("writing the public key: %w", err)
	}
	for _, r := range repositories {
		for n, i := range r.images {
			if n%2 == 0 {
				continue
			}
			if err := s.sign(ctx, g, source, r.name+":"+i.tag); err != nil {
				return nil, fmt.Errorf("signing %s:%s: %w", r.name, i.tag, err)
			}
		}
	}
	return s, nil
}

// sign makes the signature of one image, containers-signature(5).
func (s *signatures) sign(ctx context.Context, g gpg, source *registry, name string) error {
	repository, tag, _ := strings.Cut(name, ":")
	digest, err := source.digest(ctx, repository, tag)
	if err != nil {
		return err
	}
	reference := source.Far + "/" + name
	claim := encode(map[string]any{
		"critical": map[string]any{
			"type":     "atomic container signature",
			"image":    map[string]string{"docker-manifest-digest": digest},
			"identity": map[string]string{"docker-reference": reference},
		},
		"optional": map[string]any{"creator": "csync bench"},
	})
	signed, err := g.run(ctx, claim, "--sign")
	if err != nil {
		return err
	}
	s.paths[reference] = repository + "@" + strings.Replace(digest, ":", "=", 1) + "/signature-1"
	place := filepath.Join(s.directory, s.paths[reference])
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	return os.WriteFile(place, signed, 0o600)
}

// missing counts the signatures that are not as they were in a destination's
// lookaside directory.
func (s *signatures) missing(lookaside string) int {
	missing := 0
	for _, path := range s.paths {
		signed, err := os.ReadFile(filepath.Join(s.directory, path))
		copied, lost := os.ReadFile(filepath.Join(lookaside, prefix, path))
		if err != nil || lost != nil || !bytes.Equal(signed, copied) {
			missing++
		}
	}
	return missing
}

// trust is the options that have a tool verify and copy signatures, with the
// files that they name; without signatures, all images are trusted.
func (k task) trust() ([]string, error) {
	if k.signatures == nil {
		return []string{"--insecure-policy"}, nil
	}
	type requirement map[string]string
	signed := map[string][]requirement{}
	for reference := range k.signatures.paths {
		signed[reference] = []requirement{{"type": "signedBy", "keyType": "GPGKeys", "keyPath": k.signatures.key}}
	}
	policy, places := filepath.Join(k.directory, "policy.json"), filepath.Join(k.directory, "registries.d")
	if err := os.MkdirAll(places, 0o700); err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	own := "file://" + k.lookaside()
	err := errors.Join(
		writeJSON(policy, map[string]any{
			"default":    []requirement{{"type": "insecureAcceptAnything"}},
			"transports": map[string]any{"docker": signed},
		}),
		writeJSON(filepath.Join(places, "bench.yaml"), map[string]any{"docker": map[string]any{
			k.source:          map[string]string{"lookaside": "http://" + k.signatures.server.Far},
			k.destinations[0]: map[string]string{"lookaside": own, "lookaside-staging": own},
		}}),
	)
	return []string{"--policy", policy, "--registries.d", places}, err
}

// lookaside is where the destination's signatures are.
func (k task) lookaside() string { return filepath.Join(k.directory, "lookaside") }

// gpg is the program with a home of its own.
type gpg struct{ home string }

// newGPG makes the home, and a key.
func newGPG(ctx context.Context, home string) (gpg, error) {
	g := gpg{home}
	if err := os.Mkdir(home, 0o700); err != nil {
		return g, fmt.Errorf("making a home for gpg: %w", err)
	}
	_, err := g.run(ctx, nil, "--passphrase", "", "--quick-gen-key", "bench@localhost", "ed25519", "sign")
	return g, err
}

func (g gpg) close() error {
	if err := exec.Command("gpgconf", "--homedir", g.home, "--kill", "gpg-agent").Run(); err != nil {
		return fmt.Errorf("ending gpg-agent: %w", err)
	}
	return nil
}

func (g gpg) run(ctx context.Context, input []byte, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "gpg", append([]string{"--homedir", g.home, "--batch", "--quiet"}, arguments...)...)
	var said bytes.Buffer
	command.Stdin, command.Stderr = bytes.NewReader(input), &said
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running gpg: %w: %s", err, &said)
	}
	return output, nil
}

// files is a server of a directory's files.
type files struct{ http.Handler }

func (files) empty(context.Context) error { return nil }
func (files) close()                      {}
