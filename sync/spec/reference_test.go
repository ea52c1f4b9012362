package spec

import (
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

func TestAReferenceOfTheCommandLineBecomesASource(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("1")
	for name, c := range map[string]struct {
		text string
		want Repository
	}{
		"every tag":                           {"q.io/a/b", Repository{All: true}},
		"a tag":                               {"q.io:5000/a:1.0", Repository{Tags: []Tag{{Name: "1.0"}}}},
		"a digest":                            {"q.io/a@" + sum.String(), Repository{Digests: []Digest{{Digest: sum}}}},
		"a tag and digest":                    {"q.io/a:1.0@" + sum.String(), Repository{Tags: []Tag{{Name: "1.0", Pin: sum}}}},
		"Docker Hub's":                        {"redis:7", Repository{Tags: []Tag{{Name: "7"}}}},
		"a numeric tag of a host with a dot":  {"docker.io/library/redis:7", Repository{Tags: []Tag{{Name: "7"}}}},
		"a numeric tag far below such a host": {"quay.io/a/b:1", Repository{Tags: []Tag{{Name: "1"}}}},
		"a numeric tag of a short name":       {"ubi9:9", Repository{Tags: []Tag{{Name: "9"}}}},
		"a numeric tag of localhost":          {"localhost/a:1", Repository{Tags: []Tag{{Name: "1"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := Reference(c.text)
			require.NoError(t, err)
			require.Len(t, source.Repositories, 1)
			got := source.Repositories[0]
			require.Equal(t, c.want.All, got.All)
			require.Equal(t, c.want.Tags, got.Tags)
			require.Equal(t, c.want.Digests, got.Digests)
		})
	}
}

func TestAReferenceThatNamesNoRepositoryIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"127.0.0.1:5000", "localhost:5000/", "q.io:443", "", "UPPER", "a//b"} {
		_, err := Reference(text)
		require.Error(t, err, text)
	}
}
