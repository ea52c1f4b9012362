package origin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

const (
	builds = "/api/builds?job_name=build-containers&result=SUCCESS"
	latest = "/a5a3f1e/"
	zuul   = "images: {zuul: {api: SERVER/api, job: build-containers}}\n"
)

// zuulWith is a Zuul whose latest successful build has some logs.
func zuulWith(t *testing.T, logs map[string]any) *server {
	t.Helper()
	answers := map[string]any{builds: example(t, "builds.json")}
	for name, log := range logs {
		answers[latest+name] = log
	}
	return serve(t, answers)
}

func TestTheLogsOfABuildAreTriedInOrder(t *testing.T) {
	t.Parallel()
	list := example(t, "containers-built.log")
	other := strings.ReplaceAll(list, "openstack-", "other-")
	for _, logs := range []map[string]any{
		{builtLogs[0]: list, builtLogs[1]: other, builtLogs[2]: other},
		{builtLogs[1]: list, builtLogs[2]: other},
		{builtLogs[0]: " \n", builtLogs[1]: list, builtLogs[2]: other},
		{builtLogs[0]: "", builtLogs[2]: list},
	} {
		found, err := find(t, zuulWith(t, logs), zuul)
		require.NoError(t, err)
		require.Equal(t, []string{"openstack-base", "openstack-cron", "openstack-nova-api"}, names(found))
		require.Equal(t, aggregate, found.Hash)
	}
}

func TestBothFormsOfABuildsLogAreRead(t *testing.T) {
	t.Parallel()
	s := zuulWith(t, map[string]any{"job-output.txt": example(t, "job-output.txt")})
	found, err := find(t, s, zuul)
	require.NoError(t, err)
	require.Equal(t, []string{"openstack-base", "openstack-nova-api"}, names(found), "what was pushed for ppc64le is no image of x86")
	require.Equal(t, aggregate, found.Hash)

	found, err = find(t, s, both+zuul)
	require.NoError(t, err)
	require.Equal(t, []string{"openstack-base", "openstack-cron", "openstack-nova-api"}, names(found))
}

func TestABuildsNamesHaveTheirPrefixAlready(t *testing.T) {
	t.Parallel()
	s := zuulWith(t, map[string]any{builtLogs[1]: example(t, "containers-built.log")})
	found, err := find(t, s, both+`
hash: abc
images:
  prefix: openstack-
  names: [extra]
  exclude: [cron]
  lacking: {linux/ppc64le: [base]}
  zuul: {api: SERVER/api/, job: build-containers}
`)
	require.NoError(t, err)
	require.Equal(t, "abc", found.Hash, "as the file says")
	require.Equal(t, []string{"openstack-base", "openstack-extra", "openstack-nova-api"}, names(found))
	require.Equal(t, []string{"openstack-extra", "openstack-nova-api"}, having(found, "linux/ppc64le"))
}

func TestABuildOfTwoHashesNeedsOneThatIsGiven(t *testing.T) {
	t.Parallel()
	list := example(t, "containers-built.log")
	s := zuulWith(t, map[string]any{builtLogs[0]: list + strings.ReplaceAll(list, aggregate, "163d4b3b_4ce1c4fb")})
	require.Equal(t, "SERVER"+latest+builtLogs[0]+": its images have the hashes "+aggregate+", 163d4b3b_4ce1c4fb; write one as hash", refused(t, s, zuul))
	found, err := find(t, s, "hash: 163d4b3b_4ce1c4fb\n"+zuul)
	require.NoError(t, err)
	require.Len(t, found.Images, 3)
}

// Q1 and Q2 began here: without a successful build nothing was copied, and that
// was success.
func TestAJobWithoutASuccessfulBuildIsAnError(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`[]`:                      `none of the 0 builds of "build-containers" was successful`,
		`[{"result": "FAILURE"}]`: `none of the 1 builds of "build-containers" was successful`,
		`[{"result": "SUCCESS", "log_url": null}]`:         `the latest successful build of "build-containers" has no logs at a URL, but ""`,
		`[{"result": "SUCCESS", "log_url": "/etc/hosts"}]`: `the latest successful build of "build-containers" has no logs at a URL, but "/etc/hosts"`,
		`{"detail": "no such tenant"}`:                     `not Zuul's list of builds: `,
		`<html></html>`:                                    `a page of HTML, not what was asked for`,
	} {
		got := refused(t, serve(t, map[string]any{builds: answer}), zuul)
		require.True(t, strings.HasPrefix(got, "SERVER/api/builds: "+want), got)
	}
}

// A page of an error with words after a slash was read as a log.
func TestAnErrorPageIsNoLog(t *testing.T) {
	t.Parallel()
	list := example(t, "containers-built.log")
	page := example(t, "error.html")
	require.Equal(t, "SERVER"+latest+builtLogs[0]+": a page of HTML, not what was asked for",
		refused(t, zuulWith(t, map[string]any{builtLogs[0]: page, builtLogs[1]: list}), zuul))
	for status, kind := range map[int]fault.Kind{403: fault.Denied, 500: fault.Network} {
		_, err := find(t, zuulWith(t, map[string]any{builtLogs[0]: status, builtLogs[1]: list}), zuul)
		require.Equal(t, kind, fault.KindOf(err), err)
	}
}

func TestALogThatNamesNoImageIsAnError(t *testing.T) {
	t.Parallel()
	require.Equal(t, "SERVER"+latest+": no log names the images: "+strings.Join(builtLogs, ", ")+" are missing or empty", refused(t, zuulWith(t, nil), zuul))
	require.Equal(t, "SERVER"+latest+builtLogs[0]+": names no image", refused(t, zuulWith(t, map[string]any{
		builtLogs[0]: "see /usr/share/doc current and docker.io/library/centos   8   5182e96772bf\n",
	}), zuul))
	require.Contains(t, refused(t, zuulWith(t, map[string]any{
		builtLogs[0]: "localhost:5001/tripleomaster/openstack-Base  " + aggregate + "\n",
	}), zuul), `image "openstack-Base" has upper-case letters`)
}
