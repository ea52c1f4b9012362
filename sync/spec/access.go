package spec

import (
	"csync/sync/registry/transport"

	"go.podman.io/image/v5/types"
	"go.yaml.in/yaml/v3"
)

// accessReader reads how one registry is reached.
type accessReader struct {
	*reader
	place  Position // of the registry
	access transport.Access
	login  login
}

func (a *accessReader) readTLSVerify(node *yaml.Node) {
	if verify, ok := a.boolean(node, "tls-verify"); ok {
		a.access.TLSVerify = types.NewOptionalBool(verify)
	}
}

func (a *accessReader) readCertDir(node *yaml.Node) {
	dir, ok := a.text(node, "cert-dir")
	if ok && dir == "" {
		a.doubt(a.at(node), "cert-dir is empty; leave it out for the system's certificates")
	}
	a.access.CertDir = dir
}
