package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/report"
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
		return errors.Join(newSync(f.verb).help(io.err, false), fault.New(fault.Input, errors.New("Exactly two arguments expected")))
	}
	f.failFast = !f.keepGoing
	s, err := f.open(io, true)
	if err != nil {
		return skopeoPolicyError(err)
	}
	defer s.close()
	request, err := s.skopeoRequest(args[0], args[1])
	if err != nil {
		return err
	}
	ctx, stop := s.deadline(ctx)
	defer stop()
	if f.dryRun {
		logrus.Warn("Running in dry-run mode")
	}
	p := plan.Make(ctx, request)
	s.announce(p)
	if f.keepGoing || !anyFailed(p) {
		s.carryOut(ctx, p)
	}
	s.finish(p)
	s.progress.Close()
	return s.skopeoResult(ctx, p)
}

func skopeoPolicyError(err error) error {
	if strings.HasPrefix(err.Error(), "loading trust policy") {
		return fmt.Errorf("Error %w", err)
	}
	return err
}

// skopeoRequest checks the transports and makes the request.
func (s *session) skopeoRequest(source, destination string) (plan.Request, error) {
	from, to, err := s.transports()
	if err != nil {
		return plan.Request{}, err
	}
	name := "docker://" + destination
	if to == "dir" {
		name = "dir:" + destination
	}
	s.destinations, s.sources = []string{name}, nil
	file := &spec.File{}
	var images []image.Named
	switch from {
	case "yaml":
		file, err = spec.LoadPath(source, spec.Lenient)
		if err != nil {
			err = fmt.Errorf("Failed to unmarshal %q: %w", source, err)
		}
	case "docker":
		err = s.skopeoReference(file, source)
	case "dir":
		images, err = skopeoDirectories(source, s)
	}
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

// transports are those of --src and --dest.
func (s *session) transports() (source, destination string, err error) {
	source, err = transport("source", s.sources, "docker", "dir", "yaml")
	if err != nil {
		return "", "", err
	}
	destination, err = transport("destination", s.syncFlags.destinations, "docker", "dir")
	if err != nil {
		return "", "", err
	}
	if source == "dir" && destination == "dir" {
		return "", "", fault.New(fault.Input, errors.New("sync from 'dir' to 'dir' not implemented, consider using rsync instead"))
	}
	return source, destination, nil
}

func transport(side string, given []string, known ...string) (string, error) {
	if len(given) == 0 {
		return "", fault.New(fault.Input, fmt.Errorf("A %s transport must be specified", side))
	}
	last := given[len(given)-1]
	for _, name := range known {
		if name == last {
			return name, nil
		}
	}
	return "", fault.New(fault.Input, fmt.Errorf("%q is not a valid %s transport", last, side))
}

func (s *session) skopeoReference(file *spec.File, source string) error {
	reference, err := spec.Reference(source)
	if err != nil {
		return err
	}
	file.Sources = []spec.Source{reference}
	return nil
}

func skopeoDirectories(source string, s *session) ([]image.Named, error) {
	if _, err := os.Stat(source); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading directory: %w", err))
	}
	images, err := image.List("dir:"+source, s.system)
	if err == nil && len(images) == 0 {
		err = fault.New(fault.Input, fmt.Errorf("No images to sync found in %q", source))
	}
	if s.scoped {
		for i := range images {
			images[i].Name.Path = filepath.Join(source, images[i].Name.Path)
		}
	}
	return images, err
}

// announce logs what skopeo logs, in the order of the plan.
func (s *session) announce(p *plan.Plan) {
	message := "Copying image ref %d/%d"
	if s.dryRun {
		message = "Would have copied image ref %d/%d"
	}
	for i, step := range p.Steps {
		if step.Result.Status == report.Unchanged && !s.output.asked() {
			fmt.Fprintln(s.io.out, "Skipping: image already present at destination")
		}
		if step.Result.Status != report.Failed {
			logrus.WithFields(logrus.Fields{"from": step.Result.Source, "to": step.Result.Destination}).Infof(message, i+1, len(p.Steps))
		}
	}
}

// skopeoResult ends the run as skopeo does: the first failure is the error.
func (s *session) skopeoResult(ctx context.Context, p *plan.Plan) error {
	r := s.complete(p)
	err := s.output.writeFiles(r)
	if s.output.asked() {
		err = errors.Join(err, s.output.write(r, s.io.out))
	}
	if err != nil {
		return err
	}
	if interrupted(ctx) {
		return &exitError{code: exitInterrupted}
	}
	if first := firstFailure(p, s.keepGoing); first != nil {
		return skopeoFailure(first, s.keepGoing)
	}
	done, synced := r.Summary.Total-r.Summary.Skipped, "Synced"
	if s.dryRun {
		synced = "Would have synced"
	}
	logrus.Infof("%s %d images from %d sources", synced, done, repositories(p))
	return nil
}

func anyFailed(p *plan.Plan) bool { return firstFailure(p, false) != nil }

// firstFailure is the first step that failed by itself; all are logged where
// the run has gone on.
func firstFailure(p *plan.Plan, log bool) *plan.Step {
	var first *plan.Step
	for _, step := range p.Steps {
		if step.Result.Status != report.Failed {
			continue
		}
		if log {
			logrus.Errorf("Error copying ref %q: %v", step.Result.Source, step.Err)
		}
		if first == nil || fault.Is(first.Err, fault.Cancelled) {
			first = step
		}
	}
	return first
}

func skopeoFailure(step *plan.Step, keptGoing bool) error {
	if keptGoing {
		return errors.New("Sync failed due to previous reported error(s) for one or more images")
	}
	err := fmt.Errorf("Error copying ref %q: %w", step.Result.Source, step.Err)
	if fault.SideOf(step.Err) == fault.Source && fault.Is(step.Err, fault.NotFound) && step.Source.Repository != nil {
		return &exitError{code: exitNotFound, err: err}
	}
	return err
}

// repositories is the number of repositories, or directories, that images came from.
func repositories(p *plan.Plan) int {
	seen := map[string]bool{}
	for _, step := range p.Steps {
		name := step.Result.Source
		if repository := step.Source.Repository; repository != nil {
			name = repository.Name().Name()
		}
		seen[name] = true
	}
	return len(seen)
}
