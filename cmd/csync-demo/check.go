package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/opencontainers/go-digest"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// tally is what the registries saw of one run.
type tally struct {
	name                string
	source, destination int   // requests
	read, written       int64 // bytes of blobs
}

// sync runs the example's command and reads its report.
func (d *demo) sync(ctx context.Context, name string) (*report.Report, error) {
	d.source.Reset()
	d.destination.Reset()
	if err := d.run(ctx, d.command); err != nil {
		return nil, err
	}
	t := tally{
		name:   name,
		source: len(d.source.Log()), destination: len(d.destination.Log()),
		read: d.source.BlobBytesRead(), written: d.destination.BlobBytesWritten(),
	}
	d.runs = append(d.runs, t)
	content, err := os.ReadFile(filepath.Join(d.scratch, "report.json"))
	if err != nil {
		return nil, err
	}
	var r report.Report
	if err := json.Unmarshal(content, &r); err != nil {
		return nil, fmt.Errorf("reading report.json: %w", err)
	}
	for host, seen := range map[string]int{d.source.Host(): t.source, d.destination.Host(): t.destination} {
		if reported := r.Summary.Requests[host]; reported != int64(seen) {
			return nil, fmt.Errorf("the report says %d requests to %s, which saw %d", reported, host, seen)
		}
	}
	return &r, nil
}

// wanted is what a report should sum up to.
type wanted struct{ total, copied, retagged, unchanged int }

func counted(r *report.Report, want wanted) error {
	s := r.Summary
	if got := (wanted{s.Total, s.Copied, s.Retagged, s.Unchanged}); got != want {
		return fmt.Errorf("the report sums up to %+v, and should to %+v", got, want)
	}
	return nil
}

// has wants the destination to have the digest, and csync to have seen it there.
func has(r *report.Report, destination string, want digest.Digest) error {
	for _, result := range r.Results {
		if result.Destination != destination {
			continue
		}
		if result.Digest != want || !result.Verified {
			return fmt.Errorf("%s is %s (verified: %t), and should be %s", destination, result.Digest, result.Verified, want)
		}
		return nil
	}
	return fmt.Errorf("the report has no %s", destination)
}

// eachBlobOnce wants no blob to have been uploaded twice, however many images
// and repositories share it.
func (d *demo) eachBlobOnce() error {
	var unique int64
	seen := map[digest.Digest]bool{}
	blobs := func(instances []registrytest.Image) {
		for _, instance := range instances {
			for _, blob := range instance.Blobs {
				if !seen[blob.Digest()] {
					seen[blob.Digest()] = true
					unique += blob.Size()
				}
			}
		}
	}
	blobs(d.stock.oci("1.1").Children)
	for _, version := range []string{"1.0", "1.1"} {
		children := d.stock.docker(version).Children
		blobs([]registrytest.Image{children[0], children[2]}) // amd64 and ppc64le, as the example asks
	}
	if written := d.destination.BlobBytesWritten(); written != unique {
		return fmt.Errorf("%d bytes of blobs were written, and the images have %d different ones", written, unique)
	}
	return nil
}

// nothingMoved wants a run to have written nothing.
func (d *demo) nothingMoved() error {
	for _, kind := range []registrytest.Kind{registrytest.ManifestPut, registrytest.UploadStart, registrytest.UploadFinish, registrytest.Mount} {
		if n := d.destination.Count(kind); n > 0 {
			return fmt.Errorf("the destination saw %d requests of kind %s, and should have seen none", n, kind)
		}
	}
	if read := d.source.BlobBytesRead(); read > 0 {
		return fmt.Errorf("%d bytes of blobs were read, and should not have been", read)
	}
	return nil
}

// sum shows what the registries counted.
func (d *demo) sum() error {
	d.say("What the registries counted")
	table := tabwriter.NewWriter(d.stage.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "run\trequests to source\tto destination\tblob bytes read\twritten\t")
	for _, t := range d.runs {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t\n", t.name, t.source, t.destination, report.Size(t.read), report.Size(t.written))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(d.stage.out, "\nThe demo did what it says.")
	return err
}
