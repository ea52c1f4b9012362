package job

import (
	"errors"

	"csync/sync/fault"
	"csync/sync/image/trust"
)

// Trust says which images are accepted: those that policy.json does, unless it
// says otherwise.
type Trust struct {
	// Insecure accepts images whatever the policy says.
	Insecure bool
	// RequireSigned refuses what the policy accepts unsigned.
	RequireSigned bool
}

// trust is the signature policy. A machine without any policy.json accepts every
// image, as it does for tools that know of no policy; where the policy has to
// be there, as for skopeo, its absence is an error.
func (j *job) trust(required bool) error {
	j.copier.Trust.RequireSigned = j.Trust.RequireSigned
	if j.Trust.Insecure && j.Trust.RequireSigned {
		return fault.New(fault.Input, errors.New("--insecure-policy and --require-signed exclude each other"))
	}
	if j.Trust.Insecure {
		j.copier.Trust.Policy = trust.AcceptAnything()
		return nil
	}
	found, exists, err := trust.LoadPolicy(j.Registry.System)
	switch {
	case err != nil:
		return err
	case exists:
		j.copier.Trust.Policy = found
	case required || j.Trust.RequireSigned:
		return fault.WithRemedy(fault.Input, errors.New("loading trust policy: there is no policy.json"), "use --policy FILE or --insecure-policy")
	default:
		j.logger.Debug("there is no policy.json: images are accepted without a signature")
		j.copier.Trust.Policy = trust.AcceptAnything()
	}
	return nil
}
