package job_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// single are the options of a verb of one action.
func single(r *registrytest.Registry, verb job.Verb) job.Options {
	o := between(r, r)
	o.Verb, o.Sources, o.Destinations = verb, nil, nil
	return o
}

// listed makes the file of actions, with lines that name SRC and DST for hosts.
func listed(t *testing.T, lines string, source, destination *registrytest.Registry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "actions.txt")
	text := strings.NewReplacer("SRC", source.Host(), "DST", destination.Host()).Replace(lines)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// site is a source and a destination of a verb of one action.
type site struct {
	*testing.T
	source, destination *registrytest.Registry
	options             job.Options
}

func newSite(t *testing.T, verb job.Verb) *site {
	t.Helper()
	s := &site{t, registrytest.Start(t), registrytest.Start(t), job.Options{}}
	s.options = single(s.destination, verb)
	return s
}

// named puts hosts for SRC and DST.
func (s *site) named(words ...string) []string {
	hosts := strings.NewReplacer("SRC", s.source.Host(), "DST", s.destination.Host())
	for i := range words {
		words[i] = hosts.Replace(words[i])
	}
	return words
}

// reset forgets what was asked of both.
func (s *site) reset() {
	s.source.Reset()
	s.destination.Reset()
}

// result is that of a destination's tag.
func (s *site) result(r *report.Report, repository, tag string) report.Result {
	s.Helper()
	for _, result := range r.Results {
		if result.Destination == "docker://"+s.destination.Host()+"/"+repository+":"+tag {
			return result
		}
	}
	require.Fail(s, "no result", "%s:%s", repository, tag)
	return report.Result{}
}

// platforms are those of an index and of which build each is.
func (s *site) platforms(repository, tag string, builds ...registrytest.Image) []string {
	s.Helper()
	var names []string
	for _, child := range s.destination.Image(s, repository, tag).Children {
		name := content.PlatformName(*child.Platform)
		for i, build := range builds {
			if build.Digest() == child.Digest() {
				name += " " + string(rune('a'+i))
			}
		}
		names = append(names, name)
	}
	return names
}

// column is where the word stands that follows a host and these words.
func column(r *registrytest.Registry, words string) string {
	return strconv.Itoa(len(r.Host()+words) + 1)
}

func systemWith(policy string) *types.SystemContext {
	return &types.SystemContext{SignaturePolicyPath: policy}
}

func TestSingleActionsAreDoneAtEveryKindOfRegistry(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		s := &site{t, registrytest.Start(t), r, single(r, job.Assemble)}
		s.source.Push(t, "app", "1", list(1, "linux/amd64"))
		s.pushArch("team/arm:1", "linux/arm64")
		r.Push(t, "app", "1_ppc64le", registrytest.RandomImage(9, registrytest.WithDocker(), registrytest.WithPlatform("linux/ppc64le")))
		r.Reset()

		for range 2 {
			require.Empty(t, failures(s.assemble("DST/app:1", "DST/team/arm:1", "DST/app:1_ppc64le=ppc64le")))
			s.options.Verb = job.Merge
			require.Empty(t, failures(s.merging(job.Merging{Arguments: []string{"SRC/app:1", "DST/app:merged", "DST/app:1"}, KeepTag: "kept-{digest}"})))
			s.options.Verb = job.Retag
			require.Empty(t, failures(retag(t, s.options, s.named("DST/app:1", "stable")...)))
		}

		require.Equal(t, []string{"linux/amd64", "linux/arm64", "linux/ppc64le"}, s.platforms("app", "stable"))
		require.Len(t, r.Tags(t, "app"), 5, "the second round gives the same indexes")
	})
}
