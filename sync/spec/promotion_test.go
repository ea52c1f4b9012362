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

const sides = "source: {registry: trunk.example.com, namespace: tripleomaster}\ndestinations: [{registry: quay.example.com}]\n"

func TestAPromotionFileOfTheBasicKeysIsRead(t *testing.T) {
	t.Parallel()
	p := promote(t, `
source: {registry: "trunk.example.com:5000", namespace: tripleomaster, credentials: {username: ci, password: swordfish}}
destinations:
  - {registry: quay.example.com}
  - {registry: mirror.example.net, namespace: rdo/master, tls-verify: false, label: false, rename: {"^openstack-(.*)": "$1"}}
images: {names: [base, nova-api], prefix: openstack-}
hash: {value: 3f2a_9b1c}
label: current-tripleo
rollback-label: "previous-{label}"
platforms: {linux/amd64: _x86_64, linux/ppc64le: _ppc64le}
optional: [ppc64le]
gate: [./scan, "{reference}"]
keep: on-failure
`)
	require.NoError(t, p.Check())
	require.Equal(t, "trunk.example.com:5000", p.Source.Registry)
	require.Equal(t, transport.Access{Username: "ci", Password: "swordfish"}, p.Source.Access)
	require.True(t, p.Source.Label)
	require.Equal(t, "tripleomaster", p.Destinations[0].Namespace)
	mirror := p.Destinations[1]
	require.Equal(t, transport.Access{TLSVerify: types.OptionalBoolFalse}, mirror.Access)
	require.False(t, mirror.Label)
	require.Equal(t, "rdo/master/nova-api", mirror.Repository("openstack-nova-api"))
	require.Equal(t, "tripleomaster/openstack-base", p.Destinations[0].Repository("openstack-base"))
	require.Equal(t, Images{Prefix: "openstack-", Names: []string{"base", "nova-api"}}, p.Images)
	require.Equal(t, "3f2a_9b1c", p.Hash.Value)
	require.Equal(t, "previous-current-tripleo", p.RollbackLabel)
	require.Equal(t, []PlatformSuffix{
		{v1.Platform{OS: "linux", Architecture: "amd64"}, "_x86_64", false},
		{v1.Platform{OS: "linux", Architecture: "ppc64le"}, "_ppc64le", true},
	}, p.Platforms)
	require.Equal(t, AssembleIndex, p.Index)
	require.Equal(t, "{hash}_manifest", p.IndexTag)
	require.Equal(t, Gate{[]string{"./scan", "{reference}"}, 10 * time.Minute}, p.Gate)
	require.Equal(t, KeepOnFailure, p.Keep)
}

func TestWhatIsMissingIsToldOnceFlagsHaveHadTheirSay(t *testing.T) {
	t.Parallel()
	p := promote(t, sides)
	err := p.Check()
	require.True(t, fault.Is(err, fault.Input))
	require.Equal(t, []string{
		"p.yaml: no hash; write it, or hash.dlrn, or give --hash",
		"p.yaml: no images; write images with names, file, tripleo or zuul",
		"p.yaml: no label; write it, or give --label",
	}, strings.Split(err.Error(), "\n"))
	p.Hash.Value, p.Label, p.Images.Names = "3f2a_9b1c", "current", []string{"base"}
	require.NoError(t, p.Check())
}
