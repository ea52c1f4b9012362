package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestWhatLoginStoresIsUsedUntilLogout(t *testing.T) {
	for name, options := range map[string][]registrytest.Option{
		"basic": {registrytest.TLS(), registrytest.Basic("ci", "secret")},
		"token": {registrytest.TLS(), registrytest.Token("ci", "secret")},
	} {
		t.Run(name, func(t *testing.T) {
			registry := registrytest.Start(t, options...)
			registry.Push(t, "app", "1", registrytest.RandomImage(1))
			t.Setenv("REGISTRY_AUTH_FILE", filepath.Join(t.TempDir(), "auth.json"))
			require.NoError(t, os.WriteFile(os.Getenv("REGISTRY_AUTH_FILE"), []byte("{}"), 0o600))
			list := func() ended {
				return runCsync(t, "list-tags", "--output=text", "--cert-dir", registry.CertDir, registry.Host()+"/app")
			}
			got := list()
			require.Equal(t, exitNoRun, got.code)
			require.Contains(t, got.err, "csync login "+registry.Host())

			got = runCsyncWith(t, "secret\n", "login", "--cert-dir", registry.CertDir, "-u", "ci", "--password-stdin", "docker://"+registry.Host())
			require.Equal(t, ended{code: exitDone, out: "Login Succeeded!\n"}, got)
			got = list()
			require.Equal(t, ended{code: exitDone, out: "1\n"}, got)

			got = runCsync(t, "login", "--get-login", registry.Host())
			require.Equal(t, ended{code: exitDone, out: "ci\n"}, got)
			got = runCsync(t, "logout", registry.Host())
			require.Equal(t, ended{code: exitDone, out: "Removed login credentials for " + registry.Host() + "\n"}, got)
			require.Equal(t, exitNoRun, list().code)
		})
	}
}

func TestLoginStoresNoWrongPassword(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	file := filepath.Join(t.TempDir(), "auth.json")
	got := runCsyncWith(t, "wrong", "login", "--tls-verify=false", "--authfile", file, "-u", "ci", "--password-stdin", registry.Host())
	require.Equal(t, exitNoRun, got.code)
	require.Contains(t, got.err, "invalid username/password")
	require.NotContains(t, got.err, "wrong")
	require.NoFileExists(t, file)
}

func TestLogoutFromEverywhereTakesNoRegistry(t *testing.T) {
	file := filepath.Join(t.TempDir(), "auth.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"auths": {"q.io": {"auth": "YTpi"}}}`), 0o600))
	got := runCsync(t, "logout", "--authfile", file, "--all")
	require.Equal(t, exitDone, got.code, got.err)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(content), "q.io")
}
