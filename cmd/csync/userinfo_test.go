package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestAPasswordInAReferenceIsRefusedAndNotRepeated(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Catalog())
	at := "ci:c4nary@" + registry.Host()
	for name, args := range map[string][]string{
		"list-repos":                    {"list-repos", at},
		"list-repos docker://":          {"list-repos", "docker://" + at + "/web"},
		"list-tags":                     {"list-tags", at + "/a"},
		"inspect":                       {"inspect", "docker://" + at + "/a:1"},
		"inspect without its transport": {"inspect", at + "/a:1"},
		"inspect by digest":             {"inspect", at + "/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"--src":                         {"sync", "--src", "docker://" + at + "/a", "--dest", "dir:" + t.TempDir()},
		"--dest":                        {"sync", "--src", "dir:" + t.TempDir(), "--dest", "docker://" + at},
		"the skopeo form":               {"sync", "--src", "docker", "--dest", "dir", at + "/a", t.TempDir()},
		"copy":                          {"copy", "docker://" + registry.Host() + "/a:1", "docker://" + at + "/b:1"},
		"a slash in the password":       {"inspect", "docker://ci:c4nary/x@" + registry.Host() + "/a:1"},
		"login":                         {"login", at},
		"snapshot":                      {"snapshot", at + "/a"},
		"prune":                         {"prune", "docker://" + at + "/a:1"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runCsync(t, append(args, "--tls-verify=false", "--log-level=trace")...)
			require.Equal(t, exitNoRun, got.code)
			require.NotContains(t, got.out+got.err, "c4nary")
			require.Contains(t, got.err, "a user name or a password in it")
		})
	}
	require.Empty(t, registry.Log())
}

func TestAtSignsThatNameNoUserAreLetThrough(t *testing.T) {
	const sum = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, text := range []string{
		"redis" + sum, "redis:7" + sum, "docker://q.io:5000/a:1" + sum, "dir:/srv/a@b", "oci:x:tag@2", "/srv/a:b@c", "./a:b@c", "release@1.yaml", "q.io",
	} {
		require.False(t, hasUserinfo(text), text)
	}
}
