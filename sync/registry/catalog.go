package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// Repositories lists the repositories of a registry, sorted, without the
// registry's name: from its catalog, or where it has none for this user from
// the API of Quay or Harbor. With a namespace, "quay.io/ns", those below it.
func (c *Client) Repositories(ctx context.Context, host string, a transport.Access) ([]string, error) {
	name, namespace, _ := strings.Cut(strings.TrimSuffix(host, "/"), "/")
	if name == "" {
		return nil, fault.New(fault.Input, fmt.Errorf("listing repositories: %q names no registry", host))
	}
	found, err := c.configured(name)
	if err != nil {
		return nil, err
	}
	at, err := c.session.Endpoint(transport.Route{Registry: name, Repository: namespace, Access: a, Insecure: insecure(a, found.Insecure)})
	if err != nil {
		return nil, err
	}
	l := lister{&endpoint{Endpoint: at}, namespace}
	names, err := l.list(ctx)
	if err != nil {
		return nil, at.Failure(ctx, err, "listing repositories of %s", host)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// lister lists repositories in the ways that registries have for it.
type lister struct {
	endpoint  *endpoint
	namespace string // "" for all
}

func (l lister) list(ctx context.Context) ([]string, error) {
	names, err := l.catalog(ctx)
	if names = l.below(names); err == nil && (len(names) > 0 || l.namespace == "") {
		return names, nil
	}
	if err != nil && !refusal(err) {
		return nil, err
	}
	for _, other := range []func(context.Context) ([]string, error){l.quay, l.harbor} {
		if found, otherErr := other(ctx); otherErr == nil {
			return l.below(found), nil
		}
	}
	return names, err
}

// below are the names in the namespace.
func (l lister) below(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return l.namespace != "" && !strings.HasPrefix(name, l.namespace+"/")
	})
}

// catalog is /v2/_catalog, of distribution's API.
func (l lister) catalog(ctx context.Context) ([]string, error) {
	registry := remote.Registry{RepositoryListPageSize: 1000}
	registry.Client = l.endpoint
	registry.Reference = orasregistry.Reference{Registry: l.endpoint.Address()}
	registry.MaxMetadataBytes = maxListing
	var all listing
	err := registry.Repositories(ctx, "", all.add)
	return all.names, err
}

// quay is Quay's own API, which lists one namespace at a time.
func (l lister) quay(ctx context.Context) ([]string, error) {
	if l.namespace == "" {
		return nil, errors.New("quay lists repositories of a namespace only")
	}
	var all listing
	query := url.Values{"namespace": {l.namespace}, "public": {"true"}}
	for {
		var page struct {
			Repositories []struct{ Namespace, Name string }
			NextPage     string `json:"next_page"`
		}
		if err := l.endpoint.get(ctx, "/api/v1/repository", query, &page); err != nil {
			return nil, err
		}
		var names []string
		for _, r := range page.Repositories {
			names = append(names, r.Namespace+"/"+r.Name)
		}
		if err := all.add(names); err != nil || page.NextPage == "" {
			return all.names, err
		}
		query.Set("next_page", page.NextPage)
	}
}

// harbor is Harbor's own API; a namespace is a project there.
func (l lister) harbor(ctx context.Context) ([]string, error) {
	const size = 100
	path := "/api/v2.0/repositories"
	if l.namespace != "" {
		project, _, _ := strings.Cut(l.namespace, "/")
		path = "/api/v2.0/projects/" + url.PathEscape(project) + "/repositories"
	}
	var all listing
	for number := 1; ; number++ {
		var page []struct{ Name string }
		query := url.Values{"page": {fmt.Sprint(number)}, "page_size": {fmt.Sprint(size)}}
		if err := l.endpoint.get(ctx, path, query, &page); err != nil {
			return nil, err
		}
		var names []string
		for _, r := range page {
			names = append(names, r.Name)
		}
		if err := all.add(names); err != nil || len(page) < size {
			return all.names, err
		}
	}
}

// get reads JSON from an API beside the registry's.
func (e *endpoint) get(ctx context.Context, path string, query url.Values, document any) error {
	req, err := e.RequestAt(ctx, http.MethodGet, path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := e.SendPassword(req, maxListing)
	if err != nil {
		return err
	}
	return json.NewDecoder(resp.Body).Decode(document)
}
