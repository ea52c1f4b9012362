package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"golang.org/x/sync/errgroup"
)

// filler puts images into a registry, past its front.
type filler struct {
	client   *http.Client
	registry *url.URL
	prefix   string // path that repositories are below

	mu      sync.Mutex
	holders map[string]string    // by digest, a repository that has the blob
	known   map[layer]descriptor // digests are worth remembering
}

func newFiller(address, prefix string) *filler {
	return &filler{
		client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
		registry: &url.URL{Scheme: "http", Host: address},
		prefix:   prefix,
		holders:  map[string]string{},
		known:    map[layer]descriptor{},
	}
}

// fill pushes every image, several repositories at a time.
func (f *filler) fill(ctx context.Context, repositories []repository) error {
	defer f.client.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, r := range repositories {
		group.Go(func() error {
			for _, i := range r.images {
				if err := f.image(ctx, f.prefix+r.name, i); err != nil {
					return fmt.Errorf("filling %s:%s: %w", r.name, i.tag, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (f *filler) image(ctx context.Context, repository string, i image) error {
	if len(i.platforms) == 0 {
		_, err := f.manifest(ctx, repository, i, cmp.Or(i.platform, "linux/amd64"), i.tag)
		return err
	}
	index := manifest{SchemaVersion: 2, MediaType: indexType}
	for n, platform := range i.platforms {
		child := image{layers: []layer{{seed: i.layers[0].seed + uint64(n), size: i.layers[0].size}}}
		d, err := f.manifest(ctx, repository, child, platform, "")
		if err != nil {
			return err
		}
		d.Platform = platformOf(platform)
		index.Manifests = append(index.Manifests, d)
	}
	_, err := f.put(ctx, repository, i.tag, index)
	return err
}

// manifest pushes a platform's image, by digest where the tag is empty.
func (f *filler) manifest(ctx context.Context, repository string, i image, platform, tag string) (descriptor, error) {
	types := i.types()
	m := manifest{SchemaVersion: 2, MediaType: types.manifest}
	if i.note != "" {
		m.Annotations = map[string]string{"note": i.note}
	}
	for _, l := range i.layers {
		d := f.describe(l)
		d.MediaType = types.layer
		if err := f.blob(ctx, repository, d, l.reader()); err != nil {
			return descriptor{}, err
		}
		m.Layers = append(m.Layers, d)
	}
	content := configOf(platformOf(platform), m.Layers)
	m.Config = &descriptor{MediaType: types.config, Digest: digestOf(content), Size: int64(len(content))}
	if err := f.blob(ctx, repository, *m.Config, bytes.NewReader(content)); err != nil {
		return descriptor{}, err
	}
	return f.put(ctx, repository, tag, m)
}

// describe is a layer's digest and size.
func (f *filler) describe(l layer) descriptor {
	f.mu.Lock()
	d, found := f.known[l]
	f.mu.Unlock()
	if !found {
		d = descriptor{Digest: l.digest(), Size: l.size}
		f.mu.Lock()
		f.known[l] = d
		f.mu.Unlock()
	}
	return d
}

// put pushes a manifest or index, by digest where the tag is empty.
func (f *filler) put(ctx context.Context, repository, tag string, m manifest) (descriptor, error) {
	content := encode(m)
	d := descriptor{MediaType: m.MediaType, Digest: digestOf(content), Size: int64(len(content))}
	if tag == "" {
		tag = d.Digest
	}
	place := f.registry.JoinPath("v2", repository, "manifests", tag)
	_, err := f.send(ctx, http.MethodPut, place, m.MediaType, bytes.NewReader(content))
	return d, err
}

// blob uploads a blob unless the repository has it, or mounts it from one that does.
func (f *filler) blob(ctx context.Context, repository string, d descriptor, content io.Reader) error {
	f.mu.Lock()
	holder := f.holders[d.Digest]
	here := f.holders[repository+"@"+d.Digest] != ""
	f.mu.Unlock()
	if here {
		return nil
	}
	start := f.registry.JoinPath("v2", repository, "blobs", "uploads/")
	if holder != "" {
		start.RawQuery = url.Values{"mount": {d.Digest}, "from": {holder}}.Encode()
	}
	answer, err := f.send(ctx, http.MethodPost, start, "", nil)
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusAccepted {
		session, err := start.Parse(answer.Header.Get("Location"))
		if err != nil {
			return fmt.Errorf("reading the place of an upload: %w", err)
		}
		query := session.Query()
		query.Set("digest", d.Digest)
		session.RawQuery = query.Encode()
		if _, err := f.send(ctx, http.MethodPut, session, "application/octet-stream", content); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holders[d.Digest] = repository
	f.holders[repository+"@"+d.Digest] = repository
	return nil
}

// send requires an answer of the 200s, and gives it without its body.
func (f *filler) send(ctx context.Context, method string, place *url.URL, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, place.String(), body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	answer, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // for the message only
	if answer.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s: %s", method, place, answer.Status, said)
	}
	return answer, nil
}
