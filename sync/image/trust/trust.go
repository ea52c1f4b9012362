package trust

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/configfile"

	"csync/sync/fault"
	"csync/sync/log"
	"csync/sync/memory"
	"csync/sync/registry"
)

// Trust decides which images may be copied. It is safe for concurrent use.
type Trust struct {
	// Policy decides; required.
	Policy *signature.Policy
	// RequireSigned refuses what the policy accepts without a signature.
	RequireSigned bool
	// Admitted remembers between runs what was admitted because of signatures;
	// nil: nothing does.
	Admitted *memory.File[Admission]

	fingerprint sync.Once
	policyIs    string
}

// LoadPolicy reads the signature policy, containers-policy.json(5): the file
// that sys names, else the system's. ok is false where the system has none.
func LoadPolicy(sys *types.SystemContext) (policy *signature.Policy, ok bool, err error) {
	policy, err = signature.DefaultPolicy(sys)
	if errors.Is(err, configfile.ErrConfigFileNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fault.New(fault.Input, fmt.Errorf("loading trust policy: %w", err))
	}
	return policy, true, nil
}

// AcceptAnything is the policy of --insecure-policy.
func AcceptAnything() *signature.Policy {
	return &signature.Policy{Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()}}
}

// Blanket is the policy's answer for all that a reference may name, where that
// takes neither a manifest nor a signature; decided is false where it does. The
// error has the kind policy.
func (t *Trust) Blanket(ctx context.Context, ref types.ImageReference) (decided bool, err error) {
	curious := &curious{ref: ref}
	err = t.ask(ctx, image.UnparsedInstance(curious, nil))
	if curious.asked {
		return false, nil
	}
	return true, err
}

// Allow asks the policy about a manifest that ref, or an index below it, names.
// The error has the kind policy where it is refused.
func (t *Trust) Allow(ctx context.Context, ref types.ImageReference, m registry.Manifest, store Store) error {
	s := &subject{ref: ref, manifest: m, store: store}
	err := t.ask(ctx, image.UnparsedInstance(s, &m.Digest))
	switch {
	case s.failed != nil:
		return fmt.Errorf("reading signatures: %w", s.failed)
	case err == nil || !s.sigstore:
		return err
	}
	return inDirectory(ctx, m, s.found, func(unparsed types.UnparsedImage) error {
		return t.ask(ctx, image.UnparsedInstanceWithReference(unparsed, ref))
	})
}

// ask makes a new context for every question: one is not safe for concurrent
// use.
func (t *Trust) ask(ctx context.Context, unparsed types.UnparsedImage) error {
	policy, err := signature.NewPolicyContext(t.Policy)
	if err != nil {
		return fault.New(fault.Policy, fmt.Errorf("loading trust policy: %w", err))
	}
	defer func() {
		if err := policy.Destroy(); err != nil {
			log.From(ctx).Debugf("closing the policy: %v", err)
		}
	}()
	if t.RequireSigned {
		policy.RequireSignatureVerification(true)
	}
	allowed, err := policy.IsRunningImageAllowed(ctx, unparsed)
	if err == nil && !allowed {
		err = errors.New("the policy does not allow it")
	}
	if err != nil {
		return fault.New(fault.Policy, fmt.Errorf("Source image rejected: %w", err))
	}
	return nil
}

// subject is a manifest that the policy is asked about, as the library's
// types.ImageSource. To the library it has simple signatures only.
type subject struct {
	noImage
	ref      types.ImageReference
	manifest registry.Manifest
	store    Store

	found    []Signature
	sigstore bool // some of those are sigstore's
	failed   error
}

func (s *subject) Reference() types.ImageReference { return s.ref }

func (s *subject) GetManifest(context.Context, *digest.Digest) ([]byte, string, error) {
	return s.manifest.Bytes, s.manifest.MediaType, nil
}

// GetSignatures is called by policies that want any.
func (s *subject) GetSignatures(ctx context.Context, _ *digest.Digest) ([][]byte, error) {
	if s.found == nil && s.failed == nil {
		s.found, s.failed = s.store.Signatures(ctx, s.manifest.Digest)
	}
	var simple [][]byte
	for _, signature := range s.found {
		if signature.Sigstore() {
			s.sigstore = true
			continue
		}
		simple = append(simple, signature)
	}
	return simple, s.failed
}

// curious is an image of which nothing is known but its name. It notes whether
// more than that is asked for.
type curious struct {
	noImage
	ref   types.ImageReference
	asked bool
}

var errAsked = errors.New("not known yet")

func (c *curious) Reference() types.ImageReference { return c.ref }

func (c *curious) GetManifest(context.Context, *digest.Digest) ([]byte, string, error) {
	c.asked = true
	return nil, "", errAsked
}

func (c *curious) GetSignatures(context.Context, *digest.Digest) ([][]byte, error) {
	c.asked = true
	return nil, errAsked
}
