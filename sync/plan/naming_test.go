package plan

import (
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/spec"
)

func TestARepositoryKeepsSoMuchOfItsName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode              PathMode
		name, destination string
		want              string
	}{
		{PathName, "q.io:5000/team/web/app", "", "app"},
		{PathPath, "q.io:5000/team/web/app", "", "team/web/app"},
		{PathFull, "q.io:5000/team/web/app", "", "q.io:5000/team/web/app"},
		{PathName, "busybox", "", "busybox"},
		{PathPath, "busybox", "", "library/busybox"},
		{PathFull, "busybox", "", "docker.io/library/busybox"},
		{PathFull, "q.io/team/app", "mirror/app", "mirror/app"},
		{PathFlat, "q.io/rhel9/web/app", "", "rhel9----web----app"},
		{PathFlat, "q.io/app", "", "app"},
		{PathNested, "quay.io/org/rhel9----web----app", "", "rhel9/web/app"},
		{PathNested, "quay.io/org/app", "", "app"},
	} {
		t.Run(string(test.mode)+" of "+test.name, func(t *testing.T) {
			t.Parallel()
			repository := spec.Repository{Name: named(t, test.name), Destination: test.destination}
			require.Equal(t, test.want, Naming{Path: test.mode}.path(repository))
		})
	}
}

func TestATagGetsTheSuffixAndADigestCannot(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("a")
	plain, suffixed := Naming{}, Naming{Suffix: "-mirror"}

	name, err := plain.name("app", wanted{tag: "1.0", destinationTag: "stable"})
	require.NoError(t, err)
	require.Equal(t, image.Name{Path: "app", Tag: "stable"}, name)
	name, err = suffixed.name("app", wanted{digest: sum, destinationTag: "1.0"})
	require.NoError(t, err)
	require.Equal(t, image.Name{Path: "app", Tag: "1.0-mirror"}, name)
	name, err = plain.name("app", wanted{digest: sum})
	require.NoError(t, err)
	require.Equal(t, image.Name{Path: "app", Digest: sum}, name)
	_, err = suffixed.name("app", wanted{digest: sum})
	require.True(t, fault.Is(err, fault.Input), err)
}
