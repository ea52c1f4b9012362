package registry

import (
	"context"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Referrers lists the manifests whose subject has digest d, by the API or,
// where the registry does not know it, by the referrers tag (OCI distribution
// 1.1, "Listing Referrers"). A repository that is not there has none.
func (r *Repository) Referrers(ctx context.Context, d digest.Digest) ([]v1.Descriptor, error) {
	e := r.primary
	var all []v1.Descriptor
	err := e.oras.Referrers(ctx, v1.Descriptor{Digest: d}, "", func(page []v1.Descriptor) error {
		if all = append(all, page...); len(all) > maxListed {
			return unsupported("the list has more than %d referrers", maxListed)
		}
		return nil
	})
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, e.Failure(ctx, err, "listing referrers of %s in %s", d, e.Name())
	}
	return all, nil
}
