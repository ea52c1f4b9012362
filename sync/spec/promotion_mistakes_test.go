package spec

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mistakes gives what a reading of a promotion file says, a line a problem.
func mistakes(t *testing.T, input string) []string {
	t.Helper()
	_, err := LoadPromotion("p.yaml", strings.NewReader(input))
	if err == nil {
		return nil
	}
	var found Problems
	require.True(t, errors.As(err, &found), "%v", err)
	return strings.Split(found.Error(), "\n")
}

func TestAPromotionFileSaysWhatIsWrongAndWhatWasMeant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, keys string // of the keys, the first is at line 3
		want       []string
	}{
		// Keys and types.
		{"unknown key", "labels: a", []string{`3:1: a promotion file has no key "labels"; "label" was meant`}},
		{"unknown key of images", "images: {name: [a]}", []string{`3:10: images has no key "name"; "names" was meant`}},
		{"unknown key of tripleo", "images: {tripleo: {url: a, realease: master}}", []string{`3:28: images.tripleo has no key "realease"; "release" was meant`}},
		{"duplicate key", "label: a\nlabel: b", []string{`4:1: key "label" is at line 3 already; write it once`}},
		{"text for images", "images: [a]", []string{`3:9: images must be a mapping, not a list`}},
		{"text for names", "images: {names: a}", []string{`3:17: images.names must be a list, not text; ["a"] was meant`}},
		{"list for a label", "label: [a]", []string{`3:8: label must be text, not a list`}},
		{"several at once", "label: a b\nindex: build\nkeep: yes", []string{
			`3:8: "a b" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
			`4:8: index cannot be "build"; it is copy, assemble, merge`,
			`5:7: keep cannot be "yes"; it is never, on-failure, always`,
		}},
		{"misspelt word", "index: asemble\nplatforms: {amd64: _x}", []string{`3:8: index cannot be "asemble"; "assemble" was meant`}},
		// Hash and label.
		{"empty hash", "hash: ''", []string{`3:7: hash is empty`}},
		{"empty value", "hash: {value: ''}", []string{`3:15: hash.value is empty`}},
		{"empty label", "label: ''", []string{`3:8: label is empty`}},
		{"hash that is no tag", "hash: 'sha256:abc'", []string{`3:7: "sha256:abc" is not a tag; "abc" was meant`}},
		{"two hashes", "hash: {value: a, dlrn: {url: 'https://a.io', promote-name: b}}", []string{`3:7: hash has a value and dlrn; keep one of them`}},
		{"DLRN without a name", "hash: {dlrn: {url: 'https://a.io'}}", []string{`3:14: hash.dlrn has no promote-name`}},
		{"DLRN at a path", "hash: {dlrn: {url: a.io, promote-name: b}}", []string{`3:20: hash.dlrn.url "a.io" is not a URL of HTTP or HTTPS`}},
		{"long hash", "platforms: {amd64: _x86_64}\nhash: " + strings.Repeat("a", 122), []string{
			`4:7: the hash makes "` + strings.Repeat("a", 122) + `_manifest", which is not a tag: ` + tagForm,
		}},
		{"hash and label", "hash: a\nlabel: a", []string{`3:7: the hash is the label "a" itself`}},
		{"rollback label", "label: a\nrollback-label: '{label}'", []string{`4:17: rollback-label is the label itself; "previous-{label}" was meant`}},
		{"rollback label that is no tag", "rollback-label: 'a {label}'", []string{`3:17: "a label" is not a tag: ` + tagForm}},
		// Images.
		{"name with a tag", "images: {names: ['a:b']}", []string{`3:18: image "a:b" names a reference, not a repository; the hash is its tag`}},
		{"name with upper-case letters", "images: {exclude: [Base]}", []string{`3:20: image "Base" has upper-case letters; "base" was meant`}},
		{"location of another kind", "images: {file: 'ftp://a.io/b'}", []string{
			`3:16: images.file "ftp://a.io/b" begins with "ftp:"; a path, or a URL of file:, http: or https: was meant`,
		}},
		{"location with a password", "images: {file: 'https://ci:swordfish@a.io/b'}", []string{
			`3:16: images.file has an @; nobody is asked by name and password there`,
		}},
		{"location with an unknown place", "images: {file: 'https://a.io/{hsh}'}", []string{
			`3:16: images.file has no place {hsh}; {hash} or {hash-directory} was meant`,
		}},
		{"two ways to tripleo", "images: {tripleo: {url: a, versions: b, base-url: c}}", []string{
			`3:19: images.tripleo has a url, and versions or base-url; keep one of the two ways`,
		}},
		{"half a way to tripleo", "images: {tripleo: {versions: b}}", []string{`3:19: images.tripleo needs a url, or versions and base-url`}},
		{"Zuul without a job", "images: {zuul: {api: 'https://a.io'}}", []string{`3:16: images.zuul has no job`}},
		// Platforms.
		{"platform", "platforms: {x86_64: _x86_64}", []string{`3:13: platform "x86_64" has an unknown architecture; "amd64" was meant`}},
		{"suffix", "platforms: {amd64: ' x'}", []string{`3:20: suffix " x" has characters that no tag has`}},
		{"no suffix", "platforms: {amd64: }", []string{`3:20: the suffix of a platform is empty`}},
		{"suffix of two", "platforms: {amd64: _a, arm64: _a}", []string{`3:31: suffix "_a" is another platform's already`}},
		{"platform twice", "platforms: [amd64, linux/amd64]", []string{`3:20: platform "linux/amd64" is listed twice`}},
		{"optional platform that is not asked", "platforms: [amd64, ppc64le]\noptional: [ppc64]", []string{
			`4:12: optional names "ppc64", which is not under platforms`,
		}},
		{"lacking platform that is not asked", "platforms: [linux/amd64, linux/ppc64le]\nimages: {lacking: {linux/ppc64: [a]}}", []string{
			`4:20: images.lacking names "linux/ppc64", which is not under platforms; "linux/ppc64le" was meant`,
		}},
		{"assemble without suffixes", "platforms: [amd64]\nindex: assemble", []string{
			`4:8: index is assemble and platforms have no suffixes; write them, such as {linux/amd64: _x86_64}`,
		}},
		{"copy with suffixes", "platforms: {amd64: _x86_64}\nindex: copy", []string{
			`4:8: index is copy and platforms have suffixes; write platforms as a list, or "index: assemble"`,
		}},
		{"index-tag without the hash", "index-tag: _manifest", []string{`3:12: index-tag "_manifest" has no {hash} in it; "{hash}_manifest" was meant`}},
		{"index-tag of a platform, which nobody wrote", "platforms: {amd64: _manifest}", []string{`3:12: index-tag "{hash}_manifest" is the tag of linux/amd64 as well`}},
		{"index-tag of a platform", "platforms: {amd64: _x}\nindex-tag: '{hash}_x'", []string{`4:12: index-tag "{hash}_x" is the tag of linux/amd64 as well`}},
		// Policy, gate and keep.
		{"policy", "tag-policy: '('", []string{`3:13: "(" is not a regex (RE2): missing closing ): ` + "`(`"}},
		{"pattern of the policy", "tag-policy: {immutable: ['[']}", []string{`3:26: "[" is not a regex (RE2): missing closing ]: ` + "`[`"}},
		{"half a pattern", "tag-policy: {may-move: ['a)(b']}", []string{`3:25: "a)(b" is not a regex (RE2): unexpected ): ` + "`a)(b`"}},
		{"gate as a text", "gate: ./scan", []string{`3:7: the command of gate must be a list, not text; ["./scan"] was meant`}},
		{"gate without a program", "gate: []", []string{`3:7: gate has no program`}},
		{"gate that is told nothing", "gate: {command: [./scan]}", []string{
			`3:17: no argument of gate has {reference} or {digest} in it, so it would not know what it is asked about`,
		}},
		{"gate without a command", "gate: {timeout: 1m}", []string{`3:7: gate has no command`}},
		{"timeout", "gate: {command: [./scan, '{reference}'], timeout: 10}", []string{`3:51: gate.timeout must be a time such as 90s or 10m, not "10"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for i := range test.want {
				test.want[i] = "p.yaml:" + test.want[i]
			}
			require.Equal(t, test.want, mistakes(t, sides+test.keys))
		})
	}
}

func TestASideOfAPromotionSaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, input string
		want        []string
	}{
		{"no registry", "source: {namespace: a}", []string{`1:9: source has no registry`}},
		{"place that is no layout", "source: {place: 'dir:a'}", []string{`1:17: place "dir:a" is not oci:PATH, the directory of an OCI layout`}},
		{"place with a name", "source: {place: 'oci:a:b'}", []string{`1:17: place "oci:a:b" is not oci:PATH, the directory of an OCI layout`}},
		{"place and registry", "source: {place: 'oci:a', registry: a.io, tls-verify: false}", []string{
			`1:9: source has place and registry; keep one of them`, `1:9: source has place and tls-verify; keep one of them`,
		}},
		{"label of a disk", "source: {place: 'oci:a', label: true}", []string{`1:9: the label of a source at a place does not move; leave label out`}},
		{"one place twice", "destinations: [{place: 'oci:a'}, {place: 'oci:a'}]", []string{`1:34: destination "oci:a" is at line 1 already; list it once`}},
		{"registry with a path", "source: {registry: a.io/b/c}", []string{
			`1:20: registry "a.io/b/c" has a path; "registry: a.io" and "namespace: b/c" were meant`,
		}},
		{"registry with a scheme", "source: {registry: 'https://a.io'}", []string{`1:20: registry "https://a.io" has a scheme; "a.io" was meant`}},
		{"namespace with a slash", "source: {registry: a.io, namespace: /b}", []string{`1:37: namespace "/b" begins or ends with a slash; "b" was meant`}},
		{"key of a destination at the source", "source: {registry: a.io, token-env: HOME}", []string{
			`1:26: source has no key "token-env"; it has cert-dir, credentials, csync, label, namespace, place, registry, tls-verify`,
		}},
		{"password without a user", "source: {registry: a.io, credentials: {password: swordfish}}", []string{
			`1:9: credentials.password has no user name; write one under credentials or csync.username-env`,
		}},
		{"one destination", "destinations: {registry: a.io}", []string{`1:15: destinations must be a list, not a mapping`}},
		{"destination twice", "destinations: [{registry: a.io}, {registry: a.io}]", []string{`1:34: destination "a.io/" is at line 1 already; list it once`}},
		{"creation without a token", "destinations: [{registry: a.io, create-repositories: public}]", []string{
			`1:16: a destination has create-repositories and no token for it; write token-file or token-env`,
		}},
		{"creation of another kind", "destinations: [{registry: a.io, create-repositories: true, token-env: HOME}]", []string{
			`1:54: create-repositories cannot be "true"; it is public, private`,
		}},
		{"token that cannot be had", "destinations: [{registry: a.io, token-env: CSYNC_TEST_NONE}]", []string{
			`1:44: token-env: environment variable "CSYNC_TEST_NONE" is not set`,
		}},
		{"two tokens", "destinations: [{registry: a.io, token-env: HOME, token-file: a}]", []string{
			`1:62: token-file is given by token-env already; keep one of them`,
		}},
		{"regex of a name", "destinations: [{registry: a.io, rename: {'(': a}}]", []string{`1:42: "(" is not a regex (RE2): missing closing ): ` + "`(`"}},
		{"group that is not there", "destinations: [{registry: a.io, rename: {'^a-(.*)': $1b}}]", []string{
			`1:53: "$1b" names group "1b", which "^a-(.*)" does not have; ${1} is the first`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for i := range test.want {
				test.want[i] = "p.yaml:" + test.want[i]
			}
			got := mistakes(t, test.input)
			require.Equal(t, test.want, got)
			require.NotContains(t, strings.Join(got, "\n"), "swordfish")
		})
	}
}

func TestAPromotionsTokenIsASecret(t *testing.T) {
	t.Setenv("CSYNC_TEST_TOKEN", "swordfish")
	p := promote(t, "source: {registry: a.io}\ndestinations: [{registry: b.io, token-env: CSYNC_TEST_TOKEN}]")
	require.Equal(t, "***", p.Destinations[0].Token.String())
	require.Equal(t, "swordfish", string(p.Destinations[0].Token))
}
