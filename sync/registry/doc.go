// Package registry is the client of all registries of a run: one pool of
// connections per registry, one token per repository and action, limits on what
// is in flight and on what is read, and retries of what is worth repeating.
//
//	client := registry.NewClient(registry.Options{UserAgent: "csync"})
//	defer client.Close()
//	source, err := client.Source(name, registry.Access{})
//	…
//	manifest, err := source.Manifest(ctx, "1.28")
//
// Where a repository is, and how it is reached, is what the files of podman and
// skopeo say: containers-registries.conf(5), containers-certs.d(5),
// containers-auth.json(5). The protocol is that of the OCI distribution
// specification 1.1 and of distribution's "Token Authentication Specification".
//
// Every error is a [csync/sync/fault.Error] and says what was being done.
package registry
