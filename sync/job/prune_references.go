package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
	"csync/sync/prune"
	"csync/sync/registry/quay"
	"csync/sync/report"
)

// naming is what is named of one repository.
type naming struct {
	repository reference.Named
	tags       map[string]bool
	digests    []digest.Digest
	all        []string // tags and digests, in their order
}

// references is what is named by the arguments, one repository after another.
func (k *pruning) references() ([]prune.Cut, error) {
	var order []*naming
	index := map[string]*naming{}
	for _, text := range k.References {
		parsed, err := k.parse(text)
		if err != nil {
			return nil, err
		}
		n := index[parsed.Name()]
		if n == nil {
			n = &naming{repository: reference.TrimNamed(parsed), tags: map[string]bool{}}
			index[parsed.Name()] = n
			order = append(order, n)
		}
		n.add(parsed)
	}
	var cuts []prune.Cut
	for _, n := range order {
		cut, err := k.cut(n)
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, cut)
	}
	return cuts, nil
}

// parse reads docker://HOST/REPOSITORY with a tag or a digest, or without where
// all tags are meant.
func (k *pruning) parse(text string) (reference.Named, error) {
	plain, isRegistry := strings.CutPrefix(text, "docker://")
	if !isRegistry {
		return nil, k.usage("%q is no docker://HOST/REPOSITORY:TAG", text)
	}
	if err := k.checkHost(text); err != nil {
		return nil, err
	}
	parsed, err := reference.ParseNormalizedNamed(plain)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("parsing %q: %w", text, err))
	}
	_, tagged := parsed.(reference.Tagged)
	_, digested := parsed.(reference.Digested)
	switch {
	case tagged && digested:
		return nil, k.usage("%q has a tag and a digest; name one of them", text)
	case k.AllTags && (tagged || digested):
		return nil, k.usage("%q names an image, and with --all-tags or --repository a repository is meant", text)
	case !k.AllTags && !tagged && !digested:
		return nil, k.usage("%q names no tag; write one, or --all-tags", text)
	}
	return parsed, nil
}

func (n *naming) add(parsed reference.Named) {
	identifier := ""
	switch r := parsed.(type) {
	case reference.Digested:
		identifier = r.Digest().String()
		n.digests = append(n.digests, r.Digest())
	case reference.Tagged:
		identifier = r.Tag()
		n.tags[r.Tag()] = true
	default:
		return
	}
	if !slices.Contains(n.all, identifier) {
		n.all = append(n.all, identifier)
	}
}

func (k *pruning) cut(n *naming) (prune.Cut, error) {
	repository, err := k.client.Destination(n.repository, k.DestinationAccess)
	if err != nil {
		return prune.Cut{}, err
	}
	verdict := func(tag string) prune.Verdict {
		if k.AllTags || n.tags[tag] {
			return prune.Remove
		}
		return prune.Leave
	}
	return prune.Cut{
		Shelf: k.atRegistry(repository, k.DestinationAccess, k.Token), Name: "docker://" + n.repository.Name(), Named: n.all,
		Choice: prune.Choice{Verdict: verdict, Remove: n.digests, RemoveLast: k.RemoveLast},
	}, nil
}

// removeRepositories removes the repositories of which every tag is gone.
func (k *pruning) removeRepositories(ctx context.Context, cuts []prune.Cut, done []report.Result) []report.Result {
	var results []report.Result
	for _, cut := range cuts {
		name := cut.Name
		failed := slices.IndexFunc(done, func(r report.Result) bool {
			return r.Status == report.Failed && (r.Destination == name || strings.HasPrefix(r.Destination, name+":"))
		})
		if failed >= 0 && done[failed].Destination == name {
			continue // it has a result
		}
		result := report.Result{Action: report.Delete, Status: report.Planned, Destination: name, Reason: "the repository itself"}
		switch {
		case failed >= 0:
			result.Status, result.Reason = report.Skipped, "not removed, because "+done[failed].Destination+" failed"
		case !k.readOnly():
			k.removeRepository(ctx, cut, &result)
		}
		results = append(results, result)
	}
	return results
}

func (k *pruning) removeRepository(ctx context.Context, cut prune.Cut, result *report.Result) {
	result.Attempts = 1
	err := k.tryRemoving(ctx, cut)
	if err == nil {
		result.Status, result.Verified = report.Done, true
		return
	}
	result.Status, result.Reason = report.Failed, ""
	result.Error = report.Failure(fault.At(fault.Destination, result.Destination, err))
}

// tryRemoving removes a repository, and asks whether it is gone.
func (k *pruning) tryRemoving(ctx context.Context, cut prune.Cut) error {
	name, err := reference.ParseNormalizedNamed(strings.TrimPrefix(cut.Name, "docker://"))
	if err != nil {
		return err
	}
	tags, err := cut.Tags(ctx)
	if err != nil {
		return err
	}
	if len(tags) > 0 {
		return fault.New(fault.Conflict, fmt.Errorf("not removed, because it has a tag again: %s", tags[0]))
	}
	access := k.DestinationAccess
	access.RegistryToken = k.Token
	api, err := k.client.API(reference.Domain(name), access)
	if err != nil {
		return err
	}
	if err := quay.At(api).DeleteRepository(ctx, name); err != nil {
		return err
	}
	if tags, err := cut.Tags(ctx); err == nil && len(tags) > 0 {
		return fault.New(fault.Conflict, errors.New("the registry took the deletion, and still lists tags"))
	}
	return nil
}
