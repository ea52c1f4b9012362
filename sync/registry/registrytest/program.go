package registrytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Version3 lets [Distribution] start version 3, which make setup builds below
// bin/tools, instead of Debian's.
func Version3() Option { return func(o *options) { o.version3 = true } }

// program is the server that [Distribution] starts.
func program(o options) (string, error) {
	if o.version3 {
		return builtRegistry()
	}
	path, err := exec.LookPath("docker-registry")
	if err != nil {
		return "", errors.New("docker-registry is not installed: run make setup")
	}
	return path, nil
}

// builtRegistry is the one in bin/tools/VERSION of this module.
func builtRegistry() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for distribution: %w", err)
	}
	for above := ""; directory != above; above, directory = directory, filepath.Dir(directory) {
		found, err := filepath.Glob(filepath.Join(directory, "bin/tools/*/registry"))
		if err == nil && len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", errors.New("distribution 3 is not installed: run make setup")
}
