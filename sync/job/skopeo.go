package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/log"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// Skopeo is what the skopeo form of sync is asked for besides its options. Its
// source and destination take the place of theirs.
type Skopeo struct {
	// From and To are transports: docker, dir or yaml, and docker or dir.
	From, To string
	// Source and Destination are the arguments.
	Source, Destination string
	// All takes all instances of an index, not only this system's.
	All bool
	// KeepGoing goes on after a failure.
	KeepGoing bool
}

// RunSkopeo is skopeo sync, with its checks in its order, its lines in the log
// and its words in the error. That says what ended the run, and is a
// *NotFoundError where skopeo has an exit code of its own for it. Without a
// report, nothing was attempted.
func RunSkopeo(ctx context.Context, o Options, s Skopeo) (*report.Report, error) {
	o.FailFast = o.FailFast || !s.KeepGoing
	j, err := open(ctx, o, true)
	if err != nil {
		return nil, skopeoPolicyError(err)
	}
	defer j.close()
	ctx = log.With(ctx, j.logger)
	if err := s.check(); err != nil {
		return nil, err
	}
	if o.Since != "" {
		return nil, fault.New(fault.Input, errors.New("--since is for manifests of cip, which --src-yaml reads"))
	}
	j.inOrder = !s.KeepGoing
	f := skopeo{job: j, Skopeo: s}
	request, err := f.request()
	if err != nil {
		return nil, err
	}
	f.announceSources(request.File)
	p := plan.Make(ctx, request)
	f.announceEmpty(p, request.File)
	if err := j.checkEmpty(p); err != nil && s.From == "yaml" { // the others have an error of skopeo's
		return nil, err
	}
	within := f.reach(p)
	f.announce(p, within)
	giveUp(p.Steps[within:])
	j.act(ctx, p)
	j.complete(ctx, p)
	giveUp(p.Steps)
	return j.report(p.Results()), f.result(ctx, p)
}

// reach is how many steps skopeo, which does one after another, comes to: where
// it stops at a failure, those up to the first that is known to fail.
func (f skopeo) reach(p *plan.Plan) int {
	first := slices.IndexFunc(p.Steps, stops)
	if f.KeepGoing || first < 0 {
		return len(p.Steps)
	}
	return first + 1
}

// skopeo is a job in the skopeo form.
type skopeo struct {
	*job
	Skopeo
}

func skopeoPolicyError(err error) error {
	if strings.HasPrefix(err.Error(), "loading trust policy") {
		return fmt.Errorf("Error %w", err)
	}
	return err
}

// check refuses transports that are not there.
func (s Skopeo) check() error {
	if err := checkTransport("source", s.From, "docker", "dir", "yaml"); err != nil {
		return err
	}
	if err := checkTransport("destination", s.To, "docker", "dir"); err != nil {
		return err
	}
	if s.From == "dir" && s.To == "dir" {
		return fault.New(fault.Input, errors.New("sync from 'dir' to 'dir' not implemented, consider using rsync instead"))
	}
	return nil
}

func checkTransport(side, name string, known ...string) error {
	switch {
	case name == "":
		return fault.New(fault.Input, fmt.Errorf("A %s transport must be specified", side))
	case !slices.Contains(known, name):
		return fault.New(fault.Input, fmt.Errorf("%q is not a valid %s transport", name, side))
	}
	return nil
}

// request is what is asked for by the source and the destination.
func (f skopeo) request() (plan.Request, error) {
	f.Sources, f.Destinations = nil, []string{map[string]string{"docker": "docker://", "dir": "dir:"}[f.To] + f.Destination}
	file, images, err := f.load()
	if err != nil {
		return plan.Request{}, err
	}
	for _, warning := range file.Warnings {
		f.logger.Warn(warning.String())
	}
	request, err := f.job.request(file)
	request.Images, request.KeepDirectories = images, true
	// Where a failure ends the run, all that can be known is known before.
	request.ReadOnly = request.ReadOnly || !f.KeepGoing
	if !f.All {
		request.SelectSystem = f.Registry.System
	}
	return request, err
}

func (f skopeo) load() (*spec.File, []image.Named, error) {
	switch f.From {
	case "yaml":
		file, err := spec.LoadPath(f.Source, spec.Lenient)
		if err != nil {
			return nil, nil, fmt.Errorf("Failed to unmarshal %q: %w", f.Source, err)
		}
		return file, nil, nil
	case "dir":
		images, err := f.directories()
		return &spec.File{}, images, err
	}
	reference, err := spec.Reference(f.Source)
	return &spec.File{Sources: []spec.Source{reference}}, nil, err
}

// directories are the images below a directory, called as they are there or,
// without --scoped, by the last element of that.
func (f skopeo) directories() ([]image.Named, error) {
	if _, err := os.Stat(f.Source); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("Invalid source directory specified: %w", err))
	}
	images, err := image.List("dir:"+f.Source, f.Registry.System)
	if err == nil && len(images) == 0 {
		err = fault.New(fault.Input, fmt.Errorf("No images to sync found in %q", f.Source))
	}
	for i := range images {
		if f.Naming.Path != plan.PathFull {
			images[i].Name.Path = path.Base(images[i].Name.Path)
		}
	}
	return images, err
}
