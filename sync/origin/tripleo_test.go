package origin

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/log"
	"csync/sync/registry/transport"
	"csync/sync/spec"
)

// repository is a DLRN repository with its versions.csv, and where the
// containers files of tripleo-common and the exclusions are.
func repository(t *testing.T) *server {
	t.Helper()
	return serve(t, map[string]any{
		"/centos9-master/tripleo-ci-testing/versions.csv":                                example(t, "versions.csv"),
		"/centos9-master/0e/f8/" + aggregate + "/versions.csv":                           example(t, "versions.csv"),
		"/tripleo-common/raw/" + tripleo + "/container-images/tripleo_containers.yaml":   example(t, "tripleo_containers.yaml"),
		"/tripleo-common/raw/" + tripleo + "/container-images/overcloud_containers.yaml": example(t, "overcloud_containers.yaml"),
		"/exclude.yaml": example(t, "exclude.yaml"),
	})
}

func TestTheContainersOfTripleoCommonAreFoundThroughVersions(t *testing.T) {
	t.Parallel()
	s := repository(t)
	for _, versions := range []string{"tripleo-ci-testing", "{hash-directory}"} {
		found, err := find(t, s, both+"hash: "+aggregate+`
images:
  tripleo:
    versions: SERVER/centos9-master/`+versions+`/versions.csv
    base-url: SERVER/tripleo-common/raw/
    release: master
    distro: centos9
    exclude-file: SERVER/exclude.yaml
`)
		require.NoError(t, err)
		require.Equal(t, []string{
			"openstack-aodh-api", "openstack-base", "openstack-cron", "openstack-neutron-server", "openstack-nova-api",
		}, names(found))
		require.Equal(t, []string{"openstack-base", "openstack-neutron-server", "openstack-nova-api"}, having(found, "linux/ppc64le"))
	}
}

func TestOlderReleasesHaveAPrefixOfTheirOwnAndNoImageSource(t *testing.T) {
	t.Parallel()
	s := repository(t)
	found, err := find(t, s, `
hash: abc
images:
  names: [extra]
  tripleo:
    versions: SERVER/centos9-master/tripleo-ci-testing/versions.csv
    base-url: SERVER/tripleo-common/raw
    path: container-images/overcloud_containers.yaml
    release: queens
    exclude-file: SERVER/exclude.yaml
`)
	require.NoError(t, err)
	require.Equal(t, []string{"centos-binary-aodh-api", "centos-binary-base", "centos-binary-extra", "centos-binary-nova-api"}, names(found))
}

// R1: the prefix was put before names that had it already.
func TestAPrefixIsPutOnce(t *testing.T) {
	t.Parallel()
	found, err := find(t, nil, "hash: abc\nimages: {prefix: mirrored-, tripleo: {url: "+examples+"tripleo_containers.yaml}}")
	require.NoError(t, err)
	require.Contains(t, names(found), "mirrored-base")
	found, err = find(t, nil, "hash: abc\nimages: {prefix: '', tripleo: {url: "+examples+"tripleo_containers.yaml}}")
	require.NoError(t, err)
	require.Contains(t, names(found), "base")
}

func TestImagesOfOtherSourcesAreNotPromoted(t *testing.T) {
	t.Parallel()
	containers := "hash: abc\nimages: {tripleo: {url: " + examples + "tripleo_containers.yaml, image-source: "
	found, err := find(t, nil, containers+"[kolla]}}")
	require.NoError(t, err)
	require.Equal(t, []string{"openstack-cron"}, names(found))
	found, err = find(t, nil, containers+"[]}}")
	require.NoError(t, err)
	require.Contains(t, names(found), "openstack-skipped")
	require.NotContains(t, names(found), "daemon", "which nobody built for the release")
}

func TestVersionsWithoutTripleoCommonAreAnError(t *testing.T) {
	t.Parallel()
	header, rest, _ := strings.Cut(example(t, "versions.csv"), "\n")
	s := serve(t, map[string]any{
		"/missing.csv":  header + "\n" + strings.ReplaceAll(rest, "openstack-tripleo-common,", "openstack-tripleo-commons,"),
		"/no-sha.csv":   header + "\n" + strings.ReplaceAll(rest, tripleo, "HEAD"),
		"/short.csv":    header + "\nopenstack-tripleo-common\n",
		"/columns.csv":  "Project,Commit\nopenstack-tripleo-common,abc\n",
		"/empty.csv":    "",
		"/quotes.csv":   header + "\n\"openstack\n",
		"/missing.yaml": "",
	})
	for path, want := range map[string]string{
		"missing.csv": "no row of openstack-tripleo-common",
		"columns.csv": `not a versions.csv: no columns "Project" and "Source Sha"`,
		"empty.csv":   `not a versions.csv: no columns "Project" and "Source Sha"`,
	} {
		require.Equal(t, "SERVER/"+path+": "+want, refused(t, s, "hash: abc\nimages: {tripleo: {versions: SERVER/"+path+", base-url: SERVER}}"))
	}
	for path, line := range map[string]string{"no-sha.csv": "3", "short.csv": "2"} {
		require.Equal(t, "SERVER/"+path+":"+line+`: the row of openstack-tripleo-common has no commit in "Source Sha"`,
			refused(t, s, "hash: abc\nimages: {tripleo: {versions: SERVER/"+path+", base-url: SERVER}}"))
	}
	require.Contains(t, refused(t, s, "hash: abc\nimages: {tripleo: {versions: SERVER/quotes.csv, base-url: SERVER}}"), "not a versions.csv: ")
}

func TestACommitWithoutTheContainersFileIsAnError(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{"/versions.csv": example(t, "versions.csv")})
	_, err := find(t, s, "hash: abc\nimages: {tripleo: {versions: SERVER/versions.csv, base-url: SERVER/raw}}")
	require.True(t, fault.Is(err, fault.NotFound))
	require.ErrorContains(t, err, "/raw/"+tripleo+"/container-images/tripleo_containers.yaml")
}

func TestATemplateOfContainersIsNoList(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{
		"/template.yaml": "container_images_template:\n- imagename: \"{{namespace}}/{{name_prefix}}base{{name_suffix}}:{{tag}}\"\n",
		"/list.yaml":     "- base\n", "/broken.yaml": "container_images: [\n",
	})
	require.Equal(t, "SERVER/template.yaml:2: a template of containers; the file that is made of it was meant",
		refused(t, s, "hash: abc\nimages: {tripleo: {url: SERVER/template.yaml}}"))
	for _, path := range []string{"list", "broken"} {
		require.Contains(t, refused(t, s, "hash: abc\nimages: {tripleo: {url: SERVER/"+path+".yaml}}"), "SERVER/"+path+".yaml: not a tripleo containers file: ")
	}
}

func TestExclusionsThatCannotBeHadAreAWarning(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]any{"/500.yaml": 500, "/other.yaml": "exclude_containers: {train: [base]}\n"})
	for _, path := range []string{"/404.yaml", "/500.yaml", "/other.yaml"} {
		p, err := spec.LoadPromotion("p.yaml", strings.NewReader("hash: abc\nimages: {tripleo: {url: "+examples+
			"tripleo_containers.yaml, release: master, exclude-file: "+s.URL+path+"}}"))
		require.NoError(t, err)
		logger, heard := test.NewNullLogger()
		found, err := Find(log.With(t.Context(), logger), p, over(t, transport.Options{Retries: -1}))
		require.NoError(t, err)
		require.Contains(t, names(found), "openstack-nova-consoleauth")
		require.Equal(t, logrus.WarnLevel, heard.LastEntry().Level)
		require.Contains(t, heard.LastEntry().Message, s.URL+path)
	}
}

func TestExclusionsThatMakeNoSenseAreAnError(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"exclude_containers: [", "exclude_containers: [base]", "exclude_containers: {master: base}", "exclude_ppc_containers: {master: {a: b}}"} {
		s := serve(t, map[string]any{"/exclude.yaml": content})
		got := refused(t, s, "hash: abc\nimages: {tripleo: {url: "+examples+"tripleo_containers.yaml, release: master, exclude-file: SERVER/exclude.yaml}}")
		require.Contains(t, got, "SERVER/exclude.yaml: not a ")
	}
}

func TestAnInterruptIsNoFileThatCannotBeHad(t *testing.T) {
	t.Parallel()
	p, err := spec.LoadPromotion("p.yaml", strings.NewReader("hash: abc\nimages: {tripleo: {url: containers, exclude-file: exclude}}"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Find(ctx, p, func(_ context.Context, location string) ([]byte, error) {
		if location == "containers" {
			return []byte(example(t, "tripleo_containers.yaml")), nil
		}
		cancel()
		return nil, io.ErrUnexpectedEOF
	})
	require.True(t, fault.Is(err, fault.Cancelled), err)
}
