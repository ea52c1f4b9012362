package spec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func lenient(t *testing.T, input string) *File {
	t.Helper()
	file, err := Load("f.yaml", strings.NewReader(input), Lenient)
	require.NoError(t, err)
	return file
}

func TestALenientReadingKeepsWhatItCanUse(t *testing.T) {
	t.Parallel()
	file, err := LoadPath(examples+"lenient.yaml", Lenient)
	require.NoError(t, err)
	require.Len(t, file.Sources, 1)
	require.Equal(t, []string{"localhost:5000/alpine", "localhost:5000/nginx", "localhost:5000/redis"}, names(file.Sources[0].Repositories))
	require.True(t, file.Sources[0].Repositories[0].All)
	require.Len(t, file.Sources[0].Repositories[2].Tags, 2)
	require.Equal(t, []string{
		`lenient.yaml:4:24: a tag is null; write it, or [] for every tag`,
		`lenient.yaml:10:3: a registry has no key "image"; "images" was meant`,
		`lenient.yaml:13:1: No images specified for registry "quay.io"; write images, images-by-tag-regex or images-by-semver`,
	}, lines(file.Warnings))
	require.Equal(t, []string{
		`lenient.yaml:4:30: a tag is empty`,
		`lenient.yaml:5:5: repository "busybox:1" names a reference, not a repository; write the tag in the list`,
		"lenient.yaml:9:12: \"(\" is not a regex (RE2): missing closing ): `(`",
	}, lines(file.Problems))
}

// lines gives problems one a line, without the directory of the examples.
func lines(problems Problems) []string {
	return strings.Split(strings.ReplaceAll(problems.Error(), examples, ""), "\n")
}

func TestALenientReadingRefusesSyntaxTypesAndDuplicates(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]string{
		"syntax":     "q.io: [",
		"wrong type": "q.io: {images: {redis: 7.2}}",
		"wrong type under a repository that is none": "q.io: {images: {redis:1: 7.2, nginx: [1]}}",
		"wrong type of a tag under such a one":       "q.io: {images: {redis:1: [{a: b}], nginx: [1]}}",
		"wrong type of a regex under such a one":     "q.io: {images-by-tag-regex: {redis:1: [a]}}",
		"no bool":                                    "q.io: {images: {redis: [1]}, tls-verify: \"not a valid bool\"}",
		"duplicate key":                              "q.io: {images: {redis: [1], redis: [2]}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load("f.yaml", strings.NewReader(input), Lenient)
			var found Problems
			require.ErrorAs(t, err, &found)
			require.Len(t, found, 1)
		})
	}
}

func TestALenientReadingTakesWhatSkopeoTakes(t *testing.T) {
	t.Parallel()
	file := lenient(t, "myns: {images-by-tag-regex: {redis: }, credentials: {username: ci}}")
	require.Equal(t, "docker.io/myns/redis", file.Sources[0].Repositories[0].Name.String())
	require.True(t, file.Sources[0].Repositories[0].Wants("7.2"))
	require.Equal(t, "ci", file.Sources[0].Access.Username)
	require.Len(t, file.Warnings, 3)
	require.Empty(t, file.Problems)
}

func TestWhatCannotBeReachedOrFilteredAsAskedIsLeftOut(t *testing.T) {
	t.Parallel()
	file := lenient(t, `
q.io:
  images: {redis: [], nginx: []}
  csync: {repositories: {nginx: {exclude: ["("]}}}
r.io:
  images: {redis: []}
  csync: {platforms: [x86_64]}
s.io:
  images: {redis: []}
  csync: {password-env: CSYNC_NOT_SET}
u.io:
  images: {redis: []}
  csync: {repositories: {/redis: {exclude: [a]}}}
/t.io:
  images: {redis: []}
`)
	require.Len(t, file.Sources, 1)
	require.Equal(t, []string{"q.io/redis"}, names(file.Sources[0].Repositories))
	require.Len(t, file.Problems, 5)
}

func TestALenientReadingTakesTheFirstDocumentOnly(t *testing.T) {
	t.Parallel()
	first := "q.io: {images: {redis: [1]}}\n---\n"
	for name, rest := range map[string]string{
		"another":                     "q.io: {images: {nginx: [1]}}\n",
		"another behind an empty one": "---\nq.io: {images: {nginx: [1]}}\n",
		"one that is not YAML":        "q.io: {\n",
		"one of a wrong type":         "swordfish\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := lenient(t, first+rest)
			require.Equal(t, []string{"q.io/redis"}, names(file.Sources[0].Repositories))
			require.Equal(t, []string{"f.yaml: only the first document is read, as skopeo does; write the others to files of their own"},
				lines(file.Warnings))
		})
	}
	require.Empty(t, lenient(t, "---\n---\nq.io: {images: {nginx: [1]}}\n").Sources, "the first document is empty")
	require.Empty(t, lenient(t, first+"# nothing\n").Warnings)
}

func TestALenientReadingDropsTagsThatAreNull(t *testing.T) {
	t.Parallel()
	file := lenient(t, "q.io: {images: {nginx: [null], redis: [~, 1]}}")
	nginx, redis := file.Sources[0].Repositories[0], file.Sources[0].Repositories[1]
	require.True(t, nginx.All, "nothing is left of the list, and no list is every tag")
	require.False(t, redis.All)
	require.Len(t, redis.Tags, 1)
	require.Empty(t, file.Problems)
	require.Equal(t, []string{
		`f.yaml:1:25: a tag is null; write it, or [] for every tag`,
		`f.yaml:1:40: a tag is null; write it, or [] for every tag`,
	}, lines(file.Warnings))
}

func TestALenientReadingFailsATagThatNothingGets(t *testing.T) {
	t.Parallel()
	file := lenient(t, "q.io: {images: {redis: [7.2]}, csync: {repositories: {redis: {tags: {7.2: [stable], 7.3: [next]}}}}}")
	require.Equal(t, map[string][]string{"7.2": {"stable"}}, file.Sources[0].Repositories[0].DestinationTags)
	require.Equal(t, []string{`f.yaml:1:85: "7.3" is not one of those chosen from "redis"; nothing would be tagged next`}, lines(file.Problems))
	require.Empty(t, file.Warnings)
}
