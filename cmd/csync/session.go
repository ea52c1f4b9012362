package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"go.podman.io/image/v5/types"

	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/run"
	"csync/sync/spec"
)

// session is one run of sync: what its flags make of the outside world.
type session struct {
	*syncFlags
	io           streams
	started      time.Time
	system       *types.SystemContext
	client       *registry.Client
	source, dest registry.Access
	copier       *image.Copier
	places       []image.Place
	filtered     *plan.Cache
	progress     *progress
	closers      []func()
}

// open sets up everything but the source file. skopeo says which form it is.
func (f *syncFlags) open(io streams, skopeo bool) (*session, error) {
	s := &session{syncFlags: f, io: io, started: time.Now()}
	if err := f.system.setUpLogging(io.err); err != nil {
		return nil, err
	}
	if err := s.connect(skopeo); err != nil {
		return nil, err
	}
	s.progress = newProgress(io.err, isTerminal(io.err))
	s.closers = append(s.closers, s.progress.Close, s.client.Close)
	logrus.SetOutput(s.progress)
	return s, nil
}

func (s *session) connect(skopeo bool) (err error) {
	if s.system, err = s.syncFlags.system.context(); err != nil {
		return err
	}
	if s.source, err = s.src.access(s.shared); err != nil {
		return err
	}
	if s.dest, err = s.syncFlags.dest.access(s.shared); err != nil {
		return err
	}
	if err := s.shared.check(s.source, s.dest); err != nil {
		return err
	}
	if s.client, err = s.syncFlags.system.client(s.system, s.jobs, s.dryRun); err != nil {
		return err
	}
	format, err := s.formatType()
	if err != nil {
		return err
	}
	s.copier = &image.Copier{
		RequireSigned: s.syncFlags.system.requireSigned, Format: format, Log: s.copyLog(skopeo, s.io),
		AllowConversion: skopeo && !s.preserveDigests, PreserveDigests: s.preserveDigests,
	}
	if s.copier.Policy, err = s.syncFlags.system.trust(s.system, skopeo); err != nil {
		return err
	}
	closeSigners, err := s.signing.apply(s.copier, s.io)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, closeSigners)
	return nil
}

func (s *session) close() {
	for _, c := range s.closers {
		c()
	}
}

// openDestination opens a place for writing.
func (s *session) openDestination(name string) (image.Place, error) {
	return image.Open(name, image.Access{Client: s.client, Registry: s.dest, System: s.system})
}

// request makes of the flags what a plan is made of.
func (s *session) request(file *spec.File) (plan.Request, error) {
	naming, err := s.naming()
	if err != nil {
		return plan.Request{}, err
	}
	latestBy, err := plan.ParseTagOrder(s.latestBy)
	if err != nil {
		return plan.Request{}, fmt.Errorf("--latest-by: %w", err)
	}
	request := plan.Request{
		File: file, OpenDestination: s.openDestination, Naming: naming, Client: s.client,
		SourceAccess: s.source, System: s.system, AllowMissing: s.allowMissing, LatestBy: latestBy,
		Converts: s.copier.Format != "", Cache: s.cache(), ReadOnly: s.dryRun, Jobs: s.jobs,
	}
	s.filtered = request.Cache
	s.closers = append(s.closers, func() { s.save(request.Cache) })
	if err := s.openPlaces(&request); err != nil {
		return request, err
	}
	return request, s.addSources(&request)
}

func (s *session) openPlaces(request *plan.Request) error {
	own := len(request.File.Sources) > 0
	for _, source := range request.File.Sources {
		own = own && len(source.Destinations) > 0
	}
	if own && len(s.destinations) > 0 {
		return usageError(s.verb, "--dest: the file names its own destinations")
	}
	if !own && len(s.destinations) == 0 {
		return usageError(s.verb, "--dest DEST is missing: where to copy to")
	}
	for _, name := range s.destinations {
		place, err := s.openDestination(name)
		if err != nil {
			return fmt.Errorf("--dest: %w", err)
		}
		request.Destinations = append(request.Destinations, place)
	}
	s.places = request.Destinations
	return nil
}

// addSources reads what --src names.
func (s *session) addSources(request *plan.Request) error {
	for _, name := range s.sources {
		if reference, docker := strings.CutPrefix(name, "docker://"); docker {
			source, err := spec.Reference(reference)
			if err != nil {
				return fmt.Errorf("--src: %w", err)
			}
			request.File.Sources = append(request.File.Sources, source)
			continue
		}
		images, err := image.List(name, s.system)
		if err != nil {
			return fmt.Errorf("--src: %w", err)
		}
		request.Images = append(request.Images, images...)
	}
	return nil
}

// carryOut runs the plan, or only says what it would do.
func (s *session) carryOut(ctx context.Context, p *plan.Plan) {
	switch {
	case s.dryRun && ctx.Err() != nil:
		p.Cancel("interrupted before it was planned")
	case s.dryRun:
		p.DryRun()
	default:
		run.Run(ctx, p, run.Options{
			Copier: s.copier, Directory: s.syncFlags.system.temporary, Jobs: s.jobs, Attempts: s.syncFlags.system.retries + 1, FailFast: s.failFast, Progress: s.progress,
		})
		if s.copier.Format == "" {
			s.filtered.Learn(p)
		}
	}
}

// finish completes archives, also of a run that was interrupted: what it has
// done is to be kept, or given up in order.
func (s *session) finish(ctx context.Context, p *plan.Plan) {
	for _, place := range s.places {
		p.Complete(context.WithoutCancel(ctx), place)
	}
}

// cache is what platform filters made of indexes in earlier runs. Not having one
// is no failure.
func (s *session) cache() *plan.Cache {
	directory, err := os.UserCacheDir()
	if s.noCache || err != nil {
		return nil
	}
	cache, err := plan.OpenCache(filepath.Join(directory, "csync", "filtered.json"))
	if err != nil {
		logrus.Warn(err)
	}
	return cache
}

// save keeps the cache for the next run, unless nothing is to be written.
func (s *session) save(cache *plan.Cache) {
	if cache == nil || s.dryRun {
		return
	}
	if err := cache.Save(); err != nil {
		logrus.Warn(err)
	}
}
