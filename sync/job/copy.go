package job

import (
	"context"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// Copying is the image that is to be copied, and where to.
type Copying struct {
	// Source is the image's reference, with its transport or in a registry.
	Source string
	// Destinations are the full references that it is to have.
	Destinations []string
	// Platforms are the only ones wanted of an index; none: all.
	Platforms []v1.Platform
	// Referrers wants signatures, SBOMs and attestations as well.
	Referrers bool
}

// RunCopy gives one image the references that are asked for, whatever the
// options say of sources and destinations. Its report is as that of [Run].
func RunCopy(ctx context.Context, o Options, c Copying) (*report.Report, error) {
	return carryOut(ctx, o, func(j *job) (plan.Request, error) { return j.copying(c) })
}

func (j *job) copying(c Copying) (plan.Request, error) {
	request := j.whatever(&spec.File{})
	if len(c.Destinations) == 0 {
		return request, j.usage("DEST is missing: where to copy to")
	}
	access := image.Access{Client: j.client, Registry: j.SourceAccess, System: j.Registry.System}
	source, err := image.Locate(c.Source, access)
	if err != nil {
		return request, fmt.Errorf("SOURCE: %w", err)
	}
	exact := plan.Exact{Source: source, Platforms: c.Platforms, Referrers: c.Referrers}
	opened := map[string]image.Place{}
	for _, name := range c.Destinations {
		place, inside, err := image.Inside(name)
		if err == nil && opened[place] == nil {
			opened[place], err = j.openDestination(place)
			j.places = append(j.places, opened[place])
		}
		if err != nil {
			return request, fmt.Errorf("DEST: %w", err)
		}
		exact.Destinations = append(exact.Destinations, plan.Reference{Place: opened[place], Name: inside})
	}
	request.Exact = []plan.Exact{exact}
	return request, nil
}
