// Package quay is the part of Quay's own API that promotions need: repositories
// have to be made with a visibility before anything is written to them, and
// tags and repositories are removed.
//
//	api, err := client.API("quay.example.com", transport.Access{RegistryToken: token})
//	…
//	created, err := quay.At(api).Create(ctx, name, quay.Public, "nova-api of master")
//
// The token is that of an OAuth application, which is no user's password.
// Requests wait, are repeated and counted as all of the transport's. Every error
// is a [csync/sync/fault.Error] that names the repository.
package quay
