package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// home is an environment of a tool's own, without anybody's credentials or
// caches. Every registry has the same credentials, and the one certificate.
func home(directory, certificate string, registries []string) ([]string, error) {
	type login struct {
		Auth string `json:"auth"`
	}
	logins := map[string]login{}
	for _, r := range registries {
		logins[r] = login{"YmVuY2g6YmVuY2g="} // bench:bench
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("making a home: %w", err)
	}
	content := encode(map[string]any{"auths": logins})
	if err := os.WriteFile(filepath.Join(directory, "config.json"), content, 0o600); err != nil {
		return nil, fmt.Errorf("writing credentials: %w", err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + directory, "TMPDIR=" + directory,
		"XDG_RUNTIME_DIR=" + directory, "XDG_CACHE_HOME=" + directory, "XDG_CONFIG_HOME=" + directory,
		"DOCKER_CONFIG=" + directory, "REGISTRY_AUTH_FILE=" + filepath.Join(directory, "config.json"),
		"SSL_CERT_FILE=" + certificate,
	}, nil
}
