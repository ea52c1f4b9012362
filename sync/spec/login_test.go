package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"csync/sync/registry/transport"

	"github.com/stretchr/testify/require"
)

func TestCredentialsComeFromTheEnvironmentAndFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	t.Setenv("CSYNC_TEST_USER", "ci")
	t.Setenv("CSYNC_TEST_PASSWORD", "swordfish")
	for _, ending := range []string{"", "\n", "\r\n"} {
		require.NoError(t, os.WriteFile(path, []byte("swordfish"+ending), 0o600))
		for _, keys := range []string{"password-env: CSYNC_TEST_PASSWORD", "password-file: " + path} {
			sources := load(t, "q.io: {images: {redis: [1]}, csync: {username-env: CSYNC_TEST_USER, "+keys+"}}")
			require.Equal(t, transport.Access{Username: "ci", Password: "swordfish"}, sources[0].Access)
		}
	}
}

func TestAPasswordThatCannotBeHadIsAProblem(t *testing.T) {
	directory := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	t.Setenv("CSYNC_TEST_EMPTY", "")
	for _, test := range []struct{ name, key, want string }{
		{"empty variable", "password-env: CSYNC_TEST_EMPTY", `csync.password-env: environment variable "CSYNC_TEST_EMPTY" is empty`},
		{"empty file", "password-file: " + write("empty", "\n"), "csync.password-file: the file is empty"},
		{"directory", "password-file: " + directory, "is a directory"},
		{"long file", "password-file: " + write("long", strings.Repeat("swordfish", 10_000)), "has more than 65536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := problems(t, "q.io: {images: {redis: [1]}, credentials: {username: ci}, csync: {"+test.key+"}}")
			require.Len(t, got, 1)
			require.Contains(t, got[0], test.want)
		})
	}
}

func TestASecretIsInNoMessage(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		"q.io: {credentials: swordfish}",
		"q.io: {credentials: [swordfish]}",
		"q.io: {credentials: {username: ci, password: [swordfish]}}",
		"q.io: {credentials: {username: ci, password: *swordfish}}",
		"q.io: {credentials: {password: swordfish, username: ci}, csync: {password-env: HOME}}",
		"ci:swordfish@q.io: {}",
		"https://ci:swordfish@q.io: {}",
	} {
		text := strings.Join(problems(t, input), "\n")
		require.NotEmpty(t, text)
		require.NotContains(t, text, "swordfish")
	}
}
