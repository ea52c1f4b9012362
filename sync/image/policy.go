package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/sirupsen/logrus"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/configfile"

	"csync/sync/content"
	"csync/sync/fault"
)

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

// policyContext makes a new context for every image: one is not safe for
// concurrent use.
func (c *Copier) policyContext() (*signature.PolicyContext, error) {
	context, err := signature.NewPolicyContext(c.Policy)
	if err != nil {
		return nil, fault.New(fault.Policy, fmt.Errorf("loading trust policy: %w", err))
	}
	if c.RequireSigned {
		context.RequireSignatureVerification(true)
	}
	return context, nil
}

// admit asks the policy about the image before anything of it is moved.
// signatures is true where the answer depends on them: then only the library's
// own transport, which can read them, can give it.
func (c *Copier) admit(ctx context.Context, source *registrySource) (signatures bool, err error) {
	policy, err := c.policyContext()
	if err != nil {
		return false, err
	}
	defer destroy(policy)
	allowed, err := policy.IsRunningImageAllowed(ctx, image.UnparsedInstance(source, nil))
	if source.signaturesAsked.Load() {
		return true, nil
	}
	if err == nil && !allowed {
		err = errors.New("the policy does not allow it")
	}
	if err != nil {
		return false, source.at(fault.New(fault.Policy, fmt.Errorf("Source image rejected: %w", err)))
	}
	return false, nil
}

// admitInstances asks the policy about instances of an index, as copy.Image does
// about those that it copies.
func (c *Copier) admitInstances(ctx context.Context, source plannedReference, instances []*content.Tree) error {
	policy, err := c.policyContext()
	if err != nil {
		return err
	}
	defer destroy(policy)
	opened, err := source.NewImageSource(ctx, source.location.System)
	if err != nil {
		return err
	}
	defer opened.Close()
	for _, instance := range instances {
		if _, err := policy.IsRunningImageAllowed(ctx, image.UnparsedInstance(opened, &instance.Manifest.Digest)); err != nil {
			return fmt.Errorf("Source image rejected: %w", err)
		}
	}
	return nil
}

func destroy(policy *signature.PolicyContext) {
	if err := policy.Destroy(); err != nil {
		logrus.Debugf("closing the policy: %v", err)
	}
}
