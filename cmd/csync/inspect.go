package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/report"
)

// inspectFlags are those of inspect.
type inspectFlags struct {
	readFlags
	raw, config bool
}

// newInspect makes the verb that shows what an image is made of.
func newInspect() *cobra.Command {
	f := &inspectFlags{readFlags: readFlags{verb: "inspect"}}
	c := newVerb("inspect [FLAGS] REFERENCE...", "show an image's platforms, digests, sizes and labels",
		"csync inspect docker://quay.io/podman/hello:latest")
	c.Flags().BoolVar(&f.raw, "raw", false, "write the manifest as it is; with --config, the config")
	c.Flags().BoolVar(&f.config, "config", false, "write the config of the image, or of an index's instance for this system")
	f.add(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = func(c *cobra.Command, args []string) error {
		if !f.raw && !f.config && len(args) > 0 {
			return f.run(c, func(ctx context.Context, r *reading) error { return r.inspect(ctx, args) })
		}
		reference, err := one("inspect", "REFERENCE", args)
		if err != nil {
			return err
		}
		return f.run(c, func(ctx context.Context, r *reading) error { return f.write(ctx, r, reference) })
	}
	return c
}

// write writes the manifest or the config alone.
func (f *inspectFlags) write(ctx context.Context, r *reading, reference string) error {
	contents, err := r.read(ctx, reference)
	if err != nil {
		return err
	}
	defer contents.Close()
	content := contents.Manifest.Bytes
	if f.config {
		if content, err = contents.Config(ctx); err != nil {
			return fault.At("", contents.Location.String(), err)
		}
	}
	if f.config && !f.raw {
		var indented bytes.Buffer
		if err := json.Indent(&indented, content, "", "  "); err != nil {
			return fault.At("", contents.Location.String(), fault.New(fault.Unsupported, fmt.Errorf("parsing config: %w", err)))
		}
		content = append(indented.Bytes(), '\n')
	}
	_, err = r.io.out.Write(content)
	return err
}

func (r *reading) read(ctx context.Context, reference string) (*image.Contents, error) {
	location, err := r.locate(reference)
	if err != nil {
		return nil, err
	}
	contents, err := image.Read(ctx, location)
	return contents, fault.At("", location.String(), err)
}

// inspected is what inspect shows of one reference.
type inspected struct {
	Reference string `json:"reference"`
	*content.Details
	Error *report.Error `json:"error,omitempty"` // why there are no details
}

// inspect shows all images that can be read: one document for one reference, a
// list for several.
func (r *reading) inspect(ctx context.Context, references []string) error {
	found, errs := make([]inspected, len(references)), make([]error, len(references))
	var group errgroup.Group
	group.SetLimit(readsAtOnce)
	for i, reference := range references {
		group.Go(func() error {
			found[i], errs[i] = r.look(ctx, reference)
			return nil
		})
	}
	_ = group.Wait() // errs has them
	err := errors.Join(errs...)
	if err != nil && !anyRead(found) {
		return err
	}
	var document any = found
	if len(found) == 1 {
		document = found[0]
	}
	if err := r.show(document, func(out *bufio.Writer) { writeInspected(out, found) }); err != nil {
		return err
	}
	if err != nil {
		return &exitError{code: exitFailures, err: err}
	}
	return nil
}

func (r *reading) look(ctx context.Context, reference string) (inspected, error) {
	failed := func(err error) (inspected, error) {
		return inspected{Reference: reference, Error: report.Failure(err)}, err
	}
	contents, err := r.read(ctx, reference)
	if err != nil {
		return failed(err)
	}
	defer contents.Close()
	details, err := contents.Details(ctx)
	if err != nil {
		return failed(fault.At("", contents.Location.String(), err))
	}
	return inspected{Reference: contents.Location.String(), Details: &details}, nil
}

func anyRead(found []inspected) bool {
	for _, one := range found {
		if one.Details != nil {
			return true
		}
	}
	return false
}
