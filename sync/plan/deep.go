package plan

import (
	"context"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/report"
)

// maxQuestions are about blobs of one image at the same time; the registry's
// own limit holds besides.
const maxQuestions = 32

// VerifyDeep is Verify and [Plan.Audit] in one.
func (p *Plan) VerifyDeep(ctx context.Context, jobs int) {
	p.verify(ctx, jobs, func(end, context.Context) error { return nil }) // the audit reads the instances
	p.Audit(ctx, jobs)
}

// Audit is [Plan.Confirm], and asks besides for every config and layer of every
// instance of what is done or unchanged; what is not all there has failed. A
// registry is asked whether it has them, each once a repository; elsewhere they
// are read.
func (p *Plan) Audit(ctx context.Context, jobs int) {
	a := &audit{weights: map[blobKey]func() (int64, error){}}
	p.each(jobs, (*Step).inPlace, func(step *Step) { a.step(ctx, step) })
}

// inPlace reports whether the destination has what is wanted.
func (s *Step) inPlace() bool {
	return s.Result.Status == report.Unchanged || s.Result.Status == report.Done
}

// audit is what has been found out about blobs.
type audit struct {
	mu      sync.Mutex
	weights map[blobKey]func() (int64, error)
}

type blobKey struct {
	keeper any
	digest digest.Digest
}

// stock is an image where it is kept, with what there is to ask about its
// blobs.
type stock struct {
	tree   *content.Tree
	keeper any // what keeps the blobs, each once
	// weigh is a blob's size, -1 if that is not known. The error has the kind
	// not-found where it is missing.
	weigh    func(ctx context.Context, blob v1.Descriptor) (int64, error)
	parallel int // questions at the same time
	close    func()
}

// step fails the step whose image is not all there. One that was done before the
// audit was interrupted stays so, but not verified.
func (a *audit) step(ctx context.Context, s *Step) {
	err := a.image(ctx, s)
	switch {
	case err == nil:
	case ctx.Err() != nil && s.Result.Status == report.Done:
		s.Result.Verified, s.Result.Reason = false, "interrupted before its layers were asked for"
	default:
		s.Fail(s.atDestination(incomplete(err)))
	}
}

func (a *audit) image(ctx context.Context, s *Step) error {
	there, err := s.to.open(ctx)
	if err != nil {
		return err
	}
	defer there.close()
	verified := s.Result.Verified || !s.Destination.Single() // else the digest says little
	s.Result.Verified = false
	if found := there.tree.Manifest.Digest; !s.Destination.Single() && found != s.Result.Digest {
		return names(found, s.Result.Digest)
	}
	parts := partsOf(there.tree)
	missing := make([]error, len(parts))
	var group errgroup.Group
	group.SetLimit(there.parallel)
	for i, part := range parts {
		group.Go(func() error {
			missing[i] = a.part(ctx, there, part)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	err = summarize(missing)
	s.Result.Verified = verified && err == nil
	return err
}

// summarize is the first of the errors, and says how many there are.
func summarize(errs []error) error {
	var first error
	further := 0
	for _, err := range errs {
		switch {
		case err == nil:
		case first == nil:
			first = err
		default:
			further++
		}
	}
	if further > 0 {
		return fmt.Errorf("%w, and %d more", first, further)
	}
	return first
}

// part is a blob of an instance.
type part struct {
	v1.Descriptor
	instance digest.Digest
}

// partsOf are all blobs, each of them once for each size that is said of it.
func partsOf(t *content.Tree) []part {
	type claim struct {
		digest digest.Digest
		size   int64
	}
	seen := map[claim]bool{}
	var parts []part
	var collect func(*content.Tree)
	collect = func(t *content.Tree) {
		for _, blob := range t.Blobs {
			if c := (claim{blob.Digest, blob.Size}); !seen[c] {
				seen[c] = true
				parts = append(parts, part{blob, t.Manifest.Digest})
			}
		}
		for _, child := range t.Children {
			collect(child)
		}
	}
	collect(t)
	return parts
}

func (a *audit) part(ctx context.Context, there stock, p part) error {
	size, err := a.weigh(ctx, there, p.Descriptor)
	if err == nil && p.Size >= 0 && size >= 0 && p.Size != size {
		err = fault.New(fault.DigestMismatch, fmt.Errorf("it has %d bytes instead of %d", size, p.Size))
	}
	if err != nil {
		return fmt.Errorf("blob %s of instance %s: %w", p.Digest, p.instance, err)
	}
	return nil
}

// weigh asks for a blob, unless that was done. Whoever wants to know it waits
// for the answer, so that what has been opened is there until then.
func (a *audit) weigh(ctx context.Context, there stock, blob v1.Descriptor) (int64, error) {
	key := blobKey{there.keeper, blob.Digest}
	a.mu.Lock()
	ask, known := a.weights[key]
	if !known {
		ask = sync.OnceValues(func() (int64, error) { return there.weigh(ctx, blob) })
		a.weights[key] = ask
	}
	a.mu.Unlock()
	return ask()
}
