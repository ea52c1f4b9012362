// Package transport sends requests to registries: over one pool of connections
// per registry, with one token per repository and action, with limits on what is
// in flight and on what is read, and again where that is worth it.
//
//	t := transport.New(transport.Options{UserAgent: "csync"})
//	defer t.Close()
//	session := t.Session() // of one run
//	endpoint, err := session.Endpoint(transport.Route{Registry: "q.io", Repository: "a/b"})
//	…
//	req, err := endpoint.Request(ctx, http.MethodGet, "tags/list", nil)
//	…
//	resp, err := endpoint.Send(req, 1<<20)
//
// A [Transport] may serve any number of runs, one after another or at the same
// time. They share connections, limits, and the tokens of equal credentials; all
// else that is found out about a registry ends with its [Session].
//
// How registries are reached is what the files of podman and skopeo say:
// containers-certs.d(5), containers-auth.json(5). The protocol is that of
// distribution's "Token Authentication Specification". What is asked over it is
// [csync/sync/registry]'s.
package transport
