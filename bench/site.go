package main

import (
	"context"
	"errors"
	"time"

	"csync/bench/front"
)

// site is the registries of one work.
type site struct {
	source       *registry
	destinations []*registry // the source alone, where a work stays in one registry
	signatures   *signatures // nil without
}

// prefix is what destination repositories are below.
const prefix = "mirror/"

// openSite starts the registries of w and fills them.
func (b *bench) openSite(ctx context.Context, w work) (s *site, err error) {
	s = &site{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	w.network.inFlight = b.tools.inFlight
	var sourceServer, server string
	if w.network.server {
		sourceServer, server = b.tools.dockerRegistry, b.tools.distribution
	}
	if s.source, err = startRegistry(w.network, sourceServer, b.certificate); err != nil {
		return s, err
	}
	if err := s.source.fill(ctx, "", w.repositories); err != nil {
		return s, err
	}
	if w.signed {
		if s.signatures, err = b.openSignatures(ctx, s.source, w); err != nil {
			return s, err
		}
	}
	if w.promotion {
		s.destinations = []*registry{s.source}
		return s, nil
	}
	n := w.network
	n.rate = 0
	for range max(w.destinations, 1) {
		d, err := startRegistry(n, server, b.certificate)
		if err != nil {
			return s, err
		}
		s.destinations = append(s.destinations, d)
		if w.filled {
			if err := d.fill(ctx, prefix, w.repositories); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

func (s *site) close() {
	for _, r := range s.all() {
		r.close()
	}
}

// all is every registry once, and the server of signatures.
func (s *site) all() []*registry {
	var all []*registry
	if s.source != nil {
		all = append(all, s.source)
	}
	for _, d := range s.destinations {
		if d != s.source {
			all = append(all, d)
		}
	}
	if s.signatures != nil && s.signatures.server != nil {
		all = append(all, s.signatures.server)
	}
	return all
}

// prepare makes the registries as they are before a tool runs.
func (s *site) prepare(ctx context.Context, w work) error {
	if w.promotion { // in one registry, what was promoted goes with the rest
		if err := s.source.empty(ctx); err != nil {
			return err
		}
		return s.source.fill(ctx, "", w.repositories)
	}
	if w.filled {
		return nil
	}
	var errs []error
	for _, d := range s.destinations {
		errs = append(errs, d.empty(ctx))
	}
	return errors.Join(errs...)
}

func (s *site) reset(ctx context.Context) error {
	var errs []error
	for _, r := range s.all() {
		errs = append(errs, r.reset(ctx))
	}
	return errors.Join(errs...)
}

// processor is what the registries' processes have used so far, with their
// fronts and without servers.
func (s *site) processor(ctx context.Context) (total time.Duration, err error) {
	for _, r := range s.all() {
		seen, err := r.seen(ctx)
		if err != nil {
			return 0, err
		}
		total += seen.CPU
	}
	return total, nil
}

// counts is what source and destinations saw, the latter in sum.
func (s *site) counts(ctx context.Context) (source, destination front.Counts, err error) {
	read, err := s.source.seen(ctx)
	if err != nil {
		return source, destination, err
	}
	for _, d := range s.destinations {
		if d == s.source {
			break
		}
		seen, err := d.seen(ctx)
		if err != nil {
			return source, destination, err
		}
		destination = destination.Plus(seen.Counts)
	}
	return read.Counts, destination, nil
}
