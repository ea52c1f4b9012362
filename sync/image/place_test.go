package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/transport"
)

// openPlace opens a place that is never reached.
func openPlace(t *testing.T, name string) Place {
	t.Helper()
	system := &types.SystemContext{SystemRegistriesConfPath: "/dev/null", SystemRegistriesConfDirPath: t.TempDir()}
	way := transport.New(transport.Options{System: system})
	t.Cleanup(way.Close)
	place, err := Open(name, Access{Client: registry.NewClient(way, registry.Options{}), System: system})
	require.NoError(t, err)
	return place
}

func TestAPlaceSaysWhereItKeepsAnImage(t *testing.T) {
	t.Parallel()
	top, sum := t.TempDir(), digest.FromString("a")
	for _, test := range []struct {
		place string
		name  Name
		want  string
	}{
		{"docker://q.io:5000", Name{Path: "team/app", Tag: "1.0"}, "docker://q.io:5000/team/app:1.0"},
		{"docker://q.io/mirror/", Name{Path: "app", Digest: sum}, "docker://q.io/mirror/app@" + sum.String()},
		{"dir:" + top, Name{Path: "q.io:5000/app", Tag: "1.0"}, "dir:" + top + "/q.io:5000/app:1.0"},
		{"oci:" + top, Name{Path: "app", Tag: "1.0"}, "oci:" + top + ":app:1.0"},
		{"docker-archive:" + top + "/a.tar", Name{Path: "app", Tag: "1.0"}, "docker-archive:" + top + "/a.tar:docker.io/library/app:1.0"},
		{"oci-archive:" + top + "/a.tar", Name{Path: "app", Tag: "1.0"}, "oci-archive:" + top + "/a.tar:app:1.0"},
		{"docker-daemon:q.io/mirror", Name{Path: "app", Tag: "1.0"}, "docker-daemon:q.io/mirror/app:1.0"},
	} {
		t.Run(test.want, func(t *testing.T) {
			t.Parallel()
			l, err := openPlace(t, test.place).Location(test.name)
			require.NoError(t, err)
			require.Equal(t, test.want, l.String())
		})
	}
}

func TestAPlaceRefusesNamesThatItCannotHave(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		place string
		name  Name
		kind  fault.Kind
		text  string
	}{
		{"docker://q.io", Name{Path: "q.io:5000/app", Tag: "1.0"}, fault.Input, "a port cannot be part of a repository's path"},
		{"docker://q.io", Name{Path: "App", Tag: "1.0"}, fault.Input, "lowercase"},
		{"docker-daemon:", Name{Path: "App", Tag: "1.0"}, fault.Input, "lowercase"},
		{"docker-archive:" + t.TempDir() + "/a.tar", Name{Path: "app", Digest: digest.FromString("a")}, fault.Unsupported, "keeps tags"},
	} {
		_, err := openPlace(t, test.place).Location(test.name)
		require.True(t, fault.Is(err, test.kind), err)
		require.ErrorContains(t, err, test.text)
	}
}

func TestOnlyARegistrysImagesAreRemote(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("a")
	for _, name := range []Name{{Path: "app", Tag: "1.0"}, {Path: "app", Digest: sum}} {
		l, err := openPlace(t, "docker://q.io").Location(name)
		require.NoError(t, err)
		remote, ok := l.Remote()
		require.True(t, ok)
		require.Equal(t, "q.io/app", remote.Name().String())
		require.Contains(t, name.String(), remote.Identifier)

		beside, err := l.Beside(digest.FromString("b").String())
		require.NoError(t, err)
		require.Equal(t, digest.FromString("b"), beside.Digested())
		beside, err = l.Beside("2.0")
		require.NoError(t, err)
		require.Equal(t, "docker://q.io/app:2.0", beside.String())
		_, err = l.Beside("2 0")
		require.True(t, fault.Is(err, fault.Input), err)
	}
	l, err := openPlace(t, "oci:"+t.TempDir()).Location(Name{Path: "app", Tag: "1.0"})
	require.NoError(t, err)
	_, ok := l.Remote()
	require.False(t, ok)
}

func TestWhatIsInTheWayOfAnImage(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	write := func(path, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(top, path)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(top, path), []byte(content), 0o600))
	}
	write("image:1/version", "Directory Transport Version: 1.1\n")
	write("program:1/version", "1.1\n")
	write("file:1", "")
	require.NoError(t, os.Mkdir(filepath.Join(top, "empty:1"), 0o700))
	directory := openPlace(t, "dir:"+top)
	for _, test := range []struct {
		path             string
		writable, vacant bool
	}{
		{"absent", true, true},
		{"far/away", true, true},
		{"empty", true, false},
		{"image", true, false},
		{"program", false, false},
		{"file", false, false},
	} {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			l, err := directory.Location(Name{Path: test.path, Tag: "1"})
			require.NoError(t, err)
			require.Equal(t, !test.writable, fault.Is(l.Writable(), fault.Conflict))
			require.Equal(t, !test.vacant, fault.Is(l.Vacant(), fault.Conflict))
		})
	}
	l, err := openPlace(t, "oci:"+top).Location(Name{Path: "app", Tag: "1.0"})
	require.NoError(t, err)
	require.NoError(t, l.Writable())
	require.NoError(t, l.Vacant(), "a layout is added to")
}

func TestWhatIsNoPlaceIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "app", "docker:", "docker://", "docker://Q.io/App", "dir:", "oci:", "http://q.io", "docker-archive:/no/such/directory/a.tar", "oci-archive:/no/such/directory/a.tar"} {
		_, err := Open(name, Access{})
		require.True(t, fault.Is(err, fault.Input), "%q: %v", name, err)
	}
}
