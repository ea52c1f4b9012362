package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// tools is where the programs are that take part.
type tools struct {
	csyncPath, regsyncPath, cranePath string
	dockerRegistry, distribution      string // servers
	inFlight                          int    // requests at a registry at the same time
}

// The peers and the server, as they are compared with.
const (
	regsyncModule      = "github.com/regclient/regclient/cmd/regsync@v0.11.7"
	craneModule        = "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
	distributionModule = "github.com/distribution/distribution/v3/cmd/registry@v3.1.2"
)

// findTools finds csync and what Debian has, and builds the rest below
// directory unless it is there.
func findTools(ctx context.Context, csync, directory string) (tools, error) {
	var t tools
	var errs []error
	use := func(where *string, path string, err error) {
		*where = path
		errs = append(errs, err)
	}
	own, err := filepath.Abs(csync)
	if err == nil {
		_, err = os.Stat(own)
	}
	use(&t.csyncPath, own, err)
	server, err := exec.LookPath("docker-registry")
	use(&t.dockerRegistry, server, err)
	for _, needed := range []string{"skopeo", "gpg", "gpgconf"} {
		_, err := exec.LookPath(needed)
		errs = append(errs, err)
	}
	for module, where := range map[string]*string{
		regsyncModule: &t.regsyncPath, craneModule: &t.cranePath, distributionModule: &t.distribution,
	} {
		path, err := install(ctx, module, directory)
		use(where, path, err)
	}
	return t, errors.Join(errs...)
}

// install builds a command below directory, in a folder named for its version.
func install(ctx context.Context, module, directory string) (string, error) {
	command, version, _ := strings.Cut(module, "@")
	folder, err := filepath.Abs(filepath.Join(directory, version))
	if err != nil {
		return "", fmt.Errorf("installing %s: %w", module, err)
	}
	program := filepath.Join(folder, path.Base(command))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	build := exec.CommandContext(ctx, "go", "install", "-trimpath", module)
	build.Env = append(os.Environ(), "GOBIN="+folder, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing %s: %w: %s", module, err, output)
	}
	return program, nil
}

// versions says what is compared.
func (t tools) versions(ctx context.Context) string {
	said, _ := exec.CommandContext(ctx, "skopeo", "--version").Output() // Debian's, whichever it is
	own, _ := exec.CommandContext(ctx, t.csyncPath, "--version").Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(own)), " (")
	var names []string
	for _, module := range []string{regsyncModule, craneModule, distributionModule} {
		name, version, _ := strings.Cut(module, "@")
		names = append(names, path.Base(name)+" "+version)
	}
	return strings.Join(append([]string{line}, append(names, strings.TrimSpace(string(said)))...), ", ")
}
