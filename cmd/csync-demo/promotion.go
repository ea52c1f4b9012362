package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"

	"csync/sync/registry/registrytest"
)

const (
	promotedHash  = "3f2a9b1c"
	promotedLabel = "current"
)

// promotedImages are those of the release that is promoted.
var promotedImages = []string{"base", "nova-api"}

// promotion shows a release that goes to two registries, of which one refuses an
// image; then it is mended, the label moves, and goes back.
func (d *demo) promotion(ctx context.Context) error {
	d.say("A release is promoted to two registries, one of which refuses an image: no label moves")
	before, err := d.build()
	if err != nil {
		return err
	}
	if err := d.run(ctx, "cat promotion.yaml"); err != nil {
		return err
	}
	d.second.Intercept(refuseManifests("/nova-api/"))
	const promote = "csync promote promotion.yaml --report promotion.json --output text"
	failed := d.run(ctx, promote+" | tail -n 1")
	d.second.Intercept(nil)
	if err := errors.Join(failed, d.labelled(before)); err != nil {
		return err
	}
	d.say("The registry is mended: what is missing is brought, and the label moves everywhere")
	if err := errors.Join(d.run(ctx, promote+" | tail -n 1"), d.labelled(release())); err != nil {
		return err
	}
	d.say("The release was a bad one: every label goes back to what it named")
	return errors.Join(d.run(ctx, promote+" --rollback | tail -n 1"), d.labelled(before))
}

// build pushes the release to the source, what the label names before to the
// destinations, and writes the promotion file.
func (d *demo) build() (before map[string]digest.Digest, err error) {
	old := registrytest.RandomImage(10)
	for i, name := range promotedImages {
		err = errors.Join(err, d.source.Put("ci/"+name, promotedHash, registrytest.RandomImage(i)))
		for _, registry := range d.destinations() {
			err = errors.Join(err, registry.Put("ci/"+name, promotedLabel, old))
		}
	}
	file := fmt.Sprintf("source: {registry: \"%s\", namespace: ci, label: false}\ndestinations: [{registry: \"%s\"}, {registry: \"%s\"}]\nimages: {names: [%s]}\nhash: %s\nlabel: %s\n",
		d.source.Host(), d.destination.Host(), d.second.Host(), strings.Join(promotedImages, ", "), promotedHash, promotedLabel)
	err = errors.Join(err, os.WriteFile(filepath.Join(d.scratch, "promotion.yaml"), []byte(file), 0o600))
	return map[string]digest.Digest{"base": old.Digest(), "nova-api": old.Digest()}, err
}

// release is what the hash names.
func release() map[string]digest.Digest {
	named := map[string]digest.Digest{}
	for i, name := range promotedImages {
		named[name] = registrytest.RandomImage(i).Digest()
	}
	return named
}

func (d *demo) destinations() []*registrytest.Registry {
	return []*registrytest.Registry{d.destination, d.second}
}

// labelled wants the label to name this everywhere.
func (d *demo) labelled(want map[string]digest.Digest) error {
	for _, registry := range d.destinations() {
		for _, name := range promotedImages {
			is, err := registry.Named("ci/"+name, promotedLabel)
			if err != nil {
				return err
			}
			if is != want[name] {
				return fmt.Errorf("%s of %s/ci/%s is %s, and should be %s", promotedLabel, registry.Host(), name, is, want[name])
			}
		}
	}
	return nil
}

// refuseManifests answers writes of manifests below a path as a registry does that
// is full.
func refuseManifests(path string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, path) {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
}
