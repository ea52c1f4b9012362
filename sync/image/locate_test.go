package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/transport"
)

// aliases is a system whose only short name is "hello".
func aliases(t *testing.T) *types.SystemContext {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "registries.conf")
	require.NoError(t, os.WriteFile(conf, []byte("[aliases]\nhello = \"quay.io/podman/hello\"\n"), 0o600))
	return &types.SystemContext{
		SystemRegistriesConfPath: conf, SystemRegistriesConfDirPath: t.TempDir(),
		UserShortNameAliasConfPath: filepath.Join(t.TempDir(), "aliases.conf"),
	}
}

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestLocateFindsWhatTheUserNames(t *testing.T) {
	t.Parallel()
	client := registry.NewClient(transport.New(transport.Options{}), registry.Options{})
	sys := aliases(t)
	for _, test := range []struct{ name, want string }{
		{"docker://quay.io/a/b:1", "docker://quay.io/a/b:1"},
		{"quay.io/a/b", "docker://quay.io/a/b:latest"},
		{"localhost/a", "docker://localhost/a:latest"},
		{"127.0.0.1:5000/a@" + someDigest, "docker://127.0.0.1:5000/a@" + someDigest},
		{"docker://busybox", "docker://busybox:latest"},
		{"library/busybox:1", "docker://busybox:1"},
		{"index.docker.io/library/busybox", "docker://busybox:latest"},
		{"docker:27", "docker://docker:27"},
		{"hello", "docker://quay.io/podman/hello:latest"},
		{"hello:1", "docker://quay.io/podman/hello:1"},
		{"hello@" + someDigest, "docker://quay.io/podman/hello@" + someDigest},
		{"docker://hello", "docker://hello:latest"},
		{"oci:/x:hello", "oci:/x:hello"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Locate(test.name, Access{Client: client, System: sys})
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
}

func TestLocateRefusesWhatIsNoReference(t *testing.T) {
	t.Parallel()
	client := registry.NewClient(transport.New(transport.Options{}), registry.Options{})
	sys := aliases(t)
	for _, name := range []string{"", "docker://", "UPPER/case", "a:b:c", "quay.io/a@sha256:12", "docker-archive:f:UPPER"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Locate(name, Access{Client: client, System: sys})
			require.True(t, fault.Is(err, fault.Input), err)
			require.ErrorContains(t, err, `"`+name+`"`)
		})
	}
}
