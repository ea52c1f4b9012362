package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/report"
)

// confirm reads the image that source and destination share, for the tags that
// it gets.
func (r *runner) confirm(ctx context.Context, b *batch, step *plan.Step) error {
	there, err := onShelf(step)
	if err != nil {
		return err
	}
	m, err := there.Manifest(ctx, there.Identifier)
	if err != nil {
		return fault.At(fault.Source, step.Result.Source, err)
	}
	b.confirmed = m
	step.Result.BytesRead = m.Size
	if err := r.vouch(ctx, step, m.Digest); err != nil {
		return err
	}
	if step.Result.BytesWritten, err = r.sign(ctx, step, m); err != nil {
		return fault.At(fault.Destination, step.Result.Destination, err)
	}
	incomplete := step.InPlace && len(r.Copier.Signers) > 0 // signatures beside the registry are no bytes there
	step.Confirm(m.Descriptor)
	if incomplete || step.Result.BytesWritten > 0 {
		step.Result.Status, step.Result.Reason = report.Done, "signatures added"
	}
	return nil
}

// vouch asks the policy about an image that only gets another name.
func (r *runner) vouch(ctx context.Context, step *plan.Step, d digest.Digest) error {
	request := source(step)
	request.Chosen = d
	if request.Digest == "" {
		request.Digest = d
	}
	return r.Copier.Vouch(ctx, request)
}

// retag gives a manifest that the repository has another tag; no blob moves.
func (r *runner) retag(ctx context.Context, b *batch, step *plan.Step) error {
	there, err := onShelf(step)
	if err != nil {
		return err
	}
	result := &step.Result
	m, err := r.tagged(ctx, b, step, there)
	needed := step.Needs
	switch {
	case err != nil && (step.Held || needed != nil && !needed.Itself):
		return fault.At(fault.Destination, result.Destination, err)
	case err != nil:
		return fault.At(fault.Source, result.Source, err)
	}
	if needed == nil || needed.Itself || m.Digest != needed.Result.Digest { // else it has been asked about
		if err := r.vouch(ctx, step, m.Digest); err != nil {
			return err
		}
	}
	signatures, err := r.put(ctx, step, there, m)
	if err != nil {
		return fault.At(fault.Destination, result.Destination, err)
	}
	switch {
	case needed != nil && m.Digest == needed.Result.Digest: // which may be a part of its source
		result.SourceDigest = needed.Result.SourceDigest
	case result.SourceDigest == "" && len(step.Parts) == 0:
		result.SourceDigest = m.Digest
	}
	result.BytesWritten = m.Size + signatures
	result.Digest, result.MediaType, result.Verified = m.Digest, m.MediaType, true
	return nil
}

// put gives a manifest the name of the step's destination, and signs it.
func (r *runner) put(ctx context.Context, step *plan.Step, there image.Shelved, m registry.Manifest) (signatures int64, err error) {
	if err := guard(step)(ctx, m.Digest); err != nil {
		return 0, err
	}
	if !step.InPlace || step.Result.PreviousDigest != m.Digest {
		if err := there.PutManifest(ctx, there.Identifier, m); err != nil {
			return 0, err
		}
	}
	return r.sign(ctx, step, m)
}

// sign signs what the step has written, or found in place.
func (r *runner) sign(ctx context.Context, step *plan.Step, m registry.Manifest) (signatures int64, err error) {
	if step.Unsigned {
		return 0, nil
	}
	return r.Copier.Sign(ctx, step.Destination, m)
}

// guard says why a step's tag must not be made to name a manifest.
func guard(step *plan.Step) func(context.Context, digest.Digest) error {
	return func(ctx context.Context, d digest.Digest) error {
		if err := step.MayName(ctx, d); err != nil || !step.Guarded {
			return err
		}
		there, err := onShelf(step)
		if err != nil {
			return err
		}
		return unmoved(ctx, step, there)
	}
}

// unmoved says if a tag does not name any more what planning has found.
func unmoved(ctx context.Context, step *plan.Step, there image.Shelved) error {
	now, err := there.Resolve(ctx, there.Identifier)
	expected := step.Result.PreviousDigest
	if err != nil && (expected != "" || !fault.Is(err, fault.NotFound)) {
		return err
	}
	if now.Digest != expected {
		return fault.New(fault.Conflict, fmt.Errorf("the tag has been moved by somebody else: it names %s, and %s was expected", orNothing(now.Digest), orNothing(expected)))
	}
	return nil
}

func orNothing(d digest.Digest) string { return cmp.Or(d.String(), "nothing") }

// write writes an index of images that the repository has.
func (r *runner) write(ctx context.Context, step *plan.Step) error {
	there, err := onShelf(step)
	if err != nil {
		return err
	}
	result, index := &step.Result, *step.Manifest
	if err := step.VouchParts(ctx, r.Copier); err != nil {
		return err
	}
	if err := content.Complete(ctx, there, index); err != nil {
		return fault.At(fault.Destination, result.Destination, err)
	}
	signatures, err := r.put(ctx, step, there, index)
	if err != nil {
		return fault.At(fault.Destination, result.Destination, err)
	}
	result.Digest, result.MediaType, result.Verified = index.Digest, index.MediaType, true
	switch {
	case !step.InPlace:
		result.BytesWritten = index.Size + signatures
	case signatures == 0:
		result.Status, result.PreviousDigest = report.Unchanged, ""
	default:
		result.BytesWritten, result.Reason = signatures, "signatures added"
	}
	return nil
}

// onShelf is the way to the destination of a step that moves no blob.
func onShelf(step *plan.Step) (image.Shelved, error) {
	there, ok := step.Destination.Shelf()
	if !ok {
		return there, fault.At(fault.Destination, step.Result.Destination,
			fault.New(fault.Internal, errors.New("only a registry or an OCI layout gives tags to what it has")))
	}
	return there, nil
}

// tagged is the manifest that a retag in a repository is about.
func (r *runner) tagged(ctx context.Context, b *batch, step *plan.Step, there image.Shelved) (registry.Manifest, error) {
	if needed := step.Needs; needed != nil && needed.Itself && b.confirmed.Bytes != nil {
		if step.Wanted == "" || step.Wanted == b.confirmed.Digest {
			return b.confirmed, nil
		}
	}
	m, err := there.Manifest(ctx, retagged(step))
	step.Result.BytesRead = m.Size
	return m, err
}

// retagged is the tag or digest of what gets another tag: what the step needs,
// which may have become another than was planned, and whose source may have moved
// between two looks. Of an image that is its own source it is what was planned.
func retagged(step *plan.Step) string {
	switch needed := step.Needs; {
	case needed != nil && !needed.Itself && needed.Result.Digest != "":
		return needed.Result.Digest.String()
	case step.Wanted != "":
		return step.Wanted.String()
	case needed != nil:
		return needed.Result.Digest.String()
	}
	return step.Source.Identifier()
}
