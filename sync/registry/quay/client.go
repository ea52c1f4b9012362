package quay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

const maxAnswer = 1 << 20 // bytes

// Visibility says who may pull from a repository.
type Visibility string

// The visibilities that Quay has.
const (
	Public  Visibility = "public"
	Private Visibility = "private"
)

// Client speaks to one Quay.
type Client struct{ endpoint *transport.Endpoint }

// At is the Quay at an endpoint.
func At(e *transport.Endpoint) *Client { return &Client{e} }

// Create makes a repository, unless it is there. created is false where it was.
func (c *Client) Create(ctx context.Context, name reference.Named, v Visibility, description string) (created bool, err error) {
	doing := "creating repository " + name.Name()
	namespace, repository, err := c.split(name)
	if err == nil && v != Public && v != Private {
		err = fault.New(fault.Input, fmt.Errorf("%q is no visibility", v))
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	body, err := json.Marshal(map[string]string{
		"namespace": namespace, "repository": repository,
		"visibility": string(v), "description": description, "repo_kind": "image",
	})
	if err != nil {
		return false, fault.New(fault.Internal, fmt.Errorf("%s: %w", doing, err))
	}
	err = c.send(ctx, http.MethodPost, "", body, http.StatusCreated)
	if exists(err) {
		return false, nil
	}
	return err == nil, c.failure(ctx, err, doing)
}

// exists reports whether a repository was not made because it was there, which
// Quay says in words only.
func exists(err error) bool {
	return transport.Status(err) == http.StatusBadRequest && strings.Contains(strings.ToLower(err.Error()), "already exists")
}

var tagPattern = regexp.MustCompile("^(?:" + reference.TagRegexp.String() + ")$")

// DeleteTag removes a tag and nothing else; that it is not there is no error.
func (c *Client) DeleteTag(ctx context.Context, name reference.Named, tag string) error {
	doing := fmt.Sprintf("deleting tag %s of %s", tag, name.Name())
	if !tagPattern.MatchString(tag) { // without one, it would be the repository
		return fault.New(fault.Input, fmt.Errorf("deleting tag %q of %s: it is none", tag, name.Name()))
	}
	return c.remove(ctx, name, "/tag/"+tag, doing)
}

// DeleteRepository removes a repository with everything in it; that it is not
// there is no error.
func (c *Client) DeleteRepository(ctx context.Context, name reference.Named) error {
	return c.remove(ctx, name, "", "deleting repository "+name.Name())
}

// remove deletes a resource of a repository.
func (c *Client) remove(ctx context.Context, name reference.Named, resource, doing string) error {
	if _, _, err := c.split(name); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	err := c.send(ctx, http.MethodDelete, "/"+reference.Path(name)+resource, nil, http.StatusNoContent)
	if transport.Status(err) == http.StatusNotFound {
		return nil
	}
	return c.failure(ctx, err, doing)
}

// split takes the name of a repository here apart.
func (c *Client) split(name reference.Named) (namespace, repository string, err error) {
	namespace, repository, found := strings.Cut(reference.Path(name), "/")
	switch {
	case reference.Domain(name) != c.endpoint.Registry():
		return "", "", fault.New(fault.Internal, fmt.Errorf("it is not at %s", c.endpoint.Registry()))
	case !found:
		return "", "", fault.New(fault.Input, fmt.Errorf("a repository of Quay is in a namespace, and %q names none", name.Name()))
	}
	return namespace, repository, nil
}

// send asks for a path below that of the repositories, and wants the given
// status.
func (c *Client) send(ctx context.Context, method, path string, body []byte, want int) error {
	req, err := c.endpoint.RequestAt(ctx, method, "/api/v1/repository"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.endpoint.SendPassword(req, maxAnswer)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fault.New(fault.Unsupported, fmt.Errorf("%s answers %s instead of %d %s; is it Quay?",
			c.endpoint.Registry(), resp.Status, want, http.StatusText(want)))
	}
	return nil
}

// failure is the error of what was being done. The token is another one than
// that of a login.
func (c *Client) failure(ctx context.Context, err error, doing string) error {
	var kind fault.Kind
	switch {
	case err == nil:
		return nil
	case transport.Status(err) == http.StatusUnauthorized:
		kind = fault.Unauthorized
	case transport.Status(err) == http.StatusForbidden:
		kind = fault.Denied
	default:
		return c.endpoint.Failure(ctx, err, "%s", doing)
	}
	return fault.WithRemedy(kind, fmt.Errorf("%s: %w", doing, err), fmt.Sprintf(
		"check the token: it has to be of an OAuth application of %s that may create and administer repositories there", c.endpoint.Registry()))
}
