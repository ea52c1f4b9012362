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

// naming is what is named of one shelf.
type naming struct {
	prune.Shelf
	name    string // of the shelf
	tags    map[string]bool
	digests []digest.Digest
	all     []string // tags and digests, in their order
}

// references is what is named by the arguments, one shelf after another.
func (k *pruning) references() ([]prune.Cut, error) {
	var order []*naming
	index := map[string]*naming{}
	for _, text := range k.References {
		find := k.atHome
		if isRegistry(text) {
			find = k.inRegistry
		}
		found, identifier, err := find(text)
		if err != nil {
			return nil, err
		}
		n := index[found.name]
		if n == nil {
			n = found
			n.tags = map[string]bool{}
			index[found.name] = n
			order = append(order, n)
		}
		n.add(identifier)
	}
	var cuts []prune.Cut
	for _, n := range order {
		cuts = append(cuts, k.cut(n))
	}
	return cuts, nil
}

// isRegistry tells references of registries, which need no transport, from those
// of this machine.
func isRegistry(text string) bool {
	transport, _, _ := strings.Cut(text, ":")
	return !slices.Contains([]string{"oci", "containers-storage", "docker-daemon", "dir", "oci-archive", "docker-archive"}, transport)
}

// inRegistry finds docker://HOST/REPOSITORY with a tag or a digest, or without
// where all tags are meant.
func (k *pruning) inRegistry(text string) (*naming, string, error) {
	plain := strings.TrimPrefix(text, "docker://")
	if !strings.Contains(plain, "/") { // it would be of Docker Hub
		return nil, "", k.usage("%q names no registry; write HOST/REPOSITORY:TAG", text)
	}
	if err := k.checkHost("docker://" + plain); err != nil {
		return nil, "", err
	}
	parsed, err := reference.ParseNormalizedNamed(plain)
	if err != nil {
		return nil, "", fault.New(fault.Input, fmt.Errorf("parsing %q: %w", text, err))
	}
	identifier := ""
	digested, isDigest := parsed.(reference.Digested)
	tagged, isTag := parsed.(reference.Tagged)
	switch {
	case isTag && isDigest:
		return nil, "", k.usage("%q has a tag and a digest; name one of them", text)
	case isTag:
		identifier = tagged.Tag()
	case isDigest:
		identifier = digested.Digest().String()
	}
	if err := k.check(text, identifier); err != nil {
		return nil, "", err
	}
	repository, err := k.client.Destination(reference.TrimNamed(parsed), k.DestinationAccess)
	if err != nil {
		return nil, "", err
	}
	shelf := k.atRegistry(repository, k.DestinationAccess, k.Token)
	return &naming{Shelf: shelf, name: "docker://" + parsed.Name()}, identifier, nil
}

// check refuses an image where repositories are meant, and the other way round.
func (k *pruning) check(text, identifier string) error {
	switch {
	case k.AllTags && identifier != "":
		return k.usage("%q names an image, and with --all-tags or --repository a repository is meant", text)
	case !k.AllTags && identifier == "":
		return k.usage("%q names no tag; write one, or --all-tags", text)
	}
	return nil
}

// atHome finds an image of this machine: oci:PATH:NAME, or
// containers-storage:[STORE]NAME. The names of everything else there are known too,
// so that what is lost can be told. Where all tags are meant, NAME is without one,
// and a layout may be meant as a whole.
func (k *pruning) atHome(text string) (*naming, string, error) {
	place, name := splitHome(text)
	if k.Repositories {
		return nil, "", k.usage("%q is no repository of Quay", text)
	}
	stock, err := k.stock(place)
	if err != nil {
		return nil, "", err
	}
	if strings.HasPrefix(place, "containers-storage:") && name != "" {
		parsed, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			return nil, "", fault.New(fault.Input, fmt.Errorf("parsing %q: %w", text, err))
		}
		name = parsed.String()
	}
	if k.AllTags && name != "" {
		prefix := name + ":"
		return &naming{Shelf: prune.AtHome(place, stock, prefix), name: place + " " + prefix}, "", nil
	}
	if k.AllTags && !strings.HasPrefix(place, "oci:") {
		return nil, "", k.usage("%q names no repository", text)
	}
	return &naming{Shelf: prune.AtHome(place, stock, ""), name: place}, name, k.check(text, name)
}

// splitHome splits a reference of this machine into the place and the name there.
func splitHome(text string) (place, name string) {
	transport, path, _ := strings.Cut(text, ":")
	if transport == "oci" {
		path, name, _ = strings.Cut(path, ":")
		return transport + ":" + path, name
	}
	end := strings.LastIndexByte(path, ']') + 1
	return transport + ":" + path[:end], path[end:]
}

func (n *naming) add(identifier string) {
	if identifier == "" || slices.Contains(n.all, identifier) {
		return
	}
	n.all = append(n.all, identifier)
	if d, err := digest.Parse(identifier); err == nil {
		n.digests = append(n.digests, d)
	} else {
		n.tags[identifier] = true
	}
}

func (k *pruning) cut(n *naming) prune.Cut {
	verdict := func(tag string) prune.Verdict {
		if k.AllTags || n.tags[tag] {
			return prune.Remove
		}
		return prune.Leave
	}
	return prune.Cut{
		Shelf: n.Shelf, Name: n.name, Named: n.all,
		Choice: prune.Choice{Verdict: verdict, Remove: n.digests, RemoveLast: k.RemoveLast},
	}
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
