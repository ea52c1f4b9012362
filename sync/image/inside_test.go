package image

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestANameIsSplitIntoThePlaceAndWhatIsInsideOfIt(t *testing.T) {
	t.Parallel()
	const sum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for name, want := range map[string][2]string{
		"q.io/a/b:1":                      {"docker://q.io", "a/b:1"},
		"docker://q.io/a/b:1":             {"docker://q.io", "a/b:1"},
		"q.io:5000/b":                     {"docker://q.io:5000", "b:latest"},
		"localhost/b:1":                   {"docker://localhost", "b:1"},
		"docker.io/busybox:1":             {"docker://docker.io", "library/busybox:1"},
		"q.io/a@" + sum:                   {"docker://q.io", "a@" + sum},
		"dir:a/b:1":                       {"dir:a", "b:1"},
		"dir:/media/app":                  {"dir:/media", "app"},
		"dir:.":                           {"dir:.", "."},
		"oci:/a/b:app:1":                  {"oci:/a/b", "app:1"},
		"oci:/a/b":                        {"oci:/a/b", ""},
		"oci-archive:a.tar:app:1":         {"oci-archive:a.tar", "app:1"},
		"docker-archive:a.tar:q.io/app:1": {"docker-archive:a.tar", "q.io/app:1"},
		"docker-archive:a.tar:app":        {"docker-archive:a.tar", "app:latest"},
		"containers-storage:q.io/app:1":   {"containers-storage:", "q.io/app:1"},
		"containers-storage:[vfs@/a+/b]q.io/app:1": {"containers-storage:[vfs@/a+/b]", "q.io/app:1"},
		"docker-daemon:app:1":                      {"docker-daemon:", "app:1"},
	} {
		place, inside, err := Inside(name)
		require.NoError(t, err, name)
		require.Equal(t, want, [2]string{place, inside.String()}, name)
	}
}

func TestANameThatIsWrittenNowhereIsAnInputError(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"busybox:1":            `"busybox:1" names no registry; write HOST[:PORT]/busybox:1, or docker.io/library/busybox:1 for Docker Hub`,
		"team/app":             `"team/app" names no registry`,
		"docker://team/app:1":  `"docker://team/app:1" names no registry`,
		"q.io/A:1":             "must be lowercase",
		"q.io/a:":              "invalid reference format",
		"":                     "invalid reference format",
		"dir:":                 "invalid reference format",
		"docker-archive:a.tar": "names no image after the file",
		"q.io/a:1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "has a tag and a digest",
	} {
		_, _, err := Inside(name)
		require.ErrorContains(t, err, want, name)
		require.True(t, fault.Is(err, fault.Input), name)
	}
}
