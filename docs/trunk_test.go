package docs

import (
	"fmt"
	"net/http"
	"testing"

	"csync/sync/registry/registrytest"
)

// builtHash is what the images of trunk are tagged with.
const builtHash = "3f2a9b1c_4ce1c4fb"

// trunk is the registry that the docs promote from: a release for two platforms,
// another for one, an image for platforms that a destination has not, and one with
// a signature and an SBOM.
func trunk(t *testing.T) *registrytest.Registry {
	t.Helper()
	r := registrytest.Start(t, registrytest.TLS())
	for i, name := range []string{"base", "nova-api", "neutron-server"} {
		x86 := registrytest.RandomImage(200+i, registrytest.WithDocker())
		repository := "tripleomaster/openstack-" + name
		r.Push(t, repository, builtHash, x86)
		r.Push(t, repository, builtHash+"_x86_64", x86)
		if name != "neutron-server" {
			r.Push(t, repository, builtHash+"_ppc64le",
				registrytest.RandomImage(300+i, registrytest.WithDocker(), registrytest.WithPlatform("linux/ppc64le")))
		}
		r.Push(t, "tripleoqueens/centos-binary-"+name, builtHash, registrytest.RandomImage(400+i, registrytest.WithDocker()))
	}
	signed := registrytest.RandomImage(700, registrytest.WithDocker())
	r.Push(t, "product/web", builtHash, signed)
	tag, signature := registrytest.CosignSignature(signed)
	r.Push(t, "product/web", tag, signature)
	r.Push(t, "product/web", "", registrytest.Artifact(&signed, "application/spdx+json"))
	r.Push(t, "product/app", "8.6", registrytest.MultiPlatform(500, "linux/amd64", "linux/arm64"))
	r.Push(t, "product/app", "8.6-z", registrytest.MultiPlatform(600, "linux/amd64", "linux/s390x"))
	return r
}

// dlrn answers as DLRN's API does: the images of trunk are current-tripleo's.
func dlrn(t *testing.T) *registrytest.Registry {
	t.Helper()
	r := registrytest.Start(t, registrytest.TLS())
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != "/api-centos9-master-uc/api/promotions" {
			return false
		}
		if name := req.URL.Query().Get("promote_name"); name == "current-tripleo" {
			_, _ = fmt.Fprintf(w, `[{"promote_name": %q, "aggregate_hash": "", "commit_hash": "3f2a9b1c", "distro_hash": "4ce1c4fbc8f8d0f4"}]`, name)
		} else {
			_, _ = fmt.Fprint(w, "[]")
		}
		return true
	})
	return r
}
