// Package registry is the registries of a run: repositories with their tags,
// manifests, blobs and referrers, and the catalogs that list them.
//
//	t := transport.New(transport.Options{UserAgent: "csync"})
//	defer t.Close()
//	client := registry.NewClient(t, registry.Options{})
//	source, err := client.Source(name, transport.Access{})
//	…
//	manifest, err := source.Manifest(ctx, "1.28")
//
// Where a repository is, is what containers-registries.conf(5) says. The protocol
// is that of the OCI distribution specification 1.1. How requests get to a
// registry, and what they need to be let in, is the transport's.
//
// Every error is a [csync/sync/fault.Error] and says what was being done.
package registry
