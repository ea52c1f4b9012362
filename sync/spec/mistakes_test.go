package spec

import (
	"strings"
	"testing"

	"csync/sync/fault"

	"github.com/stretchr/testify/require"
)

const (
	digestA = "sha256:a0ead06651cf580044aeb0a0feba63591858fb2e43ade8c9dea45a6a89ae7e5e"
	digestB = "sha256:1eeb4c7316bacb1d4c8ead65571cd92dd21e27359f0d4917f1a5822a73b75db1"
)

// problems gives what a strict reading of input says, a line a problem.
func problems(t *testing.T, input string) []string {
	t.Helper()
	_, err := Load("f.yaml", strings.NewReader(input), Strict)
	if err == nil {
		return nil
	}
	require.True(t, fault.Is(err, fault.Input))
	var found Problems
	require.ErrorAs(t, err, &found)
	return strings.Split(found.Error(), "\n")
}

func TestLoadSaysWhatIsWrongAndWhatWasMeant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, input string
		want        []string
	}{
		// The file.
		{"syntax", "q.io:\n  images: [\n", []string{
			`f.yaml:2:1: not YAML: did not find expected node content; close each [ and {, put no comma before it`,
		}},
		{"colon in a plain text", "q.io:\n  images: a: b\n", []string{
			`f.yaml:2:1: not YAML: mapping values are not allowed in this context; quote a text that holds ": ", indent the keys of a mapping alike`,
		}},
		{"tab for indentation", "q.io:\n\timages: {}\n", []string{
			"f.yaml:2:1: not YAML: found character that cannot start any token; indent with spaces, quote a text that begins with @, ` or a tab",
		}},
		{"alias without an anchor", "q.io:\n  credentials: {username: ci, password: *swordfish}\n", []string{
			`f.yaml:2:41: not YAML: an alias without an anchor before it; quote a text that begins with *`,
		}},
		{"second document", "q.io: {images: {redis: [1]}}\n---\nq.io: {images: {redis: [1]}}\n", []string{
			`f.yaml:3:1: a second document; write it to a file of its own`,
		}},
		{"second document behind an empty one", "---\n---\nq.io: {images: {redis: [1]}}\n", []string{
			`f.yaml:3:1: a second document; write it to a file of its own`,
		}},
		{"list for a file", "- q.io\n", []string{
			`f.yaml:1:1: a source file must be a mapping, not a list`,
		}},
		{"text for a file", "swordfish\n", []string{
			`f.yaml:1:1: a source file must be a mapping, not text`,
		}},
		// Types.
		{"text for a registry", "q.io: swordfish\n", []string{
			`f.yaml:1:7: a registry must be a mapping, not text`,
		}},
		{"text for a list of tags", "q.io:\n  images: {redis: 7.2}\n", []string{
			`f.yaml:2:19: the tags of a repository must be a list, not a number; ["7.2"] was meant`,
		}},
		{"mapping for a tag", "q.io:\n  images: {redis: [{a: b}]}\n", []string{
			`f.yaml:2:20: a tag must be text, not a mapping`,
		}},
		{"list for a regex", "q.io:\n  images-by-tag-regex: {redis: [a]}\n", []string{
			`f.yaml:2:32: a regex must be text, not a list`,
		}},
		{"text for tls-verify", "q.io:\n  images: {redis: [1]}\n  tls-verify: \"not a valid bool\"\n", []string{
			`f.yaml:3:15: tls-verify must be true or false, not text`,
		}},
		{"text for credentials", "q.io:\n  images: {redis: [1]}\n  credentials: ci:swordfish\n", []string{
			`f.yaml:3:16: credentials must be a mapping, not text`,
		}},
		{"list for cert-dir", "q.io:\n  images: {redis: [1]}\n  cert-dir: [a]\n", []string{
			`f.yaml:3:13: cert-dir must be text, not a list`,
		}},
		{"list for a key", "q.io:\n  images: {[a]: [1]}\n", []string{
			`f.yaml:2:12: a key of images must be text, not a list`,
		}},
		{"text for latest", "q.io:\n  images: {redis: []}\n  csync: {repositories: {redis: {latest: five}}}\n", []string{
			`f.yaml:3:42: latest must be a whole number, not "five"`,
		}},
		{"quoted number for latest", "q.io:\n  images: {redis: []}\n  csync: {repositories: {redis: {latest: '3'}}}\n", []string{
			`f.yaml:3:42: latest must be a whole number, not the text "3"; write it without quotes`,
		}},
		{"fraction for latest", "q.io:\n  images: {redis: []}\n  csync: {repositories: {redis: {latest: 3.0}}}\n", []string{
			`f.yaml:3:42: latest must be a whole number, not "3.0"`,
		}},
		{"more for latest than a number holds", "q.io:\n  images: {redis: []}\n  csync: {repositories: {redis: {latest: 99999999999999999999}}}\n", []string{
			`f.yaml:3:42: latest must be a whole number, not "99999999999999999999"`,
		}},
		// Keys.
		{"duplicate registry", "q.io: {images: {a: [1]}}\nq.io: {images: {a: [1]}}\n", []string{
			`f.yaml:2:1: key "q.io" is at line 1 already; write it once`,
		}},
		{"duplicate repository", "q.io:\n  images:\n    redis: [1]\n    redis: [2]\n", []string{
			`f.yaml:4:5: key "redis" is at line 3 already; write it once`,
		}},
		{"unknown key with a near one", "q.io:\n  image: {redis: [1]}\n  images: {redis: [1]}\n", []string{
			`f.yaml:2:3: a registry has no key "image"; "images" was meant`,
		}},
		{"unknown key with none near", "q.io:\n  images: {redis: [1]}\n  csync: {schedule: daily}\n", []string{
			`f.yaml:3:11: csync has no key "schedule"; it has password-env, password-file, platforms, prune, repositories, username-env`,
		}},
		{"unknown key of a repository", "q.io:\n  images: {redis: []}\n  csync: {repositories: {redis: {platform: [amd64]}}}\n", []string{
			`f.yaml:3:34: an entry of csync.repositories has no key "platform"; "platforms" was meant`,
		}},
		{"registry without images", "q.io:\n  images: {}\n", []string{
			`f.yaml:1:1: No images specified for registry "q.io"; write images, images-by-tag-regex or images-by-semver`,
		}},
		// Registries.
		{"registry with a scheme", "docker://q.io: {images: {redis: [1]}}\n", []string{
			`f.yaml:1:1: registry "docker://q.io" has a scheme; "q.io" was meant`,
		}},
		{"registry with a password", "ci:swordfish@q.io: {images: {redis: [1]}}\n", []string{
			`f.yaml:1:1: registry has an @; write host[:port][/namespace], and credentials under credentials`,
		}},
		{"registry with a slash at its end", "q.io/: {images: {redis: [1]}}\n", []string{
			`f.yaml:1:1: registry "q.io/" begins or ends with a slash; "q.io" was meant`,
		}},
		{"registry that is none", "q io: {images: {redis: [1]}}\n", []string{
			`f.yaml:1:1: registry "q io" is not host[:port][/namespace]`,
		}},
		{"registry that would be a namespace of docker.io", "myhost: {images: {redis: [1]}}\n", []string{
			`f.yaml:1:1: registry "myhost" has no dot and no port and so names docker.io/myhost; write that, or a port`,
		}},
		{"empty registry", "\"\": {images: {redis: [1]}}\n", []string{
			`f.yaml:1:1: registry is empty`,
		}},
		// Repositories.
		{"slash before a repository", "q.io: {images: {/redis: [1]}}\n", []string{
			`f.yaml:1:17: repository "/redis" begins or ends with a slash; "redis" was meant`,
		}},
		{"tag in a repository", "q.io: {images: {\"redis:7.2\": []}}\n", []string{
			`f.yaml:1:17: repository "redis:7.2" names a reference, not a repository; write the tag in the list`,
		}},
		{"digest in a repository", "q.io: {images: {\"redis@" + digestA + "\": []}}\n", []string{
			`f.yaml:1:17: repository "redis@sha256:a0ead06651cf580044aeb0a0feba63591858fb2e43ade8c9dea45a6a89ae7e5e" names a reference, not a repository; write the tag in the list`,
		}},
		{"upper-case repository", "q.io: {images: {Redis: [1]}}\n", []string{
			`f.yaml:1:17: repository "Redis" has upper-case letters; "redis" was meant`,
		}},
		{"repository that is none", "q.io: {images: {\"a b\": [1]}}\n", []string{
			`f.yaml:1:17: repository "a b" is not a path of lower-case letters and digits, between them . _ __ or -, elements separated by /`,
		}},
		{"empty repository", "q.io: {images: {\"\": [1]}}\n", []string{
			`f.yaml:1:17: repository is empty`,
		}},
		// Tags and digests.
		{"empty tag", "q.io: {images: {redis: [\"\"]}}\n", []string{
			`f.yaml:1:25: a tag is empty`,
		}},
		{"null for a tag", "q.io: {images: {redis: [null]}}\n", []string{
			`f.yaml:1:25: a tag is null; write it, or [] for every tag`,
		}},
		{"tag that is none", "q.io: {images: {redis: [-rc, a b]}}\n", []string{
			`f.yaml:1:25: "-rc" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
			`f.yaml:1:30: "a b" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
		}},
		{"tag with its repository", "q.io: {images: {redis: [\"redis:7.2\"]}}\n", []string{
			`f.yaml:1:25: "redis:7.2" is not a tag; "7.2" was meant`,
		}},
		{"short digest", "q.io: {images: {redis: [\"sha256:12\"]}}\n", []string{
			`f.yaml:1:25: "sha256:12" is not a digest: sha256: and 64 hexadecimal digits, or sha512: and 128`,
		}},
		{"upper-case digest", "q.io: {images: {redis: [\"" + strings.ToUpper(digestA) + "\"]}}\n", []string{
			`f.yaml:1:25: "SHA256:A0EAD06651CF580044AEB0A0FEBA63591858FB2E43ADE8C9DEA45A6A89AE7E5E" is not a digest; "sha256:a0ead06651cf580044aeb0a0feba63591858fb2e43ade8c9dea45a6a89ae7e5e" was meant`,
		}},
		{"bad pin of a bad tag", "q.io: {images: {redis: [\"-a@sha256:12\"]}}\n", []string{
			`f.yaml:1:25: "-a" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
			`f.yaml:1:25: "sha256:12" is not a digest: sha256: and 64 hexadecimal digits, or sha512: and 128`,
		}},
		{"tag with two pins", "q.io:\n  images:\n    redis:\n    - a@" + digestA + "\n    - a@" + digestB + "\n", []string{
			`f.yaml:5:7: tag "a" is pinned to sha256:a0ead06651cf580044aeb0a0feba63591858fb2e43ade8c9dea45a6a89ae7e5e at f.yaml:4:7; keep one of them`,
		}},
		// Patterns.
		{"bad regex", "q.io: {images-by-tag-regex: {redis: \"(\"}}\n", []string{
			"f.yaml:1:37: \"(\" is not a regex (RE2): missing closing ): `(`",
		}},
		{"empty regex", "q.io: {images-by-tag-regex: {redis: }}\n", []string{
			`f.yaml:1:37: the regex is empty and chooses every tag; "images: {redis: []}" was meant`,
		}},
		{"bad constraint", "q.io: {images-by-semver: {redis: latest}}\n", []string{
			`f.yaml:1:34: "latest" is not a version constraint: comparisons such as ">= 3.20", "~1.2", "^2" or "1.x", with "," for and, "||" for or`,
		}},
		{"empty constraint", "q.io: {images-by-semver: {redis: \"\"}}\n", []string{
			`f.yaml:1:34: a version constraint is empty`,
		}},
		// Access.
		{"user name without a password", "q.io: {images: {redis: [1]}, credentials: {username: ci}}\n", []string{
			`f.yaml:1:1: credentials.username has no password; write one under credentials, csync.password-env or csync.password-file`,
		}},
		{"password without a user name", "q.io: {images: {redis: [1]}, credentials: {password: swordfish}}\n", []string{
			`f.yaml:1:1: credentials.password has no user name; write one under credentials or csync.username-env`,
		}},
		{"variable that is not set", "q.io: {images: {redis: [1]}, csync: {username-env: CSYNC_NOT_SET}}\n", []string{
			`f.yaml:1:52: csync.username-env: environment variable "CSYNC_NOT_SET" is not set`,
		}},
		{"password file that is not there", "q.io: {images: {redis: [1]}, credentials: {username: ci}, csync: {password-file: testdata/none}}\n", []string{
			`f.yaml:1:82: csync.password-file: open testdata/none: no such file or directory`,
		}},
		{"password given twice", "q.io: {images: {redis: [1]}, credentials: {username: ci, password: swordfish}, csync: {password-env: HOME}}\n", []string{
			`f.yaml:1:102: csync.password-env is given by credentials.password already; keep one of them`,
		}},
		{"empty cert-dir", "q.io: {images: {redis: [1]}, cert-dir: \"\"}\n", []string{
			`f.yaml:1:40: cert-dir is empty; leave it out for the system's certificates`,
		}},
		// Settings.
		{"bad platforms", "q.io: {images: {redis: [1]}, csync: {platforms: [x86_64, linux/amd46, arm/v7, lunix/arm, linux, a/b/c/d]}}\n", []string{
			`f.yaml:1:50: platform "x86_64" has an unknown architecture; "amd64" was meant`,
			`f.yaml:1:58: platform "linux/amd46" has an unknown architecture; "amd64" was meant`,
			`f.yaml:1:71: platform "arm/v7" has no operating system; "linux/arm/v7" was meant`,
			`f.yaml:1:79: platform "lunix/arm" has an unknown operating system; "linux" was meant`,
			`f.yaml:1:90: "linux" is not a platform: os/architecture[/variant], such as linux/arm/v7`,
			`f.yaml:1:97: "a/b/c/d" is not a platform: os/architecture[/variant], such as linux/arm/v7`,
		}},
		{"glob that cannot match", "q.io: {images: {redis: [1]}, csync: {repositories: {/redis: {latest: 1}, \"a***\": {latest: 1}, \"Re*\": {}}}}\n", []string{
			`f.yaml:1:53: "/redis" cannot match a repository; a repository, with * for any characters but / and ** for any was meant`,
			`f.yaml:1:74: "a***" cannot match a repository; a repository, with * for any characters but / and ** for any was meant`,
			`f.yaml:1:95: "Re*" cannot match a repository; a repository, with * for any characters but / and ** for any was meant`,
		}},
		{"repository that is not wanted", "q.io: {images: {redis: []}, csync: {repositories: {rediss: {latest: 1}, \"x/*\": {latest: 1}}}}\n", []string{
			`f.yaml:1:52: "rediss" matches no repository of q.io; "redis" was meant`,
			`f.yaml:1:73: "x/*" matches no repository of q.io`,
		}},
		{"latest of none", "q.io: {images: {redis: []}, csync: {repositories: {redis: {latest: 0}}}}\n", []string{
			`f.yaml:1:68: latest is 0; 1 or more was meant, or no latest for every tag`,
		}},
		{"latest of less than none", "q.io: {images: {redis: []}, csync: {repositories: {redis: {latest: -3}}}}\n", []string{
			`f.yaml:1:68: latest is -3; 1 or more was meant, or no latest for every tag`,
		}},
		{"bad exclude", "q.io: {images: {redis: []}, csync: {repositories: {redis: {exclude: [\"[\", \"\"]}}}}\n", []string{
			"f.yaml:1:70: \"[\" is not a regex (RE2): missing closing ]: `[`",
			`f.yaml:1:75: a regex is empty`,
		}},
		{"bad destination", "q.io: {images: {redis: []}, csync: {repositories: {redis: {destination: /a:b}}}}\n", []string{
			`f.yaml:1:73: destination "/a:b" begins or ends with a slash; "a:b" was meant`,
		}},
		{"destination with a tag", "q.io: {images: {redis: []}, csync: {repositories: {redis: {destination: \"a:b\"}}}}\n", []string{
			`f.yaml:1:73: destination "a:b" names a reference, not a repository; further tags go under tags`,
		}},
		{"bad further tags", "q.io: {images: {redis: []}, csync: {repositories: {redis: {tags: {a b: [c], d: [\"e f\", \"\"]}}}}}\n", []string{
			`f.yaml:1:67: "a b" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
			`f.yaml:1:81: "e f" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
			`f.yaml:1:88: a tag is empty`,
		}},
		{"further tags of a tag that is not wanted", "q.io: {images: {redis: [\"7.2\"]}, csync: {repositories: {redis: {tags: {\"7.3\": [stable, \"7\"]}}}}}\n", []string{
			`f.yaml:1:72: "7.3" is not one of those chosen from "redis"; nothing would be tagged stable, 7`,
		}},
		{"further tags of a tag that is excluded", "q.io: {images: {redis: []}, csync: {repositories: {redis: {exclude: [rc], tags: {\"7-rc\": [next]}}}}}\n", []string{
			`f.yaml:1:82: "7-rc" is not one of those chosen from "redis"; nothing would be tagged next`,
		}},
		{"further tags of a tag that no repository of a glob wants", "q.io: {images: {redis: [\"7.2\"], nginx: [\"1\"]}, csync: {repositories: {\"*\": {tags: {\"7.3\": [stable]}}}}}\n", []string{
			`f.yaml:1:84: "7.3" is not one of those chosen from "*"; nothing would be tagged stable`,
		}},
		{"tags of a digest that is not wanted", "q.io: {images: {redis: [\"" + digestA + "\"]}, csync: {repositories: {redis: {tags: {\"" + digestB + "\": [stable]}}}}}\n", []string{
			`f.yaml:1:140: "` + digestB + `" is not one of those chosen from "redis"; nothing would be tagged stable`,
		}},
		{"tags of a digest that is none", "q.io: {images: {redis: [\"7.2\"]}, csync: {repositories: {redis: {tags: {\"sha256:12\": [stable]}}}}}\n", []string{
			`f.yaml:1:72: "sha256:12" is not a digest: sha256: and 64 hexadecimal digits, or sha512: and 128`,
		}},
		// One repository at two places.
		{"other credentials at a second place", "docker.io: {images: {busybox: [1]}}\ndocker.io/library: {images: {busybox: [2]}, tls-verify: false}\n", []string{
			`f.yaml:2:30: docker.io/library/busybox is at f.yaml:1:22 already, with other credentials or settings; write it once`,
		}},
		// All in one go.
		{"several mistakes", "q.io:\n  images: {/redis: [1], nginx: [a b]}\n  images-by-semver: {alpine: new}\n  csync: {platforms: [x86]}\n", []string{
			`f.yaml:2:12: repository "/redis" begins or ends with a slash; "redis" was meant`,
			`f.yaml:2:33: "a b" is not a tag: at most 128 letters, digits, _ . and -, the first no . and no -`,
			`f.yaml:3:30: "new" is not a version constraint: comparisons such as ">= 3.20", "~1.2", "^2" or "1.x", with "," for and, "||" for or`,
			`f.yaml:4:23: platform "x86" has an unknown architecture; "386" was meant`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problems(t, test.input))
		})
	}
}
