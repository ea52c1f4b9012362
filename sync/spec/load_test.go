package spec

import (
	"strings"
	"testing"

	"csync/sync/registry/transport"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"
)

const examples = "../../testdata/spec/"

// load gives what a strict reading of input makes of it.
func load(t *testing.T, input string) []Source {
	t.Helper()
	file, err := Load("f.yaml", strings.NewReader(input), Strict)
	require.NoError(t, err)
	require.Empty(t, file.Warnings)
	require.Empty(t, file.Problems)
	return file.Sources
}

// only gives the only repository of an input.
func only(t *testing.T, input string) *Repository {
	t.Helper()
	sources := load(t, input)
	require.Len(t, sources, 1)
	require.Len(t, sources[0].Repositories, 1)
	return &sources[0].Repositories[0]
}

// texts gives the texts of patterns or constraints.
func texts[T interface{ String() string }](values []T) []string {
	var all []string
	for _, value := range values {
		all = append(all, value.String())
	}
	return all
}

func names(repositories []Repository) []string {
	var all []string
	for _, repository := range repositories {
		all = append(all, repository.Name.String())
	}
	return all
}

func TestLoadPathReadsEveryKeyOfASourceFile(t *testing.T) {
	t.Parallel()
	file, err := LoadPath(examples+"full.yaml", Strict)
	require.NoError(t, err)
	require.Len(t, file.Sources, 2)

	quay := file.Sources[0]
	require.Equal(t, "quay.io/prometheus", quay.Registry)
	require.Equal(t, transport.Access{IdentityToken: "opaque"}, quay.Access)
	require.Equal(t, []string{"quay.io/prometheus/node-exporter"}, names(quay.Repositories))

	source := file.Sources[1]
	require.Equal(t, "registry.example.com", source.Registry)
	require.Equal(t, Position{examples + "full.yaml", 2, 1}, source.Position)
	require.Empty(t, source.Destinations)
	require.Equal(t, transport.Access{
		Username: "ci", Password: "swordfish", TLSVerify: types.OptionalBoolTrue, CertDir: "/etc/pki/registry",
	}, source.Access)
	require.Equal(t, []string{
		"registry.example.com/alpine", "registry.example.com/busybox", "registry.example.com/nginx", "registry.example.com/redis",
	}, names(source.Repositories))

	all := []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "ppc64le"}}
	alpine, busybox, nginx, redis := source.Repositories[0], source.Repositories[1], source.Repositories[2], source.Repositories[3]
	require.Equal(t, []string{">=3.20"}, texts(alpine.Constraints))
	require.Equal(t, all, alpine.Platforms)
	require.Equal(t, 10, alpine.Latest)
	require.True(t, busybox.All)

	require.Equal(t, []string{`^1\.2[78]\.\d+$`}, texts(nginx.Patterns))
	require.Equal(t, all[:1], nginx.Platforms)
	require.Equal(t, []string{`-rc\d*$`, `^nightly`}, texts(nginx.Exclude))
	require.Equal(t, 5, nginx.Latest)
	require.Equal(t, "mirror/web/nginx", nginx.Destination)
	require.Equal(t, map[string][]string{"1.28.0": {"stable", "1.28"}}, nginx.DestinationTags)
	require.True(t, nginx.Referrers)

	require.False(t, redis.All)
	require.Equal(t, "redis", redis.Key)
	require.Equal(t, []Tag{
		{Name: "7.2", Position: Position{file.Name, 5, 9}},
		{
			Name: "7.4", Pin: "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
			Position: Position{file.Name, 6, 9},
		},
	}, redis.Tags)
	require.Equal(t, []Digest{{
		Digest:   "sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865",
		Position: Position{file.Name, 7, 9},
	}}, redis.Digests)
}

func TestLoadReadsWhatSkopeoReads(t *testing.T) {
	t.Parallel()
	t.Run("numbers as tags keep their text", func(t *testing.T) {
		t.Parallel()
		redis := only(t, "q.io: {images: {redis: [1.10, 7, 0x1F, true, 2024-01-01]}}")
		var tags []string
		for _, tag := range redis.Tags {
			tags = append(tags, tag.Name)
		}
		require.Equal(t, []string{"1.10", "7", "0x1F", "true", "2024-01-01"}, tags)
	})
	t.Run("null is every tag", func(t *testing.T) {
		t.Parallel()
		require.True(t, only(t, "q.io:\n  images:\n    redis:\n").All)
	})
	t.Run("names of docker.io", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "docker.io/library/redis", only(t, "docker.io: {images: {redis: [1]}}").Name.String())
	})
	t.Run("registry with a port and a namespace", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "q.io:5000/a/b/redis", only(t, "q.io:5000/a: {images: {b/redis: [1]}}").Name.String())
	})
	t.Run("other digests", func(t *testing.T) {
		t.Parallel()
		sha512 := digest.SHA512.FromString("a").String()
		require.Equal(t, sha512, only(t, "q.io: {images: {redis: ['"+sha512+"']}}").Digests[0].Digest.String())
	})
	t.Run("anchors and merge keys", func(t *testing.T) {
		t.Parallel()
		sources := load(t, `
q.io:
  images: &images {redis: &tags [1, 2], nginx: [3]}
  credentials: &login {username: ci, password: swordfish}
  tls-verify: no
r.io:
  images: {<<: *images, redis: [4]}
  credentials: {<<: [*login, {username: other}]}
s.io:
  images: {redis: *tags}
`)
		require.Equal(t, transport.Secret("swordfish"), sources[1].Access.Password)
		require.Equal(t, "ci", sources[1].Access.Username)
		require.Equal(t, types.OptionalBoolFalse, sources[0].Access.TLSVerify)
		require.Equal(t, []string{"r.io/nginx", "r.io/redis"}, names(sources[1].Repositories))
		require.Equal(t, "4", sources[1].Repositories[1].Tags[0].Name)
		require.Len(t, sources[2].Repositories[0].Tags, 2)
	})
}

func TestARepositoryUnderSeveralKeysIsOneUnion(t *testing.T) {
	t.Parallel()
	for _, input := range []string{
		`
docker.io:
  images: {redis: ["7.2", "7.2", 7.2@` + digestA + `, "` + digestA + `", "` + digestA + `"]}
  images-by-tag-regex: {redis: ^8}
  images-by-semver: {redis: ^9}
`, `
docker.io:
  images: {redis: ["7.2@` + digestA + `", "` + digestA + `"], library/redis: ["7.2", "` + digestA + `"]}
  images-by-tag-regex: {redis: ^8, library/redis: ^8}
docker.io/library:
  images-by-semver: {redis: ^9}
`,
	} {
		redis := only(t, input)
		require.Equal(t, "redis", redis.Key)
		require.Len(t, redis.Tags, 1)
		require.Equal(t, digest.Digest(digestA), redis.Tags[0].Pin)
		require.Len(t, redis.Digests, 1)
		require.Equal(t, []string{"^8"}, texts(redis.Patterns))
		require.Equal(t, []string{"^9"}, texts(redis.Constraints))
	}
}

func TestSourcesAreSortedWhateverTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	sources := load(t, "b.io: {images: {b: [1], a: [1]}}\na.io/z: {images: {z: [1]}}\na.io: {images: {y: [1]}}\n")
	require.Len(t, sources, 3)
	require.Equal(t, "a.io", sources[0].Registry)
	require.Equal(t, "a.io/z", sources[1].Registry)
	require.Equal(t, []string{"b.io/a", "b.io/b"}, names(sources[2].Repositories))
}

func TestLoadPathSaysWhichFileIsMissing(t *testing.T) {
	t.Parallel()
	_, err := LoadPath("none.yaml", Strict)
	require.EqualError(t, err, "none.yaml: no such file or directory")
}

func TestAFileThatAsksForNothingSaysSo(t *testing.T) {
	t.Parallel()
	cip := "registries: [{name: a.io/x, src: true}, {name: b.io/x}]\nimages: []\n"
	for _, input := range []string{"", "# only a comment\n", "---\n", "null\n", "---\n...\n---\n", "{}\n", cip} {
		for _, mode := range []Mode{Strict, Lenient} {
			file, err := Load("f.yaml", strings.NewReader(input), mode)
			require.NoError(t, err, input)
			require.Empty(t, file.Sources, input)
			require.EqualError(t, file.Warnings, "f.yaml: nothing is asked for", input)
		}
	}
	file, err := Load("f.yaml", strings.NewReader("q.io: {images: {redis: [-a]}}"), Lenient)
	require.NoError(t, err)
	require.Empty(t, file.Sources)
	require.Empty(t, file.Warnings, "the problem says enough")
}
