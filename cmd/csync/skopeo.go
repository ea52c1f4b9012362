package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/spec"
)

// skopeoFlagNames are those that only the skopeo form needs, because the native
// form has them by default or under another name.
var skopeoFlagNames = []string{"all", "scoped", "append-suffix", "preserve-digests", "keep-going", "digestfile", "format"}

func (f *syncFlags) addSkopeo(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.all, "all", "a", false, "take all instances of an index (the native form always does)")
	flags.BoolVar(&f.scoped, "scoped", false, "the same as --dest-path full")
	flags.StringVar(&f.suffix, "append-suffix", "", "append `SUFFIX` to every tag at the destination")
	flags.BoolVar(&f.preserveDigests, "preserve-digests", false, "fail rather than change a digest (the native form always does)")
	flags.BoolVar(&f.keepGoing, "keep-going", false, "go on after a failure (the native form always does)")
	flags.StringVarP(&f.format, "format", "f", "", "convert manifests to `FORMAT`: oci, v2s1 or v2s2")
}

// skopeo reports whether the command line is of the skopeo form: transports
// without a colon, and two arguments.
func (f *syncFlags) skopeo(args []string) bool {
	for _, name := range append(f.sources, f.destinations...) {
		if place(name) {
			return false
		}
	}
	return f.srcYAML == "" && (len(args) > 0 || len(f.sources)+len(f.destinations) > 0)
}

// runSkopeo is skopeo sync, with its checks in its order.
func (f *syncFlags) runSkopeo(ctx context.Context, args []string, io streams) error {
	if len(args) != 2 {
		return errors.Join(newSync(f.verb).help(io.err, false), fault.New(fault.Input, errTwoArguments))
	}
	f.failFast = f.failFast || !f.keepGoing
	s, err := f.open(io, true)
	if err != nil {
		return skopeoPolicyError(err)
	}
	defer s.close()
	if err := f.checkShared(); err != nil {
		return err
	}
	from, to, err := f.transports()
	if err != nil {
		return err
	}
	request, err := s.skopeoRequest(from, args[0], to+args[1])
	if err != nil {
		return err
	}
	ctx, stop := f.system.deadline(ctx)
	defer stop()
	s.announceSources(from, args[0], request.File)
	p := plan.Make(ctx, request)
	s.announce(p)
	if f.keepGoing || !slices.ContainsFunc(p.Steps, stops) {
		s.carryOut(ctx, p)
	}
	s.finish(ctx, p)
	s.progress.Close()
	return s.skopeoResult(ctx, p, from)
}

// errTwoArguments is skopeo's, to the letter.
var errTwoArguments = errors.New("Exactly two arguments expected")

func skopeoPolicyError(err error) error {
	if strings.HasPrefix(err.Error(), "loading trust policy") {
		return fmt.Errorf("Error %w", err)
	}
	return err
}

// transports are those of --src and --dest, the latter as it begins a place.
func (f *syncFlags) transports() (source, destination string, err error) {
	source, err = transport("source", f.sources, "docker", "dir", "yaml")
	if err != nil {
		return "", "", err
	}
	destination, err = transport("destination", f.destinations, "docker", "dir")
	if err != nil {
		return "", "", err
	}
	if source == "dir" && destination == "dir" {
		return "", "", fault.New(fault.Input, errors.New("sync from 'dir' to 'dir' not implemented, consider using rsync instead"))
	}
	return source, map[string]string{"docker": "docker://", "dir": "dir:"}[destination], nil
}

// transport is the last one given, as where any flag is repeated.
func transport(side string, given []string, known ...string) (string, error) {
	if len(given) == 0 {
		return "", fault.New(fault.Input, fmt.Errorf("A %s transport must be specified", side))
	}
	last := given[len(given)-1]
	if !slices.Contains(known, last) {
		return "", fault.New(fault.Input, fmt.Errorf("%q is not a valid %s transport", last, side))
	}
	return last, nil
}

// skopeoRequest is what is asked for by a source of the transport and a
// destination.
func (s *session) skopeoRequest(transport, source, destination string) (plan.Request, error) {
	s.destinations, s.sources = []string{destination}, nil
	file, images, err := s.skopeoSource(transport, source)
	if err != nil {
		return plan.Request{}, err
	}
	for _, warning := range file.Warnings {
		logrus.Warn(warning.String())
	}
	request, err := s.request(file)
	request.Images, request.KeepDirectories = images, true
	if !s.all {
		request.SelectSystem = s.system
	}
	return request, err
}

func (s *session) skopeoSource(transport, source string) (*spec.File, []image.Named, error) {
	switch transport {
	case "yaml":
		file, err := spec.LoadPath(source, spec.Lenient)
		if err != nil {
			return nil, nil, fmt.Errorf("Failed to unmarshal %q: %w", source, err)
		}
		return file, nil, nil
	case "dir":
		images, err := s.skopeoDirectories(source)
		return &spec.File{}, images, err
	}
	reference, err := spec.Reference(source)
	return &spec.File{Sources: []spec.Source{reference}}, nil, err
}

// skopeoDirectories are the images below a directory, called as they are there
// or, without --scoped, by the last element of that.
func (s *session) skopeoDirectories(source string) ([]image.Named, error) {
	if _, err := os.Stat(source); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("Invalid source directory specified: %w", err))
	}
	images, err := image.List("dir:"+source, s.system)
	if err == nil && len(images) == 0 {
		err = fault.New(fault.Input, fmt.Errorf("No images to sync found in %q", source))
	}
	for i := range images {
		if !s.scoped {
			images[i].Name.Path = path.Base(images[i].Name.Path)
		}
	}
	return images, err
}
