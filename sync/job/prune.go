package job

import (
	"context"
	"errors"

	"go.podman.io/image/v5/docker/reference"

	"csync/sync/image"
	"csync/sync/log"
	"csync/sync/plan"
	"csync/sync/prune"
	"csync/sync/registry"
	"csync/sync/registry/quay"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// Pruning is what is asked of a run that deletes, besides its options. What is
// deleted is one of: References, what a promotion's releases were, and what a
// source file no longer names.
type Pruning struct {
	// References are tags and digests, or with AllTags repositories.
	References []string
	// AllTags deletes every tag of the repositories.
	AllTags bool
	// Repositories removes them besides, by Quay's API.
	Repositories bool

	// Promotion is the file whose images and destinations are meant.
	Promotion string
	Releases  Releases

	// RemoveLast deletes what something else needs, or what nothing else names.
	RemoveLast bool
	Limit      prune.Limit
	// Token is for Quay's API, by which tags are then deleted.
	Token transport.Secret
}

// RunPrune deletes what is wanted no more; in a dry run, it says what that is.
// Everything that was asked for is in the report; an error says that nothing was
// attempted.
func RunPrune(ctx context.Context, o Options, p Pruning) (*report.Report, error) {
	j, err := open(ctx, o, false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	ctx = log.With(ctx, j.logger)
	k := &pruning{job: j, Pruning: p}
	var cuts []prune.Cut
	var problems []report.Result
	switch {
	case len(p.References) > 0:
		cuts, err = k.references()
	case p.Promotion != "":
		cuts, err = k.releases(ctx)
	default:
		cuts, problems, err = k.unnamed(ctx)
	}
	if err != nil {
		return nil, err
	}
	results := prune.Job{
		Cuts: cuts, Limit: p.Limit, DryRun: j.readOnly(), Jobs: j.Jobs,
		KeepDigests: len(p.References) > 0 && !p.AllTags && !p.RemoveLast,
	}.Run(ctx)
	if p.Repositories {
		results = append(results, k.removeRepositories(ctx, cuts, results)...)
	}
	return j.report(append(results, problems...)), nil
}

// pruning is a run that deletes.
type pruning struct {
	*job
	Pruning
}

// unnamed is what the source file no longer names at its destinations.
func (k *pruning) unnamed(ctx context.Context) ([]prune.Cut, []report.Result, error) {
	file, err := k.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	request, err := k.request(file)
	if err != nil {
		return nil, nil, err
	}
	holdings, steps := plan.Holdings(ctx, request)
	if len(holdings) == 0 && len(steps) == 0 {
		k.logger.Warn(errEmpty)
	}
	var cuts []prune.Cut
	for _, h := range holdings {
		cut := k.cutOf(h, k.Token)
		cut.RemoveLast = k.RemoveLast
		cut.Verdict = func(tag string) prune.Verdict {
			if h.Tags[tag] {
				return prune.Keep
			}
			return prune.Drop
		}
		cuts = append(cuts, cut)
	}
	var problems []report.Result
	for _, step := range steps {
		problems = append(problems, step.Result)
	}
	return cuts, problems, nil
}

// cutOf is what is to become of a holding, without a verdict.
func (j *job) cutOf(h plan.Holding, token transport.Secret) prune.Cut {
	shelf, err := j.shelf(h, token)
	if h.Err != nil {
		err = h.Err
	}
	return prune.Cut{
		Shelf: shelf, Choice: prune.Choice{Keep: h.Digests}, Err: err, Name: h.String(),
		Idle: errors.Is(err, plan.ErrNothingSelected),
	}
}

// shelf is where a holding is. With a token, that is a Quay.
func (j *job) shelf(h plan.Holding, token transport.Secret) (prune.Shelf, error) {
	if there, remote := h.Location.Remote(); remote {
		return j.atRegistry(there.Repository, j.DestinationAccess, token), nil
	}
	place, _ := splitHome(h.Place.String())
	stock, err := j.stock(place)
	if err != nil {
		return nil, err
	}
	prefix := h.Path + ":"
	if known := h.Location.Reference.DockerReference(); known != nil {
		prefix = known.Name() + ":"
	}
	return prune.AtHome(place, stock, prefix), nil
}

// stock opens a place on this machine, once.
func (j *job) stock(place string) (image.Stock, error) {
	if stock, open := j.stocks[place]; open {
		return stock, nil
	}
	stock, err := image.OpenStock(place, j.Registry.System)
	if err != nil {
		return nil, err
	}
	if j.stocks == nil {
		j.stocks = map[string]image.Stock{}
	}
	j.stocks[place] = stock
	return stock, nil
}

func (j *job) atRegistry(r *registry.Repository, access transport.Access, token transport.Secret) prune.Shelf {
	if token == "" {
		return prune.AtRegistry(r)
	}
	access.RegistryToken = token
	return prune.Collecting(r, quayTags{j, r.Name(), access})
}

// quayTags deletes tags of a repository by Quay's API.
type quayTags struct {
	*job
	name   reference.Named
	access transport.Access
}

// DeleteTag makes it one of prune's deleters.
func (q quayTags) DeleteTag(ctx context.Context, tag string) error {
	api, err := q.client.API(reference.Domain(q.name), q.access)
	if err != nil {
		return err
	}
	return quay.At(api).DeleteTag(ctx, q.name, tag)
}
