package spec

import (
	"strings"
	"testing"
	"time"

	"csync/sync/fault"
	"csync/sync/registry/transport"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"
)

// promote gives what a reading of a promotion file makes of it.
func promote(t *testing.T, input string) *Promotion {
	t.Helper()
	p, err := LoadPromotion("p.yaml", strings.NewReader(input))
	require.NoError(t, err)
	return p
}

// sides are the keys that every promotion file has.
const sides = "source: {registry: trunk.example.com, namespace: tripleomaster}\ndestinations: [{registry: quay.example.com}]\n"

func TestEveryKeyOfAPromotionFileIsRead(t *testing.T) {
	t.Setenv("CSYNC_TEST_TOKEN", "token")
	t.Setenv("CSYNC_TEST_USER", "robot")
	t.Setenv("CSYNC_TEST_PASSWORD", "tuna")
	p, err := LoadPromotionPath(examples + "promotion/full.yaml")
	require.NoError(t, err)
	require.NoError(t, p.Check())

	require.Equal(t, Registry{
		Registry: "trunk.example.com:5000", Namespace: "tripleomaster",
		Access: transport.Access{
			Username: "ci", Password: "swordfish", TLSVerify: types.OptionalBoolTrue, CertDir: "/etc/pki/trunk",
		},
		Position: Position{examples + "promotion/full.yaml", 3, 3},
	}, p.Source)
	quay, mirror := p.Destinations[0], p.Destinations[1]
	require.Equal(t, Registry{
		Registry: "quay.example.com", Namespace: "tripleomaster", Access: transport.Access{Username: "robot", Password: "tuna"},
		Create: "public", Token: "token", Label: true, Position: Position{examples + "promotion/full.yaml", 10, 5},
	}, quay)
	require.Equal(t, transport.Access{TLSVerify: types.OptionalBoolFalse}, mirror.Access)
	require.False(t, mirror.Label)
	require.Equal(t, "tripleomaster/openstack-base", quay.Repository("openstack-base"))
	require.Equal(t, "rdo/master/nova-api", mirror.Repository("openstack-nova-api"))
	require.Equal(t, "rdo/master/base/keystone", mirror.Repository("openstack-keystone-base"), "the first that matches")
	require.Equal(t, "rdo/master/ceph", mirror.Repository("ceph"))

	require.Equal(t, Images{
		Prefix: "openstack-", Names: []string{"base", "nova-api", "keystone-base"}, Exclude: []string{"nova-consoleauth"},
		Lacking: map[string][]string{"linux/ppc64le": {"ceph-daemon"}}, File: "containers.txt",
		Tripleo: &Tripleo{
			Versions: "https://trunk.example.com/centos9-master/{hash-directory}/versions.csv",
			BaseURL:  "https://git.example.com/tripleo-common/raw", Path: "container-images/overcloud_containers.yaml",
			Release: "master", Distro: "centos9", ImageSource: []string{"tripleo"}, ExcludeFile: "https://git.example.com/exclude.yaml",
			Prefix: "openstack-",
		},
		Zuul: &Zuul{"https://zuul.example.com/zuul/api/tenant/rdo/", "build-containers"},
	}, p.Images)
	require.Equal(t, Hash{DLRN: &DLRN{"https://trunk.example.com/api-centos9-master-uc", "tripleo-ci-testing"}}, p.Hash)
	require.Equal(t, "current-tripleo", p.Label)
	require.Equal(t, "previous-current-tripleo", p.RollbackLabel)
	require.Equal(t, []PlatformSuffix{
		{v1.Platform{OS: "linux", Architecture: "amd64"}, "_x86_64", false},
		{v1.Platform{OS: "linux", Architecture: "ppc64le"}, "_ppc64le", true},
	}, p.Platforms)
	require.Equal(t, AssembleIndex, p.Index)
	require.Equal(t, "{hash}_list", p.IndexTag)
	require.Equal(t, "docker", p.Format)
	require.True(t, p.LabelsIndex)
	require.Equal(t, Gate{[]string{"./scan", "--image={reference}"}, 90 * time.Second}, p.Gate)
	require.Equal(t, KeepOnFailure, p.Keep)
	require.Equal(t, "/var/tmp/csync", p.KeepDirectory)
	require.Equal(t, Position{examples + "promotion/full.yaml", 38, 8}, p.At("label"))
}

func TestWhatAPromotionFileDoesNotSayHasItsUsualValue(t *testing.T) {
	t.Parallel()
	p, err := LoadPromotionPath(examples + "promotion/single.yaml")
	require.NoError(t, err)
	require.NoError(t, p.Check())
	require.True(t, p.Source.Label && p.Destinations[0].Label)
	require.Equal(t, "3f2a7c1b9e4d5a60f1b2c3d4e5f60718293a4b5c_9b1c2d3e", p.Hash.Value)
	require.Equal(t, "centos-binary-", p.Images.Prefix)
	require.Equal(t, &Tripleo{
		URL: "file:overcloud_containers.yaml", Path: "container-images/tripleo_containers.yaml", Release: "queens", Prefix: "centos-binary-",
	}, p.Images.Tripleo)
	require.Equal(t, []PlatformSuffix{{Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}}, p.Platforms)
	require.Equal(t, CopyIndex, p.Index)
	require.Equal(t, "{hash}", p.IndexTag)
	require.Empty(t, p.RollbackLabel)
	require.False(t, p.LabelsIndex)
	require.Equal(t, 10*time.Minute, p.Gate.Timeout)
	require.Equal(t, KeepNever, p.Keep)

	p = promote(t, sides+"images: {tripleo: {url: a}}\nplatforms: {amd64: _x86_64}")
	require.Equal(t, "openstack-", p.Images.Prefix)
	require.Equal(t, []string{"tripleo", "kolla"}, p.Images.Tripleo.ImageSource)
	require.Equal(t, AssembleIndex, p.Index)
	require.Equal(t, "{hash}_manifest", p.IndexTag)
	require.Empty(t, promote(t, sides+"images: {names: [base]}").Images.Prefix)
	require.Equal(t, "tripleomaster/a", promote(t, "destinations: [{registry: b.io}]\nsource: {registry: a.io, namespace: tripleomaster}").Destinations[0].Repository("a"))
	require.Equal(t, "a", promote(t, sides+"# \n").Destinations[0].Repository("a")[len("tripleomaster/"):])
	require.Equal(t, "a", promote(t, "source: {registry: a.io, namespace: b}\ndestinations: [{registry: b.io, namespace: ''}]").Destinations[0].Repository("a"))
}

// Q5: an empty hash, or an empty label, was any.
func TestWhatIsMissingIsToldOnceFlagsHaveHadTheirSay(t *testing.T) {
	t.Parallel()
	p := promote(t, sides+"platforms: {amd64: _x86_64}\nrollback-label: 'previous-{label}'")
	err := p.Check()
	require.True(t, fault.Is(err, fault.Input))
	require.Equal(t, []string{
		"p.yaml: no hash; write it, or hash.dlrn, or give --hash",
		"p.yaml: no images; write images with names, file, tripleo or zuul",
		"p.yaml: no label; write it, or give --label",
	}, strings.Split(err.Error(), "\n"))

	p.Hash.Value, p.Label, p.Images.Names = "3f2a_9b1c", "current", []string{"base"}
	require.NoError(t, p.Check())
	require.Equal(t, "previous-current", p.RollbackLabel, "which follows the label")
	p.Label, p.Index, p.Platforms[0].Suffix = "other", MergeIndex, ""
	require.NoError(t, p.Check())
	require.Equal(t, "previous-other", p.RollbackLabel)
	require.Equal(t, "{hash}", p.IndexTag, "which follows the index")

	p.Label, p.Hash.Value = "a b", strings.Repeat("a", 129)
	require.ErrorContains(t, p.Check(), `label "a b" is not a tag`)
	require.ErrorContains(t, p.Check(), "is not a hash that a tag can have")

	p, err = LoadPromotion("p.yaml", strings.NewReader(""))
	require.NoError(t, err)
	err = p.Check()
	require.ErrorContains(t, err, "p.yaml: no source")
	require.ErrorContains(t, err, "p.yaml: no destination")
	require.Empty(t, p.Hash.Value)
}

func TestAHashHasToMakeTagsWithEverySuffix(t *testing.T) {
	t.Parallel()
	p := promote(t, sides+"label: current\nplatforms: {amd64: _x86_64}")
	require.NoError(t, p.CheckHash("a"))
	require.NoError(t, p.CheckHash(strings.Repeat("a", 128-len("_manifest"))))
	for hash, want := range map[string]string{
		"":                       "the hash is empty",
		"a b":                    `"a b" is not a hash that a tag can have: `,
		"a\n":                    `"a\n" is not a hash`,
		".a":                     `".a" is not a hash`,
		strings.Repeat("a", 120): "the hash makes ",
		"current":                `the hash is the label "current" itself`,
	} {
		err := p.CheckHash(hash)
		require.True(t, fault.Is(err, fault.Input))
		require.ErrorContains(t, err, want)
	}
}

func TestTheTagPolicySaysWhichTagsMayMove(t *testing.T) {
	t.Parallel()
	const labels = sides + "label: current\nrollback-label: previous\n"
	for _, test := range []struct {
		policy string
		may    []string
	}{
		{"", []string{"current", "previous", "current-rdo", "0123abcd_ef", "latest"}},
		{"tag-policy: allow", []string{"current", "previous", "current-rdo", "0123abcd_ef", "latest"}},
		{"tag-policy: deny", nil},
		{"tag-policy: current", []string{"current"}},
		{"tag-policy: current|latest", []string{"current", "latest"}},
		{"tag-policy: {}", []string{"current", "previous", "current-rdo", "0123abcd_ef", "latest"}},
		{"tag-policy: {may-move: []}", []string{"current", "previous"}},
		{"tag-policy: {may-move: [latest]}", []string{"current", "previous", "latest"}},
		{"tag-policy: {immutable: ['^[0-9a-f]{8,}_']}", []string{"current", "previous", "current-rdo", "latest"}},
		{"tag-policy: {may-move: ['.*'], immutable: [previous, ^lat]}", []string{"current", "current-rdo", "0123abcd_ef"}},
	} {
		p := promote(t, labels+test.policy)
		var may []string
		for _, tag := range []string{"current", "previous", "current-rdo", "0123abcd_ef", "latest"} {
			if p.MayMove(tag) {
				may = append(may, tag)
			}
		}
		require.Equal(t, test.may, may, test.policy)
	}
	_, err := ParseTagPolicy("(")
	require.True(t, fault.Is(err, fault.Input))
	require.ErrorContains(t, err, `"(" is not a regex (RE2): missing closing )`)
	_, err = ParseTagPolicy("")
	require.True(t, fault.Is(err, fault.Input))
}

func TestLintTellsPromotionFilesAndSourceFilesApart(t *testing.T) {
	t.Parallel()
	lint := func(input string) error { return Lint("f.yaml", strings.NewReader(input)) }
	require.NoError(t, lint(sides+"images: {names: [base]}"), "flags may give the hash and the label")
	require.NoError(t, lint("a.io: {images: {b: [c]}}"))
	require.NoError(t, lint(""))
	require.EqualError(t, lint("source: {registry: a.io}\nimages: {name: [base]}"),
		"f.yaml:2:10: images has no key \"name\"; \"names\" was meant")
	require.EqualError(t, lint("source: {registry: a.io}\nimages: {names: [base]}"), "f.yaml: no destination; list at least one under destinations")
	require.EqualError(t, lint("a.io: {image: {b: [c]}, images: {b: [c]}}"), `f.yaml:1:8: a registry has no key "image"; "images" was meant`)
	require.Equal(t, []string{"f.yaml:1:1: a promotion file; csync promote takes it"}, problems(t, sides))
}
