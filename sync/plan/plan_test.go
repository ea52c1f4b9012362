package plan

import (
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/report"
	"csync/sync/spec"
)

// sourceAt is a repository of a source file in the registry of its name.
func sourceAt(t *testing.T, client *registry.Client, name string) source {
	t.Helper()
	repository, err := client.Source(named(t, name), transport.Access{})
	require.NoError(t, err)
	return source{
		Repository: spec.Repository{Name: named(t, name)}, registry: repository,
		locate: func(identifier string) (image.Location, error) { return image.InRegistry(repository, identifier) },
	}
}

func TestFurtherTagsNeedWhatTheyAreTagsOf(t *testing.T) {
	t.Parallel()
	client := offline(t)
	s := sourceAt(t, client, "src.test/app")
	chosen := []wanted{
		{tag: "1.0", destinationTag: "1.0"},
		{tag: "1.0", destinationTag: "stable", further: true},
		{tag: "2.0", destinationTag: "2.0"},
		{tag: "2.0", destinationTag: "edge", further: true},
	}
	r := Request{Naming: Naming{Path: PathName}}

	steps := r.steps(s, chosen, place(t, client, "docker://dst.test/mirror"))

	require.Len(t, steps, 4)
	for i, step := range steps {
		further := i%2 == 1
		require.Equal(t, further, step.Needs != nil)
		require.Equal(t, further, step.Action == report.Retag)
		if further {
			require.Same(t, steps[i-1], step.Needs)
		}
	}
	for _, step := range r.steps(s, chosen, place(t, client, "dir:"+t.TempDir())) {
		require.Nil(t, step.Needs, "a directory is an image of its own")
		require.Equal(t, report.Copy, step.Action)
	}
}

func TestAnImageThatIsItsOwnDestinationIsNeverWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request Request
		image   wanted
		place   string
		itself  bool
	}{
		{"one tag", Request{}, wanted{tag: "1.0", destinationTag: "1.0"}, "docker://src.test", true},
		{"another tag", Request{}, wanted{tag: "1.0", destinationTag: "2.0"}, "docker://src.test", false},
		{"another registry", Request{}, wanted{tag: "1.0", destinationTag: "1.0"}, "docker://dst.test", false},
		{"another repository", Request{}, wanted{tag: "1.0", destinationTag: "1.0"}, "docker://src.test/mirror", false},
		{"a pinned tag", Request{}, wanted{tag: "1.0", destinationTag: "1.0", digest: digest.FromString("a")}, "docker://src.test", false},
		{"converted", Request{Format: "x"}, wanted{tag: "1.0", destinationTag: "1.0"}, "docker://src.test", false},
		{"a part", Request{SelectSystem: &types.SystemContext{}}, wanted{tag: "1.0", destinationTag: "1.0"}, "docker://src.test", false},
		{"a digest", Request{}, wanted{digest: digest.FromString("a")}, "docker://src.test", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := offline(t)
			step := test.request.step(sourceAt(t, client, "src.test/app"), test.image, place(t, client, test.place))
			require.NoError(t, step.Err)
			require.Equal(t, test.itself, step.Itself)
			if test.image.tag != "" {
				require.Equal(t, test.image.digest, step.pin)
			}
		})
	}
}

func TestAStepThatCannotBeNamedHasFailed(t *testing.T) {
	t.Parallel()
	client := offline(t)
	s := sourceAt(t, client, "src.test:5000/app")
	for _, test := range []struct {
		naming Naming
		image  wanted
		side   fault.Side
		text   string
	}{
		{Naming{Path: PathFull}, wanted{tag: "1.0", destinationTag: "1.0"}, fault.Destination, "a port cannot be part of a repository's path"},
		{Naming{Suffix: "-x"}, wanted{digest: digest.FromString("a")}, "", "cannot be appended to a digest"},
		{Naming{}, wanted{tag: "1 0", destinationTag: "1.0"}, "", "src.test:5000/app:1 0"},
	} {
		step := Request{Naming: test.naming}.step(s, test.image, place(t, client, "docker://dst.test"))
		require.True(t, fault.Is(step.Err, fault.Input), step.Err)
		require.ErrorContains(t, step.Err, test.text)
		require.Equal(t, test.side, fault.SideOf(step.Err))
		require.NotEmpty(t, step.Result.Destination)
		require.NotEmpty(t, step.Result.Source)
	}
}

func TestWhatIsWantedOfAnIndexDependsOnItsDestination(t *testing.T) {
	t.Parallel()
	client := offline(t)
	locate := func(name string) image.Location {
		l, err := place(t, client, name).Location(image.Name{Path: "app", Tag: "1.0"})
		require.NoError(t, err)
		return l
	}
	registry, archive := locate("docker://dst.test"), locate("docker-archive:"+filepath.Join(t.TempDir(), "a.tar"))
	host := &types.SystemContext{ArchitectureChoice: "s390x"}
	for _, test := range []struct {
		name      string
		request   Request
		platforms []v1.Platform
		at        image.Location
		want      content.Selection
	}{
		{"all", Request{}, nil, registry, content.Selection{}},
		{"some", Request{AllowMissing: true}, arm64, registry, content.Selection{Platforms: arm64, AllowMissing: true}},
		{"the host's, as skopeo", Request{SelectSystem: host}, nil, registry, content.Selection{System: host}},
		{"some, whatever the host", Request{SelectSystem: host}, arm64, registry, content.Selection{Platforms: arm64}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.request.selection(test.platforms, test.at))
		})
	}
	chosen := Request{SelectSystem: host}.selection(arm64, archive)
	require.Equal(t, "arm64", chosen.System.ArchitectureChoice, "the only one asked for")
	require.Same(t, host, Request{SelectSystem: host}.selection(nil, archive).System)
	require.NotNil(t, Request{}.selection(nil, archive).System, "this system's")
}

func TestASourcesOwnAccessGoesBeforeTheCommandLines(t *testing.T) {
	t.Parallel()
	line := transport.Access{Username: "me", Password: "line", TLSVerify: types.OptionalBoolTrue, CertDir: "/line", Anonymous: true}
	for _, test := range []struct {
		name       string
		file, want transport.Access
	}{
		{"nothing said", transport.Access{}, line},
		{
			"a name, so no token and no password of others",
			transport.Access{Username: "you"},
			transport.Access{Username: "you", TLSVerify: types.OptionalBoolTrue, CertDir: "/line"},
		},
		{"a token", transport.Access{IdentityToken: "t"}, transport.Access{IdentityToken: "t", TLSVerify: types.OptionalBoolTrue, CertDir: "/line"}},
		{"a password alone", transport.Access{Password: "p"}, transport.Access{Password: "p", TLSVerify: types.OptionalBoolTrue, CertDir: "/line"}},
		{
			"no verification",
			transport.Access{TLSVerify: types.OptionalBoolFalse},
			transport.Access{Username: "me", Password: "line", TLSVerify: types.OptionalBoolFalse, CertDir: "/line", Anonymous: true},
		},
		{
			"certificates",
			transport.Access{CertDir: "/file"},
			transport.Access{Username: "me", Password: "line", TLSVerify: types.OptionalBoolTrue, CertDir: "/file", Anonymous: true},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, Request{SourceAccess: line}.Access(test.file))
		})
	}
}

func TestADestinationThatCannotBeOpenedIsAFailedStep(t *testing.T) {
	t.Parallel()
	client := offline(t)
	elsewhere := place(t, client, "docker://line.test")
	r := Request{Destinations: []image.Place{elsewhere}, OpenDestination: func(name string) (image.Place, error) {
		if name == "docker://bad.test" {
			return nil, fault.New(fault.Input, errMade)
		}
		return place(t, client, name), nil
	}}
	own := spec.Source{Registry: "src.test", Destinations: []spec.Destination{{Registry: "bad.test"}, {Registry: "good.test"}}}

	opened, problems := r.destinations(own)
	require.Len(t, opened, 1)
	require.Equal(t, "docker://good.test", opened[0].String())
	require.Len(t, problems, 1)
	require.ErrorIs(t, problems[0].Err, errMade)
	require.Equal(t, "docker://bad.test", problems[0].Result.Destination)

	opened, problems = r.destinations(spec.Source{Registry: "src.test"})
	require.Equal(t, []image.Place{elsewhere}, opened)
	require.Empty(t, problems)
}

func TestStepsKnowHowManyDestinationsTheirImagesHave(t *testing.T) {
	t.Parallel()
	client := offline(t)
	one, two := place(t, client, "docker://one.test"), place(t, client, "docker://two.test")
	repository := spec.Repository{Name: named(t, "src.test/app"), Tags: []spec.Tag{{Name: "1.0"}}, Referrers: true}
	archive, err := place(t, client, "oci:"+t.TempDir()).Location(image.Name{Path: "app", Tag: "1.0"})
	require.NoError(t, err)
	for _, places := range [][]image.Place{{one}, {one, two}} {
		r := Request{Client: client, Format: "x", Naming: Naming{Path: PathName, Suffix: "-s"}, Jobs: 1}
		steps, _ := r.list(t.Context(), task{source: spec.Source{Registry: "src.test"}, repository: repository, destinations: places})
		require.Len(t, steps, len(places))

		r.Destinations, r.Images = places, []image.Named{{Location: archive, Name: image.Name{Path: "lib", Tag: "1.0"}}}
		steps = append(steps, newComparison(r).images(cancelled(t))...)
		require.Len(t, steps, 2*len(places))
		for i, step := range steps {
			require.NoError(t, step.Err)
			require.Equal(t, len(places) > 1, step.several)
			require.Equal(t, "x", step.Format)
			require.Equal(t, i < len(places), step.Referrers)
			require.Equal(t, "1.0-s", step.Destination.Identifier())
		}
	}
}

func TestAPlanIsInTheOrderOfItsDestinations(t *testing.T) {
	t.Parallel()
	client := offline(t)
	repository := spec.Repository{Name: named(t, "src.test/app"), Tags: []spec.Tag{{Name: "2.0"}, {Name: "1.0"}}}
	p := Make(cancelled(t), Request{
		File:         &spec.File{Sources: []spec.Source{{Registry: "src.test", Repositories: []spec.Repository{repository}}}, Problems: []spec.Problem{{}}},
		Destinations: []image.Place{place(t, client, "docker://two.test"), place(t, client, "docker://one.test")}, Client: client,
	})
	var all []string
	for _, step := range p.Steps {
		all = append(all, step.Result.Destination)
	}
	require.Equal(t, []string{
		"", "docker://one.test/app:1.0", "docker://one.test/app:2.0", "docker://two.test/app:1.0", "docker://two.test/app:2.0",
	}, all)
	require.True(t, fault.Is(p.Steps[0].Err, fault.Input))
}

func TestAFurtherTagOfWhatIsNotChosenIsSkipped(t *testing.T) {
	t.Parallel()
	client := offline(t)
	w := wanted{tag: "1.0", destinationTag: "stable", further: true, unmet: true}
	step := Request{}.step(sourceAt(t, client, "src.test/app"), w, place(t, client, "docker://dst.test"))
	require.Equal(t, report.Skipped, step.Result.Status)
	require.Equal(t, "docker://dst.test/app:stable", step.Result.Destination)
}
