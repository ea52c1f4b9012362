package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"csync/sync/registry/registrytest"
)

// stage is what the demo is given on.
type stage struct {
	out      io.Writer
	programs string // the directory with csync
	scratch  string // an empty directory to work in
	example  string
	stock    stock
}

// demo is one going through the example.
type demo struct {
	stage
	shell
	command             string // of the example
	source, destination *registrytest.Registry
	second              *registrytest.Registry // where the promotion goes as well
	runs                []tally
}

// show gives the demo. Its error is the first thing that is not as it says.
func show(ctx context.Context, s stage) error {
	source, err := registrytest.New(registrytest.TLS())
	if err != nil {
		return err
	}
	defer source.Close()
	destination, err := registrytest.New(registrytest.TLS())
	if err != nil {
		return err
	}
	defer destination.Close()
	second, err := registrytest.New(registrytest.TLS())
	if err != nil {
		return err
	}
	defer second.Close()
	d := &demo{stage: s, source: source, destination: destination, second: second}
	if err := d.prepare(); err != nil {
		return err
	}
	for _, scene := range []func(context.Context) error{d.registries, d.first, d.again, d.moved, d.promotion} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return d.sum()
}

// prepare fills the source, and makes a home for csync that trusts all
// registries and has the example with their hosts put in.
func (d *demo) prepare() error {
	hosts := strings.NewReplacer("registry.example.com", d.source.Host(), "mirror.example.net", d.destination.Host())
	first, file, _ := strings.Cut(hosts.Replace(d.example), "\n")
	command, found := strings.CutPrefix(first, "# ")
	if !found {
		return fmt.Errorf("the example begins with %q, not with its command", first)
	}
	d.command = command
	configuration := filepath.Join(d.scratch, "config")
	d.shell = shell{out: d.stage.out, dir: d.scratch, env: append(os.Environ(),
		"PATH="+d.programs+string(os.PathListSeparator)+os.Getenv("PATH"),
		"XDG_CONFIG_HOME="+configuration,
		"XDG_CACHE_HOME="+configuration,
		"REGISTRY_AUTH_FILE=", // the registries ask for no credentials
	)}
	containers := filepath.Join(configuration, "containers")
	return errors.Join(
		os.WriteFile(filepath.Join(d.scratch, "images.yaml"), []byte(file), 0o600),
		os.MkdirAll(filepath.Join(containers, "certs.d"), 0o700),
		d.trust(filepath.Join(containers, "certs.d")),
		os.WriteFile(filepath.Join(containers, "policy.json"), []byte(`{"default": [{"type": "insecureAcceptAnything"}]}`), 0o600),
		d.stock.fill(d.source),
	)
}

// trust lets csync find the certificates of all registries.
func (d *demo) trust(directory string) error {
	var err error
	for _, registry := range append(d.destinations(), d.source) {
		err = errors.Join(err, os.Symlink(registry.CertDir, filepath.Join(directory, registry.Host())))
	}
	return err
}

func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.stage.out, "\n== "+format+"\n", args...) // what follows would fail as well
}

// registries shows what the source has.
func (d *demo) registries(ctx context.Context) error {
	d.say("Two registries with TLS: the source %s, the destination %s", d.source.Host(), d.destination.Host())
	for _, repository := range []string{ociRepository, dockerRepository} {
		if err := d.run(ctx, "csync list-tags --digests --output text docker://"+d.source.Host()+"/"+repository); err != nil {
			return err
		}
	}
	return nil
}

// first copies everything that the example asks for.
func (d *demo) first(ctx context.Context) error {
	d.say("The example of the README")
	if err := d.run(ctx, "cat images.yaml"); err != nil {
		return err
	}
	r, err := d.sync(ctx, "empty destination")
	if err != nil {
		return err
	}
	whole, release := d.stock.oci("1.1"), "docker://"+d.destination.Host()+"/release/"
	if err := errors.Join(
		counted(r, wanted{total: 5, copied: 4, retagged: 1}),
		has(r, release+"csync:1.1", whole.Digest()),
		has(r, release+"csync:latest", whole.Digest()),
		has(r, release+"csync:stable", whole.Digest()),
		d.eachBlobOnce(),
	); err != nil {
		return err
	}
	d.say("Everything is there, by digest and with every platform")
	return d.run(ctx, strings.Replace(d.command, "csync ", "csync verify ", 1))
}

// again runs the same once more: there is nothing to do.
func (d *demo) again(ctx context.Context) error {
	d.say("The same again: nothing is done")
	r, err := d.sync(ctx, "again")
	if err != nil {
		return err
	}
	return errors.Join(counted(r, wanted{total: 5, unchanged: 5}), d.nothingMoved())
}

// moved gives latest another image.
func (d *demo) moved(ctx context.Context) error {
	image := d.stock.oci("1.2")
	d.say("Version 1.2 is built, and pushed to the source as %s:latest: only that is copied", ociRepository)
	if err := d.source.Put(ociRepository, "latest", image); err != nil {
		return err
	}
	r, err := d.sync(ctx, "one tag moved")
	if err != nil {
		return err
	}
	return errors.Join(
		counted(r, wanted{total: 5, copied: 1, unchanged: 4}),
		has(r, "docker://"+d.destination.Host()+"/release/csync:latest", image.Digest()),
	)
}
