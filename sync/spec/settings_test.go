package spec

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func TestTheMostSpecificSettingWinsPerKey(t *testing.T) {
	t.Parallel()
	sources := load(t, `
q.io:
  images: {web/nginx: [], web/httpd: [], web/old/httpd: [], redis: []}
  csync:
    platforms: [amd64, linux/amd64, arm64]
    repositories:
      web/nginx: {latest: 1}
      "**": {latest: 5, referrers: true}
      "web/*": {latest: 2, platforms: []}
      "web/**": {latest: 3, referrers: false}
      "*/nginx": {latest: 4, exclude: [a]}
`)
	wanted := map[string]Repository{}
	for _, repository := range sources[0].Repositories {
		wanted[repository.Key] = repository
	}
	require.Equal(t, 1, wanted["web/nginx"].Latest)
	require.Equal(t, 2, wanted["web/httpd"].Latest)
	require.Equal(t, 3, wanted["web/old/httpd"].Latest)
	require.Equal(t, 5, wanted["redis"].Latest)
	require.Len(t, wanted["web/nginx"].Exclude, 1)
	require.Empty(t, wanted["web/httpd"].Exclude)
	require.True(t, wanted["redis"].Referrers)
	require.False(t, wanted["web/httpd"].Referrers)
	require.Empty(t, wanted["web/nginx"].Platforms, "an empty list is every platform")
	require.Equal(t, []v1.Platform{
		{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"},
	}, wanted["redis"].Platforms)
}

func TestPruningIsAskedForByRegistryOrRepository(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]map[string]bool{
		"csync: {prune: true}": {"app": true, "db": true},
		"csync: {prune: true, repositories: {db: {prune: false}}}":       {"app": true, "db": false},
		"csync: {repositories: {\"*\": {latest: 2}, db: {prune: true}}}": {"app": false, "db": true},
		"tls-verify: true": {"app": false, "db": false},
	} {
		for _, repository := range load(t, "q.io:\n  images: {app: [], db: []}\n  "+file+"\n")[0].Repositories {
			require.Equal(t, want[repository.Key], repository.Prune, "%s %s", file, repository.Key)
		}
	}
}

func TestAGlobMatchesWithinElementsAndAcrossThem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		glob            string
		matches, others []string
	}{
		{"redis", []string{"redis"}, []string{"redis2", "a/redis"}},
		{"*", []string{"redis"}, []string{"a/redis"}},
		{"a/*", []string{"a/redis"}, []string{"a/b/redis", "redis"}},
		{"**", []string{"redis", "a/b/redis"}, nil},
		{"a/**/c", []string{"a/b/c", "a/b/b/c"}, []string{"a/c"}},
		{"*.x-*", []string{"b.x-1"}, []string{"bxx-1"}},
	} {
		g, ok := parseGlob(test.glob)
		require.True(t, ok, test.glob)
		s := sourceReader{order: slices.Concat(test.matches, test.others), repositories: map[string]*Repository{}}
		for _, key := range s.order {
			s.repositories[key] = nil
		}
		require.Equal(t, test.matches, s.matching(g), test.glob)
	}
}

func TestGlobsOfOneWeightAreOrderedByText(t *testing.T) {
	t.Parallel()
	var globs []glob
	for _, text := range []string{"a*", "ab", "*b", "**", "ab*"} {
		g, ok := parseGlob(text)
		require.True(t, ok)
		globs = append(globs, g)
	}
	slices.SortFunc(globs, glob.compare)
	var order []string
	for _, g := range globs {
		order = append(order, g.text)
	}
	require.Equal(t, []string{"**", "a*", "*b", "ab*", "ab"}, order)
}

func TestTagsOfADigestAreThoseItGoesUnder(t *testing.T) {
	t.Parallel()
	sources := load(t, `
q.io:
  images: {redis: [7.2, "`+digestA+`", "`+digestB+`"], nginx: ["`+digestB+`"]}
  csync:
    repositories:
      "*": {tags: {"`+digestA+`": [stable, "7"], 7.2: [old]}}
`)
	nginx, redis := sources[0].Repositories[0], sources[0].Repositories[1]
	require.Equal(t, []string{"7", "stable"}, redis.Digests[0].Tags)
	require.Empty(t, redis.Digests[1].Tags)
	require.Equal(t, map[string][]string{"7.2": {"old"}}, redis.DestinationTags, "of tags only")
	require.Empty(t, nginx.Digests[0].Tags)
}

func TestADigestThatPlatformsMayChangeIsDoubted(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Strict, Lenient} {
		file, err := Load("f.yaml", strings.NewReader(`
q.io:
  images: {redis: ["`+digestA+`"], nginx: ["`+digestB+`", "1"], httpd: ["`+digestA+`"]}
  csync:
    platforms: [amd64]
    repositories: {nginx: {tags: {"`+digestB+`": [stable]}}, httpd: {platforms: []}}
`), mode)
		require.NoError(t, err)
		require.Len(t, file.Warnings, 1)
		require.EqualError(t, file.Warnings, `f.yaml:3:20: an index cut to platforms has another digest, and no registry takes it under this one; `+
			`give it a tag with csync.repositories.redis.tags: {"`+digestA+`": [TAG]}`)
	}
}
