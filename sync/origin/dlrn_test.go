package origin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

const (
	promotions = "/api-centos9-master-uc/api/promotions?limit=1&promote_name=tripleo-ci-testing"
	asked      = "images: {names: [base]}\nhash: {dlrn: {url: SERVER/api-centos9-master-uc/, promote-name: tripleo-ci-testing}}\n"
)

func TestDLRNIsAskedForTheHash(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"dlrn-aggregate.json": aggregate,
		"dlrn-commit.json":    tripleo + "_4ce1c4fb",
		"dlrn-extended.json":  tripleo + "_4ce1c4fb_9d46b7ab_5c2a0b8e",
	} {
		s := serve(t, map[string]any{promotions: example(t, file)})
		found, err := find(t, s, asked)
		require.NoError(t, err)
		require.Equal(t, want, found.Hash)
		require.EqualValues(t, 1, s.asked.Load())
	}
}

// Q5: DLRN failed, the hash was empty, and the registry took that for any tag.
func TestAnEmptyHashIsNeverAskedFor(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`[]`:   `nothing was promoted to "tripleo-ci-testing"`,
		`null`: `nothing was promoted to "tripleo-ci-testing"`,
		`[{}]`: `no hash: aggregate "", commit "", distribution "", extended ""`,
		`[{"aggregate_hash": "None", "commit_hash": "None", "distro_hash": null}]`:               `no hash: aggregate "None", commit "None", distribution "", extended ""`,
		`[{"aggregate_hash": "", "commit_hash": "163d4b3b4b211358", "distro_hash": ""}]`:         `no hash: aggregate "", commit "163d4b3b4b211358", distribution "", extended ""`,
		`[{"commit_hash": "163d4b3b4b211358", "distro_hash": "4ce1c4fb", "extended_hash": "_"}]`: `no hash: aggregate "", commit "163d4b3b4b211358", distribution "4ce1c4fb", extended "_"`,
		`{"message": "invalid promote_name"}`:                                                    `not DLRN's list of promotions: `,
		``:                                                                                       `not DLRN's list of promotions: `,
		`<html>`:                                                                                 `a page of HTML, not what was asked for`,
	} {
		got := refused(t, serve(t, map[string]any{promotions: answer}), asked)
		require.True(t, strings.HasPrefix(got, "SERVER/api-centos9-master-uc/api/promotions: "+want), got)
	}
	require.Equal(t, "the hash is empty", refused(t, nil, "images: {names: [base]}"))
}

func TestAMalformedHashIsRefused(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`[{"aggregate_hash": "../../etc"}]`:                                                        `hash "../../etc" is malformed`,
		`[{"aggregate_hash": "current"}]`:                                                          `hash "current" is malformed`,
		`[{"commit_hash": "HEAD", "distro_hash": "4ce1c4fb"}]`:                                     `no hash: aggregate "", commit "HEAD"`,
		`[{"commit_hash": "163d4b3b4b211358", "distro_hash": "4ce1c4fb", "extended_hash": "abc"}]`: `extended hash "abc" is malformed: two hashes, joined by _, were meant`,
		`[{"aggregate_hash": "` + aggregate + `", "promote_name": "current-tripleo"}]`:             `a promotion to "current-tripleo", not to "tripleo-ci-testing"`,
	} {
		got := refused(t, serve(t, map[string]any{promotions: answer}), asked)
		require.True(t, strings.HasPrefix(got, "SERVER/api-centos9-master-uc/api/promotions: "+want), got)
	}
}

func TestAServerErrorIsNoHash(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]fault.Kind{404: fault.NotFound, 500: fault.Network, 503: fault.Network, 403: fault.Denied} {
		found, err := find(t, serve(t, map[string]any{promotions: status}), asked)
		require.Equal(t, kind, fault.KindOf(err), err)
		require.Equal(t, fault.InputSide, fault.SideOf(err))
		require.Empty(t, found.Hash)
	}
}
