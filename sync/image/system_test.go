package image

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"
)

func TestBigTemporaryFilesGoWhereTheUserSaysOrToADisk(t *testing.T) {
	directory := t.TempDir()
	named := &types.SystemContext{BigFilesTemporaryDir: filepath.Join(directory, "named")}
	t.Setenv("TMPDIR", "")
	require.Equal(t, "/var/tmp", Temporary(nil))
	require.Equal(t, "/var/tmp", Temporary(&types.SystemContext{}))
	require.Equal(t, named.BigFilesTemporaryDir, Temporary(named))
	t.Setenv("TMPDIR", directory)
	require.Equal(t, directory, Temporary(&types.SystemContext{}))
	require.Equal(t, named.BigFilesTemporaryDir, Temporary(named))
}

func TestArchivesAreMadeInTheDirectoryForBigFiles(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	for _, name := range []string{"oci-archive:", "docker-archive:"} {
		place, err := Open(name+filepath.Join(t.TempDir(), "shelf"), Access{System: &types.SystemContext{}})
		require.NoError(t, err)
		location, err := place.Location(Name{Path: "app", Tag: "1"})
		require.NoError(t, err)
		_, err = location.writable()
		require.NoError(t, err)
		begun, err := filepath.Glob(filepath.Join(directory, "csync-layout-*"))
		require.NoError(t, err)
		require.Len(t, begun, 1)
		require.NoError(t, place.Discard())
	}
}
