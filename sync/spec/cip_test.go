package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACipManifestPromotesDigestsToItsDestinations(t *testing.T) {
	t.Parallel()
	file, err := LoadPath(examples+"cip.yaml", Strict)
	require.NoError(t, err)
	require.Len(t, file.Sources, 1)
	source := file.Sources[0]
	require.Equal(t, "gcr.io/k8s-staging-coredns", source.Registry)
	require.Equal(t, []string{
		"europe-west1-docker.pkg.dev/k8s-artifacts-prod/images/coredns",
		"us-central1-docker.pkg.dev/k8s-artifacts-prod/images/coredns",
	}, destinations(source))
	require.Len(t, source.Repositories, 1)
	coredns := source.Repositories[0]
	require.Equal(t, "gcr.io/k8s-staging-coredns/coredns", coredns.Name.String())
	require.Equal(t, "coredns", coredns.Destination)
	require.False(t, coredns.NeedsTagList())
	require.Empty(t, coredns.Tags)
	require.Equal(t, []Digest{
		{digestA, []string{"v1.10.1"}, Position{file.Name, 10, 7}},
		{digestB, []string{"latest", "v1.11.1"}, Position{file.Name, 11, 7}},
		{"sha256:2169b3b96af988cf69d7dd69efbcc59433eb027320eb185c6110e0850b997870", nil, Position{file.Name, 12, 7}},
	}, coredns.Digests)
}

func destinations(source Source) []string {
	var all []string
	for _, destination := range source.Destinations {
		all = append(all, destination.Registry)
	}
	return all
}

func TestAnOlderCipManifestNamesItsSourceApart(t *testing.T) {
	t.Parallel()
	file, err := LoadPath(examples+"cip-src-registry.yaml", Strict)
	require.NoError(t, err)
	require.Equal(t, "gcr.io/myproject-staging-area", file.Sources[0].Registry)
	require.Equal(t, []string{"gcr.io/myproject-production"}, destinations(file.Sources[0]))
	require.Len(t, file.Sources[0].Repositories, 2)
}

func TestAnImageListedTwiceIsOneUnion(t *testing.T) {
	t.Parallel()
	coredns := only(t, `
registries: [{name: a.io, src: true}, {name: b.io}]
images:
- {name: coredns, dmap: {"`+digestA+`": [b, a, b]}}
- {name: coredns, dmap: {"`+digestA+`": [c], "`+digestB+`": []}}
`)
	require.Len(t, coredns.Digests, 2)
	require.Equal(t, []string{"a", "b", "c"}, coredns.Digests[0].Tags)
}

func TestLoadSaysWhatIsWrongWithACipManifest(t *testing.T) {
	t.Parallel()
	const (
		registries = "registries: [{name: a.io, src: true}, {name: b.io}]\n"
		images     = "images: [{name: coredns, dmap: {\"" + digestA + "\": [v1]}}]\n"
	)
	for _, test := range []struct {
		name, input string
		want        []string
	}{
		{"no source", "registries: [{name: a.io}, {name: b.io}]\n" + images, []string{
			`f.yaml:1:1: 0 registries are the source; one with "src: true" was meant`,
		}},
		{"two sources", "src-registry: c.io\n" + registries + images, []string{
			`f.yaml:1:1: 2 registries are the source; one with "src: true" was meant`,
		}},
		{"destination twice", "registries: [{name: a.io, src: true}, {name: b.io}, {name: b.io}]\n" + images, []string{
			`f.yaml:1:53: registry "b.io" is listed twice`,
		}},
		{"source as destination", "registries: [{name: a.io, src: true}, {name: a.io}]\n" + images, []string{
			`f.yaml:1:39: registry "a.io" is listed twice`,
		}},
		{"registry without a name", "registries: [{src: true}, {name: b.io}]\n" + images, []string{
			`f.yaml:1:14: an entry of registries has no name`,
		}},
		{"registry with a scheme", "registries: [{name: a.io, src: true}, {name: \"https://b.io\"}]\n" + images, []string{
			`f.yaml:1:46: registry "https://b.io" has a scheme; "b.io" was meant`,
		}},
		{"unknown keys", "registry: a.io\nregistries: [{name: a.io, source: true}, {name: b.io}]\nimages: [{name: a, map: {}}]\n", []string{
			`f.yaml:1:1: a manifest has no key "registry"; "registries" was meant`,
			`f.yaml:2:27: an entry of registries has no key "source"; "src" was meant`,
			`f.yaml:3:10: image "a" has no digests under dmap`,
			`f.yaml:3:20: an entry of images has no key "map"; "dmap" was meant`,
		}},
		{"renames", registries + images + "renames: [[a.io/a, b.io/b]]\n", []string{
			`f.yaml:3:10: renames are not supported; write a manifest for each name at the destination`,
		}},
		{"no images", registries, []string{
			`f.yaml:1:1: a manifest without images; list them, or give the directory of thin manifests`,
		}},
		{"image without a name or digests", registries + "images: [{name: coredns, dmap: {}}, {dmap: {\"" + digestA + "\": []}}]\n", []string{
			`f.yaml:2:10: image "coredns" has no digests under dmap`,
			`f.yaml:2:37: an entry of images has no name`,
		}},
		{"bad digest and tag", registries + "images: [{name: /a, dmap: {\"sha256:1\": [], \"" + digestA + "\": [a b]}}]\n", []string{
			`f.yaml:2:17: repository "/a" begins or ends with a slash; "a" was meant`,
			`f.yaml:2:28: "sha256:1" is not a digest: sha256: and 64 hexadecimal digits, or sha512: and 128`,
			`f.yaml:2:120: "a b" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
		}},
		{"digest twice", registries + "images:\n- name: a\n  dmap:\n    \"" + digestA + "\": [a]\n    \"" + digestA + "\": [b]\n", []string{
			`f.yaml:6:5: key "sha256:a0ead06651cf580044aeb0a0feba63591858fb2e43ade8c9dea45a6a89ae7e5e" is at line 5 already; write it once`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problems(t, test.input))
		})
	}
}

func TestThinManifestsKeepTheirOwnDestinations(t *testing.T) {
	t.Parallel()
	file, err := LoadPath(examples+"thin", Strict)
	require.NoError(t, err)
	require.Len(t, file.Sources, 2)
	require.Equal(t, []string{"us-central1-docker.pkg.dev/k8s-artifacts-prod/images/apisnoop"}, destinations(file.Sources[0]))
	require.Equal(t, []string{"gcr.io/k8s-staging-apisnoop/snoopdb"}, names(file.Sources[0].Repositories), "webapp has no digests yet")
	require.Equal(t, []string{"us-central1-docker.pkg.dev/k8s-artifacts-prod/images/coredns"}, destinations(file.Sources[1]))
	require.Equal(t, Position{filepath.Join(examples, "thin/images/coredns/images.yaml"), 1, 3}, file.Sources[1].Repositories[0].Position)
}

// tree writes files under a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for path, content := range files {
		path = filepath.Join(directory, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return directory
}

func TestLoadPathSaysWhatIsWrongWithADirectory(t *testing.T) {
	t.Parallel()
	const manifest = "registries: [{name: a.io, src: true}, {name: b.io}]\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"empty", nil,
			"DIR: no manifests found; DIR/manifests/NAME/promoter-manifest.yaml was meant",
		},
		{
			"other files only",
			map[string]string{"manifests/README.md": ""},
			"DIR: no manifests found; DIR/manifests/NAME/promoter-manifest.yaml was meant",
		},
		{
			"manifest too deep",
			map[string]string{
				"manifests/a/b/promoter-manifest.yaml": manifest,
				"manifests/a/promoter-manifest.yaml":   manifest, "images/a/images.yaml": "",
			},
			"DIR/manifests/a/b/promoter-manifest.yaml: a manifest at an unexpected path; DIR/manifests/NAME/promoter-manifest.yaml was meant",
		},
		{
			"no images file",
			map[string]string{"manifests/a/promoter-manifest.yaml": manifest},
			"DIR/images/a/images.yaml: no such file or directory",
		},
		{
			"images in the manifest",
			map[string]string{"manifests/a/promoter-manifest.yaml": manifest + "images: []\n", "images/a/images.yaml": ""},
			"DIR/manifests/a/promoter-manifest.yaml:2:9: a thin manifest lists images; DIR/images/a/images.yaml was meant for them",
		},
		{
			"no YAML in the manifest",
			map[string]string{"manifests/a/promoter-manifest.yaml": "[", "images/a/images.yaml": ""},
			"DIR/manifests/a/promoter-manifest.yaml:1:1: not YAML: did not find expected node content; close each [ and {, put no comma before it",
		},
		{
			"empty manifest",
			map[string]string{"manifests/a/promoter-manifest.yaml": "", "images/a/images.yaml": ""},
			"DIR/manifests/a/promoter-manifest.yaml:1:1: 0 registries are the source; one with \"src: true\" was meant",
		},
		{
			"mistakes in two files",
			map[string]string{"manifests/a/promoter-manifest.yaml": "- a\n", "images/a/images.yaml": "a: b\n"},
			"DIR/images/a/images.yaml:1:1: images must be a list, not a mapping\n" +
				"DIR/manifests/a/promoter-manifest.yaml:1:1: a manifest must be a mapping, not a list",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			directory := tree(t, test.files)
			_, err := LoadPath(directory, Strict)
			require.EqualError(t, err, strings.ReplaceAll(test.want, "DIR", directory))
		})
	}
}

func TestAnUnusableManifestIsLeftOutOfALenientReading(t *testing.T) {
	t.Parallel()
	directory := tree(t, map[string]string{
		"manifests/a/promoter-manifest.yaml": "registries: [{name: a.io}]\n",
		"images/a/images.yaml":               "[{name: a, dmap: {\"" + digestA + "\": []}}]",
		"manifests/b/promoter-manifest.yaml": "registries: [{name: b.io, src: true}, {name: c.io}]\n",
		"images/b/images.yaml":               "[{name: b, dmap: {\"" + digestA + "\": []}}]",
	})
	file, err := LoadPath(directory, Lenient)
	require.NoError(t, err)
	require.Len(t, file.Sources, 1)
	require.Equal(t, []string{"b.io/b"}, names(file.Sources[0].Repositories))
	require.Len(t, file.Problems, 1)
}
